/* Bodies that are not needed any more: the index forgets what was inside, and their item keys are destroyed.
 */
#include <string.h>

#include <sodium.h>

#include "hub/desk/desk_internal.h"
#include "hub/index/owed.h"

/* Numbers no further apart are one range: reading the records between them is less than another round. */
enum { NEAR = 4096 };

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
    struct mr_buf due;  /* item ids */
    struct mr_buf owed; /* struct mr_owed, ascending: where they are */
};

static bool has_key(const struct mr_desk *desk, const uint8_t *item)
{
    struct mr_slot_key key;
    int r = mr_keyring_person_key(desk->house->keyring, item, &key);

    sodium_memzero(&key, sizeof key);
    return r == 0;
}

static void add_owed(struct sweep *s, uint64_t number)
{
    struct mr_owed owed = {number, number};

    if (s->owed.size > 0) {
        uint8_t *last = s->owed.data + s->owed.size - sizeof owed;

        memcpy(&owed, last, sizeof owed);
        if (number - owed.last <= NEAR) {
            owed.last = number;
            memcpy(last, &owed, sizeof owed);
            return;
        }
        owed = (struct mr_owed){number, number};
    }
    mr_buf_put(&s->owed, &owed, sizeof owed);
}

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct sweep *s = ctx;
    struct mr_quarantine_row row;
    int r = mr_quarantine_row_decode(&row, value);

    if (r < 0 || key.size != MR_QUARANTINE_KEY_BYTES || !mr_quarantine_row_over(&row, s->now_us))
        return 0; /* scrubbing reports a damaged one */
    if (has_key(s->desk, row.item)) {
        mr_buf_put(&s->due, row.item, sizeof row.item);
        add_owed(s, mr_get_be64(key.data));
    }
    return mr_buf_failed(&s->due) || mr_buf_failed(&s->owed) ? MR_ENOMEM : 0;
}

/* Writer thread. */
static int put_owed(struct mr_own *own, struct mr_log_batch *batch)
{
    const struct mr_buf *owed = own->ctx;
    struct mr_owed range;
    int r = 0;

    for (size_t at = 0; r == 0 && at < owed->size; at += sizeof range) {
        memcpy(&range, owed->data + at, sizeof range);
        r = mr_owed_put(batch, &range);
    }
    return r;
}

/* Owed first: a kill before the keys are gone finds them due again. */
static int destroy_due(struct mr_desk *desk, struct sweep *s)
{
    struct mr_own own = {.rows = put_owed, .ctx = &s->owed};
    int r = s->due.size > 0 ? mr_own_say(desk->options.prepare, &own, NULL) : 0;

    if (r == 0)
        r = mr_desk_destroy(desk, mr_buf_slice(&s->due));
    if (r == 0 && s->due.size > 0 && desk->options.owes)
        desk->options.owes(desk->options.ctx);
    return r;
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
        r = destroy_due(desk, &s);
    mr_buf_fini(&s.due);
    mr_buf_fini(&s.owed);
    return r;
}
