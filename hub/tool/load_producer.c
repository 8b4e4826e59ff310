/*
 * One producer of `marshrut bench`: batches within the window, as fast as they are acknowledged or, with a
 * rate, what is due at each tick of a clock. Latency counts from the moment at which a batch was due, so a
 * hub that falls behind is not excused by the waiting.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/bench_event.h"
#include "hub/tool/load.h"
#include "hub/tool/load_client.h"
#include "hub/tool/tool.h"
#include "proto/base/clock.h"
#include "proto/wire/wire.h"

enum { TICK_US = 1000, WAIT_MS = 1000, EVENTS_OF_PERSON = 100 };
enum { FRAME_PUBLISH = 4, PUBLISH_FIRST_SEQUENCE = 1, PUBLISH_EVENTS = 2 };

struct on_the_way {
    uint64_t last; /* sequence */
    int64_t sent_us;
};

struct producer {
    struct load_peer *peer;
    struct load *load;
    struct load_client client;
    struct bench_event event;
    uint64_t first; /* number of its first event */
    uint64_t count;
    uint32_t batch;
    uint64_t sent;
    uint64_t acked;
    struct on_the_way *ring; /* a Publish each; `window` is enough */
    size_t ring_first, ring_count;
};

static int open_event(struct producer *p, const char *system, struct mr_error *reterr)
{
    const struct load_options *options = p->load->options;
    const struct mr_config_system *configured = mr_config_system(p->load->config, system);
    char source[300];
    struct bench_event_form form = {.with_person = options->person,
            .bytes = options->size,
            .source = source,
            .region = p->load->config->region};

    if (!configured)
        return mr_error_set(reterr, MR_ENOTFOUND, system, "add what `marshrut bench keys DIR` prints",
                "the configuration has no such system");
    (void)snprintf(source, sizeof source, "%s:%s", configured->source, p->load->run);
    if (bench_event_init(&p->event, &form) < 0)
        return mr_error_set(reterr, MR_EINVAL, "--size", "about 350 to 1200",
                "the bench has no event of %u bytes", options->size);
    return 0;
}

static int open_producer(struct producer *p, const char *system, struct mr_error *reterr)
{
    const struct load_options *options = p->load->options;
    Marshrut__Bus__V1__Limits limits;
    int r = open_event(p, system, reterr);

    if (r < 0)
        return r;
    p->batch = options->batch;
    p->ring = calloc(options->window, sizeof *p->ring);
    if (!p->ring || load_samples_init(&p->peer->latency, p->count / 2 + 1024) < 0)
        return mr_error_set(reterr, MR_ENOMEM, "bench", "take fewer events", "out of memory");
    r = load_client_open(
            &p->client, p->load->zmq, p->load->config, p->load->endpoint, p->load->keys, system, reterr);
    if (r == 0)
        r = load_client_hello(&p->client, (uint64_t)mr_clock_wall_us(mr_clock_system()), &limits, reterr);
    if (r == 0 && options->window > limits.publish_window)
        r = mr_error_set(reterr, MR_EINVAL, "--window", "a smaller window, or hub.publish_window",
                "the hub takes %u unacknowledged events", limits.publish_window);
    return r;
}

static void close_producer(struct producer *p)
{
    load_client_close(&p->client);
    bench_event_fini(&p->event);
    free(p->ring);
}

/* ---- one Publish, written as it is sent: no event is copied twice ---- */

static size_t varint_size(uint64_t value)
{
    size_t size = 1;

    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_head(uint8_t *at, uint32_t field, size_t size)
{
    return put_varint(put_varint(at, field << 3 | MR_WIRE_BYTES), size);
}

static size_t body_size(const struct producer *p, uint64_t first, uint32_t count)
{
    size_t event = p->event.bytes.size;

    return 1 + varint_size(first) + count * (1 + varint_size(event) + event);
}

/* The next event of the run, as a field. */
static uint8_t *put_event(struct producer *p, uint8_t *at, uint64_t number, int64_t due_us)
{
    size_t size = p->event.bytes.size;

    bench_event_number(&p->event, number, number / EVENTS_OF_PERSON);
    at = put_head(at, PUBLISH_EVENTS, size);
    memcpy(at, p->event.bytes.data, size);
    atomic_store_explicit(&p->load->sent_us[number], (uint32_t)due_us, memory_order_relaxed);
    return at + size;
}

static int send_batch(struct producer *p, uint32_t count, int64_t due_us)
{
    size_t body = body_size(p, p->sent + 1, count), size = 1 + varint_size(body) + body;
    zmq_msg_t message;
    uint8_t *at;

    if (zmq_msg_init_size(&message, size) != 0)
        return MR_ENOMEM;
    at = put_head(zmq_msg_data(&message), FRAME_PUBLISH, body);
    at = put_varint(put_varint(at, PUBLISH_FIRST_SEQUENCE << 3 | MR_WIRE_VARINT), p->sent + 1);
    for (uint32_t i = 0; i < count; i++)
        at = put_event(p, at, p->first + p->sent + i, due_us);
    assert(at == (uint8_t *)zmq_msg_data(&message) + size);
    p->sent += count;
    p->ring[(p->ring_first + p->ring_count++) % p->load->options->window] =
            (struct on_the_way){p->sent, due_us};
    return load_client_send_message(&p->client, &message);
}

/* How many events may go now; those of the last tick that has passed were due at *due_us. */
static uint32_t sendable(const struct producer *p, int64_t now_us, int64_t *due_us)
{
    const struct load_options *options = p->load->options;
    uint64_t room = options->window - (p->sent - p->acked);
    uint64_t left = p->count - p->sent;
    uint64_t most = room < left ? room : left;
    uint64_t due;

    *due_us = now_us;
    if (most > p->batch)
        most = p->batch;
    if (options->rate == 0) /* whole batches, so that none is sent in crumbs */
        return (uint32_t)(most == p->batch || most == left ? most : 0);
    *due_us = now_us / TICK_US * TICK_US;
    due = (uint64_t)*due_us * options->rate / options->producers / 1000000;
    if (due <= p->sent)
        return 0;
    return (uint32_t)(due - p->sent < most ? due - p->sent : most);
}

static int send_what_goes(struct producer *p, int64_t now_us)
{
    int64_t due_us;
    uint32_t count;
    int r = 0;

    while (r == 0 && (count = sendable(p, now_us, &due_us)) > 0)
        r = send_batch(p, count, due_us);
    return r;
}

/* The bench's events are good: one that is not stored shows that something is not as it should be. */
static int check_results(
        struct producer *p, const Marshrut__Bus__V1__PublishAck *ack, struct mr_error *reterr)
{
    for (size_t i = 0; i < ack->n_results; i++) {
        const Marshrut__Bus__V1__PublishResult *result = ack->results[i];

        if (result->verdict != MARSHRUT__BUS__V1__VERDICT__VERDICT_STORED)
            return mr_error_set(reterr, MR_EINVAL, p->client.system, result->cure,
                    "the hub did not store an event of the bench: %s %s",
                    *result->code ? result->code : "duplicate", result->reason);
    }
    return 0;
}

static void note_ack(struct producer *p, const Marshrut__Bus__V1__PublishAck *ack)
{
    int64_t now_us = load_now_us(p->load);

    if (ack->through > p->acked)
        p->acked = ack->through;
    while (p->ring_count > 0 && p->ring[p->ring_first].last <= p->acked) {
        load_samples_add(&p->peer->latency, (double)(now_us - p->ring[p->ring_first].sent_us));
        p->ring_first = (p->ring_first + 1) % p->load->options->window;
        p->ring_count--;
    }
    p->peer->end_us = now_us;
}

static int take_acks(struct producer *p, long timeout_ms, struct mr_error *reterr)
{
    Marshrut__Bus__V1__Frame *frame;
    struct mr_slice bytes;
    uint32_t body;
    int r;

    while ((r = load_client_receive(&p->client, timeout_ms, &bytes, &body, reterr)) == 1) {
        timeout_ms = 0; /* what is there, without waiting again */
        if (body != MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)
            continue;
        r = load_client_decode(&p->client, bytes, &frame, reterr);
        if (r < 0)
            return r;
        if ((r = check_results(p, frame->publish_ack, reterr)) < 0)
            return r;
        note_ack(p, frame->publish_ack);
    }
    return r;
}

static int produce(struct producer *p, struct mr_error *reterr)
{
    int r = p->load->options->rate ? load_client_tick(&p->client, p->load->start_us, TICK_US) : 0;

    if (r < 0)
        return mr_error_set(reterr, r, p->client.system, "take a lower --rate, or none",
                "no timer for the ticks at which events are due");
    while (r >= 0 && p->acked < p->count && !atomic_load(&p->load->stop)) {
        r = send_what_goes(p, load_now_us(p->load));
        if (r == 0)
            r = take_acks(p, WAIT_MS, reterr);
        if (tool_interrupted())
            r = mr_error_set(reterr, MR_ECLOSED, "", "", "interrupted");
    }
    p->peer->done = p->acked;
    return r;
}

void *load_produce(void *arg)
{
    struct load_peer *peer = arg;
    struct producer p = {.peer = peer, .load = peer->load};
    struct mr_error error = {0};
    char system[32];
    int r;

    (void)snprintf(system, sizeof system, LOAD_PRODUCER_NAME, peer->index + 1);
    p.count = load_share(peer->load->options, peer->index, &p.first);
    r = open_producer(&p, system, &error);
    if (r < 0) {
        error.code = r;
        (void)load_fail(peer->load, &error);
    }
    (void)pthread_barrier_wait(&peer->load->ready);
    (void)pthread_barrier_wait(&peer->load->begin);
    if (r >= 0 && (r = produce(&p, &error)) < 0) {
        error.code = r;
        (void)load_fail(peer->load, &error);
    }
    close_producer(&p);
    return NULL;
}
