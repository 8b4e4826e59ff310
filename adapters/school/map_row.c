#include <string.h>

#include "adapters/school/map_internal.h"
#include "adapters/sdk/codes.h"
#include "proto/wire/ident.h"

void mr_school_row(struct mr_school_file *file, uint32_t line, const char *raw)
{
    file->line = line;
    file->row_bad = false;
    file->sink->row(file->sink, line, raw);
}

void mr_school_problem(struct mr_school_file *file, const char *column, const char *value,
        const char *problem, const char *cure)
{
    struct mr_row_problem said = {file->line, column, value, problem, cure};

    file->row_bad = true;
    file->problems++;
    file->sink->problem(file->sink, &said);
}

/* What the hub will hold: said when the row comes back anyway. */
static void doubt(struct mr_school_file *file, const char *column, const char *value, const char *problem,
        const char *cure)
{
    struct mr_row_problem said = {file->line, column, value, problem, cure};

    if (file->sink->doubt)
        file->sink->doubt(file->sink, &said);
}

const char *mr_school_code(
        struct mr_school_file *file, const char *column, const char *list, const char *text)
{
    const struct mr_config *config = file->map->config;
    const char *code = *text ? mr_config_code_find(config, list, text) : NULL;
    char cure[512];

    if (code || !*text || mr_config_code_known(config, list, text))
        return code ? code : text;
    doubt(file, column, text, "значения нет в справочнике", mr_codes_cure(config, list, cure, sizeof cure));
    return text;
}

void mr_school_snils(struct mr_school_file *file, const char *column, const char *text, char out[static 12])
{
    out[0] = 0;
    if (*text && mr_ident_snils_normalise(text, out) != 0)
        mr_school_problem(file, column, text, "в СНИЛС не 11 цифр", "напишите СНИЛС как XXX-XXX-XXX YY");
    else if (*text && !mr_ident_snils_ok(out))
        doubt(file, column, text, "контрольная сумма СНИЛС не сходится", "сверьте СНИЛС с документом");
}

void mr_school_date(
        struct mr_school_file *file, const char *column, const char *text, bool needed, char out[static 11])
{
    out[0] = 0;
    if (*text == 0) {
        if (needed)
            mr_school_problem(file, column, "", "дата не указана", "заполните как ДД.ММ.ГГГГ");
        return;
    }
    if (mr_table_date(text, out) < 0) {
        out[0] = 0;
        mr_school_problem(file, column, text, "это не дата", "напишите как ДД.ММ.ГГГГ");
    }
}

const char *mr_school_needed(struct mr_school_file *file, const char *column, const char *text)
{
    if (*text == 0)
        mr_school_problem(file, column, "", "не заполнено обязательное поле", "заполните его");
    return text;
}

void mr_school_own_ogrn(struct mr_school_file *file, const char *column, const char *text)
{
    if (strcmp(text, file->ogrn) != 0)
        mr_school_problem(file, column, text, "строка о другой организации",
                "за организацию говорит только файл из папки с её ОГРН");
}
