/*
 * Receipts (store/receipt.h) as the hub gives them: made from the log when they are asked for, so nothing is
 * kept for them; and the queue of those that producers asked for with Publish, which go out as Receipt frames
 * once a checkpoint covers them. The queue lives with the session: a producer that comes back asks by number
 * (method log.receipt).
 */
#ifndef MR_HUB_SIGN_RECEIPT_H
#define MR_HUB_SIGN_RECEIPT_H

#include "hub/session/session.h"
#include "proto/base/buf.h"
#include "store/note.h"

enum { MR_RECEIPTS_WAITING_MAX = 32768 }; /* a session; 16 bytes each */

/*
 * Appends the receipt of a record and tells the size of its checkpoint. key: mr_log_key_public(). Any thread,
 * each with its own reader. MR_ENOTFOUND: no such record, or no checkpoint yet; MR_EAGAIN: no checkpoint
 * covers it yet; MR_EEXPIRED: its leaf is not kept any more.
 */
int mr_receipt_make(struct mr_buf *out, const struct mr_note_key *key, struct mr_log_reader *reader,
        uint64_t number, uint64_t *ret_size, struct mr_error *reterr);

struct mr_receipt_queue {
    struct mr_sessions *sessions;
    const struct mr_house *house;
    struct mr_log_reader *reader;
    struct mr_note_key key;
    struct mr_list waiting; /* struct waiting, one a session */
    uv_async_t wake;
    uv_timer_t retry; /* a producer that reads slowly */
    bool open;
};

/* sessions and house are set by the hub; the log has its key. Loop thread, as all below but for wake. */
int mr_receipt_queue_open(struct mr_receipt_queue *queue, uv_loop_t *loop, struct mr_error *reterr);
void mr_receipt_queue_close(struct mr_receipt_queue *queue); /* a queue that was not opened is fine */

/* Beyond the limit it is answered at once with an empty receipt: to be asked for by number. */
void mr_receipt_queue_add(
        struct mr_receipt_queue *queue, struct mr_session *session, uint64_t sequence, uint64_t number);
void mr_receipt_queue_forget(struct mr_receipt_queue *queue, const struct mr_session *session);
void mr_receipt_queue_wake(void *queue);                     /* any thread: there is a new checkpoint */
void mr_receipt_queue_flush(struct mr_receipt_queue *queue); /* at the end: what is signed goes out now */

#endif
