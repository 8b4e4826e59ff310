#include <string.h>

#include "store/keyring_internal.h"

/*
 * 'f' || previous -> survivor, and 'r' || survivor || previous -> 1 to find them the other way. A merge
 * points all of previous' aliases to the survivor itself, so that a chain has one step; the bound is for a
 * damaged table.
 */
enum { CHAIN_MAX = 8, FORWARD_BYTES = 1 + MR_PERSON_ID_BYTES, REVERSE_BYTES = 1 + 2 * MR_PERSON_ID_BYTES };

static struct mr_slice forward_key(uint8_t out[static FORWARD_BYTES], const uint8_t *previous)
{
    out[0] = 'f';
    memcpy(out + 1, previous, MR_PERSON_ID_BYTES);
    return mr_slice(out, FORWARD_BYTES);
}

static struct mr_slice reverse_key(
        uint8_t out[static REVERSE_BYTES], const uint8_t *survivor, const uint8_t *previous)
{
    out[0] = 'r';
    memcpy(out + 1, survivor, MR_PERSON_ID_BYTES);
    memcpy(out + 1 + MR_PERSON_ID_BYTES, previous, MR_PERSON_ID_BYTES);
    return mr_slice(out, REVERSE_BYTES);
}

int mr_alias_resolve(struct mr_kv_txn *kv, const uint8_t person[static MR_PERSON_ID_BYTES],
        uint8_t ret[static MR_PERSON_ID_BYTES])
{
    uint8_t key[FORWARD_BYTES];

    memmove(ret, person, MR_PERSON_ID_BYTES);
    for (int i = 0; i < CHAIN_MAX; i++) {
        struct mr_slice value;
        int r = mr_kv_get(kv, MR_KEYRING_ALIAS, forward_key(key, ret), &value);

        if (r == MR_ENOTFOUND)
            return 0;
        if (r < 0)
            return r;
        if (value.size != MR_PERSON_ID_BYTES)
            return MR_ECORRUPT;
        memcpy(ret, value.data, MR_PERSON_ID_BYTES);
    }
    return MR_ECORRUPT;
}

static int collect(void *ctx, struct mr_slice key, struct mr_slice value)
{
    (void)value;
    if (key.size != REVERSE_BYTES)
        return MR_ECORRUPT;
    mr_buf_put(ctx, key.data + 1 + MR_PERSON_ID_BYTES, MR_PERSON_ID_BYTES);
    return 0;
}

int mr_alias_group(
        struct mr_kv_txn *kv, const uint8_t survivor[static MR_PERSON_ID_BYTES], struct mr_buf *out)
{
    uint8_t key[REVERSE_BYTES];
    struct mr_slice prefix;
    int r;

    mr_buf_put(out, survivor, MR_PERSON_ID_BYTES);
    (void)reverse_key(key, survivor, survivor);
    prefix = mr_slice(key, FORWARD_BYTES); /* without the alias */
    r = mr_kv_rows(kv, MR_KEYRING_ALIAS, prefix, prefix, collect, out);
    return r == 0 && mr_buf_failed(out) ? MR_ENOMEM : r;
}

static int point(struct mr_kv_txn *kv, const uint8_t *survivor, const uint8_t *alias, const uint8_t *before)
{
    static const uint8_t one = 1;
    uint8_t forward[FORWARD_BYTES];
    uint8_t reverse[REVERSE_BYTES];
    int r = mr_kv_del(kv, MR_KEYRING_ALIAS, reverse_key(reverse, before, alias));

    if (r < 0 && r != MR_ENOTFOUND)
        return r;
    r = mr_kv_put(kv, MR_KEYRING_ALIAS, forward_key(forward, alias), mr_slice(survivor, MR_PERSON_ID_BYTES));
    if (r < 0)
        return r;
    return mr_kv_put(kv, MR_KEYRING_ALIAS, reverse_key(reverse, survivor, alias), mr_slice(&one, 1));
}

int mr_alias_put(struct mr_kv_txn *kv, const uint8_t survivor[static MR_PERSON_ID_BYTES],
        const uint8_t previous[static MR_PERSON_ID_BYTES])
{
    struct mr_buf group = MR_BUF_INIT;
    int r = mr_alias_group(kv, previous, &group);

    for (size_t at = 0; r == 0 && at < group.size; at += MR_PERSON_ID_BYTES)
        r = point(kv, survivor, group.data + at, previous);
    mr_buf_fini(&group);
    return r;
}

int mr_alias_forget(struct mr_kv_txn *kv, struct mr_slice group)
{
    int r = 0;

    for (size_t at = MR_PERSON_ID_BYTES; at < group.size && r == 0; at += MR_PERSON_ID_BYTES) {
        uint8_t forward[FORWARD_BYTES];
        uint8_t reverse[REVERSE_BYTES];

        r = mr_kv_del(kv, MR_KEYRING_ALIAS, forward_key(forward, group.data + at));
        if (r == 0 || r == MR_ENOTFOUND)
            r = mr_kv_del(kv, MR_KEYRING_ALIAS, reverse_key(reverse, group.data, group.data + at));
        r = r == MR_ENOTFOUND ? 0 : r;
    }
    return r;
}
