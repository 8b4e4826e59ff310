#include "adapters/sdk/workbook.h"

#include <string.h>

enum { ENTRY_NAME_AT = 46, ENTRY_NAME_SIZE_AT = 28 };

static const uint8_t ole2[] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};

static bool entry_is(const uint8_t *entry, size_t left, const char *begin)
{
    size_t n = strlen(begin);

    return left >= ENTRY_NAME_AT + n &&
           (size_t)(entry[ENTRY_NAME_SIZE_AT] | entry[ENTRY_NAME_SIZE_AT + 1] << 8) >= n &&
           memcmp(entry + ENTRY_NAME_AT, begin, n) == 0;
}

bool mr_workbook_looks_like(struct mr_slice content)
{
    const uint8_t *at, *end = content.data + content.size;

    if (content.size >= sizeof ole2 && memcmp(content.data, ole2, sizeof ole2) == 0)
        return true;
    if (content.size < 4 || memcmp(content.data, "PK\x03\x04", 4) != 0)
        return false;
    for (at = content.data; (at = memmem(at, (size_t)(end - at), "PK\x01\x02", 4)) != NULL; at += 4)
        if (entry_is(at, (size_t)(end - at), "xl/") ||
                entry_is(at, (size_t)(end - at), "[Content_Types].xml"))
            return true;
    return false;
}

int mr_workbook_refuse(struct mr_slice content, struct mr_error *reterr)
{
    if (!mr_workbook_looks_like(content))
        return 0;
    return mr_error_set(reterr, MR_EINVAL, "",
            "Сохраните её как CSV (разделители — точка с запятой) и положите снова", "Это книга Excel");
}
