#include "adapters/sdk/map_diagnostics.h"

#include <stdlib.h>

#include "adapters/sdk/normalise.h"
#include "adapters/sdk/sheet.h"
#include "event/assessment.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/list.h"

enum { AREAS_MAX = 64, NUMBER_BYTES_MAX = 64, GROUP_ARENA_BYTES = 1024 * 1024 };

enum column {
    NUMBER,
    SNILS,
    LOCAL_ID,
    FAMILY,
    GIVEN,
    PATRONYMIC,
    DATE,
    INSTRUMENT,
    SCALE,
    AREA,
    SCORE,
    MAXIMUM,
    SCORE_BEFORE,
    LEVEL,
    LEVEL_BEFORE,
    LEVEL_WHOLE,
    DEFICIT,
    COMPETENCE,
    SEVERITY,
    RECOMMENDATION,
    KIND,
    BASELINE,
    COURSE,
    COLUMNS
};

static const struct mr_sheet_column columns[COLUMNS] = {
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

enum deficit { DEFICIT_UNSAID, DEFICIT_YES, DEFICIT_NO };

/* One row. */
struct area {
    size_t row;
    Nms__Event__V1__AreaScore score;
    Nms__Event__V1__AreaChange change;
    bool has_change;
    enum deficit deficit;
    char *competence;
};

/* The rows of one number. Strings in the arena. */
struct result {
    const struct mr_diagnostics_map *map;
    struct mr_sheet *sheet;
    struct mr_arena arena;
    const size_t *rows;
    size_t rows_count;
    bool again;
    char *number;
    char *date;
    char *baseline_number; /* "" when none */
    char *event_id;
    Nms__Event__V1__Person person;
    struct area areas[AREAS_MAX];
};

/* ---- reading rows ---- */

static char *keep(struct result *result, const char *text)
{
    char *copy = mr_arena_strdup(&result->arena, text);

    return copy ? copy : (char *)protobuf_c_empty_string;
}

/* The code of a title or code; what is in no list goes as typed: the hub holds it back and says so. */
static char *code(struct result *result, size_t row, enum column column, const char *list)
{
    const char *text = mr_sheet_text(result->sheet, row, column);
    const char *found = *text ? mr_config_code_find(result->map->config, list, text) : NULL;

    return keep(result, found ? found : text);
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
    result->person.snils = keep(result, snils);
    result->person.local_id = keep(result, mr_sheet_text(result->sheet, row, LOCAL_ID));
    result->person.family_name = keep(result, mr_sheet_text(result->sheet, row, FAMILY));
    result->person.given_name = keep(result, mr_sheet_text(result->sheet, row, GIVEN));
    result->person.patronymic = keep(result, mr_sheet_text(result->sheet, row, PATRONYMIC));
    return true;
}

/* What must be the same in all rows is read from the first. */
static bool read_head(struct result *result)
{
    size_t row = result->rows[0];
    char date[11];
    const char *baseline;

    if (!mr_sheet_needed(result->sheet, row, NUMBER, NUMBER_BYTES_MAX) || !read_kind(result, row) ||
            !read_person(result, row) || !mr_sheet_date(result->sheet, row, DATE, true, date) ||
            !mr_sheet_needed(result->sheet, row, SCALE, 128))
        return false;
    result->number = keep(result, mr_sheet_text(result->sheet, row, NUMBER));
    result->date = keep(result, date);
    result->event_id =
            mr_arena_printf(&result->arena, "%sdiagnostic-%s", result->again ? "re" : "", result->number);
    baseline = mr_sheet_text(result->sheet, row, BASELINE);
    if (strrchr(baseline, '#'))
        baseline = strrchr(baseline, '#') + 1;
    if (strncmp(baseline, "diagnostic-", 11) == 0)
        baseline += 11;
    result->baseline_number = keep(result, baseline);
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
    area->change.level_before = code(result, area->row, LEVEL_BEFORE, "level");
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
    area->competence = code(result, area->row, yes || no ? COMPETENCE : DEFICIT, "competence");
}

static bool read_area(struct result *result, struct area *area)
{
    bool given = false;
    bool has_max = false;

    nms__event__v1__area_score__init(&area->score);
    if (!check_same(result, area->row) || !mr_sheet_needed(result->sheet, area->row, AREA, 128) ||
            !mr_sheet_thousandths(result->sheet, area->row, SCORE, &given, &area->score.score_thousandths) ||
            !mr_sheet_thousandths(result->sheet, area->row, MAXIMUM, &has_max, &area->score.max_thousandths))
        return false;
    if (given)
        area->score._score_thousandths_case =
                NMS__EVENT__V1__AREA_SCORE___SCORE_THOUSANDTHS_SCORE_THOUSANDTHS;
    area->score.area = code(result, area->row, AREA, "area");
    area->score.level = code(result, area->row, LEVEL, "level");
    read_deficit(result, area);
    return read_change(result, area);
}

static bool read_result(struct result *result)
{
    if (result->rows_count > AREAS_MAX || !read_head(result))
        return false;
    for (size_t i = 0; i < result->rows_count; i++) {
        result->areas[i].row = result->rows[i];
        if (!read_area(result, &result->areas[i]))
            return false;
    }
    return true;
}

/* ---- which deficits there were ---- */

static void deficit_key(struct result *result, const char *id, uint8_t key[static 24])
{
    struct mr_row_sink *sink = result->sheet->sink;

    memcpy(key, "deficit:", 8);
    sink->digest(sink, mr_slice_str(id), key + 8);
}

static int remember(struct result *result, const char *id)
{
    struct mr_row_sink *sink = result->sheet->sink;
    uint8_t key[24];

    if (!sink->txn)
        return 0;
    deficit_key(result, id, key);
    return mr_outbox_put(sink->txn, mr_slice(key, sizeof key), mr_slice_str("1"));
}

/* `without_memory` where nothing is known of earlier files. */
static int remembered(struct result *result, const char *id, bool without_memory)
{
    struct mr_row_sink *sink = result->sheet->sink;
    struct mr_slice value;
    uint8_t key[24];
    int r;

    if (!sink->txn)
        return without_memory;
    deficit_key(result, id, key);
    r = mr_outbox_get(sink->txn, mr_slice(key, sizeof key), &value);
    return r == 0 ? 1 : r == MR_ENOTFOUND ? 0 : r;
}

static char *deficit_id(struct result *result, const char *number, const struct area *area)
{
    return mr_arena_printf(&result->arena, "%s:%s%s%s", number, area->score.area,
            *area->competence ? ":" : "", area->competence);
}

/* ---- events ---- */

static int emit(
        struct result *result, size_t row, const char *type, const char *id, const ProtobufCMessage *payload)
{
    struct mr_row_sink *sink = result->sheet->sink;
    struct mr_attributes a = mr_speaker_attributes(&result->map->speaker, type);

    a.id = id;
    a.time = mr_arena_printf(&result->arena, "%sT00:00:00Z", result->date);
    if (strcmp(id, result->event_id) != 0)
        a.causationid = result->event_id;
    return sink->event(sink, mr_sheet_line(result->sheet, row), &a, payload);
}

static void collect_areas(struct result *result, Nms__Event__V1__AreaScore **scores,
        Nms__Event__V1__AreaChange **changes, size_t *ret_changes)
{
    *ret_changes = 0;
    for (size_t i = 0; i < result->rows_count; i++) {
        scores[i] = &result->areas[i].score;
        if (result->areas[i].has_change)
            changes[(*ret_changes)++] = &result->areas[i].change;
    }
}

static int emit_completed(struct result *result, Nms__Event__V1__AreaScore **scores)
{
    Nms__Event__V1__DiagnosticCompleted d = NMS__EVENT__V1__DIAGNOSTIC_COMPLETED__INIT;
    size_t row = result->rows[0];

    d.person = &result->person;
    d.diagnostic_id = result->number;
    d.instrument = code(result, row, INSTRUMENT, "instrument");
    d.scale_id = code(result, row, SCALE, "scale");
    d.level = code(result, row, LEVEL_WHOLE, "level");
    d.areas = scores;
    d.n_areas = result->rows_count;
    d.completed_on = result->date;
    return emit(result, row, "nms.diagnostic.completed.v1", result->event_id, &d.base);
}

/* "source#id"; for a baseline also the plain number of one of our own results. */
static bool read_ref(struct result *result, enum column column, Nms__Event__V1__EventRef *ref)
{
    char *text = keep(result, mr_sheet_text(result->sheet, result->rows[0], column));
    char *mark = strrchr(text, '#');

    nms__event__v1__event_ref__init(ref);
    if (mark) {
        *mark = '\0';
        ref->source = text;
        ref->id = mark + 1;
        return *ref->source && *ref->id;
    }
    if (column != BASELINE || *text == '\0')
        return false;
    ref->source = (char *)(uintptr_t)result->map->speaker.source;
    ref->id = mr_arena_printf(&result->arena, "diagnostic-%s", text);
    return true;
}

static int emit_recompleted(struct result *result, Nms__Event__V1__AreaScore **scores,
        Nms__Event__V1__AreaChange **changes, size_t changes_count)
{
    Nms__Event__V1__RediagnosticCompleted d = NMS__EVENT__V1__REDIAGNOSTIC_COMPLETED__INIT;
    Nms__Event__V1__EventRef baseline;
    Nms__Event__V1__EventRef course;
    size_t row = result->rows[0];

    d.person = &result->person;
    d.diagnostic_id = result->number;
    d.baseline = read_ref(result, BASELINE, &baseline) ? &baseline : NULL;
    d.course = read_ref(result, COURSE, &course) ? &course : NULL;
    d.instrument = code(result, row, INSTRUMENT, "instrument");
    d.scale_id = code(result, row, SCALE, "scale");
    d.level = code(result, row, LEVEL_WHOLE, "level");
    d.areas = scores;
    d.n_areas = result->rows_count;
    d.changes = changes;
    d.n_changes = changes_count;
    d.completed_on = result->date;
    return emit(result, row, "nms.rediagnostic.completed.v1", result->event_id, &d.base);
}

static Nms__Event__V1__EventRef evidence_of(struct result *result)
{
    Nms__Event__V1__EventRef ref = NMS__EVENT__V1__EVENT_REF__INIT;

    ref.source = (char *)(uintptr_t)result->map->speaker.source;
    ref.id = result->event_id;
    return ref;
}

static int emit_identified(struct result *result, const struct area *area)
{
    Nms__Event__V1__DeficitIdentified d = NMS__EVENT__V1__DEFICIT_IDENTIFIED__INIT;
    Nms__Event__V1__EventRef evidence = evidence_of(result);
    int r;

    d.person = &result->person;
    d.deficit_id = deficit_id(result, result->number, area);
    d.area = area->score.area;
    d.competence = area->competence;
    d.severity = code(result, area->row, SEVERITY, "severity");
    d.evidence = &evidence;
    d.identified_on = result->date;
    d.recommendation = keep(result, mr_sheet_text(result->sheet, area->row, RECOMMENDATION));
    r = remember(result, d.deficit_id);
    return r < 0 ? r
                 : emit(result, area->row, "nms.deficit.identified.v1",
                           mr_arena_printf(&result->arena, "deficit-%s", d.deficit_id), &d.base);
}

static int emit_closed(struct result *result, const struct area *area)
{
    Nms__Event__V1__DeficitClosed d = NMS__EVENT__V1__DEFICIT_CLOSED__INIT;
    Nms__Event__V1__EventRef evidence = evidence_of(result);

    d.person = &result->person;
    d.deficit_id = deficit_id(result, result->baseline_number, area);
    d.area = area->score.area;
    d.competence = area->competence;
    d.outcome = (char *)(uintptr_t) "eliminated";
    d.evidence = &evidence;
    d.closed_on = result->date;
    return emit(result, area->row, "nms.deficit.closed.v1",
            mr_arena_printf(&result->arena, "deficit-closed-%s", deficit_id(result, result->number, area)),
            &d.base);
}

/* At a repeat: what was there is closed or stays; what was not there and is now, is new. */
static int emit_deficit(struct result *result, const struct area *area)
{
    int was;

    if (!result->again)
        return area->deficit == DEFICIT_YES ? emit_identified(result, area) : 0;
    was = remembered(result, deficit_id(result, result->baseline_number, area), true);
    if (was < 0)
        return was;
    if (area->deficit == DEFICIT_NO && was)
        return emit_closed(result, area);
    return area->deficit == DEFICIT_YES && !was ? emit_identified(result, area) : 0;
}

static int emit_head(struct result *result)
{
    Nms__Event__V1__AreaScore *scores[AREAS_MAX];
    Nms__Event__V1__AreaChange *changes[AREAS_MAX];
    size_t changes_count;

    collect_areas(result, scores, changes, &changes_count);
    return result->again ? emit_recompleted(result, scores, changes, changes_count)
                         : emit_completed(result, scores);
}

/* ---- the file ---- */

/* The row's own mistakes, or that another row has them. */
static void tell_bad(struct result *result, size_t i)
{
    struct area *area = &result->areas[i < AREAS_MAX ? i : 0];

    area->row = result->rows[i];
    if (i == 0 && result->rows_count > AREAS_MAX)
        (void)mr_sheet_problem(result->sheet, area->row, NUMBER, "слишком много строк одного результата",
                "не больше 64 областей в одном результате");
    else if ((i > 0 || read_head(result)) && read_area(result, area))
        (void)mr_sheet_problem(result->sheet, area->row, NUMBER,
                "результат не принят из-за другой его строки",
                "исправьте отмеченную строку и подайте все строки этого результата снова");
}

/* A result goes whole or not at all: part of it under its id would bar the mended one. */
static int map_group(struct result *result)
{
    bool good;
    int r = 0;

    result->sheet->mute = true;
    good = read_result(result);
    result->sheet->mute = false;
    for (size_t i = 0; r == 0 && i < result->rows_count; i++) {
        mr_sheet_announce(result->sheet, result->rows[i]);
        if (!good) {
            tell_bad(result, i);
            continue;
        }
        if (i == 0)
            r = emit_head(result);
        if (r == 0)
            r = emit_deficit(result, &result->areas[i]);
    }
    return r;
}

/* First results, then repeats: a file may hold both of a person. */
static int map_pass(
        const struct mr_diagnostics_map *map, struct mr_sheet *sheet, struct result *result, bool again)
{
    int r = 0;

    for (size_t from = 0; r == 0 && from < sheet->rows;) {
        size_t end = mr_sheet_group_end(sheet, from, NUMBER);
        struct mr_arena arena = result->arena;

        mr_arena_reset(&arena);
        *result = (struct result){.map = map,
                .sheet = sheet,
                .arena = arena,
                .rows = sheet->order + from,
                .rows_count = end - from};
        if (mr_fold_equal(mr_sheet_text(sheet, result->rows[0], KIND), "повторная") == again)
            r = map_group(result);
        from = end;
    }
    return r;
}

int mr_diagnostics_map(void *ctx, const char *folder, const char *name, struct mr_slice content,
        struct mr_row_sink *sink, struct mr_error *reterr)
{
    struct result *result;
    struct mr_sheet sheet;
    int r = mr_sheet_open(&sheet, content, name, columns, COLUMNS, NUMBER, sink, reterr);

    (void)folder;
    if (r < 0)
        return r;
    result = calloc(1, sizeof *result);
    if (result) {
        mr_arena_init(&result->arena, GROUP_ARENA_BYTES);
        r = map_pass(ctx, &sheet, result, false);
        if (r == 0)
            r = map_pass(ctx, &sheet, result, true);
        mr_arena_fini(&result->arena);
    } else {
        r = MR_ENOMEM;
    }
    free(result);
    mr_sheet_close(&sheet);
    return r;
}

bool mr_diagnostics_matches(struct mr_slice content, const char *name)
{
    return mr_sheet_matches(content, name, columns, COLUMNS);
}
