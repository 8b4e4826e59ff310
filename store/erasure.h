/*
 * Erasing persons for good (docs/storage-keys.md, "Erasure"; ADR 0008). Two steps:
 *
 *   mr_keyring_erase()           one commit of `keys`: the persons' keys, identifiers, aliases and
 * employments go; the buckets that held them get new keys, everything gets a new root
 *   mr_keyring_finish_erasure()  new root and `keys` are confirmed at their escrow places, then the old root
 * is destroyed there and here
 *
 * Only after the second one old pages, backups and snapshots of `keys` are worthless: they are wrapped by
 * keys that exist nowhere. A crash at any point leaves one of three states, and calling again goes on from
 * each: nothing happened; erased, the old root still there; done.
 */
#ifndef MR_STORE_ERASURE_H
#define MR_STORE_ERASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/err.h"
#include "store/escrow.h"
#include "store/keyring.h"

enum { MR_ERASURE_ID_BYTES = 16 };

struct mr_erasure_options {
    uint8_t id[MR_ERASURE_ID_BYTES]; /* the batch: the same one again gets its result again and changes
                                        nothing */
};

struct mr_erasure_result {
    uint32_t generation_before; /* of the root key */
    uint32_t generation_after;
    uint32_t persons;     /* groups of merged ids; items of the quarantine count as persons too */
    uint32_t keys;        /* person keys destroyed: one for each id of a group */
    uint32_t identifiers; /* blind-index rows deleted */
    uint32_t buckets;     /* bucket keys made anew */
    uint32_t rewrapped;   /* rows of other persons that moved to the new bucket keys */
    uint32_t damaged;     /* rows of those buckets that no key opened before either, left as they are */
    size_t refused;       /* with MR_EDENIED, MR_ENOTFOUND: which of the persons */
};

/*
 * The keys' writer thread, between its transactions. Blocked and live persons, aliases and persons that were
 * destroyed before (with mr_person_set_state, without rotation) are taken; each with its whole group.
 *
 * 0: committed. Nothing happened when negative: MR_EDENIED: a legal hold (store/hold.h), or read_only.
 * MR_ENOTFOUND: no such person. MR_EAGAIN: an earlier erasure is not finished. MR_ECORRUPT: a bucket key does
 * not open: restore `keys` first. MR_ENOSPACE: try again. MR_EIO: stop the process; what holds is said at the
 * next open.
 */
int mr_keyring_erase(struct mr_keyring *keyring, const uint8_t (*persons)[MR_PERSON_ID_BYTES], size_t count,
        const struct mr_erasure_options *options, struct mr_erasure_result *ret, struct mr_error *reterr);

/*
 * Any thread, one at a time (MR_EAGAIN), beside the writer; copies all of `keys` when there is an escrow
 * place for it. Call it after each erase, at start, and again while it fails: an escrow place that is not
 * there leaves everything as it is. 0: no root but the live one is left, here and in escrow. Without an
 * escrow place (escrow NULL, or both members NULL) it destroys the old root at once: the live one then exists
 * once.
 */
int mr_keyring_finish_erasure(
        struct mr_keyring *keyring, const struct mr_escrow *escrow, struct mr_error *reterr);

struct mr_erasure_status {
    uint32_t generation; /* of the live root */
    bool waiting;        /* an older root is still here: the last erasure is not finished */
    bool owed;           /* something was destroyed without a rotation: pages and backups still open it */
};
/* Any thread; reads the root key's folder, and `keys`. */
int mr_keyring_erasure_status(
        struct mr_keyring *keyring, struct mr_erasure_status *ret, struct mr_error *reterr);
/* A row of the table `meta` of a copy of `keys`, read without its keys: the generation of the root that opens
 * the copy. False: it is another row. */
bool mr_keyring_row_generation(struct mr_slice key, struct mr_slice value, uint32_t *ret);
/* Another of them: the batch that destroyed persons last. */
bool mr_keyring_row_batch(
        struct mr_slice key, struct mr_slice value, uint8_t ret[static MR_ERASURE_ID_BYTES]);
/* A row of its table `subj`, whose key is the id: it is destroyed. */
bool mr_keyring_row_destroyed(struct mr_slice value);

#endif
