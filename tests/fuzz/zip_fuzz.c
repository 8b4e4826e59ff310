/* A zip, or a spreadsheet's book, from a stranger: refused with a text, or read within its caps. */
#include <assert.h>

#include "adapters/sdk/workbook.h"
#include "adapters/sdk/zip_read.h"
#include "tests/fuzz/fuzz.h"

enum { ENTRIES_MAX = 4, BYTES_MAX = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct mr_zip_limits limits = {.entries_max = ENTRIES_MAX, .bytes_max = BYTES_MAX};
    struct mr_error error = {0};
    struct mr_zip *zip = NULL;
    uint64_t sum = 0;
    int r = mr_zip_read(&zip, mr_slice(data, size), &limits, &error);

    assert(r == 0 || error.what[0]);
    if (r == 0) {
        assert(mr_zip_count(zip) <= ENTRIES_MAX);
        for (size_t i = 0; i < mr_zip_count(zip); i++)
            sum += mr_zip_at(zip, i).size;
        assert(sum <= BYTES_MAX);
        (void)mr_zip_entry(zip, "orgs.csv");
        mr_zip_free(zip);
    }
    (void)mr_workbook_refuse(mr_slice(data, size), &error);
    return 0;
}
