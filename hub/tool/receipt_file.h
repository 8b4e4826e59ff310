/* Receipts (docs/receipts.md) as the tool gets them from the hub, or from the store when no hub runs, and
 * puts them into files. */
#ifndef MR_HUB_TOOL_RECEIPT_FILE_H
#define MR_HUB_TOOL_RECEIPT_FILE_H

#include "hub/tool/tool.h"
#include "proto/base/buf.h"

enum { TOOL_RECEIPT_WAIT_MS = 10000 };

/* Appends the receipt of a record. Waits that long for a checkpoint that covers it; 0: MR_EAGAIN at once. */
int tool_receipt_get(
        struct tool *tool, uint64_t number, int wait_ms, struct mr_buf *out, struct mr_error *reterr);
/* The same into DIR/NUMBER.receipt, written beside and renamed; the folder is made. */
int tool_receipt_save(
        struct tool *tool, uint64_t number, int wait_ms, const char *dir, struct mr_error *reterr);

#endif
