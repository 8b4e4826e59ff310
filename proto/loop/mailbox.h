/*
 * Messages from any thread to one receiver, in order per sender. A message owns its data. Two receivers:
 *  - a libuv loop: mr_mailbox_open(loop, ...), the callback gets the whole batch once (wake-ups coalesce);
 *  - a plain thread: mr_mailbox_open(NULL, ...) and mr_mailbox_wait().
 */
#ifndef MR_LOOP_MAILBOX_H
#define MR_LOOP_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <uv.h>

#include "proto/base/list.h"

struct mr_mailbox;

/* The callee takes every message off `batch`. Loop thread. */
typedef void (*mr_mailbox_fn)(struct mr_mailbox *mailbox, struct mr_list *batch);

struct mr_mailbox {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct mr_list queue;
    bool closed;
    uv_async_t async; /* only with a loop */
    bool has_loop;
    mr_mailbox_fn on_batch;
    void (*on_closed)(struct mr_mailbox *mailbox);
    void *data;
};

int mr_mailbox_open(struct mr_mailbox *mailbox, uv_loop_t *loop, mr_mailbox_fn on_batch, void *data);

/* Any thread. After shut-down the message is not taken: false, and it stays the caller's. */
bool mr_mailbox_post(struct mr_mailbox *mailbox, struct mr_list *message);

/* Plain thread: blocks until there is something; moves all of it to `batch`. false: shut down and empty. */
bool mr_mailbox_wait(struct mr_mailbox *mailbox, struct mr_list *batch);

/* Moves what is there now to `batch`, without waiting: for the last round of an orderly stop. */
void mr_mailbox_take(struct mr_mailbox *mailbox, struct mr_list *batch);

/* No more posts are taken; a waiting thread wakes. */
void mr_mailbox_shut(struct mr_mailbox *mailbox);

/*
 * Frees. The queue must be empty and no thread may post any more. With a loop it is asynchronous: on_closed
 * (may be NULL) runs when the memory may be reused.
 */
void mr_mailbox_close(struct mr_mailbox *mailbox, void (*on_closed)(struct mr_mailbox *mailbox));

#endif
