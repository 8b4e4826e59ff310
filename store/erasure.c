#include "store/erasure.h"

#include <sodium.h>
#include <stdlib.h>

#include "proto/base/bytes.h"
#include "store/fault.h"
#include "store/key_rotation.h"
#include "store/key_tree.h"

/*
 * Two rows of `meta`. "owed": a bit for each bucket in which something was destroyed without a rotation.
 * "erased": the last batch, id[16] and its result, eight u32.
 */
static const char OWED[] = "owed";
static const char ERASED[] = "erased";

enum { OWED_BYTES = MR_BUCKETS / 8, RESULT_WORDS = 8, ERASED_BYTES = MR_ERASURE_ID_BYTES + 4 * RESULT_WORDS };

bool mr_keyring_row_batch(struct mr_slice key, struct mr_slice value, uint8_t ret[static MR_ERASURE_ID_BYTES])
{
    if (!mr_slice_equal(key, mr_slice_str(ERASED)) || value.size != ERASED_BYTES)
        return false;
    memcpy(ret, value.data, MR_ERASURE_ID_BYTES);
    return true;
}

struct erase {
    struct mr_keyring *keyring;
    struct mr_keyring_txn *txn;
    struct mr_key_rotation *rotation;
    struct mr_buf persons; /* every id that was destroyed */
    struct mr_erasure_result result;
    int root_slot; /* where the next root was written; -1: not yet */
};

/* ---- what is owed ---- */

static int owed_get(struct mr_kv_txn *kv, uint8_t ret[static OWED_BYTES])
{
    struct mr_slice value;
    int r = mr_kv_get(kv, MR_KEYRING_META, mr_slice_str(OWED), &value);

    memset(ret, 0, OWED_BYTES);
    if (r == MR_ENOTFOUND)
        return 0;
    if (r == 0 && value.size != OWED_BYTES)
        r = MR_ECORRUPT;
    if (r == 0)
        memcpy(ret, value.data, OWED_BYTES);
    return r;
}

int mr_erasure_owed(struct mr_kv_txn *kv, const uint16_t *buckets, size_t count)
{
    uint8_t owed[OWED_BYTES];
    int r = owed_get(kv, owed);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        owed[buckets[i] / 8] |= (uint8_t)(1u << (buckets[i] % 8));
    return mr_kv_put(kv, MR_KEYRING_META, mr_slice_str(OWED), mr_slice(owed, sizeof owed));
}

int mr_erasure_is_owed(struct mr_kv_txn *kv, bool *ret)
{
    uint8_t owed[OWED_BYTES];
    int r = owed_get(kv, owed);

    *ret = r == 0 && !sodium_is_zero(owed, sizeof owed);
    return r;
}

static int touch_owed(struct erase *e)
{
    uint8_t owed[OWED_BYTES];
    int r = owed_get(e->txn->kv, owed);

    for (uint32_t bucket = 0; bucket < MR_BUCKETS && r == 0; bucket++)
        if (owed[bucket / 8] & (1u << (bucket % 8)))
            r = mr_key_rotation_touch(e->rotation, (uint16_t)bucket);
    if (r == 0)
        r = mr_kv_del(e->txn->kv, MR_KEYRING_META, mr_slice_str(OWED));
    return r == MR_ENOTFOUND ? 0 : r;
}

/* ---- the batch's result ---- */

static uint32_t *words_of(struct mr_erasure_result *result, size_t i)
{
    uint32_t *const words[RESULT_WORDS] = {&result->generation_before, &result->generation_after,
            &result->persons, &result->keys, &result->identifiers, &result->buckets, &result->rewrapped,
            &result->damaged};

    return words[i];
}

static int put_result(struct erase *e, const struct mr_erasure_options *options)
{
    uint8_t row[ERASED_BYTES];

    memcpy(row, options->id, MR_ERASURE_ID_BYTES);
    for (size_t i = 0; i < RESULT_WORDS; i++)
        mr_put_be32(row + MR_ERASURE_ID_BYTES + 4 * i, *words_of(&e->result, i));
    return mr_kv_put(e->txn->kv, MR_KEYRING_META, mr_slice_str(ERASED), mr_slice(row, sizeof row));
}

/* 1: this batch was committed before, *ret is its result. */
static int done_before(
        struct erase *e, const struct mr_erasure_options *options, struct mr_erasure_result *ret)
{
    struct mr_slice row;
    int r = mr_kv_get(e->txn->kv, MR_KEYRING_META, mr_slice_str(ERASED), &row);

    if (r < 0)
        return r == MR_ENOTFOUND ? 0 : r;
    if (row.size != ERASED_BYTES)
        return MR_ECORRUPT;
    if (memcmp(row.data, options->id, MR_ERASURE_ID_BYTES) != 0)
        return 0;
    for (size_t i = 0; i < RESULT_WORDS; i++)
        *words_of(ret, i) = mr_get_be32(row.data + MR_ERASURE_ID_BYTES + 4 * i);
    return 1;
}

/* ---- the next root ---- */

static int roots_error(struct mr_keyring *keyring, int r, struct mr_error *reterr)
{
    if (r == MR_EAGAIN)
        return mr_error_set(reterr, r, keyring->root_path,
                "bring back the escrow places that the configuration names; it then goes on by itself",
                "an earlier erasure is not finished: the old root key is still here");
    return mr_error_set(reterr, r, keyring->root_path,
            "find out who changed the folder; bring the root keys back from their escrow place",
            "the root keys in the folder are not those that this process works with");
}

static bool is_live(struct mr_keyring *keyring, const struct mr_root_slot *slot)
{
    uint8_t live[MR_KEY_BYTES];
    bool same = slot->state == MR_ROOT_PRESENT && slot->generation == mr_key_roots_live(keyring->roots) &&
                mr_key_roots_get(keyring->roots, slot->generation, live) == 0 &&
                sodium_memcmp(live, slot->key, sizeof live) == 0;

    sodium_memzero(live, sizeof live);
    return same;
}

/*
 * The slot beside the live root's. A next root in it is of an erasure that ended before its commit: nothing
 * was ever wrapped by it.
 */
static int clear_slot(struct erase *e, unsigned *ret, struct mr_error *reterr)
{
    struct mr_keyring *keyring = e->keyring;
    struct mr_root root;
    unsigned live;
    int r = mr_root_read(keyring->root_path, &root, reterr);

    if (r < 0)
        return r;
    live = is_live(keyring, &root.slots[0]) ? 0 : 1;
    *ret = 1 - live;
    if (!is_live(keyring, &root.slots[live]))
        r = roots_error(keyring, MR_ECORRUPT, reterr);
    else if (root.slots[*ret].state != MR_ROOT_PRESENT)
        r = 0;
    else if (root.slots[*ret].generation < root.slots[live].generation)
        r = roots_error(keyring, MR_EAGAIN, reterr);
    else if (root.slots[*ret].generation != e->result.generation_after)
        r = roots_error(keyring, MR_ECORRUPT, reterr);
    else
        r = mr_root_destroy(keyring->root_path, *ret, reterr);
    mr_root_wipe(&root);
    return r;
}

static int make_root(struct erase *e, struct mr_error *reterr)
{
    struct mr_keyring *keyring = e->keyring;
    uint8_t key[MR_KEY_BYTES];
    unsigned slot;
    int r = clear_slot(e, &slot, reterr);

    if (r == 0 && (r = MR_FAULT("keys.erase.root")) < 0)
        r = mr_error_set(reterr, r, keyring->root_path, "", "cannot write the next root key");
    if (r < 0)
        return r;
    randombytes_buf(key, sizeof key);
    e->root_slot = (int)slot;
    r = mr_root_write(keyring->root_path, slot, e->result.generation_after, key, reterr);
    if (r == 0)
        mr_key_roots_add(keyring->roots, e->result.generation_after, key);
    sodium_memzero(key, sizeof key);
    return r;
}

/* ---- the persons ---- */

static int touch_group(struct erase *e, struct mr_slice group)
{
    int r = 0;

    for (size_t at = 0; at < group.size && r == 0; at += MR_PERSON_ID_BYTES) {
        struct mr_subject subject;

        r = mr_subject_own(e->keyring, e->txn->kv, group.data + at, &subject);
        if (r == 0)
            r = mr_key_rotation_touch(e->rotation, mr_bucket_of(subject.key_id));
        if (r == 0)
            r = mr_key_rotation_touch(e->rotation, mr_bucket_of(subject.person));
    }
    return r;
}

static int erase_person(struct erase *e, const uint8_t *person)
{
    struct mr_buf group = MR_BUF_INIT;
    struct mr_subject subject;
    int r = mr_subject_state(e->txn->kv, person, &subject);

    if (r < 0 || subject.state == MR_PERSON_DESTROYED)
        return r;
    r = mr_hold_count(e->txn->kv, subject.person);
    if (r != 0)
        return r > 0 ? MR_EDENIED : r;
    r = mr_alias_group(e->txn->kv, subject.person, &group);
    if (r == 0)
        r = touch_group(e, mr_buf_slice(&group));
    if (r == 0)
        r = mr_person_destroy_group(e->txn, mr_buf_slice(&group), &e->result.keys);
    mr_buf_put_slice(&e->persons, mr_buf_slice(&group));
    e->result.persons++;
    mr_buf_fini(&group);
    return r;
}

static int erase_persons(
        struct erase *e, const uint8_t (*persons)[MR_PERSON_ID_BYTES], size_t count, struct mr_error *reterr)
{
    const char *dir = mr_kv_dir(e->keyring->kv);

    for (size_t i = 0; i < count; i++) {
        int r = erase_person(e, persons[i]);

        if (r == 0)
            continue;
        e->result.refused = i;
        if (r == MR_EDENIED)
            return mr_error_set(reterr, r, dir, "release the hold, or leave the person out",
                    "person %zu of the batch is under a legal hold", i + 1);
        return mr_error_set(reterr, r, dir, r == MR_ECORRUPT ? "restore keys/ from a backup" : "",
                "cannot erase person %zu of the batch: %s", i + 1, mr_err_text(r));
    }
    return mr_buf_failed(&e->persons) ? MR_ENOMEM : 0;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, MR_PERSON_ID_BYTES);
}

static int rotate(struct erase *e, struct mr_error *reterr)
{
    struct mr_key_rotation_counts counts = {0};
    int r;

    if (e->persons.size > 0)
        qsort(e->persons.data, e->persons.size / MR_PERSON_ID_BYTES, MR_PERSON_ID_BYTES, compare_ids);
    mr_key_rotation_forget(e->rotation, mr_buf_slice(&e->persons));
    r = mr_key_rotation_run(e->rotation, e->result.generation_after, &counts);
    e->result.identifiers = counts.deleted;
    e->result.buckets = counts.buckets;
    e->result.rewrapped = counts.rewrapped;
    e->result.damaged = counts.damaged;
    return r < 0 ? mr_error_set(reterr, r, mr_kv_dir(e->keyring->kv),
                           r == MR_ECORRUPT ? "restore keys/ from a backup" : "",
                           "cannot wrap the keys anew: %s", mr_err_text(r))
                 : 0;
}

/* ---- the whole ---- */

/* Everything up to the commit. */
static int fill(struct erase *e, const uint8_t (*persons)[MR_PERSON_ID_BYTES], size_t count,
        const struct mr_erasure_options *options, struct mr_error *reterr)
{
    int r = mr_key_rotation_new(&e->rotation, e->txn);

    mr_keyring_changes(e->txn);
    if (r == 0)
        r = erase_persons(e, persons, count, reterr);
    if (r == 0)
        r = touch_owed(e);
    if (r == 0)
        r = make_root(e, reterr);
    if (r == 0)
        r = rotate(e, reterr);
    if (r == 0)
        r = put_result(e, options);
    if (r == 0)
        r = MR_FAULT("keys.erase.commit");
    return r;
}

/* Did the commit that failed reach the file all the same? When that cannot be told, as if it did. */
static bool is_committed(struct erase *e)
{
    uint32_t generation = e->result.generation_after;
    struct mr_kv_txn *kv;

    if (mr_kv_begin_read(e->keyring->kv, &kv) < 0)
        return true;
    if (mr_key_tree_generation(kv, &generation) < 0)
        generation = e->result.generation_after;
    mr_kv_abort(kv);
    return generation == e->result.generation_after;
}

/* A root that wraps nothing goes; if that fails, the next erasure finds it and does it. */
static void drop_root(struct erase *e)
{
    mr_key_roots_drop_added(e->keyring->roots);
    if (e->root_slot >= 0)
        (void)mr_root_destroy(e->keyring->root_path, (unsigned)e->root_slot, NULL);
}

static int commit(struct erase *e, struct mr_error *reterr)
{
    int r = mr_keyring_commit(e->txn);

    e->txn = NULL;
    if (r == 0) {
        (void)MR_FAULT("keys.erase.committed");
        mr_key_roots_switch(e->keyring->roots, e->result.generation_after);
        return 0;
    }
    if (r != MR_EIO && !is_committed(e))
        drop_root(e);
    return mr_error_set(reterr, r, mr_kv_dir(e->keyring->kv),
            r == MR_ENOSPACE ? "make room; nothing has happened" : "stop the hub and look at the disk",
            "cannot commit the erasure: %s", mr_err_text(r));
}

static int erase_locked(struct erase *e, const uint8_t (*persons)[MR_PERSON_ID_BYTES], size_t count,
        const struct mr_erasure_options *options, struct mr_erasure_result *ret, struct mr_error *reterr)
{
    int r = mr_keyring_begin(e->keyring, &e->txn);

    if (r < 0)
        return r;
    r = done_before(e, options, ret);
    if (r != 0) {
        mr_keyring_abort(e->txn);
        return r > 0 ? 0 : r;
    }
    e->result.generation_before = mr_key_roots_live(e->keyring->roots);
    e->result.generation_after = e->result.generation_before + 1;
    r = fill(e, persons, count, options, reterr);
    if (r == 0) {
        r = commit(e, reterr);
    } else {
        mr_keyring_abort(e->txn);
        drop_root(e);
    }
    *ret = e->result;
    return r;
}

int mr_keyring_erase(struct mr_keyring *keyring, const uint8_t (*persons)[MR_PERSON_ID_BYTES], size_t count,
        const struct mr_erasure_options *options, struct mr_erasure_result *ret, struct mr_error *reterr)
{
    struct erase e = {.keyring = keyring, .root_slot = -1};
    int r;

    *ret = (struct mr_erasure_result){0};
    if (keyring->read_only)
        return mr_error_set(reterr, MR_EDENIED, mr_kv_dir(keyring->kv), "stop the hub, or ask it",
                "the keys are open for reading only");
    if (pthread_mutex_trylock(&keyring->rotation) != 0)
        return roots_error(keyring, MR_EAGAIN, reterr);
    r = erase_locked(&e, persons, count, options, ret, reterr);
    mr_key_rotation_free(e.rotation);
    mr_buf_fini(&e.persons);
    pthread_mutex_unlock(&keyring->rotation);
    return r < 0 && reterr && reterr->code == 0
                   ? mr_error_set(reterr, r, mr_kv_dir(keyring->kv), "", "cannot erase: %s", mr_err_text(r))
                   : r;
}
