/*
 * `where` of a real hub, by each kind of id and of each fate: the whole way, with every attempt, who ended
 * the waiting, and the cells of the passport, whatever correlation the events have that they rest on.
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

#include "tests/support/config_env.h"
#include "tests/support/deficits.h"

#define SUB "cnppm-deficits"

enum { EVENT_BYTES = 1024 };

struct scene {
    struct spawn spawn;
    struct bus_client receiver;
    struct deficits deficits;
    json_t *found; /* the last answer */
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    spawn_init(&scene->spawn,
            CONFIG_ENV_OPERATORS "passport: {period_from: \"2026-01-01\", period_to: \"2026-12-31\"}\n");
    spawn_start(&scene->spawn);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    json_decref(scene->found);
    spawn_fini(&scene->spawn);
    free(scene);
    return 0;
}

/* ---- support ---- */

/* Published by the tool; its exit code. rest: more attributes, each with a comma behind it. */
static int publish(struct scene *scene, const char *system, const char *type, const char *id,
        const char *rest, const char *data)
{
    const char *argv[] = {"marshrut", "-c", scene->spawn.config, "publish", NULL};
    struct run_program run = {0};
    char text[EVENT_BYTES];
    int status;

    (void)snprintf(text, sizeof text,
            "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"urn:marshrut:24:%s\",\"type\":\"%s\",%s"
            "\"time\":\"2026-03-01T09:00:00Z\",\"regioncode\":\"24\",\"basis\":\"education\",\"actor\":"
            "\"test\","
            "\"actorrole\":\"system\",\"data\":%s}\n",
            id, system, type, rest, data);
    run.input = text;
    run_program(&run, argv);
    status = run.status;
    if (status != 0 && status != 1)
        fail_msg("%s", run_program_err(&run));
    run_program_fini(&run);
    return status;
}

/* The matches of an id. */
static const json_t *where(struct scene *scene, const char *id)
{
    json_decref(scene->found);
    scene->found = config_env_json(&scene->spawn, CONFIG_ENV_ARGS("--json", "where", id));
    assert_true(json_is_array(json_object_get(scene->found, "matches")));
    return json_object_get(scene->found, "matches");
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "";
}

static json_int_t number_of(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

static bool has_text(const json_t *list, const char *text)
{
    const json_t *item;
    size_t i;

    json_array_foreach (list, i, item)
        if (strcmp(json_string_value(item), text) == 0)
            return true;
    return false;
}

static const json_t *delivery_of(const json_t *match)
{
    json_t *line;
    size_t i;

    json_array_foreach (json_object_get(match, "deliveries"), i, line)
        if (strcmp(text_of(line, "subscription"), SUB) == 0)
            return line;
    fail_msg("no delivery for " SUB);
    return NULL;
}

/* ---- by each kind of id ---- */

#define PROGRAMME(n)                                                                                         \
    "{\"programmeId\":\"DPP-" n "\",\"title\":\"T\",\"kind\":\"PK\",\"hours\":36,\"providerOgrn\":"          \
    "\"1022400001007\",\"registry\":\"own\","                                                                \
    "\"listedOn\":\"2026-03-01\"}"
#define PERSON     "\"person\":{\"snils\":\"" DEFICITS_A "\",\"familyName\":\"Петрова\"}"
#define DEFICIT(n) "{" PERSON ",\"deficitId\":\"D-" n "\",\"area\":\"ict\",\"identifiedOn\":\"2026-03-01\"}"

static void by_each_kind_of_id(void **state)
{
    struct scene *scene = *state;
    char hub_id[64], number[32];
    const json_t *found;

    assert_int_equal(publish(scene, "portal", "nms.programme.listed.v1", "same", "\"correlationid\":\"k\",",
                             PROGRAMME("1")),
            0);
    assert_int_equal(publish(scene, "copmkp", "nms.deficit.identified.v1", "same",
                             "\"causationid\":\"cause\",", DEFICIT("1")),
            0);
    assert_int_equal(
            publish(scene, "portal", "nms.course.finished.v1", "c", "\"correlationid\":\"k\",",
                    "{" PERSON
                    ",\"programmeId\":\"DPP-1\",\"documentNumber\":\"24-1\",\"endedOn\":\"2026-03-01\"}"),
            0);
    found = where(scene, "same"); /* of two sources */
    assert_int_equal(json_array_size(found), 2);
    assert_string_equal(text_of(json_array_get(found, 0), "system"), "portal");
    assert_string_equal(text_of(json_array_get(found, 1), "system"), "copmkp");
    (void)snprintf(hub_id, sizeof hub_id, "%s", text_of(json_array_get(found, 1), "hub_id"));
    (void)snprintf(number, sizeof number, "%lld", (long long)number_of(json_array_get(found, 1), "number"));
    found = where(scene, hub_id);
    assert_int_equal(json_array_size(found), 1);
    assert_int_equal(number_of(json_array_get(found, 0), "number"), atoll(number));
    assert_int_equal(json_array_size(where(scene, "k")), 2); /* a correlation */
    found = where(scene, "24-1");                            /* a document */
    assert_int_equal(json_array_size(found), 1);
    assert_string_equal(text_of(json_array_get(found, 0), "type"), "nms.course.finished.v1");
    config_env_tool(&scene->spawn, 66, "nothing of that id", CONFIG_ENV_ARGS("where", "cause"));
    config_env_tool(&scene->spawn, 66, "nothing of that id", CONFIG_ENV_ARGS("where", number));
}

/* ---- of each fate ---- */

static bool is_there(void *ctx)
{
    struct scene *scene = ctx;

    return strcmp(text_of(delivery_of(json_array_get(where(scene, "d-0"), 0)), "state"), "parked") == 0;
}

static void expect_try(const json_t *match, size_t i, json_int_t attempt, const char *reason)
{
    const json_t *line = json_array_get(json_object_get(match, "tries"), i);

    assert_int_equal(number_of(line, "attempt"), attempt);
    assert_string_equal(text_of(line, "reason"), reason);
    assert_string_equal(text_of(line, "subscription"), SUB);
}

static void every_attempt_is_told(void **state)
{
    struct scene *scene = *state;
    const json_t *match;

    deficits_publish(&scene->deficits, &scene->spawn, "AB");
    bus_connect_as(&scene->receiver, &scene->spawn, SPAWN_CNPPM);
    (void)bus_hello(&scene->receiver, 0, 0);
    bus_subscribe(&scene->receiver, SUB, 100, 0);
    deficits_expect(&scene->deficits, &scene->receiver, "01", false);
    bus_nack(&scene->receiver, SUB, scene->deficits.numbers[0], false);
    deficits_expect(&scene->deficits, &scene->receiver, "0", true);
    bus_nack(&scene->receiver, SUB, scene->deficits.numbers[0], true);
    spawn_until("it is parked", is_there, scene);
    match = json_array_get(where(scene, "d-0"), 0);
    assert_int_equal(json_array_size(json_object_get(match, "tries")), 2);
    expect_try(match, 0, 1, "test-cannot");
    expect_try(match, 1, 2, "test-cannot");
    assert_null(json_object_get(json_array_get(where(scene, "d-1"), 0), "tries"));
    bus_close(&scene->receiver);
}

static void what_waited_says_who_ended_it(void **state)
{
    struct scene *scene = *state;
    char number[32], newer[32];
    const json_t *quarantine, *found;

    assert_int_equal(
            publish(scene, "copmkp", "nms.deficit.identified.v1", "q", "",
                    "{\"person\":{\"localId\":\"t-1\",\"snils\":\"11223344594\"},\"deficitId\":\"D\","
                    "\"area\":\"ict\",\"identifiedOn\":\"2026-03-01\"}"),
            1);
    found = where(scene, "q");
    (void)snprintf(number, sizeof number, "%lld", (long long)number_of(json_array_get(found, 0), "number"));
    quarantine = json_object_get(json_array_get(found, 0), "quarantine");
    assert_string_equal(text_of(quarantine, "state"), "waiting");
    assert_null(json_object_get(quarantine, "ended_by"));
    config_env_tool(&scene->spawn, 0, NULL,
            CONFIG_ENV_ARGS("--as", "boss", "quarantine", "discard", number, "--reason", "wrong"));
    found = where(scene, "q");
    quarantine = json_object_get(json_array_get(found, 0), "quarantine");
    assert_string_equal(text_of(quarantine, "state"), "discarded");
    assert_string_equal(text_of(quarantine, "ended_by"), "boss");
    assert_true(*text_of(quarantine, "ended"));
    (void)snprintf(newer, sizeof newer, "%lld", (long long)number_of(quarantine, "event"));
    config_env_tool(&scene->spawn, 0, "hub.event.discarded.v1", CONFIG_ENV_ARGS("log", "show", newer));
}

static bool is_indexed(void *ctx)
{
    const struct scene *scene = ctx;
    json_t *status = bus_ask(&scene->spawn, "", "hub.status", "");
    bool indexed = number_of(status, "indexed") == number_of(status, "head");

    json_decref(status);
    return indexed;
}

static bool document_is_unknown(void *ctx)
{
    struct scene *scene = ctx;
    struct run_program run = {0};
    bool unknown;

    config_env_run(&scene->spawn, &run, CONFIG_ENV_ARGS("where", "24-waits"));
    unknown = run.status == 66;
    run_program_fini(&run);
    return unknown;
}

/* Also when it is in the index, and no longer looked for in what is not; not when its body is gone. */
static void what_waits_is_found_by_its_document(void **state)
{
    struct scene *scene = *state;
    const json_t *found;
    char number[32];

    assert_int_equal(publish(scene, "copmkp", "nms.deficit.identified.v1", "bystander", "", DEFICIT("1")), 0);
    assert_int_equal(
            publish(scene, "portal", "nms.course.finished.v1", "waits", "",
                    "{\"person\":{\"localId\":\"t-1\",\"snils\":\"11223344594\"},\"programmeId\":\"P\","
                    "\"kind\":\"PK\",\"hours\":36,\"endedOn\":\"2026-05-01\",\"documentNumber\":\"24-"
                    "waits\"}"),
            1);
    spawn_until("it is indexed", is_indexed, scene);
    found = where(scene, "24-waits");
    assert_int_equal(json_array_size(found), 1);
    assert_string_equal(text_of(json_object_get(json_array_get(found, 0), "quarantine"), "state"), "waiting");
    (void)snprintf(number, sizeof number, "%lld", (long long)number_of(json_array_get(found, 0), "number"));
    config_env_tool(&scene->spawn, 0, NULL,
            CONFIG_ENV_ARGS("--as", "boss", "quarantine", "discard", number, "--reason", "wrong"));
    spawn_until("its document is forgotten", document_is_unknown, scene);
    config_env_tool(&scene->spawn, 0, NULL, CONFIG_ENV_ARGS("rebuild", "--check"));
}

/* ---- cells ---- */

/* A course ends, of another correlation than the route that it was taken on: the median between the two rests
 * on both, and `where` of either says so. */
static void cells_do_not_mind_the_correlation(void **state)
{
    static const char cell[] = "7.median.route-course";
    struct scene *scene = *state;
    const json_t *found;

    assert_int_equal(publish(scene, "cnppm", "nms.route.assigned.v1", "route", "\"correlationid\":\"k-1\",",
                             "{" PERSON ",\"routeId\":\"R-1\",\"assignedOn\":\"2026-02-01\"}"),
            0);
    assert_false(has_text(json_object_get(json_array_get(where(scene, "route"), 0), "cells"), cell));
    assert_int_equal(
            publish(scene, "portal", "nms.course.finished.v1", "course", "\"correlationid\":\"k-2\",",
                    "{" PERSON ",\"programmeId\":\"DPP-1\",\"kind\":\"PK\",\"hours\":36,\"routeId\":\"R-1\","
                    "\"startedOn\":\"2026-02-10\",\"endedOn\":\"2026-03-01\"}"),
            0);
    found = where(scene, "k-1");
    assert_int_equal(json_array_size(found), 1); /* the correlation itself is as it was */
    assert_true(has_text(json_object_get(json_array_get(found, 0), "cells"), cell));
    assert_true(has_text(json_object_get(json_array_get(where(scene, "course"), 0), "cells"), cell));
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {CASE(by_each_kind_of_id), CASE(every_attempt_is_told),
            CASE(what_waited_says_who_ended_it), CASE(what_waits_is_found_by_its_document),
            CASE(cells_do_not_mind_the_correlation)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
