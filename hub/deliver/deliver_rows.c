#include "hub/deliver/deliver_rows.h"

#include <string.h>

#include "proto/base/bytes.h"

enum { CURSOR_BYTES = 16, DELIVERY_BYTES = 45, NACK_BYTES = 12, DIGITS_MAX = 4 };

const char *mr_delivery_outcome_name(enum mr_delivery_outcome outcome)
{
    static const char *const names[MR_DELIVERY_OUTCOMES] = {[MR_DELIVERY_TAKEN] = "delivered",
            [MR_DELIVERY_SUPPRESSED] = "suppressed",
            [MR_DELIVERY_EXPIRED] = "expired",
            [MR_DELIVERY_DISCARDED] = "discarded"};

    return names[outcome];
}

struct mr_slice mr_cursor_key(uint16_t sub, uint8_t out[static MR_CURSOR_KEY_BYTES])
{
    mr_put_be16(out, sub);
    return mr_slice(out, MR_CURSOR_KEY_BYTES);
}

struct mr_slice mr_delivery_key(uint16_t sub, uint64_t number, uint8_t out[static MR_DELIVERY_KEY_BYTES])
{
    mr_put_be16(out, sub);
    mr_put_be64(out + 2, number);
    return mr_slice(out, MR_DELIVERY_KEY_BYTES);
}

struct mr_slice mr_nack_key(
        uint16_t sub, uint64_t number, uint32_t attempt, uint8_t out[static MR_NACK_KEY_BYTES])
{
    mr_put_be16(out, sub);
    mr_put_be64(out + 2, number);
    mr_put_be32(out + 10, attempt);
    return mr_slice(out, MR_NACK_KEY_BYTES);
}

static int finished(const struct mr_buf *out)
{
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

int mr_cursor_row_encode(struct mr_buf *out, const struct mr_cursor_row *row)
{
    mr_buf_put_be64(out, row->cursor);
    mr_buf_put_be64(out, row->first);
    return finished(out);
}

int mr_cursor_row_decode(struct mr_cursor_row *ret, struct mr_slice value)
{
    if (value.size != CURSOR_BYTES)
        return MR_ECORRUPT;
    ret->cursor = mr_get_be64(value.data);
    ret->first = mr_get_be64(value.data + 8);
    return 0;
}

int mr_delivery_row_encode(struct mr_buf *out, const struct mr_delivery_row *row)
{
    mr_buf_put_u8(out, (uint8_t)row->outcome);
    mr_buf_put_be64(out, row->through);
    mr_buf_put_be32(out, row->count);
    mr_buf_put_be64(out, (uint64_t)row->sent_us);
    mr_buf_put_be64(out, (uint64_t)row->acked_us);
    mr_buf_put_be32(out, row->attempt);
    mr_buf_put_be64(out, row->session);
    mr_buf_put_be32(out, row->config);
    return finished(out);
}

int mr_delivery_row_decode(struct mr_delivery_row *ret, struct mr_slice value)
{
    const uint8_t *p = value.data;

    if (value.size != DELIVERY_BYTES || p[0] < MR_DELIVERY_TAKEN || p[0] >= MR_DELIVERY_OUTCOMES)
        return MR_ECORRUPT;
    ret->outcome = (enum mr_delivery_outcome)p[0];
    ret->through = mr_get_be64(p + 1);
    ret->count = mr_get_be32(p + 9);
    ret->sent_us = (int64_t)mr_get_be64(p + 13);
    ret->acked_us = (int64_t)mr_get_be64(p + 21);
    ret->attempt = mr_get_be32(p + 29);
    ret->session = mr_get_be64(p + 33);
    ret->config = mr_get_be32(p + 41);
    return 0;
}

int mr_nack_row_encode(struct mr_buf *out, const struct mr_nack_row *row)
{
    mr_buf_put_be64(out, (uint64_t)row->at_us);
    mr_buf_put_be32(out, row->attempt);
    mr_buf_put(out, row->reason, strnlen(row->reason, sizeof row->reason));
    return finished(out);
}

int mr_nack_row_decode(struct mr_nack_row *ret, struct mr_slice value)
{
    if (value.size < NACK_BYTES || value.size - NACK_BYTES >= sizeof ret->reason)
        return MR_ECORRUPT;
    ret->at_us = (int64_t)mr_get_be64(value.data);
    ret->attempt = mr_get_be32(value.data + 8);
    memset(ret->reason, 0, sizeof ret->reason);
    memcpy(ret->reason, value.data + NACK_BYTES, value.size - NACK_BYTES);
    return 0;
}

void mr_nack_reason(const char *text, char out[static MR_DELIVER_REASON_MAX])
{
    size_t i = 0, digits = 0;

    for (; text[i] && i + 1 < MR_DELIVER_REASON_MAX; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';

        digits = digit ? digits + 1 : text[i] == '-' || text[i] == '.' ? digits : 0;
        out[i] =
                strchr("abcdefghijklmnopqrstuvwxyz0123456789-._", text[i]) && (!digit || digits <= DIGITS_MAX)
                        ? text[i]
                        : '?';
    }
    out[i] = 0;
}

int mr_deliver_rows_missing(struct mr_log_batch *batch, const struct mr_config *config,
        const struct mr_names *names, uint64_t first, bool *ret_any)
{
    struct mr_buf value = MR_BUF_INIT;
    int r = mr_cursor_row_encode(&value, &(struct mr_cursor_row){.cursor = first - 1, .first = first});

    for (uint32_t i = 0; r == 0 && i < config->subscriptions_count; i++) {
        uint16_t id = mr_names_id(names, MR_NAME_SUBSCRIPTION, config->subscriptions[i].name);
        uint8_t key[MR_CURSOR_KEY_BYTES];
        struct mr_slice old;

        r = mr_log_batch_get(batch, MR_LOG_CURSOR, mr_cursor_key(id, key), &old);
        if (r != MR_ENOTFOUND)
            continue;
        r = mr_log_batch_put(batch, MR_LOG_CURSOR, mr_slice(key, sizeof key), mr_buf_slice(&value));
        *ret_any = true;
    }
    mr_buf_fini(&value);
    return r;
}

int mr_deliver_rows_begin(const struct mr_house *house, struct mr_error *reterr)
{
    struct mr_log_batch *batch = NULL;
    bool any = false;
    int r = mr_log_batch_begin(house->log, &batch);

    if (r < 0)
        return mr_error_set(reterr, r, "log", "", "cannot begin a batch");
    r = mr_deliver_rows_missing(batch, house->config, house->names, mr_log_head(house->log) + 1, &any);
    if (r < 0 || !any)
        mr_log_batch_abort(batch);
    else
        r = mr_log_batch_commit(batch);
    return r < 0 ? mr_error_set(reterr, r, "log cursors", "", "cannot write the subscriptions' cursors") : 0;
}
