/*
 * Which requests to erase a person this adapter has answered, and when: who drops a file again that was read
 * before one of them is told its number. Rows in the outbox, "mr.e" + u64be request -> i64be time; nobody is
 * named.
 */
#ifndef MR_SDK_ERASURE_NOTED_H
#define MR_SDK_ERASURE_NOTED_H

#include "adapters/sdk/adapter.h"

/* With the answer, in its transaction. The first time counts. */
int mr_erasure_note(struct mr_outbox_txn *txn, uint64_t request, int64_t now_us);
/* Appends those answered since, ascending: "3, 5"; the newest of many, behind "…, ". */
int mr_erasure_noted_since(struct mr_outbox_txn *txn, int64_t since_us, struct mr_buf *out);

#endif
