#include <sodium.h>

#include "store/key_tree.h"
#include "store/keyring_internal.h"

int mr_person_find_own(struct mr_keyring_txn *txn, enum mr_person_identifier kind, struct mr_slice value,
        uint8_t ret[static MR_PERSON_ID_BYTES])
{
    uint8_t blind[MR_BLIND_BYTES];
    int r;

    if (mr_keyring_opened_lead(txn, kind, value, ret))
        return 0;
    mr_keyring_blind(txn->keyring, kind, value, blind);
    r = mr_blind_find(txn, blind, ret);
    if (r == 0)
        mr_keyring_keep_lead(txn, kind, value, ret);
    return r;
}

int mr_person_find(struct mr_keyring_txn *txn, enum mr_person_identifier kind, struct mr_slice value,
        uint8_t ret[static MR_PERSON_ID_BYTES])
{
    uint8_t person[MR_PERSON_ID_BYTES];
    int r = mr_person_find_own(txn, kind, value, person);

    return r < 0 ? r : mr_alias_resolve(txn->kv, person, ret);
}

int mr_person_state(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        enum mr_person_state *ret, uint8_t *ret_survivor)
{
    struct mr_subject subject;
    int r;

    if (mr_keyring_opened_person(txn, person)) {
        *ret = MR_PERSON_LIVE;
        if (ret_survivor)
            memmove(ret_survivor, person, MR_PERSON_ID_BYTES);
        return 0;
    }
    r = mr_subject_state(txn->kv, person, &subject);
    if (r < 0)
        return r;
    *ret = subject.state;
    if (ret_survivor)
        memcpy(ret_survivor, subject.person, MR_PERSON_ID_BYTES);
    return 0;
}

int mr_person_key(
        struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_slot_key *ret)
{
    const struct mr_opened_person *opened = mr_keyring_opened_person(txn, person);
    struct mr_subject subject;
    int r;

    if (opened)
        return mr_keyring_txn_key(txn, opened->key_id, ret);
    r = mr_subject_live(txn->keyring, txn->kv, person, &subject);
    if (r < 0)
        return r;
    mr_keyring_keep_person(txn, person, &subject);
    return mr_keyring_txn_key(txn, subject.key_id, ret);
}

int mr_person_own_key(
        struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_slot_key *ret)
{
    struct mr_subject subject;
    int r = mr_subject_own(txn->keyring, txn->kv, person, &subject);

    if (r == 0)
        r = mr_state_error(subject.state);
    return r < 0 ? r : mr_keyring_txn_key(txn, subject.key_id, ret);
}

int mr_person_create(
        struct mr_keyring_txn *txn, uint8_t ret[static MR_PERSON_ID_BYTES], struct mr_slot_key *ret_key)
{
    struct mr_key_cache *cache = txn->keyring->cache;
    struct mr_subject subject = {.state = MR_PERSON_LIVE};
    struct mr_slot_key key;
    int r;

    mr_keyring_changes(txn);
    randombytes_buf(subject.person, sizeof subject.person);
    randombytes_buf(&key, sizeof key);
    memcpy(subject.key_id, key.id, sizeof key.id);
    r = mr_dek_put(txn->keyring, txn->kv, &key, MR_PERSON_LIVE);
    if (r == 0)
        r = mr_subject_put(txn->keyring, txn->kv, &subject);
    if (r == 0) {
        mr_key_cache_put(cache, &key, mr_key_cache_epoch(cache), txn->serial);
        memcpy(ret, subject.person, MR_PERSON_ID_BYTES);
        if (ret_key)
            *ret_key = key;
    }
    sodium_memzero(&key, sizeof key);
    return mr_keyring_broken(txn, r);
}

int mr_person_bind(struct mr_keyring_txn *txn, enum mr_person_identifier kind, struct mr_slice value,
        const uint8_t person[static MR_PERSON_ID_BYTES], uint8_t *ret_other)
{
    uint8_t other[MR_PERSON_ID_BYTES];
    uint8_t blind[MR_BLIND_BYTES];
    struct mr_subject subject;
    int r = mr_subject_live(txn->keyring, txn->kv, person, &subject);

    if (r < 0)
        return r;
    r = mr_person_find(txn, kind, value, other);
    if (r == 0 && memcmp(other, subject.person, sizeof other) == 0)
        return 0;
    if (r == 0 && ret_other)
        memcpy(ret_other, other, sizeof other);
    if (r != MR_ENOTFOUND)
        return r == 0 ? MR_EEXISTS : r;
    mr_keyring_changes(txn);
    mr_keyring_blind(txn->keyring, kind, value, blind);
    return mr_keyring_broken(txn, mr_blind_put(txn, blind, mr_bucket_of(subject.key_id), subject.person));
}

int mr_person_merge(struct mr_keyring_txn *txn, const uint8_t survivor[static MR_PERSON_ID_BYTES],
        const uint8_t previous[static MR_PERSON_ID_BYTES])
{
    struct mr_subject to, from;
    int r = mr_subject_live(txn->keyring, txn->kv, survivor, &to);

    if (r == 0)
        r = mr_subject_live(txn->keyring, txn->kv, previous, &from);
    if (r < 0)
        return r;
    if (memcmp(to.person, previous, MR_PERSON_ID_BYTES) == 0)
        return MR_EINVAL;                                       /* the same, or a cycle */
    if (memcmp(from.person, previous, MR_PERSON_ID_BYTES) != 0) /* an alias already */
        return memcmp(from.person, to.person, MR_PERSON_ID_BYTES) == 0 ? 0 : MR_EEXISTS;
    mr_keyring_changes(txn);
    r = mr_hold_move(txn, &from, &to);
    if (r == 0)
        r = mr_alias_put(txn->kv, to.person, from.person);
    if (r == 0)
        r = mr_hold_mark(txn, to.person);
    if (r == 0)
        r = mr_employment_move(txn, &from, &to);
    return mr_keyring_broken(txn, r);
}

/* ---- states ---- */

static int block_one(struct mr_keyring_txn *txn, struct mr_subject *subject, enum mr_person_state state)
{
    struct mr_slot_key key;
    enum mr_person_state was;
    int r = mr_dek_get(txn->keyring, txn->kv, subject->key_id, &key, &was);

    if (r == 0)
        r = mr_dek_put(txn->keyring, txn->kv, &key, state);
    sodium_memzero(&key, sizeof key);
    if (r < 0)
        return r;
    mr_buf_put(&txn->drops, subject->key_id, MR_KEY_ID_BYTES);
    subject->state = state;
    return mr_subject_put(txn->keyring, txn->kv, subject);
}

static int block_group(struct mr_keyring_txn *txn, struct mr_slice group, enum mr_person_state state)
{
    int r = 0;

    for (size_t at = 0; at < group.size && r == 0; at += MR_PERSON_ID_BYTES) {
        struct mr_subject subject;

        r = mr_subject_own(txn->keyring, txn->kv, group.data + at, &subject);
        if (r == 0)
            r = block_one(txn, &subject, state);
    }
    return r;
}

static int destroy_one(struct mr_keyring_txn *txn, struct mr_subject *subject)
{
    int r = mr_dek_destroy(txn->keyring, txn->kv, subject->key_id);

    if (r == 0)
        r = mr_employment_forget(txn, subject->person);
    if (r < 0)
        return r;
    mr_buf_put(&txn->drops, subject->key_id, MR_KEY_ID_BYTES);
    subject->state = MR_PERSON_DESTROYED;
    memset(subject->key_id, 0,
            sizeof subject->key_id); /* nothing leads from the person to its slots any more */
    return mr_subject_put(txn->keyring, txn->kv, subject);
}

int mr_person_destroy_group(struct mr_keyring_txn *txn, struct mr_slice group, uint32_t *ret_keys)
{
    int r = 0;

    mr_keyring_changes(txn);
    for (size_t at = 0; at < group.size && r == 0; at += MR_PERSON_ID_BYTES) {
        struct mr_subject subject;

        r = mr_subject_own(txn->keyring, txn->kv, group.data + at, &subject);
        if (r == 0 && subject.state != MR_PERSON_DESTROYED) {
            r = destroy_one(txn, &subject);
            ++*ret_keys;
        }
    }
    return r < 0 ? r : mr_alias_forget(txn->kv, group);
}

/* In which buckets the group's keys, links and identifiers are. */
static int buckets_of(struct mr_keyring_txn *txn, struct mr_slice group, struct mr_buf *ret)
{
    int r = 0;

    for (size_t at = 0; at < group.size && r == 0; at += MR_PERSON_ID_BYTES) {
        struct mr_subject subject;
        uint16_t buckets[2];

        r = mr_subject_own(txn->keyring, txn->kv, group.data + at, &subject);
        buckets[0] = r == 0 ? mr_bucket_of(subject.key_id) : 0;
        buckets[1] = mr_bucket_of(group.data + at);
        mr_buf_put(ret, buckets, sizeof buckets);
    }
    return r == 0 && mr_buf_failed(ret) ? MR_ENOMEM : r;
}

/* Without the rotation that an erasure makes: it is owed, and the next one includes these buckets. */
static int destroy_alone(struct mr_keyring_txn *txn, struct mr_slice group)
{
    struct mr_buf buckets = MR_BUF_INIT;
    uint32_t keys = 0;
    int r = buckets_of(txn, group, &buckets);
    /* malloc's memory: aligned for any type */
    const uint16_t *list = (const uint16_t *)(const void *)buckets.data;
    size_t count = buckets.size / sizeof *list;

    if (r == 0)
        r = mr_blind_forget(txn, group, list, count);
    if (r == 0)
        r = mr_erasure_owed(txn->kv, list, count);
    if (r == 0)
        r = mr_person_destroy_group(txn, group, &keys);
    mr_buf_fini(&buckets);
    return r;
}

/* What may not happen is said before anything is changed. */
static int may_change(
        struct mr_keyring_txn *txn, const struct mr_subject *subject, enum mr_person_state state)
{
    int r;

    if (subject->state == MR_PERSON_DESTROYED)
        return MR_EDESTROYED;
    if (state == MR_PERSON_LIVE || state == MR_PERSON_BLOCKED)
        return 0;
    if (state != MR_PERSON_DESTROYED)
        return MR_EINVAL;
    r = mr_hold_count(txn->kv, subject->person);
    return r > 0 ? MR_EDENIED : r;
}

int mr_person_set_state(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        enum mr_person_state state)
{
    struct mr_buf group = MR_BUF_INIT;
    struct mr_subject subject;
    int r = mr_subject_state(txn->kv, person, &subject);

    if (r < 0)
        return r;
    if (subject.state == state)
        return 0;
    r = may_change(txn, &subject, state);
    if (r < 0)
        return r;
    mr_keyring_changes(txn);
    r = mr_alias_group(txn->kv, subject.person, &group);
    if (r == 0)
        r = state == MR_PERSON_DESTROYED ? destroy_alone(txn, mr_buf_slice(&group))
                                         : block_group(txn, mr_buf_slice(&group), state);
    mr_buf_fini(&group);
    return mr_keyring_broken(txn, r);
}
