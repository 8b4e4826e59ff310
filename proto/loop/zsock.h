/*
 * A ZeroMQ socket on a libuv loop. ZMQ_FD is edge-triggered and any call on the socket may swallow its
 * signal, so: a poll callback only notes it and wakes the loop; prepare asks ZMQ_EVENTS and keeps the loop
 * awake when work is left; check serves at most `budget` messages a turn, until a receive says that nothing
 * is there. Asking and such a receive cost two system calls, so a socket is looked at only when something has
 * happened to it since it said so: a signal, or a send of ours. Loop thread only, and all that sends or
 * receives goes through here.
 */
#ifndef MR_LOOP_ZSOCK_H
#define MR_LOOP_ZSOCK_H

#include <stdbool.h>
#include <uv.h>
#include <zmq.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"

enum { MR_ZSOCK_PARTS_MAX = 16 };

struct mr_zsock;

/*
 * One whole message of `count` parts, borrowed until the call returns; a message of more parts is read to its
 * end and not delivered. Return value is ignored but for symmetry with other callbacks. The callee may close
 * the zsock.
 */
typedef void (*mr_zsock_recv_fn)(struct mr_zsock *zsock, zmq_msg_t *parts, int count);

struct mr_zsock {
    void *socket; /* owned; NULL when closed */
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    int open_handles;
    int budget;   /* messages a loop turn */
    bool stirred; /* by a signal or a send of ours, since it said last that nothing is there */
    mr_zsock_recv_fn on_message;
    void (*on_closed)(struct mr_zsock *zsock);
    void *data; /* the owner's */
};

/* Takes over socket (also on failure it is closed). Sets LINGER 0. Starts at once. */
int mr_zsock_open(struct mr_zsock *zsock, uv_loop_t *loop, void *socket, int budget,
        mr_zsock_recv_fn on_message, void *data);

/* Never blocks. 0; MR_EAGAIN (peer's queue full), MR_ENOTFOUND (no such peer: ROUTER), MR_ECLOSED. */
int mr_zsock_send(struct mr_zsock *zsock, const struct mr_slice *parts, int count);

/* The same of one part behind the name of a ROUTER's peer; the message is taken in every case. */
int mr_zsock_send_to(struct mr_zsock *zsock, struct mr_slice peer, zmq_msg_t *message);

/* Asynchronous, idempotent; on_closed (may be NULL) runs once the memory may be reused. */
void mr_zsock_close(struct mr_zsock *zsock, void (*on_closed)(struct mr_zsock *zsock));

#endif
