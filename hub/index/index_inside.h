/*
 * Which index entries come from inside of an event, in one place: the indexer puts them, an erasure takes
 * them out, and the two must be the same.
 */
#ifndef MR_HUB_INDEX_INDEX_INSIDE_H
#define MR_HUB_INDEX_INDEX_INSIDE_H

#include "hub/record/opened.h"
#include "store/index.h"

typedef int (*mr_index_entry_fn)(
        void *ctx, enum mr_index_kind kind, const uint8_t key[static MR_INDEX_KEY_BYTES]);

/* Of the head of a record, which every one has, whether it can be opened or not. type_key:
 * mr_index_key_type(). */
int mr_index_head(const struct mr_record *record, const uint8_t type_key[static MR_INDEX_KEY_BYTES],
        mr_index_entry_fn fn, void *ctx);

/* Of the event's own texts, decoded; waits: for correction. */
int mr_index_texts(const struct mr_house *house, const struct mr_event *event, bool waits,
        mr_index_entry_fn fn, void *ctx);

/*
 * The same of a record that is opened: of one that waits for correction its id alone, so that its sender can
 * ask where it is; of one that is for one system only (sealed under an item key) none. Any thread.
 */
int mr_index_inside(const struct mr_house *house, const struct mr_record *record,
        const struct mr_opened *opened, mr_index_entry_fn fn, void *ctx);

/*
 * Of the persons whose slots are in `slots` and whose keys are there, opened or not: the survivors of an
 * event whose other person was erased stay found. *ret_blocked (may be NULL): one of them is blocked.
 */
int mr_index_persons(const struct mr_house *house, const struct mr_record *record, uint16_t slots,
        mr_index_entry_fn fn, void *ctx, bool *ret_blocked);

#endif
