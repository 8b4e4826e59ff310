#include "tests/conformance/driver/case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "proto/base/list.h"
#include "tests/conformance/driver/events.h"
#include "tests/conformance/driver/match.h"
#include "tests/support/bus_client.h"
#include "tests/support/clock_ahead.h"
#include "tests/support/config_env.h"
#include "tests/support/spawn.h"

enum { DOCUMENT_BYTES_MAX = 1 << 20, SELDOM_MS = 60 * 1000 };

struct run {
    struct speaker *speaker;
    struct spawn spawn;
    struct clock_ahead clock;
    unsigned ahead_s;
    const char *name;
    size_t step;
    json_t *bound;
};

static const char *text_at(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : otherwise;
}

static void fail_at(const struct run *run, const char *what, const json_t *came)
{
    char *text = came ? json_dumps(came, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

    print_error("came: %s\n", text ? text : "nothing");
    free(text);
    fail_msg("%s, case \"%s\", step %zu: %s", run->speaker->name, run->name, run->step + 1, what);
}

static void compare(const struct run *run, const json_t *expected, const json_t *came)
{
    char where[256];
    char what[300];

    if (match(expected, came, run->bound, where, sizeof where))
        return;
    (void)snprintf(what, sizeof what, "differs at \"%s\"", where);
    fail_at(run, what, came);
}

/* ---- steps that a client does ---- */

static json_t *command_of(const json_t *step, const char *verb)
{
    return json_pack("{s:s,s:s}", "do", verb, "client", text_at(step, "client", "a"));
}

static json_t *call(struct run *run, json_t *command)
{
    json_t *answer = run->speaker->call(run->speaker, command);

    json_decref(command);
    return answer;
}

static void put_text(json_t *object, const char *key, const char *text)
{
    assert_int_equal(json_object_set_new(object, key, json_string(text)), 0);
}

static void step_open(struct run *run, const json_t *step)
{
    json_t *command = json_pack("{s:s,s:s}", "do", "open", "client", text_at(step, "open", "a"));
    const char *as = text_at(step, "as", "portal");
    struct mr_curvekey key;
    int system = 0;

    if (strcmp(as, "admin") == 0) {
        put_text(command, "endpoint", run->spawn.admin);
        json_decref(call(run, command));
        return;
    }
    while (system < SPAWN_SYSTEMS && strcmp(spawn_system(system), as) != 0)
        system++;
    if (system < SPAWN_SYSTEMS)
        key = run->spawn.keys[system];
    else
        assert_int_equal(mr_curvekey_generate(&key), 0); /* a stranger */
    put_text(command, "endpoint", run->spawn.endpoint);
    put_text(command, "serverKey", run->spawn.hub_key.public_key);
    put_text(command, "publicKey", key.public_key);
    put_text(command, "secretKey", key.secret_key);
    json_decref(call(run, command));
}

static void step_close(struct run *run, const json_t *step)
{
    json_decref(call(run, json_pack("{s:s,s:s}", "do", "close", "client", text_at(step, "close", "a"))));
}

static void step_send(struct run *run, const json_t *step)
{
    json_t *command = command_of(step, "send");
    json_t *frame = events_expand(json_object_get(step, "send"), run->bound);

    assert_int_equal(json_object_set_new(command, "frame", frame), 0);
    json_decref(call(run, command));
}

static json_t *receive(struct run *run, const json_t *step, int timeout_ms)
{
    json_t *command = command_of(step, "receive");

    assert_int_equal(json_object_set_new(command, "timeoutMs", json_integer(timeout_ms)), 0);
    return call(run, command);
}

static void step_expect(struct run *run, const json_t *step)
{
    json_t *answer = receive(run, step, SPAWN_DEADLINE_MS);

    compare(run, json_object_get(step, "expect"), json_object_get(answer, "frame"));
    json_decref(answer);
}

static void step_quiet(struct run *run, const json_t *step)
{
    json_t *answer = receive(run, step, (int)json_integer_value(json_object_get(step, "quiet")));

    if (!json_is_null(json_object_get(answer, "frame")))
        fail_at(run, "a frame came where none may", answer);
    json_decref(answer);
}

static void step_parts(struct run *run, const json_t *step)
{
    json_t *command = command_of(step, "parts");

    assert_int_equal(json_object_set(command, "parts", json_object_get(step, "parts")), 0);
    json_decref(call(run, command));
}

static void step_size(struct run *run, const json_t *step)
{
    json_t *command = command_of(step, "size");

    assert_int_equal(json_object_set(command, "bytes", json_object_get(step, "size")), 0);
    json_decref(call(run, command));
}

/* "produce" and "take": the client's own doing, by its own reading of the document. */
static void step_work(struct run *run, const json_t *step, const char *verb)
{
    json_t *command = command_of(step, verb);
    json_t *answer;

    assert_int_equal(json_object_update_missing(command, json_object_get(step, verb)), 0);
    answer = call(run, command);
    if (json_object_get(step, "count"))
        assert_int_equal(json_array_size(json_object_get(answer, "numbers")),
                json_integer_value(json_object_get(step, "count")));
    if (json_object_get(step, "gives"))
        compare(run, json_object_get(step, "gives"), answer);
    events_expect_growing(json_object_get(answer, "numbers"));
    json_decref(answer);
}

static void step_produce(struct run *run, const json_t *step)
{
    step_work(run, step, "produce");
}

static void step_take(struct run *run, const json_t *step)
{
    step_work(run, step, "take");
}

/* ---- steps that the hub does ---- */

static void step_hub(struct run *run, const json_t *step)
{
    const char *what = text_at(step, "hub", "");

    if (strcmp(what, "kill") == 0)
        spawn_kill(&run->spawn);
    else if (strcmp(what, "stop") == 0)
        spawn_stop(&run->spawn);
    else if (strcmp(what, "start") == 0)
        spawn_start(&run->spawn);
    else
        fail_at(run, "the hub cannot do that", step);
}

static void step_later(struct run *run, const json_t *step)
{
    run->ahead_s += (unsigned)json_integer_value(json_object_get(step, "later"));
    clock_ahead_set(&run->spawn, run->ahead_s);
}

struct status {
    struct run *run;
    const char *has;
    const char *lacks;
};

static bool status_says(void *ctx)
{
    const struct status *status = ctx;
    struct bus_client client;
    const char *json;
    bool says;

    bus_connect(&client, status->run->spawn.admin, NULL, NULL);
    json = bus_query(&client, "hub.status", "");
    says = (!status->has || strstr(json, status->has)) && (!status->lacks || !strstr(json, status->lacks));
    bus_close(&client);
    return says;
}

static void step_until(struct run *run, const json_t *step)
{
    const json_t *until = json_object_get(step, "until");
    struct status status = {run, text_at(until, "has", NULL), text_at(until, "lacks", NULL)};

    assert_true(status.has || status.lacks);
    spawn_until(run->name, status_says, &status);
}

static const struct {
    const char *verb;
    void (*run)(struct run *run, const json_t *step);
} verbs[] = {
        {"open", step_open},
        {"close", step_close},
        {"send", step_send},
        {"expect", step_expect},
        {"quiet", step_quiet},
        {"parts", step_parts},
        {"size", step_size},
        {"produce", step_produce},
        {"take", step_take},
        {"hub", step_hub},
        {"later", step_later},
        {"until", step_until},
};

static void run_step(struct run *run, const json_t *step)
{
    for (size_t i = 0; i < MR_COUNT(verbs); i++) {
        if (json_object_get(step, verbs[i].verb)) {
            verbs[i].run(run, step);
            return;
        }
    }
    fail_at(run, "no such verb", step);
}

/* The configuration with `was` replaced. */
static void change(const struct spawn *spawn, const char *was, const char *is)
{
    char *text = config_env_text(spawn);

    (void)config_env_write(spawn, "marshrut.yaml", text, was, is);
    free(text);
}

/* What the case wants otherwise: publish_window, and limits of a system. */
static void configure(const struct spawn *spawn, const json_t *one)
{
    json_int_t window = json_integer_value(json_object_get(one, "window"));
    const json_t *limits = json_object_get(one, "limits");
    char was[64], is[256];

    if (window) {
        (void)snprintf(is, sizeof is, "publish_window: %lld\n", (long long)window);
        change(spawn, "publish_window: 4096\n", is);
    }
    if (limits) {
        (void)snprintf(was, sizeof was, "{name: %s, kind", text_at(limits, "system", ""));
        (void)snprintf(is, sizeof is, "{name: %s, %s, kind", text_at(limits, "system", ""),
                text_at(limits, "keys", ""));
        change(spawn, was, is);
    }
}

void case_run(const json_t *one, struct speaker *speaker)
{
    const json_t *steps = json_object_get(one, "steps");
    struct run run = {.speaker = speaker, .name = text_at(one, "name", ""), .bound = json_object()};
    char hub[128];

    assert_true(json_array_size(steps) > 1);
    json_decref(call(&run, json_pack("{s:s}", "do", "reset"))); /* what a failed case has left */
    (void)snprintf(hub, sizeof hub, SPAWN_HUB "  ping_interval_ms: %d\n",
            json_object_get(one, "pingIntervalMs")
                    ? (int)json_integer_value(json_object_get(one, "pingIntervalMs"))
                    : SELDOM_MS);
    spawn_init_hub(&run.spawn, text_at(one, "configuration", ""), hub);
    configure(&run.spawn, one);
    clock_ahead_init(&run.clock, &run.spawn);
    spawn_start(&run.spawn);
    for (; run.step < json_array_size(steps); run.step++)
        run_step(&run, json_array_get(steps, run.step));
    json_decref(call(&run, json_pack("{s:s}", "do", "reset")));
    spawn_fini(&run.spawn);
    json_decref(run.bound);
}

/* ---- the table ---- */

static void check_case(const json_t *one, json_t *names, const char *document)
{
    const char *name = text_at(one, "name", NULL), *rule = text_at(one, "rule", NULL);
    char anchor[96];

    if (!name || !rule || json_object_get(names, name))
        fail_msg("a case without a name of its own, or without a rule: %s", name ? name : "?");
    put_text(names, name, rule);
    (void)snprintf(anchor, sizeof anchor, "<a id=\"%s\"></a>", rule);
    if (!strstr(document, anchor))
        fail_msg("case \"%s\": docs/protocol.md has no anchor \"%s\"", name, rule);
}

json_t *cases_load(void)
{
    struct mr_buf document = MR_BUF_INIT;
    json_t *cases, *one, *names = json_object();
    json_error_t error;
    size_t i;

    assert_int_equal(mr_file_read(MR_SOURCE_DIR "/docs/protocol.md", DOCUMENT_BYTES_MAX, &document), 0);
    cases = json_load_file(MR_SOURCE_DIR "/tests/conformance/cases.json", JSON_REJECT_DUPLICATES, &error);
    if (!cases)
        fail_msg("cases.json:%d:%d: %s", error.line, error.column, error.text);
    json_array_foreach (cases, i, one)
        check_case(one, names, mr_buf_str(&document));
    assert_true(json_array_size(cases) > 0);
    json_decref(names);
    mr_buf_fini(&document);
    return cases;
}
