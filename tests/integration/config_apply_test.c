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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/sdk/file.h"
#include "proto/base/list.h"
#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"

enum { DEADLINE_MS = 60 * 1000, BATCH = 16, BATCHES_BETWEEN = 10, QUIET_MS = 200 };

static const char operators[] =
        "operators:\n  - {name: boss, roles: [admin]}\n  - {name: clerk, roles: [auditor]}\n";
static const char also_copmkp[] =
        "  - {name: copmkp-programmes, system: copmkp, filters: [{prefix: {type: nms.programme.}}]}\n";

/* ---- texts ---- */

static char *text_of(const struct spawn *spawn)
{
    FILE *file = fopen(spawn->config, "re");
    char *text = calloc(1, 64 * 1024);

    assert_non_null(file);
    assert_non_null(text);
    (void)fread(text, 1, 64 * 1024 - 1, file);
    (void)fclose(file);
    return text;
}

/* The file at `path` in the hub's folder: `text` with the first `was` replaced. */
static const char *write_with(
        const struct spawn *spawn, const char *name, const char *text, const char *was, const char *is)
{
    static char path[192];
    const char *at = strstr(text, was);
    struct mr_buf out = MR_BUF_INIT;

    assert_non_null(at);
    mr_buf_put(&out, text, (size_t)(at - text));
    mr_buf_put_str(&out, is);
    mr_buf_put_str(&out, at + strlen(was));
    assert_int_equal(mr_file_write(spawn->dir, name, mr_buf_slice(&out), 0600), 0);
    mr_buf_fini(&out);
    (void)snprintf(path, sizeof path, "%s/%s", spawn->dir, name);
    return path;
}

/* ---- the tool ---- */

static void run_tool(const struct spawn *spawn, struct run_program *run, const char *const arguments[])
{
    const char *argv[16] = {"marshrut", "-c", spawn->config};

    for (size_t i = 0; arguments[i]; i++)
        argv[3 + i] = arguments[i];
    run_program(run, argv);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Must end with this status; `said` must be part of what it prints. */
static void tool(const struct spawn *spawn, int status, const char *said, const char *const arguments[])
{
    struct run_program run = {0};

    run_tool(spawn, &run, arguments);
    if (run.status != status ||
            (said && !strstr(run_program_out(&run), said) && !strstr(run_program_err(&run), said)))
        fail_msg("%s %s: %d\n%s%s", arguments[0], arguments[1], run.status, run_program_out(&run),
                run_program_err(&run));
    run_program_fini(&run);
}

static json_t *tool_json(const struct spawn *spawn, const char *const arguments[])
{
    struct run_program run = {0};
    json_t *json;

    run_tool(spawn, &run, arguments);
    json = json_loads(run_program_out(&run), 0, NULL);
    if (!json)
        fail_msg("%s: %d\n%s%s", arguments[0], run.status, run_program_out(&run), run_program_err(&run));
    run_program_fini(&run);
    return json;
}

static int versions(const struct spawn *spawn)
{
    json_t *history = tool_json(spawn, ARGS("config", "history", "--json"));
    int count = (int)json_array_size(json_object_get(history, "versions"));

    assert_int_equal(json_integer_value(json_object_get(history, "version")), count);
    json_decref(history);
    return count;
}

/* The same, not waited for. */
static pid_t begin_apply(const struct spawn *spawn, const char *file)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)freopen("/dev/null", "w", stdout);
        (void)execl(MR_BIN_DIR "/marshrut", "marshrut", "-c", spawn->config, "--as", "boss", "config",
                "apply", file, (char *)NULL);
        _exit(127);
    }
    return pid;
}

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
    spawn_init(&t->spawn, operators);
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

static void publish_batch(struct traffic *t)
{
    struct mr_buf events[BATCH];

    for (size_t i = 0; i < BATCH; i++) {
        char id[32];

        (void)snprintf(id, sizeof id, "a-%llu", (unsigned long long)(t->published + i));
        events[i] = (struct mr_buf)MR_BUF_INIT;
        hub_env_programme(&events[i], id);
    }
    bus_publish(&t->producer, t->published + 1, events, BATCH);
    t->published += BATCH;
    for (size_t i = 0; i < BATCH; i++)
        mr_buf_fini(&events[i]);
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
    text = text_of(&t.spawn);
    (void)snprintf(with, sizeof with, "%s", write_with(&t.spawn, "with.yaml", text, "operators:\n", ""));
    {
        char behind[1024];

        (void)snprintf(behind, sizeof behind, "%soperators:\n", also_copmkp);
        (void)snprintf(
                with, sizeof with, "%s", write_with(&t.spawn, "with.yaml", text, "operators:\n", behind));
    }
    (void)snprintf(without, sizeof without, "%s",
            write_with(&t.spawn, "without.yaml", text, "version: 1\n", "version: 1\n"));
    for (int i = 0; i < 4; i++) {
        pid_t apply;

        for (int k = 0; k < BATCHES_BETWEEN; k++)
            flow(&t);
        apply = begin_apply(&t.spawn, i % 2 ? without : with);
        while (!ended(&apply))
            flow(&t);
    }
    for (int k = 0; k < BATCHES_BETWEEN; k++)
        flow(&t);
    take_acks(&t, t.published);
    while (t.received < t.published)
        take_deliveries(&t, DEADLINE_MS);
    take_deliveries(&t, QUIET_MS);
    assert_int_equal(t.received, t.published);
    check_boundaries(&t);
    tool(&t.spawn, 0, NULL, ARGS("balance"));
    assert_int_equal(versions(&t.spawn), 5);
    free(text);
    close_traffic(&t);
}

/* A new subscription begins at the number of its version; its system comes back for it. */
static void a_new_subscription_is_served(void **state)
{
    struct traffic t = {0};
    struct bus_client copmkp;
    char *text, behind[1024];
    const Marshrut__Bus__V1__Welcome *welcome;
    const Marshrut__Bus__V1__Deliver *deliver;

    (void)state;
    open_traffic(&t);
    publish_batch(&t);
    take_acks(&t, t.published);
    bus_connect_as(&copmkp, &t.spawn, SPAWN_COPMKP);
    (void)bus_hello(&copmkp, 0, 0);
    text = text_of(&t.spawn);
    (void)snprintf(behind, sizeof behind, "%soperators:\n", also_copmkp);
    tool(&t.spawn, 0, "version 2 holds from number 17 on",
            ARGS("--as", "boss", "config", "apply",
                    write_with(&t.spawn, "new.yaml", text, "operators:\n", behind)));
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
    tool(&t.spawn, 0, NULL, ARGS("balance"));
    /* back: the file has the first text again, and the subscription is gone */
    tool(&t.spawn, 0, "version 3 holds", ARGS("--as", "boss", "config", "rollback", "1"));
    {
        char *now = text_of(&t.spawn);

        assert_string_equal(now, text);
        free(now);
    }
    (void)bus_expect(&copmkp, MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE);
    welcome = bus_hello(&copmkp, 0, 0);
    assert_int_equal(welcome->n_subscriptions, 1);
    /* and again: what was there before goes on from its cursor */
    tool(&t.spawn, 0, "version 4 holds", ARGS("--as", "boss", "config", "rollback", "2", "--no-plan"));
    (void)bus_expect(&copmkp, MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE);
    (void)bus_hello(&copmkp, 0, 0);
    bus_subscribe(&copmkp, "copmkp-programmes", 1000, 0);
    deliver = bus_expect(&copmkp, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    assert_int_equal(deliver->items[0]->number, 19);
    spawn_stop(&t.spawn);
    spawn_start(&t.spawn); /* with the file that the tool has written: no other version */
    assert_int_equal(versions(&t.spawn), 4);
    tool(&t.spawn, 0, NULL, ARGS("balance"));
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
    text = text_of(&t.spawn);
    stolen = t.spawn.keys[SPAWN_PORTAL];
    assert_int_equal(mr_curvekey_generate(&fresh), 0);
    (void)snprintf(with, sizeof with, "%s", fresh.public_key);
    tool(&t.spawn, 0, "version 2 holds",
            ARGS("--as", "boss", "config", "apply",
                    write_with(&t.spawn, "new.yaml", text, stolen.public_key, with)));
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
    tool(&t.spawn, 0, NULL, ARGS("balance"));
    free(text);
    close_traffic(&t);
}

/* ---- what is not taken ---- */

static void bad_files_change_nothing(void **state)
{
    static const struct {
        const char *was, *is;
        int status;
        const char *said;
    } rows[] = {
            {"  ballast_mb: 1\n", "  ballast_mb: 2\n", 78, "hub.ballast_mb"},
            {"listen: [\"tcp://127.0.0.1:", "listen: [\"tcp://127.0.0.2:", 78, "restart"},
            {"  store: store\n", "  store: other\n", 78, "restart"},
            {"region: \"24\"", "region: \"19\"", 78, "restart"},
            {"version: 1\n", "version: 1\nversion: 1\n", 78, ":2:1: this key is there twice"},
            {"nms.deficit.}}]}", "nms.deficit.}}, {sql: \"id =\"}]}", 78, "ParseError"},
            {"system: cnppm, personal: full", "system: nobody, personal: full", 78, "no such system"},
            {"publish: [nms.route., ", "publish: [nms.rout., ", 78, "no event type"},
    };
    struct spawn spawn;
    char *text, *now;

    (void)state;
    spawn_init(&spawn, operators);
    spawn_start(&spawn);
    text = text_of(&spawn);
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        tool(&spawn, rows[i].status, rows[i].said,
                ARGS("--as", "boss", "config", "apply",
                        write_with(&spawn, "bad.yaml", text, rows[i].was, rows[i].is)));
        tool(&spawn, rows[i].status, NULL,
                ARGS("--as", "boss", "config", "apply", "--no-plan",
                        write_with(&spawn, "bad.yaml", text, rows[i].was, rows[i].is)));
    }
    tool(&spawn, 77, "needs a role of: admin",
            ARGS("--as", "clerk", "config", "apply",
                    write_with(&spawn, "new.yaml", text, "personal: none", "personal: full")));
    tool(&spawn, 73, "holds already", ARGS("--as", "boss", "config", "apply"));
    tool(&spawn, 66, "no version 7", ARGS("--as", "boss", "config", "rollback", "7"));
    now = text_of(&spawn);
    assert_string_equal(now, text);
    assert_int_equal(versions(&spawn), 1);
    free(now);
    free(text);
    spawn_fini(&spawn);
}

/* ---- a kill at every step of the commit ---- */

static void a_kill_leaves_one_version_that_holds(void **state)
{
    static const char *const points[] = {
            "store.fill.before", "store.commit.before", "store.commit.after", "store.done.before"};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(points); i++) {
        char fault[64], when[160], armed[160], behind[1024];
        const char *const environment[] = {fault, when, NULL};
        struct run_program run = {0};
        struct spawn spawn;
        char *text, *now;
        json_t *shown;

        spawn_init(&spawn, operators);
        (void)snprintf(fault, sizeof fault, "MR_FAULT=%s:1:kill", points[i]);
        (void)snprintf(armed, sizeof armed, "%s/armed", spawn.dir);
        (void)snprintf(when, sizeof when, "MR_FAULT_WHEN=%s", armed);
        spawn.environment = environment;
        spawn_start(&spawn);
        text = text_of(&spawn);
        (void)snprintf(behind, sizeof behind, "%soperators:\n", also_copmkp);
        (void)write_with(&spawn, "armed", "x", "x", "y");
        run_tool(&spawn, &run,
                ARGS("--as", "boss", "config", "apply", "--no-plan",
                        write_with(&spawn, "new.yaml", text, "operators:\n", behind)));
        assert_int_not_equal(run.status, 0);
        run_program_fini(&run);
        assert_int_equal(WTERMSIG(spawn_wait(&spawn)), SIGKILL);
        assert_int_equal(unlink(armed), 0);
        spawn.environment = NULL;
        spawn_start(&spawn);
        assert_int_equal(versions(&spawn), 2);
        now = text_of(&spawn);
        shown = tool_json(&spawn, ARGS("config", "show", "--json"));
        assert_string_equal(json_string_value(json_object_get(shown, "text")), now);
        assert_non_null(strstr(now, "copmkp-programmes"));
        tool(&spawn, 0, NULL, ARGS("balance"));
        json_decref(shown);
        free(now);
        free(text);
        spawn_fini(&spawn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(apply_while_everything_flows),
            cmocka_unit_test(a_new_subscription_is_served),
            cmocka_unit_test(a_revoked_key_is_worth_nothing_at_once),
            cmocka_unit_test(bad_files_change_nothing),
            cmocka_unit_test(a_kill_leaves_one_version_that_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
