/* Rows of `keys` opened with the keys above them, for scrubbing: nothing is kept and nothing is told. */
#include <sodium.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "store/key_tree.h"
#include "store/scrub.h"

enum { BUCKET_KEY_BYTES = 2, DEK_ROW_KEY_BYTES = 2 + MR_KEY_ID_BYTES };

static int check_bucket(
        struct mr_keyring *keyring, struct mr_kv_txn *kv, struct mr_slice key, struct mr_slice value)
{
    uint8_t bucket_key[MR_KEY_BYTES];
    int r = MR_ECORRUPT;

    (void)value;
    if (key.size == BUCKET_KEY_BYTES)
        r = mr_bucket_key(keyring, kv, mr_get_be16(key.data), bucket_key);
    sodium_memzero(bucket_key, sizeof bucket_key);
    return r;
}

static int check_dek(
        struct mr_keyring *keyring, struct mr_kv_txn *kv, struct mr_slice key, struct mr_slice value)
{
    struct mr_slot_key slot;
    enum mr_person_state state;
    int r;

    (void)value;
    if (key.size != DEK_ROW_KEY_BYTES || mr_get_be16(key.data) != mr_bucket_of(key.data + 2))
        return MR_ECORRUPT;
    r = mr_dek_get(keyring, kv, key.data + 2, &slot, &state);
    sodium_memzero(&slot, sizeof slot);
    return r;
}

static int check_blind(
        struct mr_keyring *keyring, struct mr_kv_txn *kv, struct mr_slice key, struct mr_slice value)
{
    uint8_t person[MR_PERSON_ID_BYTES];
    struct mr_keyring_txn txn = {.keyring = keyring, .kv = kv};
    struct mr_subject subject;
    int r = key.size == MR_BLIND_BYTES ? mr_blind_find(&txn, key.data, person) : MR_ECORRUPT;

    (void)value;
    if (r == 0)
        r = mr_subject_get(keyring, kv, person, &subject);
    sodium_memzero(person, sizeof person);
    return r;
}

/* A person leads to a key that is there, or was. */
static int check_subject(
        struct mr_keyring *keyring, struct mr_kv_txn *kv, struct mr_slice key, struct mr_slice value)
{
    struct mr_subject subject;
    int r;

    (void)value;
    if (key.size != MR_PERSON_ID_BYTES)
        return MR_ECORRUPT;
    r = mr_subject_own(keyring, kv, key.data, &subject);
    if (r < 0 || subject.state == MR_PERSON_DESTROYED)
        return r;
    return mr_dek_known(kv, subject.key_id) == MR_ENOTFOUND ? MR_ECORRUPT : 0;
}

static int check_employment(
        struct mr_keyring *keyring, struct mr_kv_txn *kv, struct mr_slice key, struct mr_slice value)
{
    struct mr_buf plain = MR_BUF_INIT;
    struct mr_subject subject;
    struct mr_slot_key slot;
    enum mr_person_state state;
    int r = key.size > MR_PERSON_ID_BYTES ? mr_subject_get(keyring, kv, key.data, &subject) : MR_ECORRUPT;

    if (r == 0)
        r = mr_dek_get(keyring, kv, subject.key_id, &slot, &state);
    if (r == 0)
        r = mr_keyring_unseal(&slot, key, value, &plain);
    sodium_memzero(&slot, sizeof slot);
    mr_buf_wipe(&plain);
    return r;
}

int mr_keyring_check_row(
        struct mr_keyring *keyring, const char *table, struct mr_slice key, struct mr_slice value)
{
    static const struct {
        const char *table;
        int (*check)(
                struct mr_keyring *keyring, struct mr_kv_txn *kv, struct mr_slice key, struct mr_slice value);
    } checks[] = {{"bkt", check_bucket}, {"dek", check_dek}, {"bidx", check_blind}, {"subj", check_subject},
            {"employ", check_employment}};
    struct mr_kv_txn *kv;
    uint32_t generation;
    int r = 0;

    for (size_t i = 0; i < MR_COUNT(checks); i++) {
        if (strcmp(checks[i].table, table) != 0)
            continue;
        do { /* an erasure may take the snapshot's root away */
            generation = mr_key_roots_live(keyring->roots);
            r = mr_kv_begin_read(keyring->kv, &kv);
            if (r < 0)
                return r;
            r = checks[i].check(keyring, kv, key, value);
            mr_kv_abort(kv);
        } while (r == MR_ECORRUPT && generation != mr_key_roots_live(keyring->roots));
    }
    /* A row that went meanwhile is none of ours; a key that was destroyed is as it must be. */
    return r == MR_ECORRUPT ? r : 0;
}

struct mr_kv *mr_keyring_kv(struct mr_keyring *keyring)
{
    return keyring->kv;
}
