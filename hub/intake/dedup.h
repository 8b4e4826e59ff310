/*
 * Is this event new? By the keyed digest of (source, id): what the index has not read yet (the tail) is kept
 * in memory, the rest is asked of the index. An entry leaves the tail only when the index holds it, so no
 * event falls between. One thread (prepare).
 */
#ifndef MR_HUB_INTAKE_DEDUP_H
#define MR_HUB_INTAKE_DEDUP_H

#include "hub/house.h"

struct mr_dedup;

struct mr_dedup_entry {
    uint8_t ident[MR_RECORD_IDENT_BYTES];   /* of (source, id) */
    uint8_t digest[MR_RECORD_DIGEST_BYTES]; /* of the received bytes */
    uint64_t number;
    uint8_t leaf_hash[32];
    bool quarantined; /* its record is */
    bool waits;       /* ... and still waits for correction; set by find only */
    bool erased;      /* its sealed parts were emptied on a person's request; set by find only */
};

/* The digests that a record's head keeps. Tags "ident" and "bytes". */
void mr_dedup_digests(const struct mr_keyring *keyring, const char *source, const char *id,
        struct mr_slice bytes, struct mr_dedup_entry *ret);

/* Its parts: what the id says, and what the bytes say. Any thread. */
void mr_dedup_ident(const struct mr_keyring *keyring, const char *source, const char *id,
        uint8_t ret[static MR_RECORD_IDENT_BYTES]);
void mr_dedup_bytes(
        const struct mr_keyring *keyring, struct mr_slice bytes, uint8_t ret[static MR_RECORD_DIGEST_BYTES]);

/* Reads the heads from the index's end to the log's head. */
int mr_dedup_open(struct mr_dedup **ret, struct mr_house *house, struct mr_error *reterr);
void mr_dedup_close(struct mr_dedup *dedup);

/*
 * Looks for entry->ident, of which the newest record counts: there are several when a quarantined event was
 * mended. 0: new. MR_DEDUP_SAME: fills number, leaf_hash and what the flags say of that record.
 * MR_DEDUP_OTHER: the id was used with other bytes, and it fills the same (or the record is damaged and
 * nobody can say: no flag is set). Negative: failure.
 */
enum { MR_DEDUP_SAME = 1, MR_DEDUP_OTHER = 2 };
int mr_dedup_find(struct mr_dedup *dedup, struct mr_dedup_entry *entry);

/* It is going to be looked for, after some others, and then soon: what that needs is fetched from memory
 * meanwhile, in two steps. They change nothing. */
void mr_dedup_foresee(const struct mr_dedup *dedup, const uint8_t ident[static MR_RECORD_IDENT_BYTES]);
void mr_dedup_expect(const struct mr_dedup *dedup, const uint8_t ident[static MR_RECORD_IDENT_BYTES]);

/* The hash of the leaf of what was added without it, and is in memory (asserted). */
void mr_dedup_hashed(struct mr_dedup *dedup, uint64_t number, const uint8_t leaf_hash[static 32]);
int mr_dedup_add(struct mr_dedup *dedup, const struct mr_dedup_entry *entry); /* numbers ascend */
void mr_dedup_rollback(
        struct mr_dedup *dedup, uint64_t from); /* forgets numbers >= from: they were not given */
/* Takes the index as it is now, for the look-ups up to mr_dedup_pause(), and forgets what that holds. */
int mr_dedup_forget_indexed(struct mr_dedup *dedup);
void mr_dedup_pause(struct mr_dedup *dedup);        /* gives the snapshot back, until the next look-up */
size_t mr_dedup_tail(const struct mr_dedup *dedup); /* entries in memory */

#endif
