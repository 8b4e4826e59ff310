#include "store/key_rotation.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "proto/base/bytes.h"
#include "store/key_tree.h"

enum { CHUNK_ROWS = 4096, UNTOUCHED = UINT16_MAX, KEY_MAX = 32, VALUE_MAX = 128 };

struct mr_key_rotation {
    struct mr_keyring_txn *txn;
    uint32_t generation;
    struct mr_slice forgotten;
    uint16_t place[MR_BUCKETS]; /* in keys; UNTOUCHED */
    uint16_t touched[MR_BUCKETS];
    uint32_t count;
    uint32_t room;
    struct mr_bucket_keys *keys; /* sodium_malloc, `room` of them */
    struct mr_key_rotation_counts counts;
};

int mr_key_rotation_new(struct mr_key_rotation **ret, struct mr_keyring_txn *txn)
{
    struct mr_key_rotation *rotation = calloc(1, sizeof *rotation);

    if (!rotation)
        return MR_ENOMEM;
    rotation->txn = txn;
    for (uint32_t i = 0; i < MR_BUCKETS; i++)
        rotation->place[i] = UNTOUCHED;
    *ret = rotation;
    return 0;
}

void mr_key_rotation_free(struct mr_key_rotation *rotation)
{
    if (!rotation)
        return;
    sodium_free(rotation->keys);
    free(rotation);
}

static int grow(struct mr_key_rotation *rotation)
{
    uint32_t room = rotation->room ? rotation->room * 2 : 32;
    struct mr_bucket_keys *keys = sodium_allocarray(room, sizeof *keys);

    if (!keys)
        return MR_ENOMEM;
    if (rotation->count > 0)
        memcpy(keys, rotation->keys, rotation->count * sizeof *keys);
    sodium_free(rotation->keys);
    rotation->keys = keys;
    rotation->room = room;
    return 0;
}

int mr_key_rotation_touch(struct mr_key_rotation *rotation, uint16_t bucket)
{
    struct mr_bucket_keys *keys;
    int r = 0;

    assert(bucket < MR_BUCKETS && rotation->generation == 0);
    if (rotation->place[bucket] != UNTOUCHED)
        return 0;
    if (rotation->count == rotation->room)
        r = grow(rotation);
    if (r < 0)
        return r;
    keys = &rotation->keys[rotation->count];
    r = mr_bucket_key(rotation->txn->keyring, rotation->txn->kv, bucket, keys->from);
    if (r < 0)
        return r;
    randombytes_buf(keys->to, sizeof keys->to);
    rotation->place[bucket] = (uint16_t)rotation->count;
    rotation->touched[rotation->count++] = bucket;
    return 0;
}

void mr_key_rotation_forget(struct mr_key_rotation *rotation, struct mr_slice persons)
{
    assert(persons.size % MR_PERSON_ID_BYTES == 0);
    rotation->forgotten = persons;
}

const struct mr_bucket_keys *mr_key_rotation_bucket(const struct mr_key_rotation *rotation, uint16_t bucket)
{
    if (bucket >= MR_BUCKETS || rotation->place[bucket] == UNTOUCHED)
        return NULL;
    return &rotation->keys[rotation->place[bucket]];
}

uint32_t mr_key_rotation_generation(const struct mr_key_rotation *rotation)
{
    return rotation->generation;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, MR_PERSON_ID_BYTES);
}

bool mr_key_rotation_forgets(
        const struct mr_key_rotation *rotation, const uint8_t person[static MR_PERSON_ID_BYTES])
{
    return rotation->forgotten.size > 0 &&
           bsearch(person, rotation->forgotten.data, rotation->forgotten.size / MR_PERSON_ID_BYTES,
                   MR_PERSON_ID_BYTES, compare_ids);
}

/* ---- rows of one table: read a part, write it, go on behind it ---- */

typedef int (*rewrap_fn)(
        const struct mr_key_rotation *rotation, struct mr_slice key, struct mr_slice value, uint8_t *out);

/* What a part of the table turned into. */
struct change {
    enum mr_rewrap what;
    uint8_t key_size;
    uint8_t value_size;
    uint8_t key[KEY_MAX];
    uint8_t value[VALUE_MAX];
};

struct sweep {
    struct mr_key_rotation *rotation;
    enum mr_keyring_table table;
    struct mr_slice prefix;
    rewrap_fn fn;
    struct mr_buf changes;     /* struct change, one after another */
    uint8_t next[KEY_MAX + 1]; /* where to go on: the last key with a zero behind it */
    size_t next_size;
};

static int sweep_row(struct sweep *sweep, struct mr_slice key, struct mr_slice value)
{
    struct change change = {.key_size = (uint8_t)key.size, .value_size = (uint8_t)value.size};
    int r = key.size <= KEY_MAX && value.size <= VALUE_MAX
                    ? sweep->fn(sweep->rotation, key, value, change.value)
                    : MR_ECORRUPT;

    if (r == MR_REWRAP_PUT || r == MR_REWRAP_DELETE) {
        change.what = (enum mr_rewrap)r;
        memcpy(change.key, key.data, key.size);
        mr_buf_put(&sweep->changes, &change, sizeof change);
    }
    return r < 0 ? r : 0;
}

/*
 * Up to CHUNK_ROWS rows. 0: the table's end. A row that is damaged, for itself or under its key, must not
 * stop an erasure: it is counted and left. A table that is damaged does.
 */
static int sweep_chunk(struct sweep *sweep, struct mr_kv_cursor *cursor)
{
    struct mr_slice key = {0}, value = {0};
    int r = mr_kv_cursor_seek(
            cursor, sweep->next_size ? mr_slice(sweep->next, sweep->next_size) : sweep->prefix, &key, &value);

    for (uint32_t rows = 0; rows < CHUNK_ROWS; rows++) {
        bool readable = r == 0;

        if (r == MR_ENOTFOUND || (r == MR_ECORRUPT && !key.data))
            return r == MR_ENOTFOUND ? 0 : r;
        if (r < 0 && r != MR_ECORRUPT)
            return r;
        if (key.size < sweep->prefix.size || key.size > KEY_MAX ||
                !mr_slice_equal(mr_slice(key.data, sweep->prefix.size), sweep->prefix))
            return 0;
        memcpy(sweep->next, key.data, key.size);
        sweep->next[key.size] = 0;
        sweep->next_size = key.size + 1;
        r = readable ? sweep_row(sweep, key, value) : MR_ECORRUPT;
        if (r < 0 && r != MR_ECORRUPT)
            return r;
        sweep->rotation->counts.damaged += r < 0;
        key = (struct mr_slice){0};
        r = mr_kv_cursor_next(cursor, &key, &value);
    }
    return 1;
}

static int write_changes(struct sweep *sweep)
{
    struct mr_kv_txn *kv = sweep->rotation->txn->kv;
    struct mr_key_rotation_counts *counts = &sweep->rotation->counts;
    int r = mr_buf_failed(&sweep->changes) ? MR_ENOMEM : 0;

    for (size_t at = 0; at < sweep->changes.size && r == 0; at += sizeof(struct change)) {
        struct change change;

        memcpy(&change, sweep->changes.data + at, sizeof change);
        if (change.what == MR_REWRAP_PUT)
            r = mr_kv_put(kv, sweep->table, mr_slice(change.key, change.key_size),
                    mr_slice(change.value, change.value_size));
        else
            r = mr_kv_del(kv, sweep->table, mr_slice(change.key, change.key_size));
        counts->rewrapped += change.what == MR_REWRAP_PUT;
        counts->deleted += change.what == MR_REWRAP_DELETE;
    }
    mr_buf_reset(&sweep->changes);
    return r;
}

static int sweep_rows(
        struct mr_key_rotation *rotation, enum mr_keyring_table table, struct mr_slice prefix, rewrap_fn fn)
{
    struct sweep sweep = {.rotation = rotation, .table = table, .prefix = prefix, .fn = fn};
    int r;

    do {
        struct mr_kv_cursor *cursor;

        r = mr_kv_cursor_open(rotation->txn->kv, table, &cursor);
        if (r < 0)
            break;
        r = sweep_chunk(&sweep, cursor);
        mr_kv_cursor_close(cursor);
        if (r >= 0) {
            int written = write_changes(&sweep);

            r = written < 0 ? written : r;
        }
    } while (r > 0);
    mr_buf_fini(&sweep.changes);
    return r;
}

/* ---- the whole ---- */

static int sweep_bucket(struct mr_key_rotation *rotation, uint16_t bucket)
{
    uint8_t prefix[2];
    int r;

    mr_put_be16(prefix, bucket);
    r = sweep_rows(rotation, MR_KEYRING_DEK, mr_slice(prefix, sizeof prefix), mr_dek_rewrap);
    /* A person's row lies under its id, and its bucket is the id's first two bytes mod MR_BUCKETS. */
    for (uint32_t start = bucket; start <= UINT16_MAX && r == 0; start += MR_BUCKETS) {
        mr_put_be16(prefix, (uint16_t)start);
        r = sweep_rows(rotation, MR_KEYRING_SUBJ, mr_slice(prefix, sizeof prefix), mr_subject_rewrap);
    }
    return r;
}

int mr_key_rotation_run(
        struct mr_key_rotation *rotation, uint32_t generation, struct mr_key_rotation_counts *ret)
{
    struct mr_keyring_txn *txn = rotation->txn;
    int r = 0;

    assert(generation != 0 && rotation->generation == 0);
    rotation->generation = generation;
    for (uint32_t i = 0; i < rotation->count && r == 0; i++)
        r = sweep_bucket(rotation, rotation->touched[i]);
    if (r == 0 && rotation->count > 0)
        r = sweep_rows(rotation, MR_KEYRING_BIDX, mr_slice(NULL, 0), mr_blind_rewrap);
    for (uint32_t bucket = 0; bucket < MR_BUCKETS && r == 0; bucket++) {
        const struct mr_bucket_keys *keys = mr_key_rotation_bucket(rotation, (uint16_t)bucket);

        r = mr_bucket_rewrap(txn->keyring, txn->kv, (uint16_t)bucket, generation, keys ? keys->to : NULL);
    }
    if (r == 0)
        r = mr_blind_key_put(txn->keyring, txn->kv, generation);
    rotation->counts.buckets = rotation->count;
    *ret = rotation->counts;
    return r;
}
