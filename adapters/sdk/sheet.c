#include "adapters/sdk/sheet.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/base/list.h"
#include "proto/wire/ident.h"

/* First of the names, as people know it. */
static void title_of(const struct mr_sheet_column *column, char *out, size_t size)
{
    size_t n = strcspn(column->names, "|");

    n = n < size ? n : size - 1;
    memcpy(out, column->names, n);
    out[n] = '\0';
}

static int find_columns(struct mr_sheet *sheet, size_t count, struct mr_error *reterr)
{
    for (size_t i = 0; i < count; i++) {
        char title[128];

        sheet->at[i] = mr_table_column(sheet->table, sheet->columns[i].names);
        if (sheet->at[i] >= 0 || !sheet->columns[i].required)
            continue;
        title_of(&sheet->columns[i], title, sizeof title);
        return mr_error_set(reterr, MR_EINVAL, "строка 1",
                "добавьте столбец; названия столбцов стоят в первой строке", "нет столбца «%s»", title);
    }
    return 0;
}

struct keyed_row {
    const char *key;
    size_t row;
};

static int compare_rows(const void *a, const void *b)
{
    const struct keyed_row *x = a;
    const struct keyed_row *y = b;
    int r = strcmp(x->key, y->key);

    return r ? r : (x->row > y->row) - (x->row < y->row);
}

static int sort_rows(struct mr_sheet *sheet, int key_column)
{
    struct keyed_row *keyed = calloc(sheet->rows + 1, sizeof *keyed);

    sheet->order = calloc(sheet->rows + 1, sizeof *sheet->order);
    if (!keyed || !sheet->order) {
        free(keyed);
        return MR_ENOMEM;
    }
    for (size_t i = 0; i < sheet->rows; i++)
        keyed[i] = (struct keyed_row){mr_sheet_text(sheet, i, key_column), i};
    qsort(keyed, sheet->rows, sizeof *keyed, compare_rows);
    for (size_t i = 0; i < sheet->rows; i++)
        sheet->order[i] = keyed[i].row;
    free(keyed);
    return 0;
}

int mr_sheet_open(struct mr_sheet *sheet, struct mr_slice content, const char *name,
        const struct mr_sheet_column *columns, size_t count, int key_column, struct mr_row_sink *sink,
        struct mr_error *reterr)
{
    int r;

    assert(count <= MR_SHEET_COLUMNS_MAX);
    *sheet = (struct mr_sheet){.columns = columns, .sink = sink};
    r = mr_table_read(&sheet->table, content, name, reterr);
    if (r == 0)
        r = find_columns(sheet, count, reterr);
    if (r == 0) {
        sheet->rows = mr_table_rows(sheet->table);
        r = sort_rows(sheet, key_column);
    }
    if (r < 0) {
        mr_sheet_close(sheet);
        return r;
    }
    sink->table(sink, "", mr_table_raw_header(sheet->table));
    if (mr_table_notes(sheet->table))
        sink->note(sink, MR_ROW_NONE, mr_table_notes(sheet->table));
    return 0;
}

void mr_sheet_close(struct mr_sheet *sheet)
{
    mr_table_free(sheet->table);
    free(sheet->order);
    *sheet = (struct mr_sheet){0};
}

bool mr_sheet_matches(
        struct mr_slice content, const char *name, const struct mr_sheet_column *columns, size_t count)
{
    struct mr_sheet sheet = {.columns = columns};
    bool matches;

    if (mr_table_read(&sheet.table, content, name, NULL) < 0)
        return false;
    matches = find_columns(&sheet, count, NULL) == 0;
    mr_table_free(sheet.table);
    return matches;
}

size_t mr_sheet_group_end(const struct mr_sheet *sheet, size_t from, int key_column)
{
    const char *key = mr_sheet_text(sheet, sheet->order[from], key_column);
    size_t end = from + 1;

    while (end < sheet->rows && strcmp(mr_sheet_text(sheet, sheet->order[end], key_column), key) == 0)
        end++;
    return end;
}

uint32_t mr_sheet_line(const struct mr_sheet *sheet, size_t row)
{
    return mr_table_line(sheet->table, row);
}

const char *mr_sheet_text(const struct mr_sheet *sheet, size_t row, int column)
{
    return sheet->at[column] < 0 ? "" : mr_table_cell(sheet->table, row, sheet->at[column]);
}

void mr_sheet_announce_group(const struct mr_sheet *sheet, size_t rows)
{
    if (sheet->sink->group)
        sheet->sink->group(sheet->sink, rows);
}

void mr_sheet_announce(const struct mr_sheet *sheet, size_t row)
{
    sheet->sink->row(sheet->sink, mr_sheet_line(sheet, row), mr_table_raw(sheet->table, row));
}

bool mr_sheet_problem(
        const struct mr_sheet *sheet, size_t row, int column, const char *problem, const char *cure)
{
    char title[128];

    if (sheet->mute)
        return false;
    title_of(&sheet->columns[column], title, sizeof title);
    sheet->sink->problem(sheet->sink, &(struct mr_row_problem){.line = mr_sheet_line(sheet, row),
                                              .column = title,
                                              .value = mr_sheet_text(sheet, row, column),
                                              .problem = problem,
                                              .cure = cure});
    return false;
}

bool mr_sheet_needed(const struct mr_sheet *sheet, size_t row, int column, size_t bytes_max)
{
    size_t size = strlen(mr_sheet_text(sheet, row, column));

    if (size == 0)
        return mr_sheet_problem(sheet, row, column, "пусто", "заполните ячейку");
    if (size > bytes_max)
        return mr_sheet_problem(sheet, row, column, "слишком длинное значение", "сократите значение");
    return true;
}

bool mr_sheet_date(const struct mr_sheet *sheet, size_t row, int column, bool needed, char ret[static 11])
{
    const char *text = mr_sheet_text(sheet, row, column);

    if (*text == '\0' && !needed)
        return true;
    if (mr_table_date(text, ret) == 0)
        return true;
    return mr_sheet_problem(sheet, row, column, "не дата", "запишите дату как 22.11.2026");
}

bool mr_sheet_thousandths(const struct mr_sheet *sheet, size_t row, int column, bool *ret_given, int32_t *ret)
{
    const char *text = mr_sheet_text(sheet, row, column);
    int64_t value;

    if (*text == '\0')
        return true;
    if (mr_table_decimal(text, &value) < 0 || value > 1000000000 || value < -1000000000)
        return mr_sheet_problem(sheet, row, column, "не число", "запишите число как 72,5");
    *ret_given = true;
    *ret = (int32_t)value;
    return true;
}

bool mr_sheet_count(const struct mr_sheet *sheet, size_t row, int column, int32_t *ret)
{
    bool given = false;
    int32_t thousandths = 0;

    if (!mr_sheet_thousandths(sheet, row, column, &given, &thousandths))
        return false;
    if (thousandths < 0 || thousandths % 1000 != 0)
        return mr_sheet_problem(sheet, row, column, "не целое число", "запишите целое число, например 36");
    if (given)
        *ret = thousandths / 1000;
    return true;
}

bool mr_sheet_snils(const struct mr_sheet *sheet, size_t row, int column, char ret[static 12])
{
    const char *text = mr_sheet_text(sheet, row, column);

    ret[0] = '\0';
    if (*text == '\0' || mr_ident_snils_normalise(text, ret) == 0)
        return true;
    return mr_sheet_problem(
            sheet, row, column, "в СНИЛС должно быть 11 цифр", "запишите СНИЛС как 112-233-445 95");
}
