/*
 * Escrow: where copies of the root key and of `keys` are kept, apart from the hub and from each other
 * (decision 5). One folder for roots: root.<generation>, the block of a root key's slot; one for keys:
 * keys.<generation>.mdb, a compact copy of the environment's data.mdb. What is put is read back before it
 * counts.
 *
 * The folders are the operator's (a mounted device, a share): they are never created here, so that a device
 * that is not mounted is noticed. Blocking file I/O over paths; no state; any thread, one at a time for a
 * folder.
 */
#ifndef MR_STORE_ESCROW_H
#define MR_STORE_ESCROW_H

#include <stdint.h>

#include "proto/base/err.h"
#include "store/root_key.h"

/* NULL: no such place. */
struct mr_escrow {
    const char *root;
    const char *keys;
};

/* Writes root.<generation> (0600), makes it durable and reads it back. There already and the same: 0; another
 * key: MR_EEXISTS. MR_ENOTFOUND: no folder. MR_ECORRUPT: a younger root is there: the environment is an old
 * one. */
int mr_escrow_put_root(const char *dir, uint32_t generation, const uint8_t key[static MR_ROOT_KEY_BYTES],
        struct mr_error *reterr);

/* How a copy is made as data.mdb in the empty folder `dir` (durable when it returns), and how it is checked.
 */
struct mr_escrow_copier {
    int (*copy)(void *ctx, const char *dir, struct mr_error *reterr);
    int (*check)(void *ctx, const char *dir, struct mr_error *reterr);
    void *ctx;
};
/* A copy that passes the check becomes keys.<generation>.mdb, in place of an earlier one. */
int mr_escrow_put_keys(
        const char *dir, uint32_t generation, const struct mr_escrow_copier *copier, struct mr_error *reterr);

/* The youngest there is; 0: none. MR_ENOTFOUND: no folder. */
int mr_escrow_youngest_root(const char *dir, uint32_t *ret, struct mr_error *reterr);
int mr_escrow_youngest_keys(const char *dir, uint32_t *ret, struct mr_error *reterr);
/* Names of the files. */
enum { MR_ESCROW_NAME_MAX = 32 };
const char *mr_escrow_root_name(uint32_t generation, char out[static MR_ESCROW_NAME_MAX]);
const char *mr_escrow_keys_name(uint32_t generation, char out[static MR_ESCROW_NAME_MAX]);

/* Destroys the roots of older generations, and removes the copies of keys that only they could open. */
int mr_escrow_forget_older(const struct mr_escrow *escrow, uint32_t generation, struct mr_error *reterr);

#endif
