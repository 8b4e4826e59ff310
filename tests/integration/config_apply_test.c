/*
 * The configuration changes while the hub runs: each event is matched by exactly one version, which begins at
 * a number; nothing is lost; a key that is taken back is worth nothing at once; what cannot change is
 * refused; a kill leaves one version that holds.
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
#include <sys/wait.h>

#include "tests/support/bus_client.h"
#include "tests/support/config_env.h"
#include "tests/support/hub_env.h"

enum {
    DEADLINE_MS = 60 * 1000,
    BATCH = 16,
    BATCHES_BETWEEN = 10,
    QUIET_MS = 200,
    EVENTS_MAX = 800,
    UNDER_WAY = 20 * BATCH
};

static bool ended(pid_t *pid)
{
    int status;

    if (waitpid(*pid, &status, WNOHANG) == 0)
        return false;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    *pid = 0;
    return true;
}

/* ---- apply at full speed ---- */

struct traffic {
    struct spawn spawn;
    struct bus_client producer, receiver;
    uint64_t published, acked;
    uint64_t received, last; /* by cnppm-programmes */
};

static void open_traffic(struct traffic *t)
{
    spawn_init(&t->spawn, CONFIG_ENV_OPERATORS);
    spawn_start(&t->spawn);
    bus_connect_as(&t->producer, &t->spawn, SPAWN_PORTAL);
    (void)bus_hello(&t->producer, 5, 0);
    bus_connect_as(&t->receiver, &t->spawn, SPAWN_CNPPM);
    (void)bus_hello(&t->receiver, 0, 0);
    bus_subscribe(&t->receiver, "cnppm-programmes", 1000000, 0);
}

static void close_traffic(struct traffic *t)
{
    bus_close(&t->producer);
    bus_close(&t->receiver);
    spawn_fini(&t->spawn);
}

/* The event of a sequence is the same whenever it is sent. */
static void publish_from(struct bus_client *client, uint64_t first, size_t count)
{
    struct mr_buf events[BATCH];

    assert_true(count <= BATCH);
    for (size_t i = 0; i < count; i++) {
        char id[32];

        (void)snprintf(id, sizeof id, "a-%llu", (unsigned long long)(first + i));
        events[i] = (struct mr_buf)MR_BUF_INIT;
        hub_env_programme(&events[i], id);
    }
    bus_publish(client, first, events, count);
    for (size_t i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
}

static void publish_batch(struct traffic *t)
{
    publish_from(&t->producer, t->published + 1, BATCH);
    t->published += BATCH;
}

static void take_acks(struct traffic *t, uint64_t through)
{
    while (t->acked < through) {
        const Marshrut__Bus__V1__PublishAck *ack =
                bus_expect(&t->producer, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack;

        assert_int_equal(ack->n_results, 0); /* all of them stored */
        t->acked = ack->through;
    }
}

/* What there is now: in order, none twice. */
static void take_deliveries(struct traffic *t, int timeout_ms)
{
    bus_frame *frame;

    while ((frame = bus_receive(&t->receiver, timeout_ms)) != NULL) {
        assert_int_equal(frame->body_case, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER);
        for (size_t i = 0; i < frame->deliver->n_items; i++) {
            assert_true(frame->deliver->items[i]->number > t->last);
            assert_int_equal(frame->deliver->items[i]->attempt, 1);
            t->last = frame->deliver->items[i]->number;
            t->received++;
        }
        bus_ack(&t->receiver, "cnppm-programmes", t->last);
        timeout_ms = 0;
    }
}

static void flow(struct traffic *t)
{
    publish_batch(t);
    publish_batch(t);
    take_acks(t, t->published - BATCH);
    take_deliveries(t, 0);
}

/* Each record says under which version it was matched; the event of an apply is the first of its own. */
static void check_boundaries(const struct traffic *t)
{
    struct bus_client admin;
    json_int_t version = 1;
    uint64_t head = 0, with = 0;

    bus_connect(&admin, t->spawn.admin, NULL, NULL);
    for (uint64_t n = 1; n == 1 || n <= head; n++) {
        char arguments[64];
        json_t *record;
        const char *type;
        json_int_t config;

        (void)snprintf(arguments, sizeof arguments, "{\"number\":%llu}", (unsigned long long)n);
        record = json_loads(bus_query(&admin, "log.show", arguments), 0, NULL);
        assert_non_null(record);
        type = json_string_value(json_object_get(record, "type"));
        config = json_integer_value(json_object_get(record, "config"));
        if (strcmp(type, "hub.config.applied.v1") == 0) {
            assert_int_equal(config, version + 1);
            version = config;
        } else {
            /* versions of even numbers have the subscription of copmkp */
            assert_int_equal(config, version);
            assert_int_equal(json_array_size(json_object_get(record, "subscriptions")), version % 2 ? 1 : 2);
            with += version % 2 == 0;
        }
        json_decref(record);
        if (n == 1)
            head = t->published + (uint64_t)4; /* four applies */
    }
    assert_int_equal(version, 5);
    assert_true(with > 0);
    bus_close(&admin);
}

static void apply_while_everything_flows(void **state)
{
    struct traffic t = {0};
    char *text, with[192], without[192];

    (void)state;
    open_traffic(&t);
    text = config_env_text(&t.spawn);
    (void)snprintf(with, sizeof with, "%s",
            config_env_write(&t.spawn, "with.yaml", text, CONFIG_ENV_MARKER, CONFIG_ENV_ALSO_COPMKP));
    (void)snprintf(without, sizeof without, "%s",
            config_env_write(&t.spawn, "without.yaml", text, "version: 1\n", "version: 1\n"));
    for (int i = 0; i < 4; i++) {
        pid_t apply;

        for (int k = 0; k < BATCHES_BETWEEN; k++)
            flow(&t);
        apply = config_env_begin_apply(&t.spawn, i % 2 ? without : with);
        while (!ended(&apply))
            if (t.published < (uint64_t)(i + 1) * EVENTS_MAX) /* each is looked at afterwards */
                flow(&t);
            else
                take_deliveries(&t, 5);
    }
    for (int k = 0; k < BATCHES_BETWEEN; k++)
        flow(&t);
    take_acks(&t, t.published);
    while (t.received < t.published)
        take_deliveries(&t, DEADLINE_MS);
    take_deliveries(&t, QUIET_MS);
    assert_int_equal(t.received, t.published);
    check_boundaries(&t);
    config_env_tool(&t.spawn, 0, NULL, CONFIG_ENV_ARGS("balance"));
    assert_int_equal(config_env_versions(&t.spawn), 5);
    free(text);
    close_traffic(&t);
}

/* A new subscription begins at the number of its version; its system comes back for it. */
static void a_new_subscription_is_served(void **state)
{
    struct traffic t = {0};
    struct bus_client copmkp;
    char *text;
    const Marshrut__Bus__V1__Welcome *welcome;
    const Marshrut__Bus__V1__Deliver *deliver;

    (void)state;
    open_traffic(&t);
    publish_batch(&t);
    take_acks(&t, t.published);
    bus_connect_as(&copmkp, &t.spawn, SPAWN_COPMKP);
    (void)bus_hello(&copmkp, 0, 0);
    text = config_env_text(&t.spawn);
    config_env_tool(&t.spawn, 0, "version 2 holds from number 17 on",
            CONFIG_ENV_ARGS("--as", "boss", "config", "apply",
                    config_env_write(&t.spawn, "new.yaml", text, CONFIG_ENV_MARKER, CONFIG_ENV_ALSO_COPMKP)));
    assert_string_equal(bus_expect(&copmkp, MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE)->goodbye->reason,
            "the configuration has changed");
    welcome = bus_hello(&copmkp, 0, 0);
    assert_int_equal(welcome->n_subscriptions, 2); /* and the notices of erasure */
    bus_subscribe(&copmkp, "copmkp-programmes", 1000, 0);
    publish_batch(&t);
    take_acks(&t, t.published);
    deliver = bus_expect(&copmkp, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    assert_int_equal(deliver->items[0]->number, 18);
    bus_ack(&copmkp, "copmkp-programmes", 18);
    /* the others were not disturbed */
    while (t.received < t.published)
        take_deliveries(&t, DEADLINE_MS);
    config_env_tool(&t.spawn, 0, NULL, CONFIG_ENV_ARGS("balance"));
    /* back: the file has the first text again, and the subscription is gone */
    config_env_tool(
            &t.spawn, 0, "version 3 holds", CONFIG_ENV_ARGS("--as", "boss", "config", "rollback", "1"));
    {
        char *now = config_env_text(&t.spawn);

        assert_string_equal(now, text);
        free(now);
    }
    (void)bus_expect(&copmkp, MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE);
    welcome = bus_hello(&copmkp, 0, 0);
    assert_int_equal(welcome->n_subscriptions, 1);
    /* and again: what was there before goes on from its cursor */
    config_env_tool(&t.spawn, 0, "version 4 holds",
            CONFIG_ENV_ARGS("--as", "boss", "config", "rollback", "2", "--no-plan"));
    (void)bus_expect(&copmkp, MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE);
    (void)bus_hello(&copmkp, 0, 0);
    bus_subscribe(&copmkp, "copmkp-programmes", 1000, 0);
    deliver = bus_expect(&copmkp, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    assert_int_equal(deliver->items[0]->number, 19);
    spawn_stop(&t.spawn);
    spawn_start(&t.spawn); /* with the file that the tool has written: no other version */
    assert_int_equal(config_env_versions(&t.spawn), 4);
    config_env_tool(&t.spawn, 0, NULL, CONFIG_ENV_ARGS("balance"));
    bus_close(&copmkp);
    free(text);
    close_traffic(&t);
}

/* ---- a key is taken back ---- */

static bool is_refused(void *ctx)
{
    return spawn_logged(ctx, "event=zap.refused");
}

static void a_revoked_key_is_worth_nothing_at_once(void **state)
{
    struct traffic t = {0};
    struct mr_curvekey fresh, stolen;
    struct bus_client again;
    char *text, with[64];
    bus_frame *frame;
    uint64_t stored;

    (void)state;
    open_traffic(&t);
    publish_batch(&t);
    take_acks(&t, t.published);
    text = config_env_text(&t.spawn);
    stolen = t.spawn.keys[SPAWN_PORTAL];
    assert_int_equal(mr_curvekey_generate(&fresh), 0);
    (void)snprintf(with, sizeof with, "%s", fresh.public_key);
    config_env_tool(&t.spawn, 0, "version 2 holds",
            CONFIG_ENV_ARGS("--as", "boss", "config", "apply",
                    config_env_write(&t.spawn, "new.yaml", text, stolen.public_key, with)));
    frame = bus_expect(&t.producer, MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL);
    assert_string_equal(frame->refusal->code, "unknown-system");
    assert_true(frame->refusal->fatal);
    publish_batch(&t); /* on the connection that is still there */
    bus_send_hello(&t.producer, "test", 5, 0);
    assert_null(bus_receive(&t.producer, QUIET_MS));
    bus_connect_as(&again, &t.spawn, SPAWN_PORTAL); /* a new one is none */
    bus_send_hello(&again, "test", 5, 0);
    spawn_until("the old key is refused", is_refused, &t.spawn);
    assert_null(bus_receive(&again, 0));
    bus_close(&again);
    t.spawn.keys[SPAWN_PORTAL] = fresh;
    bus_connect_as(&again, &t.spawn, SPAWN_PORTAL);
    stored = bus_hello(&again, 5, 0)->stored_sequence;
    assert_int_equal(stored, BATCH); /* not what came by the old key afterwards */
    bus_close(&again);
    config_env_tool(&t.spawn, 0, NULL, CONFIG_ENV_ARGS("balance"));
    free(text);
    close_traffic(&t);
}

/* Until the key is taken back: true. Events are under way at every moment. */
static bool publish_until_revoked(struct traffic *t)
{
    bus_frame *frame;

    if (t->published - t->acked < UNDER_WAY)
        publish_batch(t);
    while ((frame = bus_receive(&t->producer, 0)) != NULL) {
        if (frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL) {
            assert_string_equal(frame->refusal->code, "unknown-system");
            return true;
        }
        assert_int_equal(frame->body_case, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
        assert_int_equal(frame->publish_ack->n_results, 0);
        t->acked = frame->publish_ack->through;
    }
    take_deliveries(t, 0);
    return false;
}

/* In the middle of what was sent and not acknowledged: what was acknowledged is there, and with the new key
 * the producer goes on behind it. Each event is stored and delivered once. */
static void a_key_is_revoked_while_events_are_under_way(void **state)
{
    struct traffic t = {0};
    struct mr_curvekey fresh;
    char *text;
    uint64_t stored, revoked_at;
    pid_t apply;

    (void)state;
    open_traffic(&t);
    text = config_env_text(&t.spawn);
    assert_int_equal(mr_curvekey_generate(&fresh), 0);
    for (int i = 0; i < BATCHES_BETWEEN; i++)
        (void)publish_until_revoked(&t);
    apply = config_env_begin_apply(
            &t.spawn, config_env_write(&t.spawn, "new.yaml", text, t.spawn.keys[SPAWN_PORTAL].public_key,
                              fresh.public_key));
    while (!publish_until_revoked(&t))
        ;
    while (!ended(&apply))
        (void)publish_until_revoked(&t); /* nobody listens any more */
    revoked_at = t.acked;
    bus_close(&t.producer);
    t.spawn.keys[SPAWN_PORTAL] = fresh;
    bus_connect_as(&t.producer, &t.spawn, SPAWN_PORTAL);
    stored = bus_hello(&t.producer, 5, t.acked)->stored_sequence;
    assert_in_range(stored, revoked_at, t.published);
    t.acked = stored;
    for (uint64_t first = stored + 1; first <= t.published; first += BATCH) {
        uint64_t left = t.published - first + 1;

        publish_from(&t.producer, first, left < BATCH ? left : BATCH);
    }
    publish_batch(&t);
    take_acks(&t, t.published);
    while (t.received < t.published)
        take_deliveries(&t, DEADLINE_MS);
    take_deliveries(&t, QUIET_MS);
    assert_int_equal(t.received, t.published);
    config_env_tool(&t.spawn, 0, NULL, CONFIG_ENV_ARGS("balance"));
    free(text);
    close_traffic(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(apply_while_everything_flows),
            cmocka_unit_test(a_new_subscription_is_served),
            cmocka_unit_test(a_revoked_key_is_worth_nothing_at_once),
            cmocka_unit_test(a_key_is_revoked_while_events_are_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
