#include "adapters/sdk/intake_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/intake_sink.h"
#include "bus.pb-c.h"
#include "proto/base/buf.h"
#include "proto/base/bytes.h"

enum {
    FILE_KEY = 4 + 16,
    ROW_KEY = 4 + 16 + 4,
    HELD_KEY = 4 + 8,
    FILE_VALUE_1 = 2 + 8 + 8 * 4,
    FILE_VALUE = FILE_VALUE_1 + 8
};
enum { AGAIN = 0x80 }; /* beside the verdict */

static struct mr_slice file_key(const uint8_t id[static 16], uint8_t out[static FILE_KEY])
{
    memcpy(out, "mr.f", 4);
    memcpy(out + 4, id, 16);
    return mr_slice(out, FILE_KEY);
}

static struct mr_slice row_key(const uint8_t id[static 16], uint32_t place, uint8_t out[static ROW_KEY])
{
    memcpy(out, "mr.l", 4);
    memcpy(out + 4, id, 16);
    mr_put_be32(out + 20, place);
    return mr_slice(out, ROW_KEY);
}

int mr_intake_state_get(struct mr_outbox_txn *txn, const uint8_t id[static 16], struct mr_intake_state *ret)
{
    uint8_t key[FILE_KEY];
    struct mr_slice value;
    uint32_t *counters[] = {&ret->read, &ret->accepted, &ret->repeated, &ret->quarantined, &ret->refused,
            &ret->pending, &ret->implied, &ret->implied_bad};
    int r = mr_outbox_get(txn, file_key(id, key), &value);

    if (r < 0)
        return r;
    if (value.size < FILE_VALUE_1 || value.size != (value.data[0] == 1 ? FILE_VALUE_1 : FILE_VALUE) ||
            value.data[0] > 2)
        return MR_ECORRUPT;
    ret->phase = (enum mr_intake_phase)value.data[1];
    ret->started_us = (int64_t)mr_get_be64(value.data + 2);
    for (size_t i = 0; i < 8; i++)
        *counters[i] = mr_get_be32(value.data + 10 + 4 * i);
    ret->read_us = value.data[0] == 1 ? ret->started_us : (int64_t)mr_get_be64(value.data + FILE_VALUE_1);
    return 0;
}

int mr_intake_state_put(
        struct mr_outbox_txn *txn, const uint8_t id[static 16], const struct mr_intake_state *state)
{
    uint8_t key[FILE_KEY], value[FILE_VALUE] = {2, (uint8_t)state->phase};
    const uint32_t counters[] = {state->read, state->accepted, state->repeated, state->quarantined,
            state->refused, state->pending, state->implied, state->implied_bad};

    mr_put_be64(value + 2, (uint64_t)state->started_us);
    for (size_t i = 0; i < 8; i++)
        mr_put_be32(value + 10 + 4 * i, counters[i]);
    mr_put_be64(value + FILE_VALUE_1, (uint64_t)state->read_us);
    return mr_outbox_put(txn, file_key(id, key), mr_slice(value, sizeof value));
}

static void put_row(struct mr_buf *out, const struct mr_intake_row *row)
{
    mr_buf_put_be32(out, row->pending);
    mr_buf_put_u8(out, (uint8_t)row->verdict | (row->again ? AGAIN : 0));
    mr_buf_put(out, row->code, strlen(row->code) + 1);
    mr_buf_put(out, row->field, strlen(row->field) + 1);
}

int mr_intake_row_put(struct mr_outbox_txn *txn, const uint8_t id[static 16], const struct mr_intake_row *row)
{
    uint8_t key[ROW_KEY];
    struct mr_buf value = MR_BUF_INIT;
    int r;

    put_row(&value, row);
    r = mr_buf_failed(&value) ? MR_ENOMEM
                              : mr_outbox_put(txn, row_key(id, row->place, key), mr_buf_slice(&value));
    mr_buf_fini(&value);
    return r;
}

static int decode_row(struct mr_slice value, struct mr_intake_row *row)
{
    const char *code, *field;

    if (value.size < 7 || value.data[value.size - 1] != 0)
        return MR_ECORRUPT;
    code = (const char *)value.data + 5;
    field = code + strlen(code) + 1;
    if ((const uint8_t *)field >= value.data + value.size)
        return MR_ECORRUPT;
    row->pending = mr_get_be32(value.data);
    row->verdict = (enum mr_intake_verdict)(value.data[4] & ~AGAIN);
    row->again = (value.data[4] & AGAIN) != 0;
    (void)snprintf(row->code, sizeof row->code, "%s", code);
    (void)snprintf(row->field, sizeof row->field, "%s", field);
    return 0;
}

struct collection {
    struct mr_buf rows; /* of struct mr_intake_row */
};

static int collect(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct collection *collection = ctx;
    struct mr_intake_row row = {0};
    int r = key.size == ROW_KEY ? decode_row(value, &row) : MR_ECORRUPT;

    if (r < 0)
        return r;
    row.place = mr_get_be32(key.data + 20);
    mr_buf_put(&collection->rows, &row, sizeof row);
    return 0;
}

static int collect_rows(
        struct mr_outbox_txn *txn, const uint8_t id[static 16], struct mr_intake_row **ret, size_t *ret_count)
{
    struct collection collection = {MR_BUF_INIT};
    uint8_t key[ROW_KEY];
    int r;

    (void)row_key(id, 0, key);
    r = mr_outbox_each(txn, mr_slice(key, 20), collect, &collection);
    if (r == 0 && mr_buf_failed(&collection.rows))
        r = MR_ENOMEM;
    if (r < 0) {
        mr_buf_fini(&collection.rows);
        return r;
    }
    *ret = (struct mr_intake_row *)(void *)collection.rows.data;
    *ret_count = collection.rows.size / sizeof **ret;
    return 0;
}

bool mr_intake_row_erased(const struct mr_intake_row *row)
{
    return row->verdict == MR_ROW_REPEATED && strcmp(row->code, "erased") == 0;
}

int mr_intake_rows_bad(
        struct mr_outbox_txn *txn, const uint8_t id[static 16], struct mr_intake_row **ret, size_t *ret_count)
{
    size_t kept = 0;
    int r = collect_rows(txn, id, ret, ret_count);

    if (r < 0)
        return r;
    for (size_t i = 0; i < *ret_count; i++)
        if ((*ret)[i].verdict >= MR_ROW_QUARANTINED || mr_intake_row_erased(&(*ret)[i]))
            (*ret)[kept++] = (*ret)[i];
    *ret_count = kept;
    return 0;
}

int mr_intake_rows_clear(struct mr_outbox_txn *txn, const uint8_t id[static 16])
{
    struct mr_intake_row *rows;
    size_t count;
    int r = collect_rows(txn, id, &rows, &count);

    for (size_t i = 0; r == 0 && i < count; i++) {
        uint8_t key[ROW_KEY];

        r = mr_outbox_del(txn, row_key(id, rows[i].place, key));
    }
    if (r == 0 || count > 0)
        free(rows);
    return r;
}

void mr_intake_state_count(struct mr_intake_state *state, enum mr_intake_verdict verdict)
{
    uint32_t *counters[] = {[MR_ROW_REPEATED] = &state->repeated,
            [MR_ROW_ACCEPTED] = &state->accepted,
            [MR_ROW_QUARANTINED] = &state->quarantined,
            [MR_ROW_REFUSED] = &state->refused};

    ++*counters[verdict];
}

static enum mr_intake_verdict verdict_of(const struct mr_outcome *outcome)
{
    switch (outcome->verdict) {
    case MARSHRUT__BUS__V1__VERDICT__VERDICT_STORED:
        return MR_ROW_ACCEPTED;
    case MARSHRUT__BUS__V1__VERDICT__VERDICT_DUPLICATE:
        return MR_ROW_REPEATED;
    case MARSHRUT__BUS__V1__VERDICT__VERDICT_QUARANTINED:
        return MR_ROW_QUARANTINED;
    default:
        return MR_ROW_REFUSED;
    }
}

static struct mr_slice held_key(uint64_t number, uint8_t out[static HELD_KEY])
{
    memcpy(out, "mr.q", 4);
    mr_put_be64(out + 4, number);
    return mr_slice(out, HELD_KEY);
}

static int note_held(struct mr_outbox_txn *txn, const struct mr_outcome *outcome)
{
    uint8_t key[HELD_KEY];
    struct mr_intake_row row = {.verdict = MR_ROW_QUARANTINED};
    struct mr_buf value = MR_BUF_INIT;
    int r;

    (void)snprintf(row.code, sizeof row.code, "%s", outcome->code);
    (void)snprintf(row.field, sizeof row.field, "%s", outcome->field);
    put_row(&value, &row);
    r = mr_buf_failed(&value) ? MR_ENOMEM
                              : mr_outbox_put(txn, held_key(outcome->number, key), mr_buf_slice(&value));
    mr_buf_fini(&value);
    return r;
}

/* A repeat of what was quarantined is a duplicate for the hub; for the sender it waits still. */
static int find_held(struct mr_outbox_txn *txn, uint64_t number, struct mr_intake_row *ret)
{
    uint8_t key[HELD_KEY];
    struct mr_slice value;
    int r = mr_outbox_get(txn, held_key(number, key), &value);

    if (r == 0)
        r = decode_row(value, ret);
    ret->again = r == 0;
    return r == MR_ENOTFOUND ? 0 : r;
}

static int worsen(struct mr_outbox_txn *txn, struct mr_intake_row *row, const struct mr_outcome *outcome)
{
    struct mr_intake_row said = {.verdict = verdict_of(outcome)};
    int r = 0;

    (void)snprintf(said.code, sizeof said.code, "%s", outcome->code);
    (void)snprintf(said.field, sizeof said.field, "%s", outcome->field);
    if (said.verdict == MR_ROW_QUARANTINED)
        r = note_held(txn, outcome);
    else if (said.verdict == MR_ROW_REPEATED && strcmp(outcome->code, "quarantined-waiting") == 0)
        r = find_held(txn, outcome->number, &said);
    if (r < 0 || said.verdict < row->verdict ||
            (said.verdict == row->verdict && !mr_intake_row_erased(&said)))
        return r;
    said.place = row->place;
    said.pending = row->pending;
    *row = said;
    return 0;
}

/* The row has all its verdicts: it is counted, and kept only when there is something to say of it. */
static int complete_row(struct mr_outbox_txn *txn, const uint8_t id[static 16],
        const struct mr_intake_row *row, struct mr_slice key, bool *ret_complete)
{
    struct mr_intake_state state;
    bool bad = row->verdict >= MR_ROW_QUARANTINED;
    int r = mr_intake_state_get(txn, id, &state);

    if (r < 0)
        return r;
    if ((row->place & 0x3ffffff) == 0)
        state.implied_bad += bad;
    else
        mr_intake_state_count(&state, row->verdict);
    if (state.pending > 0)
        state.pending--;
    *ret_complete = state.pending == 0;
    r = mr_intake_state_put(txn, id, &state);
    if (r < 0)
        return r;
    return bad || mr_intake_row_erased(row) ? mr_intake_row_put(txn, id, row) : mr_outbox_del(txn, key);
}

static int note_mending(struct mr_outbox_txn *txn, const struct mr_outcome *outcome)
{
    const uint8_t *key = outcome->ref.data + MR_INTAKE_REF_BYTES;

    return outcome->ref.size == MR_INTAKE_REF_MENDING_BYTES
                   ? mr_mend_outcome(txn, key, key + MR_MEND_KEY_BYTES, outcome)
                   : 0;
}

int mr_intake_state_outcome(struct mr_outbox_txn *txn, const uint8_t id[static 16], uint32_t place,
        const struct mr_outcome *outcome, bool *ret_complete)
{
    uint8_t key[ROW_KEY];
    struct mr_slice value;
    struct mr_intake_row row = {.place = place};
    int r = mr_outbox_get(txn, row_key(id, place, key), &value);

    *ret_complete = false;
    if (r == 0)
        r = note_mending(txn, outcome);
    if (r == 0) /* that has written: what was read may lie elsewhere */
        r = mr_outbox_get(txn, mr_slice(key, sizeof key), &value);
    if (r == 0)
        r = decode_row(value, &row);
    if (r < 0 || row.pending == 0)
        return r == MR_ENOTFOUND ? 0 : r;
    r = worsen(txn, &row, outcome);
    if (r < 0)
        return r;
    row.pending--;
    if (row.pending > 0)
        return mr_intake_row_put(txn, id, &row);
    return complete_row(txn, id, &row, mr_slice(key, sizeof key), ret_complete);
}
