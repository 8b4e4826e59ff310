/* A stored event opened and decoded: what the indexer, the passport and the queries need of it. Plaintext;
 * fini wipes. */
#ifndef MR_HUB_RECORD_OPENED_H
#define MR_HUB_RECORD_OPENED_H

#include "hub/record/seal.h"
#include "proto/base/arena.h"

struct mr_opened {
    struct mr_unsealed unsealed;
    struct mr_arena arena;
    struct mr_event event; /* in arena and unsealed */
};

/* Before the first read; then read as often as you like: each read forgets the one before. */
void mr_opened_init(struct mr_opened *opened);
void mr_opened_fini(struct mr_opened *opened);

/* As mr_unseal and mr_event_decode; MR_EDENIED when it is sealed and the house has no keys. */
int mr_opened_read(struct mr_opened *opened, const struct mr_house *house, const struct mr_record *record,
        enum mr_purpose purpose, struct mr_error *reterr);

/* Type of the event by its leaf: of any record, opened or not. Empty when the leaf has none. */
int mr_record_type(const struct mr_record *record, struct mr_buf *ret);
/* Source by its leaf, borrowed from the record; of one of persons the configured one. Empty when there is
 * none. */
struct mr_slice mr_record_source(const struct mr_record *record);
/* Hub event id in the leaf, as text. MR_ECORRUPT. */
int mr_record_hub_id(const struct mr_record *record, char *ret, size_t capacity);

#endif
