/*
 * Tables as Russian offices send them: UTF-8 or cp1251, with or without BOM, separated by ; or , or tab,
 * quoted line breaks, dates dd.mm.yyyy, decimal comma, non-breaking spaces, long dashes, Latin look-alikes.
 * Reading is strict about structure (a broken quote is an error with its line) and generous about form, and
 * says what it normalised.
 */
#ifndef MR_SDK_TABLE_H
#define MR_SDK_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"

enum { MR_TABLE_COLUMNS_MAX = 64, MR_TABLE_CELL_BYTES_MAX = 4096, MR_TABLE_ROWS_MAX = 1000000 };

struct mr_table;

/* The whole content is converted and split. Column names are folded (case, spaces, look-alikes) for look-up.
 */
int mr_table_read(struct mr_table **ret, struct mr_slice content, const char *name, struct mr_error *reterr);
void mr_table_free(struct mr_table *table); /* wipes */

size_t mr_table_rows(const struct mr_table *table);               /* without the header */
uint32_t mr_table_line(const struct mr_table *table, size_t row); /* line in the file, the header is 1 */
/* Column index by any of the names ("СНИЛС|snils"); -1. */
int mr_table_column(const struct mr_table *table, const char *names);
const char *mr_table_cell(const struct mr_table *table, size_t row, int column); /* trimmed; "" when absent */
const char *mr_table_header(const struct mr_table *table, int column);
/* The row as it stood in the file (UTF-8, one line), for rejected/. Valid until
 * the next call for this table. */
const char *mr_table_raw(const struct mr_table *table, size_t row);
const char *mr_table_raw_header(const struct mr_table *table);
/* "cp1251", "utf-8", "utf-16le", "utf-16be". */
const char *mr_table_encoding(const struct mr_table *table);
/* What was normalised, as Russian text for the receipt; NULL: nothing. */
const char *mr_table_notes(const struct mr_table *table);
/* Lines above the header that have one filled cell ("Полный список"), joined; "" when none. */
const char *mr_table_title(const struct mr_table *table);

/* "22.11.2026", "2026-11-22", "22/11/2026" to "2026-11-22". 0 or MR_EINVAL. */
int mr_table_date(const char *text, char ret[static 11]);
/* "12,5", "12.5", "1 234,50" to thousandths. 0 or MR_EINVAL. */
int mr_table_decimal(const char *text, int64_t *ret_thousandths);
/* Folds Latin look-alikes inside Cyrillic words, NBSP, dashes, runs of spaces; true when something changed.
 */
bool mr_table_normalise(const char *text, char *out, size_t out_size);

#endif
