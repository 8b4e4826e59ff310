/*
 * Secondary indexes: derived, in their own environment, built behind the log in big batches by one thread,
 * with the number through which they are built in the same transaction. What lies behind that number is the
 * caller's to look at in the log itself (the tail). Keys that stand for a person's values are keyed digests,
 * never plain.
 */
#ifndef MR_STORE_INDEX_H
#define MR_STORE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"

enum { MR_INDEX_KEY_BYTES = 16 };

enum mr_index_kind {
    MR_INDEX_IDENT = 1,        /* keyed digest of (source, id): at most one number */
    MR_INDEX_EVENT_ID = 2,     /* keyed digest of id, of any source; and of the hub's own id */
    MR_INDEX_CORRELATION = 3,  /* keyed digest */
    MR_INDEX_SUBSCRIPTION = 4, /* u16 id in the first two bytes, zeros behind */
    MR_INDEX_TYPE = 5,         /* digest of the type name */
    MR_INDEX_ORGANISATION = 6, /* keyed digest */
    MR_INDEX_PERSON = 7,       /* digest under the person's key */
    MR_INDEX_DOCUMENT = 8,     /* keyed digest of a document's registration number */
};

struct mr_index;
struct mr_index_batch;

/* Not read_only: this process owns it. Failures as mr_log_open's; the cure for all of them is to delete and
 * rebuild. */
int mr_index_open(struct mr_index **ret, const char *dir, bool read_only, struct mr_error *reterr);
void mr_index_close(struct mr_index *index);
/* Last indexed log number. Any thread. A read-only index asks the store each time. */
uint64_t mr_index_through(struct mr_index *index);
int mr_index_maintain(struct mr_index *index); /* as mr_log_maintain */
/* mr_kv_compact (store/kv.h): after rows were deleted for good. Any thread without a batch or reader open. */
struct mr_kv_compaction;
int mr_index_compact(struct mr_index *index, struct mr_kv_compaction *ret, struct mr_error *reterr);

/*
 * The single builder. A batch gathers keys in memory and holds no transaction until its commit, which writes
 * them in key order: so that each page is touched once. The same entry twice is one. Give it 10,000 to 50,000
 * entries.
 */
int mr_index_batch_begin(struct mr_index *index, struct mr_index_batch **ret);
int mr_index_batch_put(struct mr_index_batch *batch, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t number);
/* Frees in every case. through is not less than before (asserted). MR_ENOSPACE: nothing happened, build it
 * again. */
int mr_index_batch_commit(struct mr_index_batch *batch, uint64_t through);
void mr_index_batch_abort(struct mr_index_batch *batch);
int mr_index_clear(struct mr_index *index); /* everything, through = 0: before a rebuild */

/* Numbers > after for a key, ascending, at most max (and INT_MAX). Returns how many, or negative. Any thread.
 */
int mr_index_find(struct mr_index *index, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t after, uint64_t *ret_numbers, size_t max);
/* The same from the end: numbers < before, descending. */
int mr_index_find_last(struct mr_index *index, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t before, uint64_t *ret_numbers, size_t max);

#endif
