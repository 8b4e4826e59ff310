/* Bytes of the rows that an intake writes. One version byte first, so that a later form can be told from this
 * one. */
#include "hub/intake/prepare.h"

#include <assert.h>
#include <string.h>

#include "proto/base/bytes.h"

enum { ROW_VERSION = 1, INTAKE_ROW_VERSION = 2 /* 1: without came_us and what follows it */ };
enum { QUARANTINE_ROW_VERSION = 3 /* 1: without replaced_by; 2: without what follows it */ };

#define KEEP_US (MR_QUARANTINE_KEEP_DAYS * 24 * 3600 * (int64_t)1000000)

struct cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static const uint8_t *take(struct cursor *c, size_t size)
{
    const uint8_t *at = c->at;

    if (c->bad || c->left < size) {
        c->bad = true;
        return NULL;
    }
    c->at += size;
    c->left -= size;
    return at;
}

static uint8_t take_u8(struct cursor *c)
{
    const uint8_t *p = take(c, 1);

    return p ? *p : 0;
}

static uint16_t take_u16(struct cursor *c)
{
    const uint8_t *p = take(c, 2);

    return p ? mr_get_be16(p) : 0;
}

static uint32_t take_u32(struct cursor *c)
{
    const uint8_t *p = take(c, 4);

    return p ? mr_get_be32(p) : 0;
}

static uint64_t take_u64(struct cursor *c)
{
    const uint8_t *p = take(c, 8);

    return p ? mr_get_be64(p) : 0;
}

static void take_bytes(struct cursor *c, uint8_t *out, size_t size)
{
    const uint8_t *p = take(c, size);

    if (p)
        memcpy(out, p, size);
}

static void take_text(struct cursor *c, char *out, size_t capacity)
{
    uint8_t size = take_u8(c);
    const uint8_t *p = take(c, size);

    out[0] = '\0';
    if (!p)
        return;
    if (size >= capacity) {
        c->bad = true;
        return;
    }
    memcpy(out, p, size);
    out[size] = '\0';
}

/* Of any version from 1 to newest. */
static struct cursor begin_version(struct mr_slice value, uint8_t newest, uint8_t *ret_version)
{
    struct cursor c = {value.data, value.size, false};

    *ret_version = take_u8(&c);
    if (*ret_version < 1 || *ret_version > newest)
        c.bad = true;
    return c;
}

static struct cursor begin(struct mr_slice value)
{
    uint8_t version;

    return begin_version(value, ROW_VERSION, &version);
}

static int end(const struct cursor *c)
{
    return c->bad || c->left != 0 ? MR_ECORRUPT : 0;
}

static int built(const struct mr_buf *out)
{
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

static void put_text(struct mr_buf *out, const char *text, size_t capacity)
{
    size_t size = strnlen(text, capacity - 1);

    assert(size <= UINT8_MAX);
    mr_buf_put_u8(out, (uint8_t)size);
    mr_buf_put(out, text, size);
}

static void put_verdict_text(struct mr_buf *out, const struct mr_verdict_text *text)
{
    put_text(out, text->code, sizeof text->code);
    put_text(out, text->field, sizeof text->field);
    put_text(out, text->reason, sizeof text->reason);
    put_text(out, text->cure, sizeof text->cure);
}

static void take_verdict_text(struct cursor *c, struct mr_verdict_text *ret)
{
    take_text(c, ret->code, sizeof ret->code);
    take_text(c, ret->field, sizeof ret->field);
    take_text(c, ret->reason, sizeof ret->reason);
    take_text(c, ret->cure, sizeof ret->cure);
}

int mr_verdict_row_encode(struct mr_buf *out, const struct mr_verdict_row *row)
{
    mr_buf_put_u8(out, ROW_VERSION);
    mr_buf_put_u8(out, (uint8_t)row->verdict);
    mr_buf_put_be64(out, row->number);
    mr_buf_put_be64(out, (uint64_t)row->at_us);
    mr_buf_put(out, row->ident, sizeof row->ident);
    put_verdict_text(out, &row->text);
    return built(out);
}

int mr_verdict_row_decode(struct mr_verdict_row *ret, struct mr_slice value)
{
    struct cursor c = begin(value);

    *ret = (struct mr_verdict_row){0};
    ret->verdict = (enum mr_verdict)take_u8(&c);
    ret->number = take_u64(&c);
    ret->at_us = (int64_t)take_u64(&c);
    take_bytes(&c, ret->ident, sizeof ret->ident);
    take_verdict_text(&c, &ret->text);
    if (ret->verdict < MR_VERDICT_STORED || ret->verdict > MR_VERDICT_REFUSED)
        c.bad = true;
    return end(&c);
}

int mr_intake_row_encode(struct mr_buf *out, const struct mr_intake_row *row)
{
    mr_buf_put_u8(out, INTAKE_ROW_VERSION);
    mr_buf_put_be16(out, row->system);
    mr_buf_put_be64(out, row->epoch);
    mr_buf_put_be64(out, row->first_sequence);
    mr_buf_put_be32(out, row->received);
    mr_buf_put_be32(out, row->stored);
    mr_buf_put_be32(out, row->duplicate);
    mr_buf_put_be32(out, row->quarantined);
    mr_buf_put_be32(out, row->refused);
    mr_buf_put_be64(out, (uint64_t)row->at_us);
    mr_buf_put_be64(out, (uint64_t)row->came_us);
    mr_buf_put_be64(out, (uint64_t)row->committed_us);
    mr_buf_put_be64(out, row->through);
    mr_buf_put_be32(out, row->records);
    return built(out);
}

int mr_intake_row_decode(struct mr_intake_row *ret, struct mr_slice value)
{
    uint8_t version;
    struct cursor c = begin_version(value, INTAKE_ROW_VERSION, &version);

    *ret = (struct mr_intake_row){0};
    ret->system = take_u16(&c);
    ret->epoch = take_u64(&c);
    ret->first_sequence = take_u64(&c);
    ret->received = take_u32(&c);
    ret->stored = take_u32(&c);
    ret->duplicate = take_u32(&c);
    ret->quarantined = take_u32(&c);
    ret->refused = take_u32(&c);
    ret->at_us = (int64_t)take_u64(&c);
    if (version >= 2) {
        ret->came_us = (int64_t)take_u64(&c);
        ret->committed_us = (int64_t)take_u64(&c);
        ret->through = take_u64(&c);
        ret->records = take_u32(&c);
    }
    return end(&c);
}

struct at_or_after {
    struct mr_intake_row row;
    uint64_t running;
};

static int take_intake(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct at_or_after *ret = ctx;
    int r = key.size == MR_INTAKE_KEY_BYTES ? mr_intake_row_decode(&ret->row, value) : MR_ECORRUPT;

    ret->running = r < 0 ? 0 : mr_get_be64(key.data);
    return r < 0 ? r : 1;
}

/* Running numbers and heads of the log grow together, so this halves its way; rows of version 1 are the
 * oldest ones, with the head 0. */
int mr_intake_row_of(struct mr_log_reader *reader, uint64_t number, struct mr_intake_row *ret)
{
    uint64_t low = 0, high = UINT64_MAX;
    struct at_or_after next;
    uint8_t key[MR_INTAKE_KEY_BYTES];
    bool found = false;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int r = mr_log_rows(
                reader, MR_LOG_INTAKE, (struct mr_slice){0}, mr_number_key(middle, key), take_intake, &next);

        if (r < 0)
            return r;
        if (r == 0 || next.row.through >= number) {
            high = middle;
            found |= r == 1;
        } else {
            low = next.running + 1;
        }
        if (r == 1 && next.row.through >= number)
            *ret = next.row;
    }
    return found && number > ret->through - ret->records ? 0 : MR_ENOTFOUND;
}

int mr_producer_row_encode(struct mr_buf *out, const struct mr_producer_row *row)
{
    mr_buf_put_u8(out, ROW_VERSION);
    mr_buf_put_be64(out, row->epoch);
    mr_buf_put_be64(out, row->stored_sequence);
    mr_buf_put_be64(out, row->seen_sequence);
    return built(out);
}

int mr_producer_row_decode(struct mr_producer_row *ret, struct mr_slice value)
{
    struct cursor c = begin(value);

    ret->epoch = take_u64(&c);
    ret->stored_sequence = take_u64(&c);
    ret->seen_sequence = take_u64(&c);
    return end(&c);
}

int mr_quarantine_row_encode(struct mr_buf *out, const struct mr_quarantine_row *row)
{
    mr_buf_put_u8(out, QUARANTINE_ROW_VERSION);
    mr_buf_put_u8(out, (uint8_t)row->state);
    mr_buf_put_be16(out, row->system);
    mr_buf_put_be64(out, (uint64_t)row->at_us);
    mr_buf_put(out, row->item, sizeof row->item);
    put_verdict_text(out, &row->text);
    mr_buf_put_be64(out, row->replaced_by);
    mr_buf_put_be64(out, row->place);
    mr_buf_put_be64(out, row->behind);
    mr_buf_put_be64(out, (uint64_t)row->ended_us);
    put_text(out, row->ended_by, sizeof row->ended_by);
    mr_buf_put_be64(out, row->ended_event);
    return built(out);
}

int mr_quarantine_row_decode(struct mr_quarantine_row *ret, struct mr_slice value)
{
    uint8_t version;
    struct cursor c = begin_version(value, QUARANTINE_ROW_VERSION, &version);

    *ret = (struct mr_quarantine_row){0};
    ret->state = (enum mr_quarantine_state)take_u8(&c);
    ret->system = take_u16(&c);
    ret->at_us = (int64_t)take_u64(&c);
    take_bytes(&c, ret->item, sizeof ret->item);
    take_verdict_text(&c, &ret->text);
    if (version >= 2)
        ret->replaced_by = take_u64(&c);
    if (version >= 3) {
        ret->place = take_u64(&c);
        ret->behind = take_u64(&c);
        ret->ended_us = (int64_t)take_u64(&c);
        take_text(&c, ret->ended_by, sizeof ret->ended_by);
        ret->ended_event = take_u64(&c);
    }
    if (ret->state < MR_QUARANTINE_WAITING || ret->state > MR_QUARANTINE_REPLACED)
        c.bad = true;
    return end(&c);
}

int mr_quarantine_row_read(struct mr_quarantine_row *ret, struct mr_log_reader *reader, uint64_t number)
{
    uint8_t key[MR_QUARANTINE_KEY_BYTES];
    struct mr_slice value;
    int r = mr_log_row(reader, MR_LOG_QUARANTINE, mr_number_key(number, key), &value);

    return r < 0 ? r : mr_quarantine_row_decode(ret, value);
}

bool mr_quarantine_row_over(const struct mr_quarantine_row *row, int64_t now_us)
{
    /* rows of older versions say since when it waited only */
    int64_t ended_us = row->ended_us ? row->ended_us : row->at_us;

    if (row->state == MR_QUARANTINE_WAITING)
        return false;
    return row->state == MR_QUARANTINE_DISCARDED || now_us - ended_us >= KEEP_US;
}

const char *mr_quarantine_state_name(enum mr_quarantine_state state)
{
    static const char *const names[] = {[MR_QUARANTINE_WAITING] = "waiting",
            [MR_QUARANTINE_RELEASED] = "released",
            [MR_QUARANTINE_DISCARDED] = "discarded",
            [MR_QUARANTINE_REPLACED] = "replaced"};

    assert(state >= MR_QUARANTINE_WAITING && state <= MR_QUARANTINE_REPLACED);
    return names[state];
}
