/*
 * A table whose columns have a meaning: found by their names, cells read by kind, what is wrong told to the
 * row sink in Russian, rows gathered by a key column. Strings of cells live as long as the sheet.
 */
#ifndef MR_SDK_SHEET_H
#define MR_SDK_SHEET_H

#include "adapters/sdk/intake_file.h"
#include "adapters/sdk/table.h"

enum { MR_SHEET_COLUMNS_MAX = 32 };

struct mr_sheet_column {
    const char *names; /* "СНИЛС|snils" */
    bool required;     /* the file without it is refused as a whole */
};

struct mr_sheet {
    struct mr_table *table;
    const struct mr_sheet_column *columns;
    int at[MR_SHEET_COLUMNS_MAX]; /* index in the table; -1 */
    struct mr_row_sink *sink;
    bool mute;     /* problems are not told: for looking whether a group is good before its rows */
    size_t *order; /* rows by key, then by place */
    size_t rows;
};

/* MR_EINVAL with a Russian text: broken structure, or a required column is missing. */
int mr_sheet_open(struct mr_sheet *sheet, struct mr_slice content, const char *name,
        const struct mr_sheet_column *columns, size_t count, int key_column, struct mr_row_sink *sink,
        struct mr_error *reterr);
void mr_sheet_close(struct mr_sheet *sheet);

/* Does a file look like this: are all required columns there? */
bool mr_sheet_matches(
        struct mr_slice content, const char *name, const struct mr_sheet_column *columns, size_t count);

/* End of the group of rows in `order` that begins at `from`: all with the same key. */
size_t mr_sheet_group_end(const struct mr_sheet *sheet, size_t from, int key_column);

uint32_t mr_sheet_line(const struct mr_sheet *sheet, size_t row);
/* "" when the cell or the column is absent. */
const char *mr_sheet_text(const struct mr_sheet *sheet, size_t row, int column);
/* These rows go together: told before the first of them is announced. */
void mr_sheet_announce_group(const struct mr_sheet *sheet, size_t rows);
/* A sink wants each row just before the events and problems of that row. */
void mr_sheet_announce(const struct mr_sheet *sheet, size_t row);
/* Tells the sink. Returns false, so that `return mr_sheet_problem(...)` reads well. */
bool mr_sheet_problem(
        const struct mr_sheet *sheet, size_t row, int column, const char *problem, const char *cure);

/* Each false: told to the sink already. An empty cell is fine unless `needed`, and leaves the result as it
 * is. */
bool mr_sheet_date(const struct mr_sheet *sheet, size_t row, int column, bool needed, char ret[static 11]);
bool mr_sheet_thousandths(
        const struct mr_sheet *sheet, size_t row, int column, bool *ret_given, int32_t *ret);
/* Whole number from 0 on. */
bool mr_sheet_count(const struct mr_sheet *sheet, size_t row, int column, int32_t *ret);
/* 11 digits without separators, or "" when empty. */
bool mr_sheet_snils(const struct mr_sheet *sheet, size_t row, int column, char ret[static 12]);
/* Not empty, at most `bytes_max`. */
bool mr_sheet_needed(const struct mr_sheet *sheet, size_t row, int column, size_t bytes_max);

#endif
