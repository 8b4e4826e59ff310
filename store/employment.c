#include <sodium.h>

#include "proto/base/bytes.h"
#include "store/keyring_internal.h"

/*
 * person[16] || BLAKE2b-128(dek, "hub-emp-v1\0" || org[16] || system[32] || id[16]) -> mr_keyring_seal of the
 * row, with the key as aad. The row has a fixed size, so that its length tells nothing: u8 1 | u8 active |
 * u64be number | org[16] | system[32] | id[16], texts padded with zeros. In the key org is zeros when there
 * is an id: the sender's employment stays the same one when its place is corrected.
 */
enum {
    VERSION = 1,
    NAME_BYTES = 16,
    KEY_BYTES = MR_PERSON_ID_BYTES + NAME_BYTES,
    NUMBER_AT = 2,
    ORG_AT = 10,
    ORG_BYTES = sizeof((struct mr_employment *)0)->org,
    SYSTEM_AT = ORG_AT + ORG_BYTES,
    SYSTEM_BYTES = sizeof((struct mr_employment *)0)->system,
    ID_AT = SYSTEM_AT + SYSTEM_BYTES,
    ID_BYTES = sizeof((struct mr_employment *)0)->id,
    ROW_BYTES = ID_AT + ID_BYTES,
};

/* org and system with zeros behind their ends; false: empty or unterminated. */
static bool normalise(const struct mr_employment *in, struct mr_employment *ret)
{
    size_t org = strnlen(in->org, ORG_BYTES);
    size_t system = strnlen(in->system, SYSTEM_BYTES);

    if (org == 0 || org == ORG_BYTES || system == 0 || system == SYSTEM_BYTES)
        return false;
    *ret = (struct mr_employment){.active = in->active, .number = in->number};
    memcpy(ret->org, in->org, org);
    memcpy(ret->system, in->system, system);
    memcpy(ret->id, in->id, ID_BYTES);
    return true;
}

static void row_key(const struct mr_slot_key *key, const uint8_t *person,
        const struct mr_employment *employment, uint8_t ret[static KEY_BYTES])
{
    static const char tag[] = "hub-emp-v1";
    static const uint8_t nothing[ORG_BYTES];
    bool has_id = !sodium_is_zero(employment->id, ID_BYTES);
    crypto_generichash_state state;

    memcpy(ret, person, MR_PERSON_ID_BYTES);
    (void)crypto_generichash_init(&state, key->dek, MR_KEY_BYTES, NAME_BYTES);
    (void)crypto_generichash_update(&state, (const uint8_t *)tag, sizeof tag);
    (void)crypto_generichash_update(&state, has_id ? nothing : (const uint8_t *)employment->org, ORG_BYTES);
    (void)crypto_generichash_update(&state, (const uint8_t *)employment->system, SYSTEM_BYTES);
    (void)crypto_generichash_update(&state, employment->id, ID_BYTES);
    (void)crypto_generichash_final(&state, ret + MR_PERSON_ID_BYTES, NAME_BYTES);
    sodium_memzero(&state, sizeof state);
}

static int put_row(struct mr_kv_txn *kv, const struct mr_slot_key *key, const uint8_t *person,
        const struct mr_employment *employment)
{
    struct mr_buf sealed = MR_BUF_INIT;
    uint8_t name[KEY_BYTES];
    uint8_t row[ROW_BYTES] = {VERSION, employment->active};
    int r;

    mr_put_be64(row + NUMBER_AT, (uint64_t)employment->number);
    memcpy(row + ORG_AT, employment->org, ORG_BYTES);
    memcpy(row + SYSTEM_AT, employment->system, SYSTEM_BYTES);
    memcpy(row + ID_AT, employment->id, ID_BYTES);
    row_key(key, person, employment, name);
    r = mr_keyring_seal(key, mr_slice(name, sizeof name), mr_slice(row, sizeof row), &sealed);
    if (r == 0)
        r = mr_kv_put(kv, MR_KEYRING_EMPLOY, mr_slice(name, sizeof name), mr_buf_slice(&sealed));
    mr_buf_fini(&sealed);
    sodium_memzero(row, sizeof row);
    return r;
}

static int parse_row(struct mr_slice row, struct mr_employment *ret)
{
    if (row.size != ROW_BYTES || row.data[0] != VERSION || row.data[1] > 1)
        return MR_ECORRUPT;
    if (row.data[ORG_AT + ORG_BYTES - 1] != 0 || row.data[SYSTEM_AT + SYSTEM_BYTES - 1] != 0)
        return MR_ECORRUPT;
    ret->active = row.data[1] == 1;
    ret->number = (int64_t)mr_get_be64(row.data + NUMBER_AT);
    memcpy(ret->org, row.data + ORG_AT, ORG_BYTES);
    memcpy(ret->system, row.data + SYSTEM_AT, SYSTEM_BYTES);
    memcpy(ret->id, row.data + ID_AT, ID_BYTES);
    return 0;
}

static int open_row(const struct mr_slot_key *key, struct mr_slice name, struct mr_slice sealed,
        struct mr_employment *ret)
{
    struct mr_buf row = MR_BUF_INIT;
    int r = mr_keyring_unseal(key, name, sealed, &row);

    if (r == 0)
        r = parse_row(mr_buf_slice(&row), ret);
    mr_buf_wipe(&row);
    return r;
}

int mr_employment_put(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        const struct mr_employment *employment)
{
    struct mr_employment row;
    struct mr_subject subject;
    struct mr_slot_key key;
    int r;

    if (!normalise(employment, &row))
        return MR_EINVAL;
    r = mr_subject_live(txn->keyring, txn->kv, person, &subject);
    if (r == 0)
        r = mr_keyring_txn_key(txn, subject.key_id, &key);
    if (r < 0)
        return r;
    mr_keyring_changes(txn);
    r = put_row(txn->kv, &key, subject.person, &row);
    sodium_memzero(&key, sizeof key);
    return mr_keyring_broken(txn, r);
}

static int person_rows(struct mr_kv_txn *kv, const uint8_t *person, mr_kv_row_fn fn, void *ctx)
{
    struct mr_slice prefix = mr_slice(person, MR_PERSON_ID_BYTES);

    return mr_kv_rows(kv, MR_KEYRING_EMPLOY, prefix, prefix, fn, ctx);
}

/* ---- list ---- */

struct list {
    struct mr_keyring_txn *txn;
    const uint8_t *person;
    struct mr_slot_key key; /* of the person, once there is a row: most have none */
    bool has_key;
    bool any; /* row */
    struct mr_employment *ret;
    size_t max;
    size_t count;
};

static int list_row(void *ctx, struct mr_slice name, struct mr_slice sealed)
{
    struct list *list = ctx;
    int r = 0;

    list->any = true;
    if (list->count == list->max)
        return 1;
    if (!list->has_key)
        r = mr_person_key(list->txn, list->person, &list->key);
    list->has_key = r == 0;
    if (r == 0)
        r = open_row(&list->key, name, sealed, &list->ret[list->count]);
    list->count += r == 0;
    return r;
}

int mr_employment_list(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        struct mr_employment *ret, size_t max)
{
    struct mr_opened_person *opened = mr_keyring_opened_person(txn, person);
    uint8_t survivor[MR_PERSON_ID_BYTES];
    struct list list = {.txn = txn, .person = survivor, .ret = ret, .max = max};
    enum mr_person_state state;
    int r;

    if (opened && opened->unemployed)
        return 0;
    r = mr_person_state(txn, person, &state, survivor);
    if (r == 0)
        r = mr_state_error(state);
    if (r < 0)
        return r;
    r = person_rows(txn->kv, survivor, list_row, &list);
    sodium_memzero(&list.key, sizeof list.key);
    if (r == 0 && !list.any && opened)
        opened->unemployed = true;
    return r < 0 ? r : (int)list.count;
}

/* ---- merge and destruction ---- */

struct move {
    const struct mr_slot_key *key;
    struct mr_buf names;
    struct mr_buf rows; /* struct mr_employment, one after another */
};

static int move_row(void *ctx, struct mr_slice name, struct mr_slice sealed)
{
    struct move *move = ctx;
    struct mr_employment row;
    int r = name.size == KEY_BYTES ? open_row(move->key, name, sealed, &row) : MR_ECORRUPT;

    if (r < 0)
        return r;
    mr_buf_put_slice(&move->names, name);
    mr_buf_put(&move->rows, &row, sizeof row);
    sodium_memzero(&row, sizeof row);
    return 0;
}

/* 0 is "not yet appended": newer than any number. */
static bool newer(const struct mr_employment *a, const struct mr_employment *b)
{
    return b->number != 0 && (a->number == 0 || a->number > b->number);
}

/* Of two rows that say the same place, the newer one stays. */
static int merge_row(struct mr_kv_txn *kv, const struct mr_slot_key *key, const uint8_t *person,
        const struct mr_employment *row)
{
    struct mr_employment there;
    uint8_t name[KEY_BYTES];
    struct mr_slice sealed;
    int r;

    row_key(key, person, row, name);
    r = mr_kv_get(kv, MR_KEYRING_EMPLOY, mr_slice(name, sizeof name), &sealed);
    if (r == 0)
        r = open_row(key, mr_slice(name, sizeof name), sealed, &there);
    if (r == 0 && !newer(row, &there))
        return 0;
    return r == 0 || r == MR_ENOTFOUND ? put_row(kv, key, person, row) : r;
}

static int move_rows(struct mr_keyring_txn *txn, const struct move *move, const struct mr_slot_key *key,
        const uint8_t *person)
{
    int r = 0;

    for (size_t at = 0; at < move->rows.size && r == 0; at += sizeof(struct mr_employment)) {
        struct mr_employment row;

        memcpy(&row, move->rows.data + at, sizeof row);
        r = merge_row(txn->kv, key, person, &row);
    }
    if (r == 0)
        r = mr_keyring_del_rows(txn->kv, MR_KEYRING_EMPLOY, mr_buf_slice(&move->names), KEY_BYTES);
    return r;
}

int mr_employment_move(struct mr_keyring_txn *txn, const struct mr_subject *from, const struct mr_subject *to)
{
    struct mr_slot_key from_key, to_key;
    struct move move = {.key = &from_key};
    int r = mr_keyring_txn_key(txn, from->key_id, &from_key);

    if (r == 0)
        r = mr_keyring_txn_key(txn, to->key_id, &to_key);
    if (r == 0)
        r = person_rows(txn->kv, from->person, move_row, &move);
    if (r == 0 && (mr_buf_failed(&move.names) || mr_buf_failed(&move.rows)))
        r = MR_ENOMEM;
    if (r == 0)
        r = move_rows(txn, &move, &to_key, to->person);
    mr_buf_fini(&move.names);
    mr_buf_wipe(&move.rows);
    sodium_memzero(&from_key, sizeof from_key);
    sodium_memzero(&to_key, sizeof to_key);
    return r;
}

static int forget_row(void *ctx, struct mr_slice name, struct mr_slice sealed)
{
    (void)sealed;
    if (name.size != KEY_BYTES)
        return MR_ECORRUPT;
    mr_buf_put_slice(ctx, name);
    return 0;
}

int mr_employment_forget(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES])
{
    struct mr_buf names = MR_BUF_INIT;
    int r = person_rows(txn->kv, person, forget_row, &names);

    if (r == 0 && mr_buf_failed(&names))
        r = MR_ENOMEM;
    if (r == 0)
        r = mr_keyring_del_rows(txn->kv, MR_KEYRING_EMPLOY, mr_buf_slice(&names), KEY_BYTES);
    mr_buf_fini(&names);
    return r;
}
