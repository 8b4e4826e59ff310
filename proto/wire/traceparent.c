#include "proto/wire/traceparent.h"

#include <string.h>

#include "proto/wire/wire.h"

enum {
    VERSION_AT = 0,
    TRACE_AT = 3,
    PARENT_AT = 36,
    FLAGS_AT = 53,
    SIZE = MR_TRACEPARENT_TEXT_MAX - 1,
    EVENT_ATTRIBUTES = 5, /* of CloudEvent */
    ENTRY_KEY = 1,
    ENTRY_VALUE = 2,
    VALUE_STRING = 3 /* of CloudEventAttributeValue */
};

static const char hex[] = "0123456789abcdef";

static bool is_hex(const char *text, size_t size)
{
    return strspn(text, hex) >= size;
}

/* An id: hex, and not zero. */
static bool is_id(const char *text, size_t size)
{
    return is_hex(text, size) && strspn(text, "0") < size;
}

bool mr_traceparent_read(const char *text, char ret[static MR_TRACEPARENT_TEXT_MAX])
{
    size_t size = strlen(text);

    if (size < SIZE || text[TRACE_AT - 1] != '-' || text[PARENT_AT - 1] != '-' || text[FLAGS_AT - 1] != '-' ||
            !is_hex(text + VERSION_AT, 2) || strncmp(text, "ff", 2) == 0 || !is_id(text + TRACE_AT, 32) ||
            !is_id(text + PARENT_AT, 16) || !is_hex(text + FLAGS_AT, 2))
        return false;
    if (size > SIZE && (strncmp(text, "00", 2) == 0 || text[SIZE] != '-'))
        return false;
    memcpy(ret, text, SIZE);
    ret[SIZE] = 0;
    return true;
}

bool mr_traceparent_of_event(struct mr_slice event, char ret[static MR_TRACEPARENT_TEXT_MAX])
{
    struct mr_wire_field field;

    while (mr_wire_next(&event, &field) == 1) {
        char text[SIZE * 2];
        struct mr_slice value;

        if (field.number != EVENT_ATTRIBUTES || field.wire_type != 2 ||
                !mr_slice_equal(mr_wire_find(field.bytes, ENTRY_KEY), mr_slice_str("traceparent")))
            continue;
        value = mr_wire_find(mr_wire_find(field.bytes, ENTRY_VALUE), VALUE_STRING);
        if (value.size >= sizeof text || memchr(value.data ? value.data : (const uint8_t *)"", 0, value.size))
            return false;
        if (value.size > 0)
            memcpy(text, value.data, value.size);
        text[value.size] = 0;
        return mr_traceparent_read(text, ret);
    }
    return false;
}
