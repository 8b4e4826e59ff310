#include "adapters/sdk/outbox.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "adapters/sdk/outbox_internal.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "proto/wire/codec.h"

static const char *const TABLES[MR_OUTBOX_TABLES] = {"events", "rows", "meta"};

/* ---- meta rows: eight bytes each ---- */

static int meta_get(struct mr_kv_txn *kv, struct mr_slice key, uint64_t *ret)
{
    struct mr_slice value;
    int r = mr_kv_get(kv, MR_OUTBOX_META, key, &value);

    *ret = 0;
    if (r < 0)
        return r;
    if (value.size != 8)
        return MR_ECORRUPT;
    *ret = mr_get_be64(value.data);
    return 0;
}

static int meta_put(struct mr_kv_txn *kv, struct mr_slice key, uint64_t value)
{
    uint8_t bytes[8];

    mr_put_be64(bytes, value);
    return mr_kv_put(kv, MR_OUTBOX_META, key, mr_slice(bytes, sizeof bytes));
}

/* Rows of a day: "day" + YYYYMMDD in four bytes. */
static struct mr_slice day_key(uint32_t day, uint8_t out[static 7])
{
    memcpy(out, "day", 3);
    mr_put_be32(out + 3, day);
    return mr_slice(out, 7);
}

static int day_count(struct mr_kv_txn *kv, uint32_t day, uint64_t *ret)
{
    uint8_t key[7];
    int r = meta_get(kv, day_key(day, key), ret);

    return r == MR_ENOTFOUND ? 0 : r;
}

static int day_change(struct mr_outbox_txn *txn, uint32_t day, int by)
{
    uint8_t key[7];
    uint64_t count;
    int r = day_count(txn->kv, day, &count);

    if (r < 0)
        return r;
    assert(by > 0 || count > 0);
    count += (uint64_t)(int64_t)by;
    if (count > 0)
        return meta_put(txn->kv, day_key(day, key), count);
    if (txn->emptied_count < MR_OUTBOX_EMPTIED_MAX)
        txn->emptied[txn->emptied_count++] = day;
    return mr_kv_del(txn->kv, MR_OUTBOX_META, day_key(day, key));
}

/* ---- open and close ---- */

static int load_or_make(struct mr_outbox *outbox, struct mr_kv_txn *kv)
{
    int r = meta_get(kv, mr_slice_str("epoch"), &outbox->epoch);

    if (r == MR_ENOTFOUND) {
        do
            randombytes_buf(&outbox->epoch, sizeof outbox->epoch);
        while (outbox->epoch == 0);
        outbox->next = 1;
        r = meta_put(kv, mr_slice_str("epoch"), outbox->epoch);
        return r < 0 ? r : meta_put(kv, mr_slice_str("next"), 1);
    }
    if (r == 0)
        r = meta_get(kv, mr_slice_str("next"), &outbox->next);
    if (r == 0)
        r = meta_get(kv, mr_slice_str("noted"), &outbox->noted);
    return r == MR_ENOTFOUND ? 0 : r;
}

struct sweep {
    struct mr_outbox *outbox;
    struct mr_kv_txn *kv;
    uint32_t today;
};

static int sweep_one(void *ctx, uint32_t day)
{
    struct sweep *sweep = ctx;
    uint64_t count;
    int r;

    if (day >= sweep->today)
        return 0;
    r = day_count(sweep->kv, day, &count);
    if (r == 0 && count == 0)
        r = mr_outbox_keys_destroy(&sweep->outbox->keys, day);
    return r;
}

/* Keys of past days that no row needs: a crash may come between the commit and the destruction. */
static int sweep_keys(struct mr_outbox *outbox)
{
    struct sweep sweep = {outbox, NULL, mr_outbox_day(mr_clock_wall_us(outbox->clock))};
    int r = mr_kv_begin_read(outbox->kv, &sweep.kv);

    if (r < 0)
        return r;
    r = mr_outbox_keys_each(&outbox->keys, sweep_one, &sweep);
    mr_kv_abort(sweep.kv);
    return r;
}

static int open_store(struct mr_outbox *outbox, struct mr_error *reterr)
{
    struct mr_kv_options options = {.tables = TABLES, .tables_count = MR_OUTBOX_TABLES, .exclusive = true};
    struct mr_kv_txn *kv;
    struct mr_buf dir = MR_BUF_INIT;
    int r = mr_outbox_secret(outbox->dir, outbox->secret);

    if (r < 0)
        return mr_error_set(reterr, r, outbox->dir, "check the folder's owner and rights", "outbox secret");
    mr_buf_printf(&dir, "%s/outbox", outbox->dir);
    options.dir = mr_buf_str(&dir);
    r = options.dir ? mr_kv_open(&outbox->kv, &options, reterr) : MR_ENOMEM;
    mr_buf_fini(&dir);
    if (r < 0)
        return r;
    r = mr_kv_begin_write(outbox->kv, &kv);
    if (r < 0)
        return mr_error_set(reterr, r, outbox->dir, NULL, "outbox cannot be written");
    r = load_or_make(outbox, kv);
    if (r < 0) {
        mr_kv_abort(kv);
        return mr_error_set(reterr, r, outbox->dir, NULL, "outbox is damaged");
    }
    r = mr_kv_commit(kv);
    return r < 0 ? r : sweep_keys(outbox);
}

int mr_outbox_open(
        struct mr_outbox **ret, const char *state_dir, const struct mr_clock *clock, struct mr_error *reterr)
{
    struct mr_outbox *outbox;
    int r;

    if (sodium_init() < 0)
        return MR_ESYSTEM;
    r = mr_file_make_dirs(state_dir);
    if (r < 0)
        return mr_error_set(reterr, r, state_dir, "create it or correct its rights", "state folder");
    outbox = calloc(1, sizeof *outbox);
    if (!outbox)
        return MR_ENOMEM;
    outbox->clock = clock;
    outbox->dir = strdup(state_dir);
    mr_outbox_keys_init(&outbox->keys, outbox->dir);
    r = outbox->dir ? open_store(outbox, reterr) : MR_ENOMEM;
    if (r < 0) {
        mr_outbox_close(outbox);
        return r;
    }
    *ret = outbox;
    return 0;
}

void mr_outbox_close(struct mr_outbox *outbox)
{
    if (!outbox)
        return;
    mr_kv_close(outbox->kv);
    mr_outbox_keys_fini(&outbox->keys);
    sodium_memzero(outbox->secret, sizeof outbox->secret);
    free(outbox->dir);
    free(outbox);
}

void mr_outbox_on_added(struct mr_outbox *outbox, void (*fn)(void *ctx), void *ctx)
{
    outbox->on_added = fn;
    outbox->on_added_ctx = ctx;
}

uint64_t mr_outbox_epoch(const struct mr_outbox *outbox)
{
    return outbox->epoch;
}

uint64_t mr_outbox_last(const struct mr_outbox *outbox)
{
    return outbox->next - 1;
}

uint64_t mr_outbox_noted(const struct mr_outbox *outbox)
{
    return outbox->noted;
}

void mr_outbox_keyed_digest(struct mr_outbox *outbox, struct mr_slice data, uint8_t ret[static 16])
{
    (void)crypto_generichash(ret, 16, data.data, data.size, outbox->secret, sizeof outbox->secret);
}

/* ---- transactions ---- */

int mr_outbox_txn_begin(struct mr_outbox *outbox, struct mr_outbox_txn **ret)
{
    struct mr_outbox_txn *txn = calloc(1, sizeof *txn);
    int r;

    if (!txn)
        return MR_ENOMEM;
    r = mr_kv_begin_write(outbox->kv, &txn->kv);
    if (r < 0) {
        free(txn);
        return r;
    }
    txn->outbox = outbox;
    txn->epoch = outbox->epoch;
    txn->next = outbox->next;
    txn->noted = outbox->noted;
    *ret = txn;
    return 0;
}

static int put_sealed(struct mr_outbox_txn *txn, uint32_t day, uint64_t sequence, struct mr_slice event,
        struct mr_slice ref)
{
    struct mr_buf sealed = MR_BUF_INIT;
    uint8_t key[8];
    int r = mr_outbox_seal(txn->outbox, day, txn->epoch, sequence, event, ref, &sealed);

    mr_put_be64(key, sequence);
    if (r == 0)
        r = mr_kv_put(txn->kv, MR_OUTBOX_EVENTS, mr_slice(key, sizeof key), mr_buf_slice(&sealed));
    mr_buf_fini(&sealed);
    return r < 0 ? r : day_change(txn, day, 1);
}

int mr_outbox_add(
        struct mr_outbox_txn *txn, struct mr_slice event, struct mr_slice ref, uint64_t *ret_sequence)
{
    int r;

    if (event.size > MR_EVENT_BYTES_MAX)
        return MR_ETOOBIG;
    if (event.size == 0 || ref.size > MR_OUTBOX_REF_MAX)
        return MR_EINVAL;
    r = put_sealed(txn, mr_outbox_day(mr_clock_wall_us(txn->outbox->clock)), txn->next, event, ref);
    if (r < 0)
        return r;
    if (ret_sequence)
        *ret_sequence = txn->next;
    txn->next++;
    txn->added = true;
    return 0;
}

int mr_outbox_get(struct mr_outbox_txn *txn, struct mr_slice key, struct mr_slice *ret)
{
    return mr_kv_get(txn->kv, MR_OUTBOX_ROWS, key, ret);
}

int mr_outbox_put(struct mr_outbox_txn *txn, struct mr_slice key, struct mr_slice value)
{
    return mr_kv_put(txn->kv, MR_OUTBOX_ROWS, key, value);
}

int mr_outbox_del(struct mr_outbox_txn *txn, struct mr_slice key)
{
    return mr_kv_del(txn->kv, MR_OUTBOX_ROWS, key);
}

int mr_outbox_each(struct mr_outbox_txn *txn, struct mr_slice prefix,
        int (*fn)(void *ctx, struct mr_slice key, struct mr_slice value), void *fn_ctx)
{
    struct mr_kv_cursor *cursor;
    struct mr_slice key, value;
    int r = mr_kv_cursor_open(txn->kv, MR_OUTBOX_ROWS, &cursor);

    if (r < 0)
        return r;
    r = mr_kv_cursor_seek(cursor, prefix, &key, &value);
    while (r == 0 && key.size >= prefix.size && memcmp(key.data, prefix.data, prefix.size) == 0) {
        r = fn(fn_ctx, key, value);
        if (r == 0)
            r = mr_kv_cursor_next(cursor, &key, &value);
    }
    mr_kv_cursor_close(cursor);
    return r == MR_ENOTFOUND ? 0 : r;
}

int mr_outbox_open_row(
        struct mr_outbox_txn *txn, uint64_t sequence, struct mr_buf *plain, struct mr_slice *ret_ref)
{
    uint8_t key[8];
    struct mr_slice sealed, event;
    int r;

    mr_put_be64(key, sequence);
    r = mr_kv_get(txn->kv, MR_OUTBOX_EVENTS, mr_slice(key, sizeof key), &sealed);
    return r < 0 ? r : mr_outbox_unseal(txn->outbox, txn->epoch, sequence, sealed, plain, &event, ret_ref);
}

static int drop_row(struct mr_outbox_txn *txn, uint64_t sequence)
{
    uint8_t key[8];
    struct mr_slice sealed;
    uint32_t day;
    int r;

    mr_put_be64(key, sequence);
    r = mr_kv_get(txn->kv, MR_OUTBOX_EVENTS, mr_slice(key, sizeof key), &sealed);
    if (r < 0)
        return r == MR_ENOTFOUND ? 0 : r;
    day = mr_outbox_sealed_day(sealed);
    r = mr_kv_del(txn->kv, MR_OUTBOX_EVENTS, mr_slice(key, sizeof key));
    return r < 0 || day == 0 ? r : day_change(txn, day, -1);
}

int mr_outbox_note(struct mr_outbox_txn *txn, uint64_t through)
{
    assert(through < txn->next);
    while (txn->noted < through) {
        int r = drop_row(txn, txn->noted + 1);

        if (r < 0)
            return r;
        txn->noted++;
    }
    return 0;
}

static int commit_meta(struct mr_outbox_txn *txn)
{
    struct mr_outbox *outbox = txn->outbox;
    int r = 0;

    if (txn->next != outbox->next)
        r = meta_put(txn->kv, mr_slice_str("next"), txn->next);
    if (r == 0 && txn->noted != outbox->noted)
        r = meta_put(txn->kv, mr_slice_str("noted"), txn->noted);
    if (r == 0 && txn->epoch != outbox->epoch)
        r = meta_put(txn->kv, mr_slice_str("epoch"), txn->epoch);
    return r;
}

/* The rows of a past day have gone: so does its key. What cannot be destroyed now is at the next start. */
static void destroy_emptied(struct mr_outbox_txn *txn, uint32_t today)
{
    struct mr_outbox *outbox = txn->outbox;

    for (unsigned i = 0; i < txn->emptied_count; i++)
        if (txn->emptied[i] < today)
            (void)mr_outbox_keys_destroy(&outbox->keys, txn->emptied[i]);
    if (outbox->day != 0 && outbox->day != today)
        (void)sweep_keys(outbox);
    outbox->day = today;
}

int mr_outbox_commit(struct mr_outbox_txn *txn)
{
    struct mr_outbox *outbox = txn->outbox;
    int r = commit_meta(txn);

    if (r < 0) {
        mr_outbox_abort(txn);
        return r;
    }
    r = mr_kv_commit(txn->kv);
    if (r == 0) {
        outbox->epoch = txn->epoch;
        outbox->next = txn->next;
        outbox->noted = txn->noted;
        destroy_emptied(txn, mr_outbox_day(mr_clock_wall_us(outbox->clock)));
        if (txn->added && outbox->on_added)
            outbox->on_added(outbox->on_added_ctx);
    }
    free(txn);
    return r;
}

void mr_outbox_abort(struct mr_outbox_txn *txn)
{
    if (!txn)
        return;
    mr_kv_abort(txn->kv);
    free(txn);
}

/* ---- walking ---- */

static int walk_rows(struct mr_outbox *outbox, struct mr_kv_cursor *cursor, uint64_t from,
        struct mr_buf *plain, int (*fn)(void *ctx, const struct mr_outbox_item *item), void *ctx)
{
    uint8_t start[8];
    struct mr_slice key, value;
    int r;

    mr_put_be64(start, from);
    r = mr_kv_cursor_seek(cursor, mr_slice(start, sizeof start), &key, &value);
    while (r == 0) {
        struct mr_outbox_item item = {.sequence = mr_get_be64(key.data)};

        item.error =
                mr_outbox_unseal(outbox, outbox->epoch, item.sequence, value, plain, &item.event, &item.ref);
        if (item.error == MR_ENOMEM)
            return item.error;
        r = fn(ctx, &item);
        if (r == 0)
            r = mr_kv_cursor_next(cursor, &key, &value);
    }
    return r == MR_ENOTFOUND || r > 0 ? 0 : r;
}

int mr_outbox_walk(struct mr_outbox *outbox, uint64_t from,
        int (*fn)(void *ctx, const struct mr_outbox_item *item), void *ctx)
{
    struct mr_kv_txn *kv;
    struct mr_kv_cursor *cursor;
    struct mr_buf plain = MR_BUF_INIT;
    int r = mr_kv_begin_read(outbox->kv, &kv);

    if (r < 0)
        return r;
    r = mr_kv_cursor_open(kv, MR_OUTBOX_EVENTS, &cursor);
    if (r == 0) {
        r = walk_rows(outbox, cursor, from, &plain, fn, ctx);
        mr_kv_cursor_close(cursor);
    }
    mr_kv_abort(kv);
    mr_buf_wipe(&plain);
    return r;
}

/* Moves the waiting rows in ascending order; the new number is never above the old one. */
static int renumber_rows(struct mr_outbox_txn *txn, uint64_t old_epoch, uint64_t first, uint64_t last)
{
    struct mr_outbox *outbox = txn->outbox;
    uint32_t day = mr_outbox_day(mr_clock_wall_us(outbox->clock));
    struct mr_buf plain = MR_BUF_INIT;
    int r = 0;

    for (uint64_t from = first; r == 0 && from <= last; from++) {
        uint8_t key[8];
        struct mr_slice sealed, event, ref;

        mr_put_be64(key, from);
        r = mr_kv_get(txn->kv, MR_OUTBOX_EVENTS, mr_slice(key, sizeof key), &sealed);
        if (r == 0)
            r = mr_outbox_unseal(outbox, old_epoch, from, sealed, &plain, &event, &ref);
        if (r == MR_EDESTROYED || r == MR_ECORRUPT) {
            r = drop_row(txn, from); /* nobody can read it any more */
            continue;
        }
        if (r == 0)
            r = drop_row(txn, from);
        if (r == 0)
            r = put_sealed(txn, day, txn->next++, event, ref);
    }
    mr_buf_wipe(&plain);
    return r;
}

int mr_outbox_renumber(struct mr_outbox *outbox)
{
    struct mr_outbox_txn *txn;
    int r = mr_outbox_txn_begin(outbox, &txn);

    if (r < 0)
        return r;
    do
        randombytes_buf(&txn->epoch, sizeof txn->epoch);
    while (txn->epoch == 0 || txn->epoch == outbox->epoch);
    txn->next = 1;
    txn->noted = 0;
    r = renumber_rows(txn, outbox->epoch, outbox->noted + 1, outbox->next - 1);
    if (r < 0) {
        mr_outbox_abort(txn);
        return r;
    }
    return mr_outbox_commit(txn);
}
