/*
 * A hub of the test's own on the test's loop: speaks the bus protocol over CURVE, keeps what it stores in
 * memory, and can be told to be read-only, deaf, forgetful of acks, or to replace its client. One client.
 */
#ifndef MR_TESTS_FAKE_HUB_H
#define MR_TESTS_FAKE_HUB_H

#include <stdbool.h>
#include <uv.h>

#include "bus.pb-c.h"
#include "proto/base/arena.h"
#include "proto/loop/curvekey.h"
#include "proto/loop/zsock.h"

enum { FAKE_HUB_EVENTS_MAX = 4096 };

struct fake_hub {
    uv_loop_t *loop;
    void *zmq;
    struct mr_zsock router;
    bool open;
    struct mr_curvekey key;
    char endpoint[64];
    uint8_t peer[64];
    size_t peer_size;
    struct mr_arena arena;

    /* what it is told to do */
    bool read_only;   /* refuses batches, says come back in 20 ms */
    bool deaf;        /* answers nothing */
    bool forget_acks; /* stores, but says nothing */
    bool replace;     /* answers the next Hello with "replaced" */
    bool dedup;       /* says duplicate when it has the very same bytes already */
    uint64_t refuse_sequence, quarantine_sequence;
    uint64_t erased_sequence; /* says of it that it was erased on request No. 3 */
    uint32_t event_bytes_max;
    uint32_t ping_interval_ms;
    const char *subscription; /* that it offers; NULL: "news" */

    /* whom it tells; NULL: nobody */
    void (*on_stored)(void *ctx, struct mr_slice event); /* each one that it takes */
    void (*on_subscribed)(void *ctx);
    void (*on_acked)(void *ctx, uint64_t through);
    void *ctx;

    /* what it saw */
    uint64_t epoch, stored;
    unsigned hellos, publishes, subscribes, acks, nacks;
    uint64_t acked, credit, seen;
    size_t sizes[FAKE_HUB_EVENTS_MAX]; /* of stored events, by sequence - 1 */
    uint32_t sums[FAKE_HUB_EVENTS_MAX];
    unsigned gaps, twice; /* sequences that were skipped or taken twice: must stay 0 */
};

void fake_hub_open(struct fake_hub *hub, uv_loop_t *loop); /* keeps what it stored when opened again */
void fake_hub_close(struct fake_hub *hub);                 /* as if killed: the sockets go without a word */
void fake_hub_fini(struct fake_hub *hub);
void fake_hub_send(struct fake_hub *hub, const Marshrut__Bus__V1__Frame *frame);
void fake_hub_deliver(struct fake_hub *hub, const char *subscription, uint64_t number, struct mr_slice event);

#endif
