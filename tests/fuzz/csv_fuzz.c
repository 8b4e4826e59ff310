/* A table from a stranger: read or refused with its line, and what is read stays within its limits. */
#include <assert.h>
#include <string.h>

#include "adapters/sdk/table.h"
#include "proto/wire/wire.h"
#include "tests/fuzz/fuzz.h"

static void check_cell(const char *text)
{
    char date[11];
    int64_t value;

    assert(strlen(text) <= MR_TABLE_CELL_BYTES_MAX * 2);
    assert(mr_utf8_valid(mr_slice_str(text)));
    (void)mr_table_date(text, date);
    (void)mr_table_decimal(text, &value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_table *table = NULL;
    struct mr_error error = {0};
    int r = mr_table_read(&table, mr_slice(data, size), "input", &error);

    assert(r == 0 || (r == error.code && error.what[0]));
    if (r < 0)
        return 0;
    for (size_t row = 0; row < mr_table_rows(table); row++) {
        for (int column = -1; column < MR_TABLE_COLUMNS_MAX; column++)
            check_cell(mr_table_cell(table, row, column));
        assert(mr_table_line(table, row) > 0 && !strpbrk(mr_table_raw(table, row), "\r\n"));
    }
    mr_table_free(table);
    return 0;
}
