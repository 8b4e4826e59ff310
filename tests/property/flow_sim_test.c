/*
 * A real hub, a producer and two receivers that behave badly, as a seed says: they give events back, refuse
 * them, acknowledge late or not at all, break off; an operator releases, retries, discards; the hub is
 * killed. In the end everybody behaves, and then: each event has had its effect once at each receiver, or was
 * discarded there; the effects of one person came in the order of its events; both identities of the balance
 * hold. MR_SEED is another
 * one (threads and processes take their own turns: a seed does not repeat everything), MR_STEPS makes it
 * longer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/wire/codec.h"
#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"

enum {
    PERSONS = 5,
    RECEIVERS = 2,
    STEPS = 60,
    EVENTS_MAX = 20000,
    BATCH = 6,
    CREDIT = 40,
    FRAMES = 4, /* a step and receiver */
    DEADLINE_MS = 120 * 1000
};

typedef Marshrut__Bus__V1__Deliver deliver_t;

struct receiver {
    const char *subscription;
    int system;
    uint32_t attempts_max; /* as configured: at this attempt giving back means parking */
    struct bus_client client;
    bool connected;
    uint64_t ack;           /* to say; 0: nothing */
    uint64_t again;         /* given back: what was under way behind it counts for nothing; 0: nothing */
    uint64_t held[PERSONS]; /* the same of one person: until the Pong to this Ping, said behind the Nack */
    uint64_t again_until;   /* the same */
    bool late; /* it has given one back, and takes and acknowledges others meanwhile: until the same Pong */
    bool gap;  /* ... and has left one of that person out: it acknowledges nothing behind that */
    uint64_t pings;
    uint8_t taken[EVENTS_MAX]; /* by place: how often it had its effect */
    unsigned last[PERSONS];    /* the event of the person whose effect came last, from 1 on */
    size_t effects;
};

struct sim {
    struct spawn spawn;
    struct bus_client producer;
    uint64_t seed, random;
    unsigned made[PERSONS]; /* events of each person */
    uint8_t person_of[EVENTS_MAX];
    unsigned place_of[PERSONS][EVENTS_MAX / PERSONS]; /* of the person's k-th event, from 1 on */
    size_t count;                                     /* events that were published, and acknowledged */
    struct receiver receivers[RECEIVERS];
    bool calm;
    unsigned kills, acts;
};

/* Valid check digits; made up. */
static const char *const snils[PERSONS] = {
        "11223344595", "08765430300", "12345678964", "10000000110", "20000000220"};

static unsigned pick(struct sim *sim, unsigned below)
{
    sim->random ^= sim->random << 13;
    sim->random ^= sim->random >> 7;
    sim->random ^= sim->random << 17;
    return (unsigned)((sim->random * 0x2545f4914f6cdd1dull) >> 33) % below;
}

static bool chance(struct sim *sim, unsigned percent)
{
    return !sim->calm && pick(sim, 100) < percent;
}

/* ---- the operator ---- */

static json_t *ask(struct sim *sim, const char *method, const char *arguments)
{
    return bus_ask(&sim->spawn, "op", method, arguments);
}

static void act(struct sim *sim, const char *method, const char *arguments)
{
    json_decref(ask(sim, method, arguments));
    sim->acts++;
}

/* One of those that have failed. */
static bool any_failed(struct sim *sim, char out[static 160])
{
    json_t *json = ask(sim, "parked.list", "{\"state\":\"failed\"}");
    json_t *list = json_object_get(json, "parked");
    size_t count = json_array_size(list);

    if (count > 0) {
        const json_t *one = json_array_get(list, pick(sim, (unsigned)count));

        (void)snprintf(out, 160, "{\"subscription\":\"%s\",\"numbers\":[%lld],\"case\":\"sim\"}",
                json_string_value(json_object_get(one, "subscription")),
                (long long)json_integer_value(json_object_get(one, "number")));
    }
    json_decref(json);
    return count > 0;
}

static void operate(struct sim *sim)
{
    char one[160];

    if (pick(sim, 3) == 0)
        act(sim, pick(sim, 2) ? "parked.release" : "parked.retry", "{\"all\":true}");
    else if (any_failed(sim, one))
        act(sim,
                pick(sim, 3) == 0 ? "parked.discard"
                : pick(sim, 2)    ? "parked.release"
                                  : "parked.retry",
                one);
}

/* ---- the producer ---- */

static void connect_producer(struct sim *sim)
{
    bus_connect_as(&sim->producer, &sim->spawn, SPAWN_COPMKP);
    (void)bus_hello(&sim->producer, 3, sim->count);
}

static void publish(struct sim *sim, size_t count)
{
    struct mr_buf events[BATCH] = {{0}};
    char id[32];

    for (size_t i = 0; i < count; i++) {
        unsigned person = pick(sim, PERSONS);
        size_t place = sim->count + i;

        assert_true(place < EVENTS_MAX && sim->made[person] + 1 < EVENTS_MAX / PERSONS);
        sim->person_of[place] = (uint8_t)person;
        sim->place_of[person][++sim->made[person]] = (unsigned)place;
        (void)snprintf(id, sizeof id, "%u/%u", person, sim->made[person]);
        hub_env_deficit(&events[i], id, snils[person], NULL);
    }
    bus_publish(&sim->producer, sim->count + 1, events, count);
    assert_int_equal(
            bus_expect(&sim->producer, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack->through,
            sim->count + count);
    sim->count += count;
    for (size_t i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
}

/* ---- the receivers ---- */

static void break_off(struct receiver *receiver)
{
    if (receiver->connected)
        bus_close(&receiver->client);
    receiver->connected = false;
}

static void come(struct sim *sim, struct receiver *receiver)
{
    bus_connect_as(&receiver->client, &sim->spawn, receiver->system);
    (void)bus_hello(&receiver->client, 0, 0);
    bus_subscribe(&receiver->client, receiver->subscription, CREDIT, 0);
    receiver->connected = true;
    receiver->ack = receiver->again = receiver->again_until = receiver->pings = 0;
    receiver->late = receiver->gap = false;
    memset(receiver->held, 0, sizeof receiver->held);
}

static void say_ack(struct receiver *receiver)
{
    if (receiver->ack)
        bus_ack(&receiver->client, receiver->subscription, receiver->ack);
    receiver->ack = 0;
}

/* What comes behind its Pong was sent by a hub that knows of the Nack. */
static void say_ping(struct receiver *receiver)
{
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Ping ping = MARSHRUT__BUS__V1__PING__INIT;

    ping.id = ++receiver->pings;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PING;
    frame.ping = &ping;
    bus_send(&receiver->client, &frame);
}

static void on_pong(struct receiver *receiver, uint64_t id)
{
    for (size_t i = 0; i < PERSONS; i++)
        if (receiver->held[i] <= id)
            receiver->held[i] = 0;
    if (receiver->again_until <= id)
        receiver->again = receiver->again_until = receiver->late = receiver->gap = 0;
}

static void effect(struct sim *sim, struct receiver *receiver, unsigned person, unsigned k)
{
    unsigned place = sim->place_of[person][k];

    if (receiver->taken[place])
        return; /* known by its number */
    if (k <= receiver->last[person])
        fail_msg("seed %llu: %s: event %u of person %u behind %u", (unsigned long long)sim->seed,
                receiver->subscription, k, person, receiver->last[person]);
    receiver->taken[place] = 1;
    receiver->last[person] = k;
    receiver->effects++;
}

/* What does it do with the event? true: taken, or void and covered by an Ack all the same. */
static bool take(struct sim *sim, struct receiver *receiver, const deliver_t *deliver,
        const Marshrut__Bus__V1__DeliverItem *item)
{
    struct mr_arena arena;
    struct mr_event event;
    unsigned person, k;

    mr_arena_init(&arena, 1 << 20);
    assert_int_equal(mr_event_decode(&event, mr_slice(item->event.data, item->event.len), &arena, NULL), 0);
    assert_int_equal(sscanf(event.a.id, "%u/%u", &person, &k), 2);
    mr_arena_fini(&arena);
    if (receiver->held[person]) {
        receiver->gap |= receiver->late && !deliver->released;
        return false; /* it comes again */
    }
    if (!receiver->taken[sim->place_of[person][k]] && chance(sim, 12)) {
        bool park = pick(sim, 2) || item->attempt >= receiver->attempts_max;

        say_ack(receiver); /* what was before it */
        bus_nack(&receiver->client, receiver->subscription, item->number, park);
        say_ping(receiver);
        receiver->again_until = receiver->pings;
        receiver->late |= pick(sim, 2) == 0;
        if (park || deliver->released || receiver->late)
            receiver->held[person] = receiver->pings;
        else
            receiver->again = item->number;
        return false;
    }
    effect(sim, receiver, person, k);
    return true;
}

static void on_deliver(struct sim *sim, struct receiver *receiver, const deliver_t *deliver)
{
    uint32_t credit = (uint32_t)deliver->n_items;

    assert_string_equal(deliver->subscription, receiver->subscription);
    if (deliver->released)
        say_ack(receiver);
    for (size_t i = 0; i < deliver->n_items; i++) {
        const Marshrut__Bus__V1__DeliverItem *item = deliver->items[i];

        if (!deliver->released && receiver->again && item->number > receiver->again)
            continue; /* void */
        if (!deliver->released && item->number == receiver->again)
            receiver->again = 0;
        if (take(sim, receiver, deliver, item) && (deliver->released || !receiver->gap))
            receiver->ack = item->number;
    }
    if (deliver->released || !chance(sim, 30))
        say_ack(receiver);
    bus_credit(&receiver->client, receiver->subscription, credit);
}

static void receive(struct sim *sim, struct receiver *receiver, int wait_ms)
{
    for (int i = 0; i < FRAMES; i++) {
        const bus_frame *frame = bus_receive(&receiver->client, wait_ms);

        if (!frame)
            return;
        if (frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_PONG) {
            on_pong(receiver, frame->pong->id);
            continue;
        }
        assert_int_equal(frame->body_case, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER);
        on_deliver(sim, receiver, frame->deliver);
    }
}

/* ---- the whole ---- */

static void kill_hub(struct sim *sim)
{
    for (size_t i = 0; i < RECEIVERS; i++)
        break_off(&sim->receivers[i]);
    bus_close(&sim->producer);
    spawn_kill(&sim->spawn);
    spawn_start(&sim->spawn);
    connect_producer(sim);
    sim->kills++;
}

static void step(struct sim *sim)
{
    publish(sim, 1 + pick(sim, BATCH));
    for (size_t i = 0; i < RECEIVERS; i++) {
        struct receiver *receiver = &sim->receivers[i];

        if (!receiver->connected && (sim->calm || chance(sim, 60)))
            come(sim, receiver);
        if (receiver->connected)
            receive(sim, receiver, 2);
        if (receiver->connected && chance(sim, 6))
            break_off(receiver);
    }
    if (chance(sim, 15))
        operate(sim);
    if (chance(sim, 2))
        kill_hub(sim);
}

static bool is_over(struct sim *sim)
{
    json_t *json = ask(sim, "balance", ""), *line;
    bool over = json_is_true(json_object_get(json, "ok"));
    size_t i;

    json_array_foreach (json_object_get(json, "out"), i, line)
        over = over && json_integer_value(json_object_get(line, "waiting")) == 0 &&
               json_integer_value(json_object_get(line, "parked")) == 0;
    json_decref(json);
    return over;
}

static json_int_t discarded(struct sim *sim, const char *subscription)
{
    json_t *json = ask(sim, "balance", ""), *line;
    json_int_t count = -1;
    size_t i;

    json_array_foreach (json_object_get(json, "out"), i, line)
        if (strcmp(json_string_value(json_object_get(line, "subscription")), subscription) == 0)
            count = json_integer_value(json_object_get(line, "discarded"));
    json_decref(json);
    return count;
}

/* Everybody behaves, and what is parked is released. */
static void calm_down(struct sim *sim)
{
    int64_t until_us = mr_clock_monotonic_us(mr_clock_system()) + DEADLINE_MS * (int64_t)1000;

    sim->calm = true;
    for (size_t i = 0; i < RECEIVERS; i++)
        break_off(&sim->receivers[i]);
    while (!is_over(sim)) {
        if (mr_clock_monotonic_us(mr_clock_system()) > until_us) {
            json_t *parked = ask(sim, "hub.status", ""), *balance = ask(sim, "balance", "");

            print_error("%s\n%s\n", json_dumps(parked, 0), json_dumps(balance, 0));
            fail_msg("seed %llu: it does not come to an end", (unsigned long long)sim->seed);
        }
        for (size_t i = 0; i < RECEIVERS; i++) {
            if (!sim->receivers[i].connected)
                come(sim, &sim->receivers[i]);
            receive(sim, &sim->receivers[i], 5);
        }
        act(sim, "parked.release", "{\"all\":true}");
    }
}

/* What became of those that had no effect, as the hub says. */
static void tell_missing(struct sim *sim, const struct receiver *receiver)
{
    for (unsigned person = 0; person < PERSONS; person++)
        for (unsigned k = 1; k <= sim->made[person]; k++) {
            char text[64];
            json_t *json;

            if (receiver->taken[sim->place_of[person][k]])
                continue;
            (void)snprintf(text, sizeof text, "{\"id\":\"%u/%u\"}", person, k);
            json = ask(sim, "where", text);
            json_t *match = json_array_get(json_object_get(json, "matches"), 0);
            char *said = json_dumps(json_object_get(match, "deliveries"), 0);
            print_error("%u/%u number %lld: %s\n", person, k,
                    (long long)json_integer_value(json_object_get(match, "number")), said ? said : "");
            free(said);
            json_decref(json);
        }
}

static void check(struct sim *sim)
{
    for (size_t i = 0; i < RECEIVERS; i++) {
        const struct receiver *receiver = &sim->receivers[i];
        json_int_t given_up = discarded(sim, receiver->subscription);

        if ((json_int_t)receiver->effects + given_up != (json_int_t)sim->count)
            tell_missing(sim, receiver);
        if ((json_int_t)receiver->effects + given_up != (json_int_t)sim->count)
            fail_msg("seed %llu: %s: %zu effects and %lld discarded of %zu", (unsigned long long)sim->seed,
                    receiver->subscription, receiver->effects, (long long)given_up, sim->count);
    }
}

static int setup(void **state)
{
    struct sim *sim = calloc(1, sizeof *sim);
    const char *text = getenv("MR_SEED");

    assert_non_null(sim);
    if (text)
        sim->seed = strtoull(text, NULL, 0);
    else
        sim->seed = 1;
    sim->random = sim->seed | 1;
    sim->receivers[0] =
            (struct receiver){.subscription = "cnppm-deficits", .system = SPAWN_CNPPM, .attempts_max = 10};
    sim->receivers[1] =
            (struct receiver){.subscription = "school-deficits", .system = SPAWN_SCHOOL, .attempts_max = 2};
    spawn_init(&sim->spawn, "  - {name: school-deficits, system: school, personal: full, attempts_max: 2,\n"
                            "     filters: [{prefix: {type: nms.deficit.}}]}\n"
                            "operators: [{name: op, roles: [admin]}]\n");
    spawn_start(&sim->spawn);
    connect_producer(sim);
    *state = sim;
    return 0;
}

static int teardown(void **state)
{
    struct sim *sim = *state;

    for (size_t i = 0; i < RECEIVERS; i++)
        break_off(&sim->receivers[i]);
    bus_close(&sim->producer);
    spawn_fini(&sim->spawn);
    free(sim);
    return 0;
}

static void test_flow(void **state)
{
    struct sim *sim = *state;
    const char *text = getenv("MR_STEPS");
    unsigned steps = text ? (unsigned)strtoul(text, NULL, 0) : STEPS;

    for (unsigned i = 0; i < steps; i++)
        step(sim);
    calm_down(sim);
    check(sim);
    print_message("seed %llu: %zu events, %zu and %zu effects, %u acts, %u kills\n",
            (unsigned long long)sim->seed, sim->count, sim->receivers[0].effects, sim->receivers[1].effects,
            sim->acts, sim->kills);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_flow, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
