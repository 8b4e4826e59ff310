#include <stdlib.h>
#include <string.h>

#include "hub/sign/log_key.h"
#include "hub/sign/receipt.h"
#include "proto/base/logfmt.h"

enum { TURN_MAX = 32, RETRY_MS = 20, FIRST_CAPACITY = 64 };

struct entry {
    uint64_t sequence;
    uint64_t number;
};

/* A ring of what one session waits for, in the order of its acknowledgements. */
struct waiting {
    struct mr_list link;
    struct mr_session *session;
    struct entry *entries;
    size_t capacity; /* a power of two */
    size_t first;
    size_t count;
};

static struct waiting *waiting_of(struct mr_receipt_queue *queue, const struct mr_session *session)
{
    mr_list_foreach (it, &queue->waiting) {
        struct waiting *waiting = MR_CONTAINER(it, struct waiting, link);

        if (waiting->session == session)
            return waiting;
    }
    return NULL;
}

static void waiting_free(struct waiting *waiting)
{
    mr_list_remove(&waiting->link);
    free(waiting->entries);
    free(waiting);
}

/* ---- sending ---- */

static int send_receipt(const struct mr_receipt_queue *queue, const struct mr_session *session,
        const struct entry *entry, struct mr_slice bytes)
{
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Receipt receipt = MARSHRUT__BUS__V1__RECEIPT__INIT;

    receipt.sequence = entry->sequence;
    receipt.number = entry->number;
    receipt.receipt.data = (uint8_t *)bytes.data;
    receipt.receipt.len = bytes.size;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_RECEIPT;
    frame.receipt = &receipt;
    return mr_gateway_send(queue->sessions->gateway, &session->peer, &frame);
}

/* MR_EAGAIN: later, of both kinds. What cannot be made is told empty: whoever asks by number hears why. */
static int give(struct mr_receipt_queue *queue, const struct waiting *waiting, struct mr_buf *bytes)
{
    const struct entry *entry = &waiting->entries[waiting->first & (waiting->capacity - 1)];
    uint64_t size;
    int r;

    mr_buf_reset(bytes);
    r = mr_receipt_make(bytes, &queue->key, queue->reader, entry->number, &size, NULL);
    if (r == MR_EAGAIN || r == MR_ENOTFOUND)
        return MR_EAGAIN;
    if (r < 0)
        mr_buf_reset(bytes);
    return send_receipt(queue, waiting->session, entry, mr_buf_slice(bytes));
}

/* Up to `turn`. Whether there is more to do is told by *ret_again (now) and *ret_slow (it reads slowly). */
static void serve(struct mr_receipt_queue *queue, struct waiting *waiting, size_t turn, struct mr_buf *bytes,
        bool *ret_again)
{
    uint64_t size = 0;
    struct mr_slice note;

    if (mr_log_checkpoint(queue->reader, &size, &note) < 0)
        return;
    for (size_t i = 0; i < turn && waiting->count > 0; i++) {
        int r;

        if (waiting->entries[waiting->first & (waiting->capacity - 1)].number > size)
            return;
        r = give(queue, waiting, bytes);
        if (r == MR_EAGAIN) {
            (void)uv_timer_start(&queue->retry, queue->retry.timer_cb, RETRY_MS, 0);
            return;
        }
        if (r < 0)
            return; /* gone: its session is closed by what else is sent to it */
        waiting->first++;
        waiting->count--;
    }
    *ret_again |= waiting->count > 0;
}

static bool serve_all(struct mr_receipt_queue *queue, size_t turn)
{
    struct mr_buf bytes = MR_BUF_INIT;
    bool again = false;

    if (mr_list_empty(&queue->waiting) || mr_log_reader_renew(queue->reader) < 0)
        return false;
    mr_list_foreach_safe (it, &queue->waiting) {
        struct waiting *waiting = MR_CONTAINER(it, struct waiting, link);

        serve(queue, waiting, turn, &bytes, &again);
        if (waiting->count == 0)
            waiting_free(waiting);
    }
    mr_log_reader_pause(queue->reader);
    mr_buf_fini(&bytes);
    return again;
}

static void on_wake(uv_async_t *async)
{
    if (serve_all(async->data, TURN_MAX))
        (void)uv_async_send(async); /* the others on the loop have their turn first */
}

static void on_retry(uv_timer_t *timer)
{
    mr_receipt_queue_wake(timer->data);
}

/* ---- what waits ---- */

static int grow(struct waiting *waiting)
{
    size_t capacity = waiting->capacity ? 2 * waiting->capacity : FIRST_CAPACITY;
    struct entry *entries = calloc(capacity, sizeof *entries);

    if (!entries)
        return MR_ENOMEM;
    for (size_t i = 0; i < waiting->count; i++)
        entries[i] = waiting->entries[(waiting->first + i) & (waiting->capacity - 1)];
    free(waiting->entries);
    waiting->entries = entries;
    waiting->capacity = capacity;
    waiting->first = 0;
    return 0;
}

static bool push(struct mr_receipt_queue *queue, struct mr_session *session, const struct entry *entry)
{
    struct waiting *waiting = waiting_of(queue, session);

    if (!waiting) {
        waiting = calloc(1, sizeof *waiting);
        if (!waiting)
            return false;
        waiting->session = session;
        mr_list_push_back(&queue->waiting, &waiting->link);
    }
    if (waiting->count == MR_RECEIPTS_WAITING_MAX ||
            (waiting->count == waiting->capacity && grow(waiting) < 0))
        return false;
    waiting->entries[(waiting->first + waiting->count++) & (waiting->capacity - 1)] = *entry;
    return true;
}

void mr_receipt_queue_add(
        struct mr_receipt_queue *queue, struct mr_session *session, uint64_t sequence, uint64_t number)
{
    const struct entry entry = {.sequence = sequence, .number = number};

    if (!push(queue, session, &entry))
        (void)send_receipt(queue, session, &entry, (struct mr_slice){0});
}

void mr_receipt_queue_forget(struct mr_receipt_queue *queue, const struct mr_session *session)
{
    struct waiting *waiting = queue && queue->open ? waiting_of(queue, session) : NULL;

    if (waiting)
        waiting_free(waiting);
}

void mr_receipt_queue_wake(void *ctx)
{
    struct mr_receipt_queue *queue = ctx;

    (void)uv_async_send(&queue->wake);
}

void mr_receipt_queue_flush(struct mr_receipt_queue *queue)
{
    if (queue->open)
        (void)serve_all(queue, MR_RECEIPTS_WAITING_MAX);
}

/* ---- open and close ---- */

int mr_receipt_queue_open(struct mr_receipt_queue *queue, uv_loop_t *loop, struct mr_error *reterr)
{
    int r = mr_log_key_public(&queue->key, queue->house->log, reterr);

    if (r == 0)
        r = mr_log_reader_open(queue->house->log, &queue->reader);
    if (r < 0)
        return r;
    mr_log_reader_pause(queue->reader);
    mr_list_init(&queue->waiting);
    if (uv_async_init(loop, &queue->wake, on_wake) != 0) {
        mr_log_reader_close(queue->reader);
        return mr_error_set(reterr, MR_ESYSTEM, "receipts", "", "cannot start");
    }
    (void)uv_timer_init(loop, &queue->retry);
    queue->retry.timer_cb = on_retry;
    queue->wake.data = queue->retry.data = queue;
    queue->open = true;
    return 0;
}

void mr_receipt_queue_close(struct mr_receipt_queue *queue)
{
    if (!queue->open)
        return;
    queue->open = false;
    mr_list_foreach_safe (it, &queue->waiting)
        waiting_free(MR_CONTAINER(it, struct waiting, link));
    mr_log_reader_close(queue->reader);
}
