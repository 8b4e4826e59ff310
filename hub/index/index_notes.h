/*
 * What the indexer writes of an event without persons, noted by prepare, which has it decoded: the entries of
 * index/ and the rows of views/. The record is not read, decoded and digested again for them.
 *
 * Only of events about nobody: of what is sealed nothing is kept between threads, so an erasure has nothing
 * to reach here. Derived, and in memory only: what is not noted (other events, no room, what came before the
 * start) the indexer reads from the log, with the same result (docs/adr/0029-together-and-once.md).
 *
 * Two threads: prepare notes, the indexer takes. NULL notes are none: what is noted is dropped, nothing is
 * found.
 */
#ifndef MR_HUB_INDEX_INDEX_NOTES_H
#define MR_HUB_INDEX_INDEX_NOTES_H

#include "hub/house.h"
#include "proto/wire/codec.h"

enum { MR_INDEX_NOTES_BYTES_MAX = 32 << 20 }; /* beyond it nothing is noted until there is room */

struct mr_index_notes;

int mr_index_notes_new(struct mr_index_notes **ret);
void mr_index_notes_free(struct mr_index_notes *notes); /* NULL is fine */

/* ---- prepare ---- */

void mr_index_notes_begin(struct mr_index_notes *notes); /* a batch: what an earlier one left is dropped */
/* The record has its number; numbers ascend. What cannot be noted is not. */
void mr_index_notes_add(struct mr_index_notes *notes, const struct mr_house *house,
        const struct mr_record *record, const struct mr_event *event);
void mr_index_notes_end(
        struct mr_index_notes *notes, bool given); /* false: its numbers were not given after all */

/* ---- the indexer: numbers ascend ---- */

/* false: there is none of this number. Valid until the next call. */
bool mr_index_notes_take(struct mr_index_notes *notes, uint64_t number, struct mr_slice *ret);
/* Takes those of *next and what follows, up to the first that has none or to `last`, and puts what they say
 * into both batches. *next: the first that was not. */
int mr_index_notes_write(struct mr_index_notes *notes, uint64_t *next, uint64_t last,
        const struct mr_keyring *keyring, struct mr_index_batch *index, struct mr_view_batch *view);

#endif
