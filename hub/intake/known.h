/*
 * The entries that dedup keeps in memory: in the order of their numbers, and found by their ident. Of several
 * with one ident (a mended event) the newest is found, and the older one again when that is taken back. They
 * come at one end and go at either. One thread, as its owner.
 *
 * The entries lie in blocks one after another; an open-addressing table of small pages leads from an ident to
 * the place of its entry (hub/intake/known_table.h). Neither is ever copied as a whole, so no add waits for
 * all that were added before it.
 */
#ifndef MR_HUB_INTAKE_KNOWN_H
#define MR_HUB_INTAKE_KNOWN_H

#include "hub/intake/dedup.h"
#include "hub/intake/known_table.h"

struct mr_known_block;

struct mr_known {
    struct mr_known_block **blocks; /* a ring: that of a place is at its number modulo capacity */
    uint32_t capacity;              /* a power of two, or 0 */
    uint32_t first, end;            /* places of entries: end is the next one; they wrap round */
    struct mr_known_block *spare;   /* the last one that was given back, or NULL */
    struct mr_known_table table;
};

void mr_known_init(struct mr_known *known);
void mr_known_fini(struct mr_known *known);

/* Its number is above all that are there (asserted). MR_ENOMEM: nothing has changed. */
int mr_known_add(struct mr_known *known, const struct mr_dedup_entry *entry);
/* The newest one of an ident; NULL: none. Until the next call that changes something. */
const struct mr_dedup_entry *mr_known_find(
        const struct mr_known *known, const uint8_t ident[static MR_RECORD_IDENT_BYTES]);
/* It is going to be looked for: what says whether it is there is fetched from memory, in two steps. */
void mr_known_foresee(const struct mr_known *known, const uint8_t ident[static MR_RECORD_IDENT_BYTES]);
void mr_known_expect(const struct mr_known *known, const uint8_t ident[static MR_RECORD_IDENT_BYTES]);
/* One of the last ones, of which each number is there (asserted). */
void mr_known_hashed(struct mr_known *known, uint64_t number, const uint8_t leaf_hash[static 32]);
void mr_known_forget(struct mr_known *known, uint64_t through); /* numbers <= through. Needs no memory */
void mr_known_rollback(struct mr_known *known, uint64_t from);  /* numbers >= from. Needs no memory */

static inline size_t mr_known_count(const struct mr_known *known)
{
    return known->end - known->first;
}

#endif
