/*
 * Keyed digests. For what every event needs, key and tag are put into a state once, when the key is known,
 * and each digest goes on from there. Several go side by side where the processor has room for it. The result
 * is the same.
 */
#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "proto/base/bytes.h"
#include "store/keyring_internal.h"

enum {
    DIGEST_BYTES = 16,
    SIZE_BYTES = 8,
    TAG_BYTES_MAX = 24, /* with its NUL; ours */
    TOGETHER_MIN = 2,   /* fewer are not cheaper in lanes */
    TOGETHER_MAX = 64,
};

_Static_assert(
        (int)MR_LANES_PARTS_MAX >= 2 * (int)MR_DIGEST_PARTS_MAX, "before each part its size, and the tag");

static const char *const begun_tags[MR_KEYRING_TAGS] = {
        "ident", "bytes", "event-id", "correlation", "organisation"};

static void begin(const struct mr_keyring_secrets *secrets, const char *tag, crypto_generichash_state *state)
{
    (void)crypto_generichash_init(state, secrets->digest, MR_KEY_BYTES, DIGEST_BYTES);
    (void)crypto_generichash_update(state, (const uint8_t *)tag, strlen(tag) + 1);
}

void mr_keyring_digests_begin(struct mr_keyring_secrets *secrets)
{
    for (size_t i = 0; i < MR_KEYRING_TAGS; i++)
        begin(secrets, begun_tags[i], &secrets->begun[i]);
    if (!mr_lanes_here())
        return;
    mr_lanes_key_begin(&secrets->lanes, secrets->digest, DIGEST_BYTES);
    mr_lanes_key_begin(&secrets->blind_lanes, secrets->blind, MR_BLIND_BYTES);
}

static void take_begun(
        const struct mr_keyring_secrets *secrets, const char *tag, crypto_generichash_state *state)
{
    for (size_t i = 0; i < MR_KEYRING_TAGS; i++) {
        if (strcmp(begun_tags[i], tag) == 0) {
            memcpy(state, &secrets->begun[i], sizeof *state);
            return;
        }
    }
    begin(secrets, tag, state);
}

void mr_keyring_digest(const struct mr_keyring *keyring, const char *tag, const struct mr_slice *parts,
        size_t count, uint8_t ret[static 16])
{
    crypto_generichash_state state;

    take_begun(keyring->secrets, tag, &state);
    for (size_t i = 0; i < count; i++) {
        uint8_t size[8];

        mr_put_be64(size, parts[i].size);
        (void)crypto_generichash_update(&state, size, sizeof size);
        if (parts[i].size > 0)
            (void)crypto_generichash_update(&state, parts[i].data, parts[i].size);
    }
    (void)crypto_generichash_final(&state, ret, DIGEST_BYTES);
    sodium_memzero(&state, sizeof state);
}

/* What stands before the parts: the tag and the first size, and then each other size. */
struct before {
    uint8_t first[TAG_BYTES_MAX + SIZE_BYTES];
    uint8_t other[MR_DIGEST_PARTS_MAX][SIZE_BYTES];
};

/* As mr_keyring_digest() takes it in. */
static void lay_out(const struct mr_digest_order *order, struct before *before, struct mr_lanes_message *ret)
{
    size_t tag = strlen(order->tag) + 1;

    assert(tag <= TAG_BYTES_MAX && order->count > 0 && order->count <= MR_DIGEST_PARTS_MAX);
    memcpy(before->first, order->tag, tag);
    mr_put_be64(before->first + tag, order->parts[0].size);
    ret->parts[0] = mr_slice(before->first, tag + SIZE_BYTES);
    ret->parts[1] = order->parts[0];
    ret->parts_count = 2;
    for (size_t i = 1; i < order->count; i++) {
        mr_put_be64(before->other[i], order->parts[i].size);
        ret->parts[ret->parts_count++] = mr_slice(before->other[i], SIZE_BYTES);
        ret->parts[ret->parts_count++] = order->parts[i];
    }
    ret->ret = order->ret;
}

static void digest_together(
        const struct mr_keyring *keyring, const struct mr_digest_order *orders, size_t count)
{
    struct mr_lanes_message messages[TOGETHER_MAX];
    struct before before[TOGETHER_MAX];

    for (size_t at = 0; at < count;) {
        size_t n = count - at < TOGETHER_MAX ? count - at : TOGETHER_MAX;

        for (size_t i = 0; i < n; i++)
            lay_out(&orders[at + i], &before[i], &messages[i]);
        mr_lanes_digest(&keyring->secrets->lanes, messages, n);
        at += n;
    }
}

void mr_keyring_digests(const struct mr_keyring *keyring, const struct mr_digest_order *orders, size_t count)
{
    if (count >= TOGETHER_MIN && mr_lanes_here()) {
        digest_together(keyring, orders, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        mr_keyring_digest(keyring, orders[i].tag, orders[i].parts, orders[i].count, orders[i].ret);
}
