#include "tests/crash/replay/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/ident.h"
#include "tests/crash/replay/disk.h"
#include "tests/support/hub_env.h"

#define NEW_EVENT                                                                                            \
    (struct history_event)                                                                                   \
    {                                                                                                        \
        .told_at = UINT64_MAX, .leaves_at = UINT64_MAX, .gone_at = UINT64_MAX                                \
    }

enum { OWN_PERSON = 600000000 };
enum { BATCH_MAX = 6, OUTSTANDING_MAX = 24, ANSWER_MS = 20, PERSONS = 150, CREDIT = 100000 };

struct history *history_new(uint64_t seed)
{
    struct history *history = calloc(1, sizeof *history);

    assert_non_null(history);
    history->seed = seed;
    history->producers[HISTORY_COPMKP].system = SPAWN_COPMKP;
    history->producers[HISTORY_PORTAL].system = SPAWN_PORTAL;
    return history;
}

void history_free(struct history *history)
{
    for (int p = 0; history && p < HISTORY_PRODUCERS; p++)
        for (size_t i = 0; i < history->producers[p].count; i++)
            mr_buf_fini(&history->producers[p].events[i].bytes);
    free(history);
}

/* ---- events ---- */

static uint64_t random_of(struct history *history, unsigned below)
{
    return disk_random(&history->seed) % below;
}

static void make_event(struct history *history, int producer, size_t index, struct history_event *event)
{
    char id[32], snils[12];
    unsigned person = 500000000 + (unsigned)random_of(history, PERSONS);

    (void)snprintf(id, sizeof id, "%d-%zu", producer, index);
    *event = NEW_EVENT;
    if (producer == HISTORY_PORTAL) {
        hub_env_programme(&event->bytes, id);
        return;
    }
    event->wrong = random_of(history, 40) == 0;
    (void)snprintf(snils, sizeof snils, "%09u", person);
    (void)snprintf(snils + 9, 3, "%02d", (mr_ident_snils_check(snils) + event->wrong) % 97);
    hub_env_deficit(&event->bytes, id, snils, NULL);
}

/* The event of the next sequence: a new one, or now and then one that was sent before. */
static size_t next_event(struct history *history, int producer)
{
    struct history_producer *p = &history->producers[producer];

    if (p->count > 0 && random_of(history, 25) == 0)
        return (size_t)random_of(history, (unsigned)p->count);
    assert_true(p->count < HISTORY_EVENTS_MAX);
    make_event(history, producer, p->count, &p->events[p->count]);
    return p->count++;
}

/* ---- sending ---- */

static void send_range(struct history_producer *p, uint64_t first, uint64_t last)
{
    struct mr_buf events[BATCH_MAX];
    size_t count = (size_t)(last - first + 1);

    assert_true(count <= BATCH_MAX);
    for (size_t i = 0; i < count; i++)
        events[i] = p->events[p->of_sequence[first - 1 + i]].bytes;
    bus_publish(&p->client, first, events, count);
}

static void told(struct history *history, struct history_producer *p, uint64_t sequence, uint64_t number)
{
    struct history_event *event = &p->events[p->of_sequence[sequence - 1]];

    if (event->told_at == UINT64_MAX)
        event->told_at = trace_now(&history->trace);
    if (number > 0 && event->number == 0)
        event->number = number;
    assert_true(number == 0 || number == event->number); /* the same one for ever */
    if (p->told_at[sequence - 1] == 0)
        p->told_at[sequence - 1] = trace_now(&history->trace);
}

static void on_ack(
        struct history *history, struct history_producer *p, const Marshrut__Bus__V1__PublishAck *ack)
{
    uint64_t number = ack->first_number;
    size_t r = 0;

    for (; ack->first_sequence == 0 && r < ack->n_results; r++) /* said again after Hello */
        told(history, p, ack->results[r]->sequence, ack->results[r]->number);
    for (uint64_t sequence = ack->first_sequence; sequence > 0 && sequence <= ack->through; sequence++) {
        if (r < ack->n_results && ack->results[r]->sequence == sequence) {
            const Marshrut__Bus__V1__PublishResult *result = ack->results[r++];

            assert_int_not_equal(result->verdict, MARSHRUT__BUS__V1__VERDICT__VERDICT_REFUSED);
            told(history, p, sequence, result->number);
            if (result->verdict == MARSHRUT__BUS__V1__VERDICT__VERDICT_STORED)
                number = result->number + 1;
        } else {
            told(history, p, sequence, number++);
        }
    }
    if (ack->through > p->told)
        p->told = ack->through;
}

/* Caller releases. */
static json_t *hub_status(const struct history *history)
{
    struct bus_client client;
    json_t *status;

    bus_connect(&client, history->hub.admin, NULL, NULL);
    status = json_loads(bus_query(&client, "hub.status", ""), 0, NULL);
    assert_non_null(status);
    bus_close(&client);
    return status;
}

/* Has this figure come to the head? */
static bool reached_head(const struct history *history, const char *figure)
{
    json_t *status = hub_status(history);
    bool all = json_integer_value(json_object_get(status, figure)) ==
               json_integer_value(json_object_get(status, "head"));

    json_decref(status);
    return all;
}

static bool is_writable(void *ctx)
{
    json_t *status = hub_status(ctx);
    bool writable = json_is_false(json_object_get(status, "read_only"));

    json_decref(status);
    return writable;
}

/* True: an answer came within the time. A hub without space refuses, for now; what was sent behind it too. */
static bool take_answer(struct history *history, struct history_producer *p, int timeout_ms)
{
    bus_frame *frame = bus_receive(&p->client, timeout_ms);

    if (!frame)
        return false;
    if (frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)
        on_ack(history, p, frame->publish_ack);
    else if (frame->body_case != MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL)
        fail_msg("frame %d in answer to a publish", (int)frame->body_case);
    else if (frame->refusal->fatal)
        fail_msg("refused for good: %s", frame->refusal->code);
    else if (strcmp(frame->refusal->code, "read-only") == 0)
        p->refused = true;
    else
        assert_string_equal(frame->refusal->code, "sequence");
    return true;
}

static void send_again(struct history *history, struct history_producer *p)
{
    spawn_until("space again", is_writable, history);
    p->refused = false;
    for (uint64_t first = p->told + 1; first <= p->sent; first += BATCH_MAX)
        send_range(p, first, first + BATCH_MAX - 1 < p->sent ? first + BATCH_MAX - 1 : p->sent);
}

static void settle(struct history *history, struct history_producer *p)
{
    while (p->told < p->sent) {
        if (p->refused)
            send_again(history, p);
        assert_true(take_answer(history, p, SPAWN_DEADLINE_MS));
    }
}

/* The receiver takes what has come and says so. */
static void receive(struct history *history)
{
    bus_frame *frame;
    const Marshrut__Bus__V1__Deliver *deliver;

    while ((frame = bus_receive(&history->receiver, 0))) {
        if (frame->body_case != MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)
            continue;
        deliver = frame->deliver;
        history->received = deliver->items[deliver->n_items - 1]->number;
        bus_ack(&history->receiver, deliver->subscription, history->received);
    }
}

static struct history_producer *send_batch(struct history *history)
{
    int producer = (int)random_of(history, HISTORY_PRODUCERS);
    struct history_producer *p = &history->producers[producer];
    uint64_t first = p->sent + 1;
    size_t count = 1 + (size_t)random_of(history, BATCH_MAX);

    for (size_t i = 0; i < count; i++) {
        size_t event = next_event(history, producer);

        p->of_sequence[p->sent++] = event;
        assert_true(p->sent < HISTORY_EVENTS_MAX);
    }
    send_range(p, first, p->sent);
    history->batches++;
    return p;
}

void history_step(struct history *history, bool wait)
{
    struct history_producer *p = send_batch(history);

    while (p->told < p->sent && take_answer(history, p, 0))
        continue;
    if (wait || p->sent - p->told > OUTSTANDING_MAX)
        settle(history, p);
    receive(history);
}

bool history_step_or_gone(struct history *history)
{
    struct history_producer *p = send_batch(history);

    for (int ms = 0; p->told < p->sent && !spawn_gone(&history->hub); ms += ANSWER_MS) {
        (void)take_answer(history, p, ANSWER_MS);
        if (ms > SPAWN_DEADLINE_MS)
            fail_msg("the hub neither answers nor ends");
    }
    receive(history);
    return !spawn_gone(&history->hub);
}

size_t history_send_unsettled(struct history *history, int producer, struct mr_buf *event)
{
    struct history_producer *p = &history->producers[producer];
    size_t index = p->count++;

    assert_true(p->count < HISTORY_EVENTS_MAX && p->sent < HISTORY_EVENTS_MAX);
    p->events[index] = NEW_EVENT;
    p->events[index].bytes = *event;
    *event = MR_BUF_INIT;
    p->of_sequence[p->sent++] = index;
    send_range(p, p->sent, p->sent);
    return index;
}

size_t history_send_person(struct history *history, unsigned serial, char ret_snils[static 12])
{
    struct mr_buf event = MR_BUF_INIT;
    size_t index;
    char id[32];

    (void)snprintf(ret_snils, 12, "%09u", OWN_PERSON + serial % 1000);
    (void)snprintf(ret_snils + 9, 3, "%02d", mr_ident_snils_check(ret_snils));
    (void)snprintf(id, sizeof id, "person-%u", serial);
    hub_env_deficit(&event, id, ret_snils, NULL);
    index = history_send_unsettled(history, HISTORY_COPMKP, &event);
    settle(history, &history->producers[HISTORY_COPMKP]);
    return index;
}

void history_expiring(struct history *history)
{
    struct history_producer *p = &history->producers[HISTORY_PORTAL];

    for (size_t i = 0; i < p->count; i++)
        if (p->events[i].leaves_at == UINT64_MAX) {
            p->events[i].leaves_at = trace_now(&history->trace);
            p->events[i].gone = MR_EEXPIRED;
        }
}

void history_expired(struct history *history)
{
    struct history_producer *p = &history->producers[HISTORY_PORTAL];

    for (size_t i = 0; i < p->count; i++)
        if (p->events[i].leaves_at != UINT64_MAX && p->events[i].gone_at == UINT64_MAX)
            p->events[i].gone_at = trace_now(&history->trace);
}

void history_serve(struct history *history)
{
    for (int i = 0; i < HISTORY_PRODUCERS; i++)
        while (take_answer(history, &history->producers[i], 0))
            continue;
    receive(history);
}

void history_settle(struct history *history)
{
    for (int i = 0; i < HISTORY_PRODUCERS; i++)
        settle(history, &history->producers[i]);
    receive(history);
}

/* ---- connections ---- */

/* The Welcome says from where on to send again: what lies before is stored, as good as acknowledged. */
static void resume(struct history *history, struct history_producer *p)
{
    uint64_t stored;

    bus_connect_as(&p->client, &history->hub, p->system);
    stored = bus_hello(&p->client, HISTORY_EPOCH, p->told)->stored_sequence;
    assert_true(stored >= p->told && stored <= p->sent);
    for (uint64_t sequence = p->told + 1; sequence <= stored; sequence++)
        told(history, p, sequence, 0);
    p->told = stored;
    send_again(history, p);
}

void history_connect(struct history *history)
{
    for (int i = 0; i < HISTORY_PRODUCERS; i++)
        resume(history, &history->producers[i]);
    bus_connect_as(&history->receiver, &history->hub, SPAWN_CNPPM);
    (void)bus_hello(&history->receiver, 0, 0);
    bus_subscribe(&history->receiver, "cnppm-deficits", CREDIT, 0);
    bus_subscribe(&history->receiver, "cnppm-programmes", CREDIT, 0);
}

void history_disconnect(struct history *history)
{
    for (int i = 0; i < HISTORY_PRODUCERS; i++)
        bus_close(&history->producers[i].client);
    bus_close(&history->receiver);
}

static bool is_signed(void *ctx)
{
    return reached_head(ctx, "signed");
}

static bool is_indexed(void *ctx)
{
    return reached_head(ctx, "indexed");
}

void history_await_signed(struct history *history)
{
    history_settle(history);
    spawn_until("a checkpoint", is_signed, history);
}

void history_await_indexed(struct history *history)
{
    history_settle(history);
    spawn_until("the index", is_indexed, history);
}

/* Nothing waits in either subscription, by the rows of their cursors. */
static bool is_delivered(void *ctx)
{
    struct history *history = ctx;
    struct bus_client client;
    json_t *balance, *line;
    json_int_t waiting = 0;
    size_t i;

    receive(history);
    bus_connect(&client, history->hub.admin, NULL, NULL);
    balance = json_loads(bus_query(&client, "balance", ""), 0, NULL);
    assert_non_null(balance);
    json_array_foreach (json_object_get(balance, "out"), i, line)
        if (strncmp(json_string_value(json_object_get(line, "subscription")), "cnppm-", 6) == 0)
            waiting += json_integer_value(json_object_get(line, "waiting"));
    json_decref(balance);
    bus_close(&client);
    return waiting == 0;
}

void history_await_delivered(struct history *history)
{
    history_settle(history);
    spawn_until("everything is delivered", is_delivered, history);
}
