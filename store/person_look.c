#include "store/person_look.h"

#include <sodium.h>
#include <string.h>

#include "store/key_tree.h"
#include "store/keyring_internal.h"

/* What is asked: by an identifier, or by an id. */
struct question {
    struct mr_keyring *keyring;
    enum mr_person_identifier kind; /* 0: by id */
    struct mr_slice value;
    uint8_t person[MR_PERSON_ID_BYTES];
};

static int answer(struct question *q, struct mr_keyring_txn *txn, struct mr_person_part **ret, size_t *count)
{
    enum mr_person_state state;
    int r = q->kind ? mr_person_find_own(txn, q->kind, q->value, q->person) : 0;

    if (r == 0)
        r = mr_person_state(txn, q->person, &state, NULL);
    if (r == 0)
        r = mr_state_error(state);
    return r < 0 ? r : mr_person_group(txn, q->person, ret, count);
}

/* A transaction that only reads, for the functions that take one. */
static int ask_once(struct question *q, struct mr_person_part **ret, size_t *count)
{
    struct mr_keyring_txn txn = {.keyring = q->keyring};
    int r = mr_kv_begin_read(q->keyring->kv, &txn.kv);

    if (r < 0)
        return r;
    r = answer(q, &txn, ret, count);
    mr_kv_abort(txn.kv);
    sodium_memzero(&txn, sizeof txn);
    return r;
}

static int ask(struct question *q, struct mr_person_part **ret, size_t *count)
{
    uint32_t generation;
    int r;

    do { /* a rotation may take the snapshot's root away */
        generation = mr_key_roots_live(q->keyring->roots);
        r = ask_once(q, ret, count);
    } while (r == MR_ECORRUPT && generation != mr_key_roots_live(q->keyring->roots));
    return r;
}

int mr_person_look(struct mr_keyring *keyring, enum mr_person_identifier kind, struct mr_slice value,
        struct mr_person_part **ret, size_t *ret_count)
{
    struct question q = {.keyring = keyring, .kind = kind, .value = value};

    return ask(&q, ret, ret_count);
}

int mr_person_look_id(struct mr_keyring *keyring, const uint8_t person[static MR_PERSON_ID_BYTES],
        struct mr_person_part **ret, size_t *ret_count)
{
    struct question q = {.keyring = keyring};

    memcpy(q.person, person, sizeof q.person);
    return ask(&q, ret, ret_count);
}
