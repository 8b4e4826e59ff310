/*
 * A projection's rows: derived, in the environment views/, each batch with the log number through which it is
 * built in the same transaction. Rows are (table, key) -> value; the projection says what they mean. Person
 * rows are sealed by their owner under the person's key before they come here (decision 6).
 */
#ifndef MR_STORE_VIEW_H
#define MR_STORE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"

struct mr_view;
struct mr_view_batch;
struct mr_view_reader;

/* FACT: the rows; META: what the projection keeps about itself. Their meaning is the projection's. */
enum mr_view_table { MR_VIEW_FACT, MR_VIEW_META, MR_VIEW_TABLES };

/* Not read_only: this process owns it. Failures as mr_log_open's; the cure for all of them is to delete and
 * rebuild. */
int mr_view_open(struct mr_view **ret, const char *dir, bool read_only, struct mr_error *reterr);
void mr_view_close(struct mr_view *view);
uint64_t mr_view_through(struct mr_view *view); /* any thread; a read-only view asks the store each time */
/* Goes up when rows of numbers that are passed were changed, and that can be read. Any thread. */
uint64_t mr_view_changes(const struct mr_view *view);
int mr_view_maintain(struct mr_view *view); /* as mr_log_maintain */
/* mr_kv_compact (store/kv.h): after rows were deleted for good. Any thread without a batch or reader open. */
struct mr_kv_compaction;
int mr_view_compact(struct mr_view *view, struct mr_kv_compaction *ret, struct mr_error *reterr);

int mr_view_batch_begin(struct mr_view *view, struct mr_view_batch **ret);
int mr_view_batch_put(
        struct mr_view_batch *batch, enum mr_view_table table, struct mr_slice key, struct mr_slice value);
int mr_view_batch_get(
        struct mr_view_batch *batch, enum mr_view_table table, struct mr_slice key, struct mr_slice *ret);
int mr_view_batch_del(
        struct mr_view_batch *batch, enum mr_view_table table, struct mr_slice key); /* MR_ENOTFOUND */
/*
 * Frees in every case. through is not less than before (asserted). Failures of put and del are sticky: commit
 * returns the first one and nothing happened.
 */
int mr_view_batch_commit(struct mr_view_batch *batch, uint64_t through);
/* The same for rows of numbers that are passed: through stays where it is. */
int mr_view_batch_commit_rows(struct mr_view_batch *batch);
void mr_view_batch_abort(struct mr_view_batch *batch);
int mr_view_clear(struct mr_view *view); /* everything, through = 0: before a rebuild */

/* A snapshot. Values are valid until close. */
int mr_view_reader_open(struct mr_view *view, struct mr_view_reader **ret);
void mr_view_reader_close(struct mr_view_reader *reader);
uint64_t mr_view_reader_through(struct mr_view_reader *reader);
int mr_view_get(
        struct mr_view_reader *reader, enum mr_view_table table, struct mr_slice key, struct mr_slice *ret);
/* Ascending from key `from` until fn returns non-zero; returns that, 0 at the end, or negative. */
typedef int (*mr_view_row_fn)(void *ctx, struct mr_slice key, struct mr_slice value);
int mr_view_rows(struct mr_view_reader *reader, enum mr_view_table table, struct mr_slice from,
        mr_view_row_fn fn, void *ctx);

#endif
