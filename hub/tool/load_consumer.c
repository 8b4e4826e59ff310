/*
 * One consumer of `marshrut bench`: subscribes, looks at every event that comes (is it of this run, which
 * one, for the first time?), and acknowledges what it has when nothing more came for a moment or a share of
 * its credit is used up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/load.h"
#include "hub/tool/load_client.h"
#include "hub/tool/tool.h"
#include "proto/base/clock.h"
#include "proto/wire/wire.h"

enum {
    CREDIT = 32 * 1024,
    CREDIT_STEP = CREDIT / 4,
    ACK_STEP = 512,
    ACK_MS = 2,
    WAIT_MS = 1000,
    STALL_MS = 60 * 1000,
    ID_PREFIX_BYTES = 2, /* "e-" */
    ID_DIGITS_MAX = 18,
};
enum { EVENT_ID = 1, EVENT_SOURCE = 2, DELIVER_ITEMS = 2, ITEM_NUMBER = 1, ITEM_EVENT = 3 };

struct consumer {
    struct load_peer *peer;
    struct load *load;
    struct load_client client;
    const char *name; /* of the system and of its subscription */
    uint8_t *seen;    /* an event: it has come */
    uint64_t taken;   /* number of the last item */
    uint32_t unacked;
    uint32_t uncredited;
    size_t run_size;
};

static int subscribe(struct consumer *c)
{
    Marshrut__Bus__V1__Subscribe subscribe = MARSHRUT__BUS__V1__SUBSCRIBE__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;

    subscribe.subscription = (char *)c->name;
    subscribe.credit_events = CREDIT;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_SUBSCRIBE;
    frame.subscribe = &subscribe;
    return load_client_send(&c->client, &frame);
}

static int open_consumer(struct consumer *c, struct mr_error *reterr)
{
    uint64_t events = c->load->options->events;
    Marshrut__Bus__V1__Limits limits;
    int r;

    c->seen = calloc(events, 1);
    if (!c->seen || load_samples_init(&c->peer->latency, events) < 0)
        return mr_error_set(reterr, MR_ENOMEM, "bench", "take fewer events", "out of memory");
    c->run_size = strlen(c->load->run);
    r = load_client_open(
            &c->client, c->load->zmq, c->load->config, c->load->endpoint, c->load->keys, c->name, reterr);
    if (r == 0)
        r = load_client_hello(&c->client, 0, &limits, reterr);
    return r < 0 ? r : subscribe(c);
}

static int send_ack(struct consumer *c)
{
    Marshrut__Bus__V1__Ack ack = MARSHRUT__BUS__V1__ACK__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;

    ack.subscription = (char *)c->name;
    ack.through = c->taken;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_ACK;
    frame.ack = &ack;
    c->unacked = 0;
    return load_client_send(&c->client, &frame);
}

static int send_credit(struct consumer *c)
{
    Marshrut__Bus__V1__Credit credit = MARSHRUT__BUS__V1__CREDIT__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;

    credit.subscription = (char *)c->name;
    credit.events = c->uncredited;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_CREDIT;
    frame.credit = &credit;
    c->uncredited = 0;
    return load_client_send(&c->client, &frame);
}

/* Of this run? Then which one, by the digits of its id. */
static bool number_of(const struct consumer *c, struct mr_slice event, uint64_t *ret)
{
    struct mr_slice id = mr_wire_find(event, EVENT_ID);
    struct mr_slice source = mr_wire_find(event, EVENT_SOURCE);

    if (source.size < c->run_size || id.size <= ID_PREFIX_BYTES || id.size > ID_DIGITS_MAX ||
            memcmp(source.data + source.size - c->run_size, c->load->run, c->run_size) != 0)
        return false;
    *ret = 0;
    for (size_t i = ID_PREFIX_BYTES; i < id.size; i++)
        *ret = *ret * 10 + (uint64_t)(id.data[i] - '0');
    return *ret < c->load->options->events;
}

static void take_item(struct consumer *c, struct mr_slice item, int64_t now_us)
{
    struct mr_wire_field field;
    struct mr_slice event = {0};
    uint64_t number;

    while (mr_wire_next(&item, &field) == 1) {
        if (field.number == ITEM_NUMBER)
            c->taken = field.varint;
        else if (field.number == ITEM_EVENT)
            event = field.bytes;
    }
    c->unacked++;
    c->uncredited++;
    if (!number_of(c, event, &number))
        return;
    if (c->seen[number]) {
        c->peer->again++;
        return;
    }
    c->seen[number] = 1;
    c->peer->done++;
    load_samples_add(&c->peer->latency,
            (double)now_us - (double)atomic_load_explicit(&c->load->sent_us[number], memory_order_relaxed));
    c->peer->end_us = now_us;
}

static void take_frame(struct consumer *c, struct mr_slice bytes)
{
    int64_t now_us = load_now_us(c->load);
    struct mr_wire_field field;
    struct mr_slice deliver;

    if (mr_wire_next(&bytes, &field) != 1)
        return;
    deliver = field.bytes;
    while (mr_wire_next(&deliver, &field) == 1)
        if (field.number == DELIVER_ITEMS)
            take_item(c, field.bytes, now_us);
}

/* Pings come all the same: a hub that does not deliver is noticed here. */
static int check_stall(const struct consumer *c, struct mr_error *reterr)
{
    if (load_now_us(c->load) - c->peer->end_us < STALL_MS * 1000LL)
        return 0;
    return mr_error_set(reterr, MR_ETIMEOUT, c->name,
            "look at `marshrut status` and at the hub's log; is the subscription as `bench keys` prints it?",
            "%llu of %llu events came, and none for %d s", (unsigned long long)c->peer->done,
            (unsigned long long)c->load->options->events, STALL_MS / 1000);
}

static int consume(struct consumer *c, struct mr_error *reterr)
{
    int r = 0;

    while (r >= 0 && c->peer->done < c->load->options->events && !atomic_load(&c->load->stop)) {
        bool owes = c->unacked > 0;
        struct mr_slice bytes;
        uint32_t body;

        r = load_client_receive(&c->client, owes ? ACK_MS : WAIT_MS, &bytes, &body, reterr);
        if (r == 1 && body == MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)
            take_frame(c, bytes);
        if (r == 0 && !owes)
            r = check_stall(c, reterr);
        if ((r == 0 && owes) || (r == 1 && c->unacked >= ACK_STEP))
            r = send_ack(c);
        if (r >= 0 && c->uncredited >= CREDIT_STEP)
            r = send_credit(c);
        if (tool_interrupted())
            r = mr_error_set(reterr, MR_ECLOSED, "", "", "interrupted");
    }
    if (r >= 0 && c->unacked > 0)
        r = send_ack(c);
    return r;
}

void *load_consume(void *arg)
{
    struct load_peer *peer = arg;
    struct consumer c = {.peer = peer, .load = peer->load};
    struct mr_error error = {0};
    char name[32];
    int r;

    (void)snprintf(name, sizeof name, LOAD_CONSUMER_NAME, peer->index + 1);
    c.name = name;
    r = open_consumer(&c, &error);
    if (r < 0) {
        error.code = r;
        (void)load_fail(peer->load, &error);
    }
    (void)pthread_barrier_wait(&peer->load->ready);
    (void)pthread_barrier_wait(&peer->load->begin);
    if (r >= 0 && (r = consume(&c, &error)) < 0) {
        error.code = r;
        (void)load_fail(peer->load, &error);
    }
    load_client_close(&c.client);
    free(c.seen);
    return NULL;
}
