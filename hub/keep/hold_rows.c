#include "hub/keep/hold_rows.h"

#include <string.h>

#include "proto/base/bytes.h"

/* u8 kind, u64 from, u64 to, i64 at, then three texts of u16 size each. */
enum { AT_KIND = 0, AT_FROM = 1, AT_TO = 9, AT_TIME = 17, HEAD_BYTES = 25 };

const char *mr_hold_kind_name(enum mr_hold_kind kind)
{
    static const char *const names[MR_HOLD_KINDS] = {
            [MR_HOLD_NUMBERS] = "numbers", [MR_HOLD_TYPE] = "type", [MR_HOLD_PERSON] = "person"};

    return names[kind];
}

static void put_text(struct mr_buf *out, const char *text)
{
    mr_buf_put_be16(out, (uint16_t)strlen(text));
    mr_buf_put_str(out, text);
}

int mr_hold_row_encode(struct mr_buf *out, const struct mr_hold_row *row)
{
    mr_buf_put_u8(out, (uint8_t)row->kind);
    mr_buf_put_be64(out, row->from);
    mr_buf_put_be64(out, row->to);
    mr_buf_put_be64(out, (uint64_t)row->at_us);
    put_text(out, row->type);
    put_text(out, row->case_reference);
    put_text(out, row->operator_name);
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

static bool get_text(struct mr_slice *rest, char *ret, size_t capacity)
{
    size_t size = rest->size >= 2 ? mr_get_be16(rest->data) : SIZE_MAX;

    if (size >= capacity || size > rest->size - 2 || memchr(rest->data + 2, 0, size))
        return false;
    memcpy(ret, rest->data + 2, size);
    ret[size] = 0;
    *rest = mr_slice(rest->data + 2 + size, rest->size - 2 - size);
    return true;
}

int mr_hold_row_decode(struct mr_hold_row *ret, struct mr_slice value)
{
    struct mr_slice rest;

    *ret = (struct mr_hold_row){0};
    if (value.size < HEAD_BYTES || value.data[AT_KIND] == 0 || value.data[AT_KIND] >= MR_HOLD_KINDS)
        return MR_ECORRUPT;
    ret->kind = (enum mr_hold_kind)value.data[AT_KIND];
    ret->from = mr_get_be64(value.data + AT_FROM);
    ret->to = mr_get_be64(value.data + AT_TO);
    ret->at_us = (int64_t)mr_get_be64(value.data + AT_TIME);
    rest = mr_slice(value.data + HEAD_BYTES, value.size - HEAD_BYTES);
    if (!get_text(&rest, ret->type, sizeof ret->type) ||
            !get_text(&rest, ret->case_reference, sizeof ret->case_reference) ||
            !get_text(&rest, ret->operator_name, sizeof ret->operator_name))
        return MR_ECORRUPT;
    return rest.size == 0 ? 0 : MR_ECORRUPT;
}

bool mr_hold_row_holds(const struct mr_hold_row *row, uint64_t number, const char *type)
{
    size_t size = strlen(row->type);

    if (row->kind == MR_HOLD_NUMBERS)
        return row->from <= number && number <= row->to;
    if (row->kind != MR_HOLD_TYPE || size == 0)
        return false;
    return row->type[size - 1] == '.' ? strncmp(type, row->type, size) == 0 : strcmp(type, row->type) == 0;
}
