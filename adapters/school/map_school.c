#include "adapters/school/map_school.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/school/map_internal.h"
#include "adapters/sdk/map.h"
#include "adapters/sdk/normalise.h"
#include "proto/wire/ident.h"

const struct mr_field_column mr_school_columns[] = {
        {"person", "СНИЛС|snils|userIds"},
        {"person.snils", "СНИЛС|snils|userIds"},
        {"person.local_id", "Табельный номер|Таб. номер|Таб №|tab_number|sourcedId"},
        {"person.family_name", "Фамилия|family_name|familyName"},
        {"person.given_name", "Имя|given_name|givenName"},
        {"person.patronymic", "Отчество|patronymic|middleName"},
        {"person.birth_date", "Дата рождения|birth_date"},
        {"person.sex", "Пол|sex"},
        {"person.email", "Электронная почта|E-mail|email"},
        {"employment_id", "Табельный номер|Таб. номер|Таб №|tab_number|sourcedId"},
        {"org_ogrn", "ОГРН|ogrn"},
        {"post", "Должность|post|metadata.post"},
        {"staff_group", "Группа (ПР/УК)|Группа|staff_group|role"},
        {"qual_category", "Квалификационная категория|Категория|qual_category"},
        {"part_time", "Основное место (да/нет)|Основное место|Основное место работы|roleType"},
        {"started_on", "Дата приёма|Дата приема на работу|started_on|beginDate"},
        {"service_since", "Педагогический стаж с (дата)|Педагогический стаж с|service_since"},
        {"ended_on", "Дата увольнения|ended_on|endDate"},
        {"ogrn", "ОГРН|ogrn|identifier"},
        {"inn", "ИНН|inn|metadata.inn"},
        {"oktmo", "ОКТМО|oktmo|metadata.oktmo"},
        {"name", "Наименование|name"},
        {"kind", "Вид|kind|metadata.kind"},
        {NULL, NULL},
};

int mr_school_map_open(struct mr_school_map **ret, const struct mr_config *config, struct mr_error *reterr)
{
    const struct mr_config_school *school = config->adapters.school;
    const struct mr_config_system *system = school ? mr_config_system(config, school->link.system) : NULL;
    struct mr_school_map *map;

    if (!system)
        return mr_error_set(reterr, MR_ECONFIG, "adapters.school", "configure it and its system",
                "the school adapter is not configured");
    map = calloc(1, sizeof *map);
    if (!map)
        return MR_ENOMEM;
    map->config = config;
    map->full_list_end_percent_max = school->full_list_end_percent_max;
    map->source = strdup(system->source);
    if (!map->source) {
        free(map);
        return MR_ENOMEM;
    }
    *ret = map;
    return 0;
}

void mr_school_map_close(struct mr_school_map *map)
{
    if (!map)
        return;
    free(map->source);
    free(map);
}

/* Mended rows are never a full list, whatever their file is called. */
static bool is_full(const char *name, const struct mr_table *table)
{
    char folded[512];

    if (strstr(name, ".rejected."))
        return false;
    if (strstr(mr_fold(mr_table_title(table), folded, sizeof folded), "полныйсписок"))
        return true;
    return strstr(mr_fold(name, folded, sizeof folded), "полныйсписок") != NULL;
}

static int map_table(struct mr_school_file *file, const char *name, struct mr_slice content)
{
    struct mr_table *table;
    int r = mr_table_read(&table, content, name, file->error);

    if (r < 0)
        return r;
    if (mr_table_column(table, "Фамилия|family_name") >= 0)
        r = mr_school_map_staff(file, table, is_full(name, table));
    else if (mr_table_column(table, "ОГРН|ogrn") >= 0 && mr_table_column(table, "Наименование|name") >= 0)
        r = mr_school_map_orgs(file, table);
    else
        r = mr_error_set(file->error, MR_EINVAL, "первая строка",
                "нужен список работников (СНИЛС, Фамилия, Имя, …) или организаций (ОГРН, Наименование, …)",
                "по названиям столбцов не понять, что это за таблица");
    mr_table_free(table);
    return r;
}

int mr_school_map(void *ctx, const char *folder, const char *name, struct mr_slice content,
        struct mr_row_sink *sink, struct mr_error *reterr)
{
    const struct mr_school_map *map = ctx;
    struct mr_school_file file = {.map = map, .ogrn = folder, .sink = sink, .error = reterr};
    int r;

    if (strlen(folder) != 13 || !mr_ident_ogrn_ok(folder))
        return mr_error_set(reterr, MR_EINVAL, "", "положите файл в папку, названную 13 цифрами ОГРН школы",
                "имя папки — не ОГРН");
    (void)snprintf(file.actor, sizeof file.actor, "school:%s", folder);
    r = mr_zip_looks_like(content) ? mr_school_map_oneroster(&file, content)
                                   : map_table(&file, name, content);
    mr_buf_fini(&file.seen);
    mr_buf_fini(&file.persons);
    return r;
}

int mr_school_guess(const char *name, struct mr_slice content)
{
    struct mr_table *table;
    int sure = 0;

    if (mr_zip_looks_like(content))
        return 60;
    if (mr_table_read(&table, content, name, NULL) < 0)
        return 0;
    if (mr_table_column(table, "Фамилия") >= 0 && mr_table_column(table, "Должность") >= 0)
        sure = 90;
    else if (mr_table_column(table, "ОГРН") >= 0 && mr_table_column(table, "Наименование") >= 0)
        sure = 70;
    mr_table_free(table);
    return sure;
}

static int open_mapper(void **ret_ctx, const struct mr_config *config, struct mr_error *reterr)
{
    struct mr_school_map *map;
    int r = mr_school_map_open(&map, config, reterr);

    if (r == 0)
        *ret_ctx = map;
    return r;
}

static void close_mapper(void *ctx)
{
    mr_school_map_close(ctx);
}

const struct mr_mapper mr_school_mapper = {
        .kind = "school",
        .what = "списки работников и организаций школы, OneRoster 1.2",
        .guess = mr_school_guess,
        .open = open_mapper,
        .close = close_mapper,
        .map = mr_school_map,
};
