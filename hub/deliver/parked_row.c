#include "hub/deliver/parked_row.h"

#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"

/* The older rows begin with a time, whose first byte is 0 until the year 4253. */
enum { FORM = 1, HEAD_BYTES = 27 };

static const char *const names[] = {
        [MR_PARKED_FAILED] = "failed", [MR_PARKED_BEHIND] = "behind", [MR_PARKED_RELEASED] = "released"};

const char *mr_parked_state_name(enum mr_parked_state state)
{
    return (size_t)state < MR_COUNT(names) && names[state] ? names[state] : "";
}

int mr_parked_row_encode(struct mr_buf *out, const struct mr_parked_row *row)
{
    mr_buf_put_u8(out, FORM);
    mr_buf_put_u8(out, (uint8_t)row->state);
    mr_buf_put_be64(out, (uint64_t)row->at_us);
    mr_buf_put_be32(out, row->attempt);
    mr_buf_put_be32(out, row->attempts_max);
    mr_buf_put_be64(out, (uint64_t)row->not_before_us);
    mr_buf_put_u8(out, (uint8_t)row->order.count);
    for (size_t i = 0; i < row->order.count; i++)
        mr_buf_put_be64(out, row->order.tags[i]);
    mr_buf_put(out, row->reason, strnlen(row->reason, sizeof row->reason));
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

static int decode_older(struct mr_parked_row *ret, struct mr_slice value)
{
    struct mr_nack_row nack;
    int r = mr_nack_row_decode(&nack, value);

    *ret = (struct mr_parked_row){.state = MR_PARKED_FAILED};
    if (r == 0)
        mr_parked_row_failed(ret, &nack);
    return r;
}

int mr_parked_row_decode(struct mr_parked_row *ret, struct mr_slice value)
{
    const uint8_t *p = value.data;
    size_t count, at;

    if (value.size > 0 && p[0] == 0)
        return decode_older(ret, value);
    if (value.size < HEAD_BYTES || p[0] != FORM || p[1] < MR_PARKED_FAILED || p[1] > MR_PARKED_RELEASED)
        return MR_ECORRUPT;
    count = p[HEAD_BYTES - 1];
    at = HEAD_BYTES + 8 * count;
    if (count > MR_RECORD_SLOTS_MAX || value.size < at || value.size - at >= sizeof ret->reason)
        return MR_ECORRUPT;
    *ret = (struct mr_parked_row){.state = (enum mr_parked_state)p[1],
            .at_us = (int64_t)mr_get_be64(p + 2),
            .attempt = mr_get_be32(p + 10),
            .attempts_max = mr_get_be32(p + 14),
            .not_before_us = (int64_t)mr_get_be64(p + 18),
            .order = {.count = count}};
    for (size_t i = 0; i < count; i++)
        ret->order.tags[i] = mr_get_be64(p + HEAD_BYTES + 8 * i);
    memcpy(ret->reason, p + at, value.size - at);
    return 0;
}

void mr_parked_row_failed(struct mr_parked_row *row, const struct mr_nack_row *nack)
{
    row->state = MR_PARKED_FAILED;
    row->at_us = nack->at_us;
    row->attempt = nack->attempt;
    row->not_before_us = 0;
    memcpy(row->reason, nack->reason, sizeof row->reason);
}
