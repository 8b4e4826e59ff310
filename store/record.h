/*
 * A log record: head + leaf + sealed slots, one value in the log (decision 1; docs/storage.md gives every
 * byte). The head is not hashed: it says where the event came from and whom it was matched to. The leaf is
 * what the log proves. A slot is one person's sealed values. A CRC32C covers the whole record.
 */
#ifndef MR_STORE_RECORD_H
#define MR_STORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

enum {
    MR_RECORD_SUBS_MAX = 1024,
    MR_RECORD_SLOTS_MAX = 9,
    MR_RECORD_IDENT_BYTES = 16,
    MR_RECORD_DIGEST_BYTES = 8,          /* compared only with that of a record of the same ident */
    MR_RECORD_PART_BYTES_MAX = 64 << 20, /* leaf, or one slot */
};

enum mr_record_flags {
    MR_RECORD_SEALED = 1 << 0,      /* the event has persons: its bytes are in the slots */
    MR_RECORD_QUARANTINED = 1 << 1, /* hub.event.quarantined: counts as taken, not as released */
    MR_RECORD_HUB = 1 << 2,         /* the hub's own event */
    MR_RECORD_EXPIRED = 1 << 3,     /* its term has passed: no slots; the leaf is what is left of it */
    MR_RECORD_STRIPPED = 1 << 4,    /* slots were emptied (a person was erased): those of size 0 */
};

struct mr_record {
    uint64_t number;     /* the key; from 1, without gaps */
    int64_t recorded_us; /* never decreases with the number */
    uint16_t system;     /* id of the sender (mr_log names) */
    uint16_t flags;
    uint32_t config;                        /* version of the configuration under which it was matched */
    uint8_t ident[MR_RECORD_IDENT_BYTES];   /* keyed digest of (source, id) */
    uint8_t digest[MR_RECORD_DIGEST_BYTES]; /* keyed digest of the received bytes */
    const uint16_t *subs; /* subscription ids, ascending; in a decoded record they are in its view */
    size_t subs_count;
    struct mr_slice leaf; /* expired: a remnant, whose hash is not the one that the log proves */
    struct mr_slice slots[MR_RECORD_SLOTS_MAX];
    size_t slots_count;
};

/*
 * Appends the encoded value; the number is part of its CRC, so it must be final. subs must be strictly
 * ascending, a slot is empty only in a stripped record, an expired one has none (asserted). 0, MR_ENOMEM,
 * MR_EINVAL (too many subscriptions or slots, a part too large).
 */
int mr_record_encode(struct mr_buf *out, const struct mr_record *record);

/* The leaf within what mr_record_encode() made: our own bytes, bounds are asserted. Borrows from value. */
struct mr_slice mr_record_leaf(struct mr_slice value);

/* Storage for what a view cannot borrow. */
struct mr_record_view {
    struct mr_record record;
    uint16_t subs[MR_RECORD_SUBS_MAX];
};

/*
 * Checks CRC and bounds. Slices borrow from value. MR_ECORRUPT with the number in where; MR_EUNSUPPORTED:
 * whole, but of a later layout. On failure ret holds no record.
 */
int mr_record_decode(
        struct mr_record_view *ret, uint64_t number, struct mr_slice value, struct mr_error *reterr);

/* The same of what mr_record_encode() made in this process: our own bytes, asserted to be sound, without a
 * look at the CRC. */
void mr_record_decode_own(struct mr_record_view *ret, uint64_t number, struct mr_slice value);

/* Is subscription id among the record's? Binary search. */
bool mr_record_wants(const struct mr_record *record, uint16_t sub);

#endif
