/*
 * The keystream of Salsa20/20 (D. J. Bernstein, "The Salsa20 family of stream ciphers", 2007), sixteen blocks
 * side by side, for processors with AVX-512: byte for byte libsodium's, which has eight side by side and no
 * turning of words in one instruction (docs/adr/0035-boxes-of-curve.md).
 *
 * Pure functions over the caller's memory; any thread. When optimised and without sanitizers, nothing of the
 * key is put aside in the stack (salsa20_test.c looks); registers are left as they are.
 */
#ifndef MR_LOOP_SALSA20_H
#define MR_LOOP_SALSA20_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MR_SALSA20_KEY_BYTES = 32,
    MR_SALSA20_NONCE_BYTES = 8,
    MR_SALSA20_BLOCK_BYTES = 64,
    MR_SALSA20_SIDE_BY_SIDE = 16,
    MR_SALSA20_STEP_BYTES = MR_SALSA20_SIDE_BY_SIDE * MR_SALSA20_BLOCK_BYTES,
};

/* The words that a block is made of; secret. */
struct mr_salsa20 {
    uint32_t words[16];
};

/* Whether this processor has the registers; where it has not, nothing else of here may be called. */
bool mr_salsa20_here(void);

void mr_salsa20_begin(struct mr_salsa20 *salsa, const uint8_t key[static MR_SALSA20_KEY_BYTES],
        const uint8_t nonce[static MR_SALSA20_NONCE_BYTES]);

/*
 * The next steps of MR_SALSA20_STEP_BYTES each: out is in with the keystream over it. out may be in; else
 * they do not overlap.
 */
void mr_salsa20_xor(struct mr_salsa20 *salsa, uint8_t *out, const uint8_t *in, size_t steps);

#endif
