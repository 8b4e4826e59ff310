#include "store/vault.h"

#include <assert.h>
#include <sodium.h>

#include "proto/base/bytes.h"
#include "store/sha256.h"
#include "store/sha256_pair.h"
#include "store/vault_internal.h"
#include "store/xchacha.h"

enum {
    VERSION = 1,
    ALGORITHM = 1, /* XChaCha20-Poly1305-IETF */
    TAG_BYTES = MR_XCHACHA_TAG_BYTES,
    KEY_ID_AT = 2,
    NONCE_AT = KEY_ID_AT + MR_KEY_ID_BYTES,
    SEALED_AT = NONCE_AT + MR_SLOT_NONCE_BYTES,
    ENTRY_HEAD_BYTES = 7,  /* field, before, size */
    COMMIT_HEAD_BYTES = 3, /* field, before */
};

/* All with their NUL. */
static const char AAD_TAG[] = "hub-vault-v1";
static const char FIELD_TAG[] = "mr-field-v1";
static const char SLOT_TAG[] = "mr-slot-v1";

enum { AAD_BYTES = sizeof AAD_TAG + 32 + 1 + MR_KEY_ID_BYTES };

_Static_assert((int)MR_SLOT_NONCE_BYTES == (int)MR_XCHACHA_NONCE_BYTES, "nonce");
_Static_assert((int)MR_KEY_BYTES == (int)MR_XCHACHA_KEY_BYTES, "key");
_Static_assert((int)MR_SALT_BYTES == (int)MR_XCHACHA_KEY_BYTES, "salt");

/* (field, before) as one number: their order. */
static uint32_t field_order(uint16_t field, uint8_t before)
{
    return (uint32_t)field << 8 | before;
}

static bool fields_ordered(const struct mr_slot_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].before > 1)
            return false;
        if (i > 0 && field_order(fields[i - 1].field, fields[i - 1].before) >=
                             field_order(fields[i].field, fields[i].before))
            return false;
    }
    return count > 0 && count <= MR_SLOT_FIELDS_MAX;
}

/* ---- commitments ---- */

enum {
    FIELD_HEAD_BYTES = sizeof FIELD_TAG + MR_SALT_BYTES + COMMIT_HEAD_BYTES,
    ITEM_BYTES = COMMIT_HEAD_BYTES + MR_COMMITMENT_BYTES,
};

static void put_commit_head(uint8_t *out, const struct mr_slot_field *field)
{
    mr_put_be16(out, field->field);
    out[2] = field->before;
}

/* The buffers of one commitment, and where c_i go: step bytes apart. */
struct committing {
    const struct mr_slot_field *fields;
    const uint8_t *salts;
    uint8_t *ret;
    size_t step;
    uint8_t heads[MR_SLOT_FIELDS_MAX][FIELD_HEAD_BYTES];
    struct mr_sha256_message messages[MR_SLOT_FIELDS_MAX];
    size_t count; /* of messages */
};

static void add_message(struct committing *c, size_t i)
{
    uint8_t *head = c->heads[i], *at = head + sizeof FIELD_TAG;

    memcpy(head, FIELD_TAG, sizeof FIELD_TAG);
    memcpy(at, c->salts + i * MR_SALT_BYTES, MR_SALT_BYTES);
    put_commit_head(at + MR_SALT_BYTES, &c->fields[i]);
    c->messages[c->count++] =
            (struct mr_sha256_message){.parts = {mr_slice(head, FIELD_HEAD_BYTES), c->fields[i].value},
                    .parts_count = 2,
                    .ret = c->ret + i * c->step};
}

/*
 * c_i of every field; its salts go to ret_salts. What is stored goes first, as its parts are the longest:
 * with one of them last, half of the room beside it would be empty.
 */
static void commit_fields(const uint8_t salt[static MR_SALT_BYTES], const struct mr_slot_field *fields,
        size_t count, uint8_t *ret, size_t step, uint8_t *ret_salts)
{
    struct committing c;

    mr_xchacha_stream(ret_salts, count * MR_SALT_BYTES, salt);
    c.fields = fields;
    c.salts = ret_salts;
    c.ret = ret;
    c.step = step;
    c.count = 0;
    for (size_t i = 0; i < count; i++)
        if (!fields[i].derived)
            add_message(&c, i);
    for (size_t i = 0; i < count; i++)
        if (fields[i].derived)
            add_message(&c, i);
    mr_sha256_pair(c.messages, c.count);
    sodium_memzero(c.heads, count * sizeof c.heads[0]);
}

void mr_slot_commit(const uint8_t salt[static MR_SALT_BYTES], const struct mr_slot_field *fields,
        size_t count, uint8_t ret[static MR_COMMITMENT_BYTES])
{
    uint8_t salts[MR_SLOT_FIELDS_MAX * MR_SALT_BYTES];
    uint8_t list[sizeof SLOT_TAG + MR_SLOT_FIELDS_MAX * ITEM_BYTES];
    uint8_t *items = list + sizeof SLOT_TAG;
    struct mr_sha256_state state;

    assert(fields_ordered(fields, count));
    memcpy(list, SLOT_TAG, sizeof SLOT_TAG);
    for (size_t i = 0; i < count; i++)
        put_commit_head(items + i * ITEM_BYTES, &fields[i]);
    commit_fields(salt, fields, count, items + COMMIT_HEAD_BYTES, ITEM_BYTES, salts);
    mr_sha256_init(&state);
    mr_sha256_put(&state, mr_slice(list, sizeof SLOT_TAG + count * ITEM_BYTES));
    mr_sha256_final(&state, ret);
    sodium_memzero(salts, count * MR_SALT_BYTES);
}

void mr_slot_disclose(const uint8_t salt[static MR_SALT_BYTES], const struct mr_slot_field *fields,
        size_t count, size_t which, uint8_t ret_salt[static MR_SALT_BYTES], uint8_t *ret_all)
{
    uint8_t salts[MR_SLOT_FIELDS_MAX * MR_SALT_BYTES];

    assert(fields_ordered(fields, count));
    assert(which < count);
    commit_fields(salt, fields, count, ret_all, MR_COMMITMENT_BYTES, salts);
    memcpy(ret_salt, salts + which * MR_SALT_BYTES, MR_SALT_BYTES);
    sodium_memzero(salts, count * MR_SALT_BYTES);
}

/* ---- slots ---- */

static void slot_aad(const uint8_t leaf_hash[static 32], uint8_t slot,
        const uint8_t key_id[static MR_KEY_ID_BYTES], uint8_t ret[static AAD_BYTES])
{
    memcpy(ret, AAD_TAG, sizeof AAD_TAG);
    memcpy(ret + sizeof AAD_TAG, leaf_hash, 32);
    ret[sizeof AAD_TAG + 32] = slot;
    memcpy(ret + sizeof AAD_TAG + 33, key_id, MR_KEY_ID_BYTES);
}

/* Bytes of the plaintext, 0 when a value is too long for its length field. */
static size_t plain_size(const struct mr_slot_field *fields, size_t count)
{
    size_t size = MR_SALT_BYTES;

    for (size_t i = 0; i < count; i++) {
        if (fields[i].derived)
            continue;
        if (fields[i].value.size > MR_SLOT_BYTES_MAX - ENTRY_HEAD_BYTES - size)
            return 0;
        size += ENTRY_HEAD_BYTES + fields[i].value.size;
        if (size > MR_SLOT_BYTES_MAX - ENTRY_HEAD_BYTES)
            return 0;
    }
    return size;
}

static void put_plain(uint8_t *out, const uint8_t salt[static MR_SALT_BYTES],
        const struct mr_slot_field *fields, size_t count)
{
    memcpy(out, salt, MR_SALT_BYTES);
    out += MR_SALT_BYTES;
    for (size_t i = 0; i < count; i++) {
        struct mr_slice value = fields[i].value;

        if (fields[i].derived)
            continue;
        mr_put_be16(out, fields[i].field);
        out[2] = fields[i].before;
        mr_put_be32(out + 3, (uint32_t)value.size);
        if (value.size > 0)
            memcpy(out + ENTRY_HEAD_BYTES, value.data, value.size);
        out += ENTRY_HEAD_BYTES + value.size;
    }
}

int mr_slot_seal_with_nonce(struct mr_buf *out, const struct mr_slot_key *key,
        const uint8_t leaf_hash[static 32], uint8_t slot, const uint8_t salt[static MR_SALT_BYTES],
        const struct mr_slot_field *fields, size_t count, const uint8_t nonce[static MR_SLOT_NONCE_BYTES])
{
    uint8_t aad[AAD_BYTES];
    uint8_t *at;
    size_t plain;

    if (!fields_ordered(fields, count))
        return MR_EINVAL;
    plain = plain_size(fields, count);
    if (plain == 0)
        return MR_EINVAL;
    at = mr_buf_reserve(out, SEALED_AT + plain + TAG_BYTES);
    if (!at)
        return MR_ENOMEM;
    at[0] = VERSION;
    at[1] = ALGORITHM;
    memcpy(at + KEY_ID_AT, key->id, MR_KEY_ID_BYTES);
    memcpy(at + NONCE_AT, nonce, MR_SLOT_NONCE_BYTES);
    slot_aad(leaf_hash, slot, key->id, aad);
    /* Written and sealed in place: the plaintext is nowhere else. */
    put_plain(at + SEALED_AT, salt, fields, count);
    mr_xchacha_seal(
            at + SEALED_AT, mr_slice(at + SEALED_AT, plain), mr_slice(aad, sizeof aad), nonce, key->dek);
    out->size += SEALED_AT + plain + TAG_BYTES;
    return 0;
}

int mr_slot_seal(struct mr_buf *out, const struct mr_slot_key *key, const uint8_t leaf_hash[static 32],
        uint8_t slot, const uint8_t salt[static MR_SALT_BYTES], const struct mr_slot_field *fields,
        size_t count, struct mr_random *random)
{
    uint8_t nonce[MR_SLOT_NONCE_BYTES];

    if (random)
        mr_random_take(random, nonce, sizeof nonce);
    else
        randombytes_buf(nonce, sizeof nonce);
    return mr_slot_seal_with_nonce(out, key, leaf_hash, slot, salt, fields, count, nonce);
}

int mr_slot_key_id(struct mr_slice sealed, uint8_t ret[static MR_KEY_ID_BYTES])
{
    if (sealed.size < SEALED_AT + MR_SALT_BYTES + TAG_BYTES || sealed.data[0] != VERSION ||
            sealed.data[1] != ALGORITHM)
        return MR_ECORRUPT;
    memcpy(ret, sealed.data + KEY_ID_AT, MR_KEY_ID_BYTES);
    return 0;
}

/* The authenticated bytes are ours, but are parsed as a stranger's: a key's holder must not be able to crash
 * us. */
static int parse_plain(struct mr_slot *slot)
{
    const uint8_t *at = slot->plain.data + MR_SALT_BYTES;
    size_t left = slot->plain.size - MR_SALT_BYTES;

    memcpy(slot->salt, slot->plain.data, MR_SALT_BYTES);
    while (left > 0) {
        struct mr_slot_field *field = &slot->fields[slot->count];
        size_t size;

        if (slot->count == MR_SLOT_FIELDS_MAX || left < ENTRY_HEAD_BYTES)
            return MR_ECORRUPT;
        size = mr_get_be32(at + 3);
        if (size > left - ENTRY_HEAD_BYTES)
            return MR_ECORRUPT;
        *field = (struct mr_slot_field){
                .field = mr_get_be16(at), .before = at[2], .value = mr_slice(at + ENTRY_HEAD_BYTES, size)};
        slot->count++;
        at += ENTRY_HEAD_BYTES + size;
        left -= ENTRY_HEAD_BYTES + size;
    }
    return slot->count == 0 || fields_ordered(slot->fields, slot->count) ? 0 : MR_ECORRUPT;
}

int mr_slot_open(struct mr_slot *ret, struct mr_slice sealed, const struct mr_slot_key *key,
        const uint8_t leaf_hash[static 32], uint8_t slot)
{
    uint8_t key_id[MR_KEY_ID_BYTES];
    uint8_t aad[AAD_BYTES];
    size_t size;

    ret->plain = MR_BUF_INIT;
    ret->count = 0;
    memset(ret->salt, 0, sizeof ret->salt);
    if (mr_slot_key_id(sealed, key_id) < 0 || memcmp(key_id, key->id, sizeof key_id) != 0)
        return MR_ECORRUPT;
    size = sealed.size - SEALED_AT;
    if (!mr_buf_reserve(&ret->plain, size))
        return MR_ENOMEM;
    slot_aad(leaf_hash, slot, key_id, aad);
    if (!mr_xchacha_open(ret->plain.data, mr_slice(sealed.data + SEALED_AT, size), mr_slice(aad, sizeof aad),
                sealed.data + NONCE_AT, key->dek))
        goto corrupt;
    ret->plain.size = size - TAG_BYTES;
    if (parse_plain(ret) < 0)
        goto corrupt;
    return 0;
corrupt:
    mr_slot_fini(ret);
    return MR_ECORRUPT;
}

const struct mr_slot_field *mr_slot_find(const struct mr_slot *slot, uint16_t field)
{
    for (size_t i = 0; i < slot->count; i++)
        if (slot->fields[i].field == field && slot->fields[i].before == 0)
            return &slot->fields[i];
    return NULL;
}

void mr_slot_fini(struct mr_slot *slot)
{
    if (!slot)
        return;
    mr_buf_wipe(&slot->plain);
    sodium_memzero(slot->salt, sizeof slot->salt);
    slot->count = 0;
}
