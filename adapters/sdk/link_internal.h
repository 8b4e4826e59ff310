/* What link.c (connection), link_send.c and link_receive.c share. */
#ifndef MR_SDK_LINK_INTERNAL_H
#define MR_SDK_LINK_INTERNAL_H

#include "adapters/sdk/link.h"
#include "bus.pb-c.h"
#include "proto/base/arena.h"
#include "proto/loop/backoff.h"
#include "proto/loop/zsock.h"

enum {
    MR_LINK_FRAME_BUDGET = 16 * 1024 * 1024, /* of a decoded frame: wire size is at most 1 MiB */
    MR_LINK_EVENT_BUDGET = 8 * 1024 * 1024,
    MR_LINK_CREDIT_EVENTS = 512,
    MR_LINK_CREDIT_BYTES = 8 * 1024 * 1024,
    MR_LINK_GREETING_MS = 10000, /* from connect to Welcome */
    MR_LINK_TICK_MS = 500,
    MR_LINK_RETRY_SEND_MS = 10,
    MR_LINK_SLOW_RETRY_MS = 30000, /* where the hub says not to come back by oneself */
};

enum mr_link_state { MR_LINK_DOWN, MR_LINK_CONNECTING, MR_LINK_GREETING, MR_LINK_UP, MR_LINK_CLOSING };

/* One connection; a new one for each try. Frees itself when its sockets have closed. */
struct mr_link_connection {
    struct mr_link *link; /* NULL once given up */
    struct mr_zsock dealer;
    struct mr_zsock monitor;
    int open;
};

struct mr_link_nacked {
    struct mr_list member;
    uint64_t number;
    bool park;
    char reason[64];
    char subscription[64];
};

/* A verdict of an earlier session that the hub repeats after Welcome; what it points to is in repeat_arena.
 */
struct mr_link_repeated {
    struct mr_list member;
    Marshrut__Bus__V1__PublishResult result;
};

struct mr_link {
    uv_loop_t *loop;
    struct mr_outbox *outbox;
    struct mr_inbox *inbox;
    struct mr_adapter_callbacks callbacks;
    void *ctx;
    void (*on_builtin)(void *ctx, const struct mr_delivered *item);
    void *builtin_ctx;
    void *zmq;
    char *endpoint, *software;
    char hub_key[41], secret_key[41], public_key[41];

    enum mr_link_state state;
    struct mr_link_connection *connection;
    struct mr_backoff backoff;
    uint64_t connecting_since_ms; /* loop time */
    uint64_t pinged_ms;
    unsigned unanswered; /* pings since the hub was heard. Not by the clock: who stood still has heard nobody
                          */
    uint32_t retry_after_ms; /* what the hub asked for; 0: by back-off */
    bool hello_sent;

    Marshrut__Bus__V1__Limits limits;
    uint64_t sent_through;    /* last sequence handed to the socket in this session */
    uint64_t seen_sent;       /* VerdictsSeen */
    uint64_t paused_until_ms; /* publishing */
    uint64_t ping_id;
    struct mr_list nacks;
    uint64_t repeat_through; /* verdicts up to here are being repeated; 0: none */
    uint64_t repeat_ping;    /* its Pong says that all of them have come */
    struct mr_list repeated;
    struct mr_arena receive_arena, event_arena, send_arena, repeat_arena;

    uint64_t published, delivered, finished, connections;

    uv_timer_t retry, tick, flush;
    int open_handles;
    int open_connections;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* link.c: gives the connection up; the next try after back-off, or retry_after_ms. */
void mr_link_fail(struct mr_link *link, const char *why);
void mr_link_flush_in(struct mr_link *link, uint64_t delay_ms);
void mr_link_set_up(struct mr_link *link, bool up);

/* link_send.c: everything that the state says is to be sent now. */
void mr_link_pump(struct mr_link *link);
int mr_link_send(struct mr_link *link, const Marshrut__Bus__V1__Frame *frame);
int mr_link_subscribe(struct mr_link *link, const char *subscription);

/* link_receive.c */
void mr_link_receive(struct mr_link *link, struct mr_slice bytes);

/* link_note.c: verdicts, in one transaction with what on_outcome writes */
void mr_link_on_ack(struct mr_link *link, const Marshrut__Bus__V1__PublishAck *ack);
/* After Welcome: stored_sequence is ahead of what we noted, so the verdicts between are repeated. */
void mr_link_repeat_begin(struct mr_link *link, uint64_t stored_sequence);
void mr_link_repeat_end(struct mr_link *link); /* notes what came; nothing when none is being repeated */
void mr_link_repeat_drop(struct mr_link *link);

#endif
