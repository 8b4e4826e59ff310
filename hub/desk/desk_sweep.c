/* Bodies that are not needed any more: their item keys are destroyed. */
#include <string.h>

#include <sodium.h>

#include "hub/desk/desk_internal.h"

#define KEEP_US (MR_DESK_KEEP_DAYS * 24 * 3600 * (int64_t)1000000)

/* Prepare thread. */
static int destroy(void *ctx, struct mr_keyring *keyring)
{
    const struct mr_slice *ids = ctx;
    struct mr_keyring_txn *txn;
    int r = mr_keyring_begin(keyring, &txn);

    if (r < 0)
        return r;
    for (size_t at = 0; r == 0 && at + MR_PERSON_ID_BYTES <= ids->size; at += MR_PERSON_ID_BYTES) {
        r = mr_person_set_state(txn, ids->data + at, MR_PERSON_DESTROYED);
        if (r == MR_EDESTROYED || r == MR_ENOTFOUND)
            r = 0;
    }
    if (r == 0)
        return mr_keyring_commit(txn);
    mr_keyring_abort(txn);
    return r;
}

int mr_desk_destroy(struct mr_desk *desk, struct mr_slice ids)
{
    return ids.size == 0 ? 0 : mr_own_task(desk->options.prepare, destroy, &ids);
}

struct sweep {
    struct mr_desk *desk;
    int64_t now_us;
    struct mr_buf due; /* item ids */
};

static bool has_key(const struct mr_desk *desk, const uint8_t *item)
{
    struct mr_slot_key key;
    int r = mr_keyring_person_key(desk->house->keyring, item, &key);

    sodium_memzero(&key, sizeof key);
    return r == 0;
}

/* Since when it is over; rows of older versions say since when it waited only. */
static int64_t ended_us(const struct mr_quarantine_row *row)
{
    return row->ended_us ? row->ended_us : row->at_us;
}

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct sweep *s = ctx;
    struct mr_quarantine_row row;
    int r = mr_quarantine_row_decode(&row, value);

    (void)key;
    if (r < 0 || row.state == MR_QUARANTINE_WAITING)
        return 0; /* scrubbing reports a damaged one */
    if (row.state != MR_QUARANTINE_DISCARDED && s->now_us - ended_us(&row) < KEEP_US)
        return 0;
    if (has_key(s->desk, row.item))
        mr_buf_put(&s->due, row.item, sizeof row.item);
    return mr_buf_failed(&s->due) ? MR_ENOMEM : 0;
}

int mr_desk_sweep(struct mr_desk *desk)
{
    struct sweep s = {.desk = desk, .now_us = mr_clock_wall_us(desk->house->clock)};
    struct mr_log_reader *reader;
    int r = mr_log_reader_open(desk->house->log, &reader);

    if (r < 0)
        return r;
    r = mr_log_rows(reader, MR_LOG_QUARANTINE, mr_slice(NULL, 0), mr_slice(NULL, 0), on_row, &s);
    mr_log_reader_close(reader);
    if (r == 0)
        r = mr_desk_destroy(desk, mr_buf_slice(&s.due));
    mr_buf_fini(&s.due);
    return r;
}
