#include <string.h>

#include "adapters/school/map_internal.h"
#include "adapters/sdk/normalise.h"
#include "proto/base/list.h"

enum column {
    NUMBER,
    SNILS,
    FAMILY,
    GIVEN,
    PATRONYMIC,
    BIRTH,
    SEX,
    POST,
    GROUP,
    CATEGORY,
    MAIN,
    HIRED,
    SERVICE,
    DISMISSED,
    EMAIL,
    OGRN,
    COLUMNS
};

static const struct {
    const char *names;
    bool needed; /* in the header */
} columns[COLUMNS] = {
        [NUMBER] = {"Табельный номер|Таб. номер|Таб №|tab_number", false},
        [SNILS] = {"СНИЛС|snils", true},
        [FAMILY] = {"Фамилия|family_name", true},
        [GIVEN] = {"Имя|given_name", true},
        [PATRONYMIC] = {"Отчество|patronymic", false},
        [BIRTH] = {"Дата рождения|birth_date", false},
        [SEX] = {"Пол|sex", false},
        [POST] = {"Должность|post", true},
        [GROUP] = {"Группа (ПР/УК)|Группа|staff_group", true},
        [CATEGORY] = {"Квалификационная категория|Категория|qual_category", false},
        [MAIN] = {"Основное место (да/нет)|Основное место|Основное место работы", false},
        [HIRED] = {"Дата приёма|Дата приема на работу|started_on", true},
        [SERVICE] = {"Педагогический стаж с (дата)|Педагогический стаж с|service_since", false},
        [DISMISSED] = {"Дата увольнения|ended_on", false},
        [EMAIL] = {"Электронная почта|E-mail|email", false},
        [OGRN] = {"ОГРН|ogrn", false},
};

struct word {
    const char *text, *value;
};
static const struct word groups[] = {{"ПР", "PR"}, {"УК", "UK"}, {"Педагогический работник", "PR"},
        {"Управленческие кадры", "UK"}, {NULL, NULL}};
static const struct word sexes[] = {{"М", "M"}, {"муж", "M"}, {"мужской", "M"}, {"Ж", "F"}, {"жен", "F"},
        {"женский", "F"}, {"F", "F"}, {NULL, NULL}};
static const struct word mains[] = {{"да", "main"}, {"нет", "part-time"}, {"1", "main"}, {"0", "part-time"},
        {"совместительство", "part-time"}, {NULL, NULL}};
static const struct word categories[] = {
        {"нет", "none"}, {"без категории", "none"}, {"первая", "first"}, {"высшая", "highest"}, {NULL, NULL}};

static const char *find_word(const struct word *words, const char *text)
{
    for (; words->text; words++)
        if (mr_fold_equal(words->text, text))
            return words->value;
    return NULL;
}

struct staff {
    struct mr_school_file *file;
    const struct mr_table *table;
    int at[COLUMNS];
    size_t row;
};

static const char *cell(const struct staff *staff, enum column column)
{
    return mr_table_cell(staff->table, staff->row, staff->at[column]);
}

static const char *header(const struct staff *staff, enum column column)
{
    return mr_table_header(staff->table, staff->at[column]);
}

/* One of a fixed set of words, or the problem. Empty is fine unless needed. */
static const char *word(const struct staff *staff, enum column column, const struct word *words, bool needed,
        const char *cure)
{
    const char *text = cell(staff, column);
    const char *value = *text ? find_word(words, text) : NULL;

    if (value)
        return value;
    if (*text || needed)
        mr_school_problem(staff->file, header(staff, column), text,
                *text ? "недопустимое значение" : "не заполнено", cure);
    return "";
}

/* A code of the configured list by title or code; what the list does not know is left to the hub to hold. */
static const char *category(const struct staff *staff)
{
    const struct mr_config *config = staff->file->map->config;
    const char *text = cell(staff, CATEGORY);
    const char *word_code = *text ? find_word(categories, text) : NULL;
    const char *code;

    if (word_code && !mr_config_code_find(config, "qual_category", text) &&
            mr_config_code_known(config, "qual_category", word_code))
        return word_code;
    code = mr_school_code(staff->file, header(staff, CATEGORY), "qual_category", text);
    return code == text && word_code ? word_code : code;
}

static void take_person(const struct staff *staff, Nms__Event__V1__Person *person, char snils[static 12],
        char birth[static 11])
{
    struct mr_school_file *file = staff->file;

    mr_school_snils(file, header(staff, SNILS), cell(staff, SNILS), snils);
    mr_school_date(file, header(staff, BIRTH), cell(staff, BIRTH), false, birth);
    person->snils = snils;
    person->birth_date = birth;
    person->family_name = (char *)mr_school_needed(file, header(staff, FAMILY), cell(staff, FAMILY));
    person->given_name = (char *)mr_school_needed(file, header(staff, GIVEN), cell(staff, GIVEN));
    person->patronymic = (char *)cell(staff, PATRONYMIC);
    person->email = (char *)cell(staff, EMAIL);
    person->sex = (char *)word(staff, SEX, sexes, false, "напишите м или ж");
    if (cell(staff, SNILS)[0] == 0 && cell(staff, NUMBER)[0] == 0)
        mr_school_problem(
                file, header(staff, SNILS), "", "нет ни СНИЛС, ни табельного номера", "укажите СНИЛС");
}

static int take_row(struct staff *staff)
{
    struct mr_school_file *file = staff->file;
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    char snils[12], birth[11], hired[11], service[11], dismissed[11];
    bool numbered = cell(staff, NUMBER)[0] != 0;
    struct mr_school_employment employment = {.person = &person};
    int r;

    if (cell(staff, OGRN)[0])
        mr_school_own_ogrn(file, header(staff, OGRN), cell(staff, OGRN));
    take_person(staff, &person, snils, birth);
    mr_school_date(file, header(staff, HIRED), cell(staff, HIRED), true, hired);
    mr_school_date(file, header(staff, SERVICE), cell(staff, SERVICE), false, service);
    mr_school_date(file, header(staff, DISMISSED), cell(staff, DISMISSED), false, dismissed);
    employment.key_kind = numbered ? "number" : "snils";
    employment.key = numbered ? cell(staff, NUMBER) : snils;
    employment.person_kind = employment.key_kind;
    employment.person_key = employment.key;
    employment.post = mr_school_needed(file, header(staff, POST), cell(staff, POST));
    employment.staff_group = word(staff, GROUP, groups, true, "напишите ПР или УК");
    employment.qual_category = category(staff);
    employment.part_time = word(staff, MAIN, mains, false, "напишите да или нет");
    employment.started_on = hired;
    employment.service_since = service;
    employment.ended_on = dismissed;
    r = mr_school_send_person(file, &person, employment.key_kind, employment.key);
    return r < 0 ? r : mr_school_send_employment(file, &employment);
}

static int find_columns(struct staff *staff)
{
    for (int i = 0; i < COLUMNS; i++) {
        staff->at[i] = mr_table_column(staff->table, columns[i].names);
        if (staff->at[i] < 0 && columns[i].needed)
            return mr_error_set(staff->file->error, MR_EINVAL, "первая строка",
                    "добавьте столбец или исправьте его название", "нет столбца «%.*s»",
                    (int)strcspn(columns[i].names, "|"), columns[i].names);
    }
    return 0;
}

int mr_school_map_staff(struct mr_school_file *file, const struct mr_table *table, bool full)
{
    struct staff staff = {.file = file, .table = table};
    int r = find_columns(&staff);

    if (r < 0)
        return r;
    file->sink->table(file->sink, "", mr_table_raw_header(table));
    if (mr_table_notes(table))
        file->sink->note(file->sink, MR_ROW_NONE, mr_table_notes(table));
    for (staff.row = 0; r == 0 && staff.row < mr_table_rows(table); staff.row++) {
        mr_school_row(file, mr_table_line(table, staff.row), mr_table_raw(table, staff.row));
        r = take_row(&staff);
    }
    return r == 0 && full ? mr_school_end_absent(file) : r;
}
