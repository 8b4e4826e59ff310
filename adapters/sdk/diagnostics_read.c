#include "adapters/sdk/diagnostics_read.h"

#include <string.h>

#include "adapters/sdk/normalise.h"
#include "proto/base/list.h"

const struct mr_sheet_column mr_diagnostics_sheet[COLUMNS] = {
        [NUMBER] = {"Номер результата|result_id", true},
        [SNILS] = {"СНИЛС|snils"},
        [LOCAL_ID] = {"Табельный номер|local_id"},
        [FAMILY] = {"Фамилия"},
        [GIVEN] = {"Имя"},
        [PATRONYMIC] = {"Отчество"},
        [DATE] = {"Дата|Дата прохождения", true},
        [INSTRUMENT] = {"Инструмент"},
        [SCALE] = {"Шкала", true},
        [AREA] = {"Область|Область компетенций", true},
        [SCORE] = {"Балл|Баллы"},
        [MAXIMUM] = {"Максимум|Максимальный балл"},
        [SCORE_BEFORE] = {"Балл до"},
        [LEVEL] = {"Уровень"},
        [LEVEL_BEFORE] = {"Уровень до"},
        [LEVEL_WHOLE] = {"Общий уровень"},
        [DEFICIT] = {"Дефицит"},
        [COMPETENCE] = {"Компетенция"},
        [SEVERITY] = {"Тяжесть|Выраженность"},
        [RECOMMENDATION] = {"Рекомендация"},
        [KIND] = {"Тип|Тип диагностики"},
        [BASELINE] = {"Исходная диагностика|Исходный результат"},
        [COURSE] = {"Курс"},
};

/* ---- reading rows ---- */

char *mr_diagnostics_keep(struct result *result, const char *text)
{
    char *copy = mr_arena_strdup(&result->arena, text);

    return copy ? copy : (char *)protobuf_c_empty_string;
}

/* The code of a title or code; what is in no list goes as typed: the hub holds it back and says so. */
char *mr_diagnostics_code(struct result *result, size_t row, enum column column, const char *list)
{
    const char *text = mr_sheet_text(result->sheet, row, column);
    const char *found = *text ? mr_config_code_find(result->map->config, list, text) : NULL;

    return mr_diagnostics_keep(result, found ? found : text);
}

static bool read_kind(struct result *result, size_t row)
{
    const char *text = mr_sheet_text(result->sheet, row, KIND);

    result->again = mr_fold_equal(text, "повторная");
    if (*text == '\0' || result->again || mr_fold_equal(text, "первичная"))
        return true;
    return mr_sheet_problem(
            result->sheet, row, KIND, "неизвестный тип", "напишите «первичная» или «повторная»");
}

static bool read_person(struct result *result, size_t row)
{
    char snils[12];

    if (!mr_sheet_snils(result->sheet, row, SNILS, snils))
        return false;
    if (*snils == '\0' && *mr_sheet_text(result->sheet, row, LOCAL_ID) == '\0')
        return mr_sheet_problem(
                result->sheet, row, SNILS, "человек не указан", "укажите СНИЛС или табельный номер");
    nms__event__v1__person__init(&result->person);
    result->person.snils = mr_diagnostics_keep(result, snils);
    result->person.local_id = mr_diagnostics_keep(result, mr_sheet_text(result->sheet, row, LOCAL_ID));
    result->person.family_name = mr_diagnostics_keep(result, mr_sheet_text(result->sheet, row, FAMILY));
    result->person.given_name = mr_diagnostics_keep(result, mr_sheet_text(result->sheet, row, GIVEN));
    result->person.patronymic = mr_diagnostics_keep(result, mr_sheet_text(result->sheet, row, PATRONYMIC));
    return true;
}

/* What must be the same in all rows is read from the first. */
bool mr_diagnostics_read_head(struct result *result)
{
    size_t row = result->rows[0];
    char date[11];
    const char *baseline;

    if (!mr_sheet_needed(result->sheet, row, NUMBER, NUMBER_BYTES_MAX) || !read_kind(result, row) ||
            !read_person(result, row) || !mr_sheet_date(result->sheet, row, DATE, true, date) ||
            !mr_sheet_needed(result->sheet, row, SCALE, 128))
        return false;
    result->number = mr_diagnostics_keep(result, mr_sheet_text(result->sheet, row, NUMBER));
    result->date = mr_diagnostics_keep(result, date);
    result->event_id =
            mr_arena_printf(&result->arena, "%sdiagnostic-%s", result->again ? "re" : "", result->number);
    baseline = mr_sheet_text(result->sheet, row, BASELINE);
    if (strrchr(baseline, '#'))
        baseline = strrchr(baseline, '#') + 1;
    if (strncmp(baseline, "diagnostic-", 11) == 0)
        baseline += 11;
    result->baseline_number = mr_diagnostics_keep(result, baseline);
    return true;
}

static bool check_same(struct result *result, size_t row)
{
    static const enum column same[] = {
            SNILS, LOCAL_ID, DATE, INSTRUMENT, SCALE, KIND, BASELINE, COURSE, LEVEL_WHOLE};

    for (size_t i = 0; i < MR_COUNT(same); i++)
        if (strcmp(mr_sheet_text(result->sheet, row, same[i]),
                    mr_sheet_text(result->sheet, result->rows[0], same[i])) != 0)
            return mr_sheet_problem(result->sheet, row, same[i],
                    "не так, как в первой строке этого результата",
                    "у строк с одним номером это значение должно быть одинаковым; у другого результата свой "
                    "номер");
    return true;
}

static bool read_change(struct result *result, struct area *area)
{
    bool given = false;
    int32_t before = 0;
    const char *level = mr_sheet_text(result->sheet, area->row, LEVEL_BEFORE);

    if (!mr_sheet_thousandths(result->sheet, area->row, SCORE_BEFORE, &given, &before))
        return false;
    nms__event__v1__area_change__init(&area->change);
    area->has_change = result->again && (*level || given);
    area->change.area = area->score.area;
    area->change.level_before = mr_diagnostics_code(result, area->row, LEVEL_BEFORE, "level");
    area->change.level_after = area->score.level;
    if (given && area->score._score_thousandths_case) {
        area->change._change_thousandths_case =
                NMS__EVENT__V1__AREA_CHANGE___CHANGE_THOUSANDTHS_CHANGE_THOUSANDTHS;
        area->change.change_thousandths = area->score.score_thousandths - before;
    }
    return true;
}

static void read_deficit(struct result *result, struct area *area)
{
    const char *text = mr_sheet_text(result->sheet, area->row, DEFICIT);
    bool yes = mr_fold_equal(text, "да");
    bool no = mr_fold_equal(text, "нет");

    area->deficit = *text == '\0' || mr_fold_equal(text, "") ? DEFICIT_UNSAID : no ? DEFICIT_NO : DEFICIT_YES;
    area->competence = mr_diagnostics_code(result, area->row, yes || no ? COMPETENCE : DEFICIT, "competence");
}

/* The hub would hold such a result back and let its deficits go on without it. */
static bool check_score(struct result *result, const struct area *area, bool given, bool has_max)
{
    const Nms__Event__V1__AreaScore *score = &area->score;

    if (given && score->score_thousandths < 0)
        return mr_sheet_problem(
                result->sheet, area->row, SCORE, "балл меньше нуля", "укажите балл от 0 до максимума");
    if (has_max && score->max_thousandths <= 0)
        return mr_sheet_problem(result->sheet, area->row, MAXIMUM, "максимум не больше нуля",
                "укажите наибольший возможный балл или оставьте ячейку пустой");
    if (given && has_max && score->score_thousandths > score->max_thousandths)
        return mr_sheet_problem(
                result->sheet, area->row, SCORE, "балл больше максимума", "сверьте балл и максимум");
    return true;
}

bool mr_diagnostics_read_area(struct result *result, struct area *area)
{
    bool given = false;
    bool has_max = false;

    nms__event__v1__area_score__init(&area->score);
    if (!check_same(result, area->row) || !mr_sheet_needed(result->sheet, area->row, AREA, 128) ||
            !mr_sheet_thousandths(result->sheet, area->row, SCORE, &given, &area->score.score_thousandths) ||
            !mr_sheet_thousandths(
                    result->sheet, area->row, MAXIMUM, &has_max, &area->score.max_thousandths) ||
            !check_score(result, area, given, has_max))
        return false;
    if (given)
        area->score._score_thousandths_case =
                NMS__EVENT__V1__AREA_SCORE___SCORE_THOUSANDTHS_SCORE_THOUSANDTHS;
    area->score.area = mr_diagnostics_code(result, area->row, AREA, "area");
    area->score.level = mr_diagnostics_code(result, area->row, LEVEL, "level");
    read_deficit(result, area);
    return read_change(result, area);
}

bool mr_diagnostics_read(struct result *result)
{
    if (result->rows_count > AREAS_MAX || !mr_diagnostics_read_head(result))
        return false;
    for (size_t i = 0; i < result->rows_count; i++) {
        result->areas[i].row = result->rows[i];
        if (!mr_diagnostics_read_area(result, &result->areas[i]))
            return false;
    }
    return true;
}
