/*
 * Rows for a later commit, as bytes in a buffer: u8 table (+ 128: remove), be32 key size, be32 value size,
 * key, value; ... Whether memory was enough the buffer says at the end (mr_buf_failed). Any thread.
 */
#ifndef MR_HUB_ROWS_H
#define MR_HUB_ROWS_H

#include "proto/base/buf.h"
#include "store/log.h"

void mr_rows_put(struct mr_buf *rows, enum mr_log_table table, struct mr_slice key, struct mr_slice value);
void mr_rows_del(struct mr_buf *rows, enum mr_log_table table, struct mr_slice key); /* none there is fine */

/* May be called again with another batch. */
int mr_rows_apply(struct mr_slice rows, struct mr_log_batch *batch);

#endif
