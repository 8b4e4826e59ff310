#include "store/hold.h"

#include <sodium.h>

#include "proto/base/bytes.h"
#include "store/key_tree.h"
#include "store/keyring_internal.h"

/*
 * 'p' || person || hold -> mr_keyring_seal of the text under the person's key, with the row's key as aad;
 * 'k' || key id -> 1 for every key of a held person's group. The second kind answers "may this slot be
 * emptied?" without leading from a key to a person.
 */
enum {
    PERSON_BYTES = 1 + MR_PERSON_ID_BYTES,
    ROW_KEY_BYTES = PERSON_BYTES + MR_HOLD_ID_BYTES,
    MARK_KEY_BYTES = 1 + MR_KEY_ID_BYTES
};

static struct mr_slice row_key(uint8_t out[static ROW_KEY_BYTES], const uint8_t *person, const uint8_t *hold)
{
    out[0] = 'p';
    memcpy(out + 1, person, MR_PERSON_ID_BYTES);
    memcpy(out + PERSON_BYTES, hold, MR_HOLD_ID_BYTES);
    return mr_slice(out, ROW_KEY_BYTES);
}

static struct mr_slice mark_key(uint8_t out[static MARK_KEY_BYTES], const uint8_t *key_id)
{
    out[0] = 'k';
    memcpy(out + 1, key_id, MR_KEY_ID_BYTES);
    return mr_slice(out, MARK_KEY_BYTES);
}

/* Rows of exactly this person, merges left aside. */
static int rows_of(struct mr_kv_txn *kv, const uint8_t *person, mr_kv_row_fn fn, void *ctx)
{
    uint8_t prefix[PERSON_BYTES];

    prefix[0] = 'p';
    memcpy(prefix + 1, person, MR_PERSON_ID_BYTES);
    return mr_kv_rows(kv, MR_KEYRING_HOLD, mr_slice(prefix, sizeof prefix), mr_slice(NULL, 0), fn, ctx);
}

/* A hold may be put on a blocked person: the key that blocking keeps from everybody else. */
static int key_of(struct mr_keyring_txn *txn, const struct mr_subject *subject, struct mr_slot_key *ret)
{
    enum mr_person_state state;

    if (subject->state == MR_PERSON_DESTROYED)
        return MR_EDESTROYED;
    return mr_dek_get(txn->keyring, txn->kv, subject->key_id, ret, &state);
}

/* ---- how many, and which keys ---- */

static int count_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    int *count = ctx;

    (void)key;
    (void)value;
    ++*count;
    return 0;
}

int mr_hold_count(struct mr_kv_txn *kv, const uint8_t person[static MR_PERSON_ID_BYTES])
{
    int count = 0;
    int r = rows_of(kv, person, count_row, &count);

    return r < 0 ? r : count;
}

static int mark(struct mr_keyring_txn *txn, const uint8_t *person, bool held)
{
    static const uint8_t one = 1;
    struct mr_subject subject;
    uint8_t key[MARK_KEY_BYTES];
    int r = mr_subject_own(txn->keyring, txn->kv, person, &subject);

    if (r < 0)
        return r;
    if (held)
        return mr_kv_put(txn->kv, MR_KEYRING_HOLD, mark_key(key, subject.key_id), mr_slice(&one, sizeof one));
    r = mr_kv_del(txn->kv, MR_KEYRING_HOLD, mark_key(key, subject.key_id));
    return r == MR_ENOTFOUND ? 0 : r;
}

int mr_hold_mark(struct mr_keyring_txn *txn, const uint8_t survivor[static MR_PERSON_ID_BYTES])
{
    struct mr_buf group = MR_BUF_INIT;
    int holds = mr_hold_count(txn->kv, survivor);
    int r = holds < 0 ? holds : 0;

    if (r == 0 && !txn->holds && mr_kv_count(txn->kv, MR_KEYRING_HOLD) == 0)
        return 0;
    txn->holds = true;
    if (r == 0)
        r = mr_alias_group(txn->kv, survivor, &group);
    for (size_t at = 0; r == 0 && at < group.size; at += MR_PERSON_ID_BYTES)
        r = mark(txn, group.data + at, holds > 0);
    mr_buf_fini(&group);
    return r;
}

/* ---- put and release ---- */

static int put_text(struct mr_keyring_txn *txn, const struct mr_slot_key *key, const uint8_t *person,
        const uint8_t *hold, struct mr_slice text)
{
    struct mr_buf sealed = MR_BUF_INIT;
    uint8_t name[ROW_KEY_BYTES];
    struct mr_slice row = row_key(name, person, hold);
    int r = mr_keyring_seal(key, row, text, &sealed);

    if (r == 0)
        r = mr_kv_put(txn->kv, MR_KEYRING_HOLD, row, mr_buf_slice(&sealed));
    mr_buf_fini(&sealed);
    return r;
}

int mr_person_hold(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        const uint8_t hold[static MR_HOLD_ID_BYTES], const char *text)
{
    uint8_t name[ROW_KEY_BYTES];
    struct mr_subject subject;
    struct mr_slot_key key;
    struct mr_slice there;
    int r;

    if (strnlen(text, MR_HOLD_TEXT_MAX + 1) > MR_HOLD_TEXT_MAX)
        return MR_EINVAL;
    r = mr_subject_get(txn->keyring, txn->kv, person, &subject);
    if (r == 0)
        r = key_of(txn, &subject, &key);
    if (r < 0)
        return r;
    r = mr_kv_get(txn->kv, MR_KEYRING_HOLD, row_key(name, subject.person, hold), &there);
    if (r != MR_ENOTFOUND) {
        sodium_memzero(&key, sizeof key);
        return r == 0 ? MR_EEXISTS : r;
    }
    mr_keyring_changes(txn);
    r = put_text(txn, &key, subject.person, hold, mr_slice_str(text));
    if (r == 0)
        r = mr_hold_mark(txn, subject.person);
    sodium_memzero(&key, sizeof key);
    return mr_keyring_broken(txn, r);
}

int mr_person_hold_release(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        const uint8_t hold[static MR_HOLD_ID_BYTES])
{
    uint8_t name[ROW_KEY_BYTES];
    struct mr_subject subject;
    int r = mr_subject_state(txn->kv, person, &subject);

    if (r == 0)
        r = mr_kv_del(txn->kv, MR_KEYRING_HOLD, row_key(name, subject.person, hold));
    if (r < 0)
        return r;
    mr_keyring_changes(txn);
    txn->holds = true;
    return mr_keyring_broken(txn, mr_hold_mark(txn, subject.person));
}

int mr_person_held(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES])
{
    struct mr_subject subject;
    int r = mr_subject_state(txn->kv, person, &subject);

    return r < 0 ? r : mr_hold_count(txn->kv, subject.person);
}

/* ---- the texts ---- */

struct texts {
    const struct mr_slot_key *key;
    mr_hold_fn fn;
    void *ctx;
    struct mr_buf text;
};

static int tell(void *ctx, struct mr_slice name, struct mr_slice sealed)
{
    struct texts *texts = ctx;
    const char *text;
    int r;

    if (name.size != ROW_KEY_BYTES)
        return MR_ECORRUPT;
    mr_buf_reset(&texts->text);
    r = mr_keyring_unseal(texts->key, name, sealed, &texts->text);
    if (r < 0)
        return r;
    text = mr_buf_str(&texts->text);
    return text ? texts->fn(texts->ctx, name.data + PERSON_BYTES, text) : MR_ENOMEM;
}

int mr_person_holds(
        struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES], mr_hold_fn fn, void *ctx)
{
    struct texts texts = {.fn = fn, .ctx = ctx};
    struct mr_subject subject;
    struct mr_slot_key key;
    int r = mr_subject_get(txn->keyring, txn->kv, person, &subject);

    if (r == 0)
        r = key_of(txn, &subject, &key);
    if (r < 0)
        return r;
    texts.key = &key;
    r = rows_of(txn->kv, subject.person, tell, &texts);
    mr_buf_wipe(&texts.text);
    sodium_memzero(&key, sizeof key);
    return r;
}

/* ---- a merge ---- */

struct move {
    const struct mr_slot_key *key;
    struct mr_buf names; /* ROW_KEY_BYTES each */
    struct mr_buf texts; /* u16 size | text */
};

static int move_row(void *ctx, struct mr_slice name, struct mr_slice sealed)
{
    struct move *move = ctx;
    struct mr_buf text = MR_BUF_INIT;
    int r = name.size == ROW_KEY_BYTES ? mr_keyring_unseal(move->key, name, sealed, &text) : MR_ECORRUPT;

    if (r == 0) {
        mr_buf_put_slice(&move->names, name);
        mr_buf_put_be16(&move->texts, (uint16_t)text.size);
        mr_buf_put_slice(&move->texts, mr_buf_slice(&text));
    }
    mr_buf_wipe(&text);
    return r;
}

static int move_rows(struct mr_keyring_txn *txn, const struct move *move, const struct mr_slot_key *key,
        const uint8_t *person)
{
    int r = mr_buf_failed(&move->names) || mr_buf_failed(&move->texts) ? MR_ENOMEM : 0;

    for (size_t at = 0, text = 0; r == 0 && at < move->names.size; at += ROW_KEY_BYTES) {
        size_t size = mr_get_be16(move->texts.data + text);

        r = put_text(txn, key, person, move->names.data + at + PERSON_BYTES,
                mr_slice(move->texts.data + text + 2, size));
        text += 2 + size;
    }
    return r < 0 ? r
                 : mr_keyring_del_rows(txn->kv, MR_KEYRING_HOLD, mr_buf_slice(&move->names), ROW_KEY_BYTES);
}

int mr_hold_move(struct mr_keyring_txn *txn, const struct mr_subject *from, const struct mr_subject *to)
{
    struct mr_slot_key from_key, to_key;
    struct move move = {.key = &from_key};
    int r = mr_hold_count(txn->kv, from->person);

    if (r <= 0)
        return r;
    txn->holds = true;
    r = key_of(txn, from, &from_key);
    if (r == 0)
        r = key_of(txn, to, &to_key);
    if (r == 0)
        r = rows_of(txn->kv, from->person, move_row, &move);
    if (r == 0)
        r = move_rows(txn, &move, &to_key, to->person);
    mr_buf_fini(&move.names);
    mr_buf_wipe(&move.texts);
    sodium_memzero(&from_key, sizeof from_key);
    sodium_memzero(&to_key, sizeof to_key);
    return r;
}

/* ---- any thread ---- */

int mr_keyring_held(struct mr_keyring *keyring, const uint8_t key_id[static MR_KEY_ID_BYTES], bool *ret)
{
    uint8_t key[MARK_KEY_BYTES];
    struct mr_slice value;
    struct mr_kv_txn *kv;
    int r;

    *ret = false;
    if (atomic_load(&keyring->holds) == 0)
        return 0;
    r = mr_kv_begin_read(keyring->kv, &kv);
    if (r < 0)
        return r;
    r = mr_kv_get(kv, MR_KEYRING_HOLD, mark_key(key, key_id), &value);
    mr_kv_abort(kv);
    *ret = r == 0;
    return r == MR_ENOTFOUND ? 0 : r;
}
