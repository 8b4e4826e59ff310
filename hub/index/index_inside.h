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

/* The event's own texts that are looked for; each is borrowed from the event. waits: for correction. */
enum { MR_INDEX_TEXTS_MAX = 6 };
struct mr_index_text {
    enum mr_index_kind kind;
    struct mr_slice text;
};
struct mr_index_texts {
    struct mr_index_text items[MR_INDEX_TEXTS_MAX];
    size_t count;
};
void mr_index_texts_of(const struct mr_event *event, bool waits, struct mr_index_texts *ret);
/* Their keys, which are digested together. */
int mr_index_texts_put(const struct mr_keyring *keyring, const struct mr_index_texts *texts,
        mr_index_entry_fn fn, void *ctx);

/*
 * The same of a record that is opened: of one that waits for correction what `where` is asked by, so that one
 * can ask where it is; of one that is for one system only (sealed under an item key) none. Any thread.
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
