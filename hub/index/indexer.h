/*
 * The indexer thread: behind the log, in big batches, builds the secondary indexes and the facts of the
 * passport. Everything it writes is derived and can be made again from the log with the same result.
 */
#ifndef MR_HUB_INDEX_INDEXER_H
#define MR_HUB_INDEX_INDEXER_H

#include "hub/house.h"

enum { MR_INDEXER_BATCH_MAX = 20000 };

struct mr_indexer;

int mr_indexer_start(struct mr_indexer **ret, struct mr_house *house);
/* Where prepare may note what is to be indexed; until the indexer stops. */
struct mr_index_notes *mr_indexer_notes(struct mr_indexer *indexer);
void mr_indexer_wake(struct mr_indexer *indexer); /* any thread: there is news */
void mr_indexer_stop(struct mr_indexer *indexer); /* finishes its batch; NULL is fine */

/* The tool without a hub, and tests: index everything now, on this thread. */
int mr_indexer_run_once(struct mr_house *house, struct mr_error *reterr);
/* The same, no further than a number. */
int mr_indexer_run_to(struct mr_house *house, uint64_t through, struct mr_error *reterr);
/* The same, one batch of it, by the notes that there are; NULL: none. */
struct mr_index_notes;
int mr_indexer_run_batch(struct mr_house *house, struct mr_index_notes *notes, struct mr_error *reterr);
/*
 * One record under a number that is passed in index and views (asserted): it could not be read then. Adds
 * what a rebuild would. Any thread, beside the indexer.
 */
int mr_indexer_again(struct mr_house *house, uint64_t number);

/* How far the derived data is behind the log. Any thread. */
struct mr_index_lag {
    uint64_t events;      /* not in the index */
    int64_t oldest_us;    /* age of the oldest of these; 0: none, or it is damaged */
    uint64_t view_events; /* not in the views */
};
int mr_indexer_lag(const struct mr_house *house, struct mr_index_lag *ret);

#endif
