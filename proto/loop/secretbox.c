#include "proto/loop/secretbox.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "proto/loop/poly1305.h"
#include "proto/loop/salsa20.h"

enum { FIRST_BYTES = MR_SALSA20_STEP_BYTES - MR_POLY1305_KEY_BYTES };

_Static_assert((int)MR_SECRETBOX_KEY_BYTES == crypto_secretbox_KEYBYTES, "key");
_Static_assert((int)MR_SECRETBOX_NONCE_BYTES == crypto_secretbox_NONCEBYTES, "nonce");
_Static_assert((int)MR_SECRETBOX_TAG_BYTES == crypto_secretbox_MACBYTES, "tag");

/* ---- wide ---- */

/* A message under way. Its first step is made over zeros, which become Poly1305's key, and over the message's
 * first bytes; so both are here at once. */
struct wide {
    struct mr_salsa20 salsa;
    uint8_t step[MR_SALSA20_STEP_BYTES];
    size_t first; /* bytes of the message in it */
};

static void wide_begin(struct wide *wide, struct mr_slice in, const uint8_t *nonce, const uint8_t *key)
{
    uint8_t derived[MR_SALSA20_KEY_BYTES];

    (void)crypto_core_hsalsa20(derived, nonce, key, NULL);
    mr_salsa20_begin(&wide->salsa, derived, nonce + crypto_core_hsalsa20_INPUTBYTES);
    sodium_memzero(derived, sizeof derived);
    wide->first = in.size < FIRST_BYTES ? in.size : FIRST_BYTES;
    memset(wide->step, 0, sizeof wide->step);
    if (wide->first > 0)
        memcpy(wide->step + MR_POLY1305_KEY_BYTES, in.data, wide->first);
    mr_salsa20_xor(&wide->salsa, wide->step, wide->step, 1);
}

/* out is in, or apart from it. The bytes of the last step that is not whole go by way of wide->step, too. */
static void wide_end(struct wide *wide, uint8_t *out, struct mr_slice in)
{
    size_t steps = (in.size - wide->first) / MR_SALSA20_STEP_BYTES;
    size_t at = wide->first + steps * MR_SALSA20_STEP_BYTES, left = in.size - at;

    if (wide->first > 0)
        memcpy(out, wide->step + MR_POLY1305_KEY_BYTES, wide->first);
    if (steps > 0)
        mr_salsa20_xor(&wide->salsa, out + wide->first, in.data + wide->first, steps);
    if (left > 0) {
        memcpy(wide->step, in.data + at, left);
        mr_salsa20_xor(&wide->salsa, wide->step, wide->step, 1);
        memcpy(out + at, wide->step, left);
    }
    sodium_memzero(wide, sizeof *wide);
}

/* Where the two overlap but are not one, the bytes go to where they are wanted first. */
static struct mr_slice beside(uint8_t *out, struct mr_slice in)
{
    uintptr_t a = (uintptr_t)out, b = (uintptr_t)in.data;

    if (a == b || a >= b + in.size || b >= a + in.size)
        return in;
    memmove(out, in.data, in.size);
    return mr_slice(out, in.size);
}

static void wide_seal(uint8_t *out, struct mr_slice plain, const uint8_t *nonce, const uint8_t *key)
{
    uint8_t *sealed = out + MR_SECRETBOX_TAG_BYTES;
    uint8_t mac_key[MR_POLY1305_KEY_BYTES];
    struct wide wide;

    plain = beside(sealed, plain);
    wide_begin(&wide, plain, nonce, key);
    memcpy(mac_key, wide.step, sizeof mac_key);
    wide_end(&wide, sealed, plain);
    mr_poly1305(out, mr_slice(sealed, plain.size), mac_key);
    sodium_memzero(mac_key, sizeof mac_key);
}

static bool wide_open(uint8_t *out, struct mr_slice box, const uint8_t *nonce, const uint8_t *key)
{
    struct mr_slice sealed = mr_slice(box.data + MR_SECRETBOX_TAG_BYTES, box.size - MR_SECRETBOX_TAG_BYTES);
    uint8_t tag[MR_SECRETBOX_TAG_BYTES];
    struct wide wide;
    bool authentic;

    wide_begin(&wide, sealed, nonce, key);
    mr_poly1305(tag, sealed, wide.step);
    authentic = crypto_verify_16(tag, box.data) == 0;
    sodium_memzero(tag, sizeof tag); /* for what is not authentic it would be a forger's */
    if (authentic && out)
        wide_end(&wide, out, beside(out, sealed));
    else
        sodium_memzero(&wide, sizeof wide);
    return authentic;
}

/* ---- the ways ---- */

bool mr_secretbox_has(enum mr_secretbox_way way)
{
    return way == MR_SECRETBOX_WIDE ? mr_salsa20_here() : way == MR_SECRETBOX_SODIUM;
}

static enum mr_secretbox_way best(void)
{
    return mr_secretbox_has(MR_SECRETBOX_WIDE) ? MR_SECRETBOX_WIDE : MR_SECRETBOX_SODIUM;
}

void mr_secretbox_seal_by(enum mr_secretbox_way way, uint8_t *out, struct mr_slice plain,
        const uint8_t nonce[static MR_SECRETBOX_NONCE_BYTES],
        const uint8_t key[static MR_SECRETBOX_KEY_BYTES])
{
    assert(mr_secretbox_has(way));
    if (way == MR_SECRETBOX_WIDE)
        wide_seal(out, plain, nonce, key);
    else
        (void)crypto_secretbox_easy(out, plain.data, plain.size, nonce, key);
}

bool mr_secretbox_open_by(enum mr_secretbox_way way, uint8_t *out, struct mr_slice box,
        const uint8_t nonce[static MR_SECRETBOX_NONCE_BYTES],
        const uint8_t key[static MR_SECRETBOX_KEY_BYTES])
{
    assert(mr_secretbox_has(way));
    if (box.size < MR_SECRETBOX_TAG_BYTES)
        return false;
    if (way == MR_SECRETBOX_WIDE)
        return wide_open(out, box, nonce, key);
    return crypto_secretbox_open_easy(out, box.data, box.size, nonce, key) == 0;
}

void mr_secretbox_seal(uint8_t *out, struct mr_slice plain,
        const uint8_t nonce[static MR_SECRETBOX_NONCE_BYTES],
        const uint8_t key[static MR_SECRETBOX_KEY_BYTES])
{
    mr_secretbox_seal_by(best(), out, plain, nonce, key);
}

bool mr_secretbox_open(uint8_t *out, struct mr_slice box,
        const uint8_t nonce[static MR_SECRETBOX_NONCE_BYTES],
        const uint8_t key[static MR_SECRETBOX_KEY_BYTES])
{
    return mr_secretbox_open_by(best(), out, box, nonce, key);
}

/* ---- libzmq's calls ---- */

/*
 * libzmq puts each message of a CURVE session into a box with these two functions of libsodium, which are
 * secretboxes under a key that both have. A program's own function of a name comes before a library's: libzmq
 * finds these (the linker is told to take them: proto/CMakeLists.txt). libsodium itself calls its own.
 */
int crypto_box_easy_afternm(unsigned char *c, const unsigned char *m, unsigned long long mlen,
        const unsigned char *n, const unsigned char *k)
{
    if (mlen > crypto_box_MESSAGEBYTES_MAX)
        return -1;
    mr_secretbox_seal(c, mr_slice(m, mlen), n, k);
    return 0;
}

int crypto_box_open_easy_afternm(unsigned char *m, const unsigned char *c, unsigned long long clen,
        const unsigned char *n, const unsigned char *k)
{
    return mr_secretbox_open(m, mr_slice(c, clen), n, k) ? 0 : -1;
}
