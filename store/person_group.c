#include "store/person_group.h"

#include <stdlib.h>
#include <string.h>

#include "store/key_tree.h"
#include "store/keyring_internal.h"

int mr_person_group(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        struct mr_person_part **ret, size_t *ret_count)
{
    struct mr_buf ids = MR_BUF_INIT;
    struct mr_person_part *parts = NULL;
    uint8_t survivor[MR_PERSON_ID_BYTES];
    struct mr_subject subject;
    size_t count = 0;
    int r = mr_alias_resolve(txn->kv, person, survivor);

    if (r == 0)
        r = mr_alias_group(txn->kv, survivor, &ids);
    if (r == 0 && !(parts = calloc(ids.size / MR_PERSON_ID_BYTES, sizeof *parts)))
        r = MR_ENOMEM;
    for (size_t at = 0; r == 0 && at < ids.size; at += MR_PERSON_ID_BYTES, count++) {
        memcpy(parts[count].person, ids.data + at, MR_PERSON_ID_BYTES);
        r = mr_subject_own(txn->keyring, txn->kv, parts[count].person, &subject);
        if (r == 0)
            memcpy(parts[count].key_id, subject.key_id, MR_KEY_ID_BYTES);
    }
    mr_buf_fini(&ids);
    if (r < 0) {
        free(parts);
        return r;
    }
    *ret = parts;
    *ret_count = count;
    return 0;
}

static int read_key(
        struct mr_keyring *keyring, const uint8_t key_id[static MR_KEY_ID_BYTES], struct mr_slot_key *ret)
{
    enum mr_person_state state;
    struct mr_kv_txn *kv;
    int r = mr_kv_begin_read(keyring->kv, &kv);

    if (r < 0)
        return r;
    r = mr_dek_get(keyring, kv, key_id, ret, &state);
    mr_kv_abort(kv);
    return r;
}

int mr_keyring_key_blocked(
        struct mr_keyring *keyring, const uint8_t key_id[static MR_KEY_ID_BYTES], struct mr_slot_key *ret)
{
    uint32_t generation;
    int r;

    if (mr_key_cache_get(keyring->cache, key_id, 0, ret))
        return 0;
    do { /* a rotation may take the snapshot's root away */
        generation = mr_key_roots_live(keyring->roots);
        r = read_key(keyring, key_id, ret);
    } while (r == MR_ECORRUPT && generation != mr_key_roots_live(keyring->roots));
    return r;
}
