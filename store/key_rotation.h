/*
 * New keys for some buckets and a new root for all, within one transaction of `keys`: every row that hangs on
 * a touched bucket is wrapped anew, then all bucket keys and K_bi under the next root. Internal to the
 * keyring.
 *
 *   new -> touch* -> (changes under the old keys) -> run -> free, and the caller commits
 */
#ifndef MR_STORE_KEY_ROTATION_H
#define MR_STORE_KEY_ROTATION_H

#include "store/keyring_internal.h"

struct mr_key_rotation;

struct mr_key_rotation_counts {
    uint32_t buckets;
    uint32_t rewrapped;
    uint32_t deleted; /* rows that lead to a forgotten person */
    uint32_t damaged; /* rows that their bucket key did not open: left as they are */
};

int mr_key_rotation_new(struct mr_key_rotation **ret, struct mr_keyring_txn *txn);
void mr_key_rotation_free(struct mr_key_rotation *rotation); /* wipes; NULL is fine */

/* This bucket gets a new key. MR_ECORRUPT: the one that it has does not open. */
int mr_key_rotation_touch(struct mr_key_rotation *rotation, uint16_t bucket);
/* Blind-index rows that lead to these persons (ids one after another, ascending; borrowed) are deleted. */
void mr_key_rotation_forget(struct mr_key_rotation *rotation, struct mr_slice persons);
/* generation: of the next root, which is in the keyring's memory already. */
int mr_key_rotation_run(
        struct mr_key_rotation *rotation, uint32_t generation, struct mr_key_rotation_counts *ret);

/* ---- for the owners of the rows ---- */

/* The keys of a touched bucket; false: it was not touched. */
struct mr_bucket_keys {
    uint8_t from[MR_KEY_BYTES];
    uint8_t to[MR_KEY_BYTES];
};
const struct mr_bucket_keys *mr_key_rotation_bucket(const struct mr_key_rotation *rotation, uint16_t bucket);
uint32_t mr_key_rotation_generation(const struct mr_key_rotation *rotation);
bool mr_key_rotation_forgets(
        const struct mr_key_rotation *rotation, const uint8_t person[static MR_PERSON_ID_BYTES]);

/* What becomes of a row. The new value has the old one's size and is written to out. */
enum mr_rewrap { MR_REWRAP_LEAVE, MR_REWRAP_PUT, MR_REWRAP_DELETE }; /* or MR_ECORRUPT: damaged */

int mr_dek_rewrap(const struct mr_key_rotation *rotation, struct mr_slice key, struct mr_slice value,
        uint8_t *out); /* key_tree.c */
int mr_blind_rewrap(const struct mr_key_rotation *rotation, struct mr_slice key, struct mr_slice value,
        uint8_t *out); /* blind_index.c */
int mr_subject_rewrap(const struct mr_key_rotation *rotation, struct mr_slice key, struct mr_slice value,
        uint8_t *out); /* subject.c */

#endif
