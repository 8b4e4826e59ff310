#include "proto/loop/mailbox.h"

#include <assert.h>

#include "proto/base/err.h"

void mr_mailbox_take(struct mr_mailbox *mailbox, struct mr_list *batch)
{
    (void)pthread_mutex_lock(&mailbox->lock);
    mr_list_splice_back(batch, &mailbox->queue);
    (void)pthread_mutex_unlock(&mailbox->lock);
}

static void on_async(uv_async_t *async)
{
    struct mr_mailbox *mailbox = MR_CONTAINER(async, struct mr_mailbox, async);
    struct mr_list batch;

    mr_list_init(&batch);
    mr_mailbox_take(mailbox, &batch);
    if (!mr_list_empty(&batch))
        mailbox->on_batch(mailbox, &batch);
    assert(mr_list_empty(&batch));
}

int mr_mailbox_open(struct mr_mailbox *mailbox, uv_loop_t *loop, mr_mailbox_fn on_batch, void *data)
{
    *mailbox = (struct mr_mailbox){.on_batch = on_batch, .data = data, .has_loop = loop != NULL};
    mr_list_init(&mailbox->queue);
    if (pthread_mutex_init(&mailbox->lock, NULL) != 0 || pthread_cond_init(&mailbox->filled, NULL) != 0)
        return MR_ESYSTEM;
    if (loop && uv_async_init(loop, &mailbox->async, on_async) != 0)
        return MR_ESYSTEM;
    return 0;
}

bool mr_mailbox_post(struct mr_mailbox *mailbox, struct mr_list *message)
{
    bool taken;
    bool was_empty;

    (void)pthread_mutex_lock(&mailbox->lock);
    taken = !mailbox->closed;
    was_empty = mr_list_empty(&mailbox->queue);
    if (taken)
        mr_list_push_back(&mailbox->queue, message);
    /* Under the lock, so that close() cannot come between: uv_async_send on a closing handle is not allowed.
     */
    if (taken && was_empty && mailbox->has_loop)
        (void)uv_async_send(&mailbox->async);
    (void)pthread_mutex_unlock(&mailbox->lock);
    if (taken && was_empty && !mailbox->has_loop)
        (void)pthread_cond_signal(&mailbox->filled);
    return taken;
}

bool mr_mailbox_wait(struct mr_mailbox *mailbox, struct mr_list *batch)
{
    bool any;

    (void)pthread_mutex_lock(&mailbox->lock);
    while (mr_list_empty(&mailbox->queue) && !mailbox->closed)
        (void)pthread_cond_wait(&mailbox->filled, &mailbox->lock);
    any = !mr_list_empty(&mailbox->queue);
    mr_list_splice_back(batch, &mailbox->queue);
    (void)pthread_mutex_unlock(&mailbox->lock);
    return any;
}

void mr_mailbox_shut(struct mr_mailbox *mailbox)
{
    (void)pthread_mutex_lock(&mailbox->lock);
    mailbox->closed = true;
    (void)pthread_mutex_unlock(&mailbox->lock);
    (void)pthread_cond_broadcast(&mailbox->filled);
}

static void finish(struct mr_mailbox *mailbox)
{
    (void)pthread_mutex_destroy(&mailbox->lock);
    (void)pthread_cond_destroy(&mailbox->filled);
    if (mailbox->on_closed)
        mailbox->on_closed(mailbox);
}

static void on_async_closed(uv_handle_t *handle)
{
    finish(MR_CONTAINER(handle, struct mr_mailbox, async));
}

void mr_mailbox_close(struct mr_mailbox *mailbox, void (*on_closed)(struct mr_mailbox *mailbox))
{
    mr_mailbox_shut(mailbox);
    assert(mr_list_empty(&mailbox->queue));
    mailbox->on_closed = on_closed;
    if (mailbox->has_loop)
        uv_close((uv_handle_t *)&mailbox->async, on_async_closed);
    else
        finish(mailbox);
}
