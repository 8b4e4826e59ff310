/* Back to a version that cannot hold any more: refused by name, with what to do, and nothing has changed; or
 * it holds, and what waits for a system that it does not have waits until one has it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "store/log.h"
#include "tests/support/bus_client.h"
#include "tests/support/config_env.h"
#include "tests/support/tmpdir.h"

enum { VERSION_KEY_BYTES = 4 };
/* Numbers: the apply is 1, what waits for correction is 2. */
enum { FIRST = 3, SECOND = 4 };

/* The text with the first `was` replaced; the caller frees. */
static char *replaced(const char *text, const char *was, const char *is)
{
    const char *at = strstr(text, was);
    struct mr_buf out = MR_BUF_INIT;
    char *copy;

    assert_non_null(at);
    mr_buf_put(&out, text, (size_t)(at - text));
    mr_buf_put_str(&out, is);
    mr_buf_put_str(&out, at + strlen(was));
    copy = strdup(mr_buf_str(&out));
    mr_buf_fini(&out);
    assert_non_null(copy);
    return copy;
}

/* By hand, as somebody would with an editor. */
static void edit(const struct spawn *spawn, const char *was, const char *is)
{
    char *text = config_env_text(spawn);

    (void)config_env_write(spawn, "marshrut.yaml", text, was, is);
    free(text);
}

/* What it says to `what` of config, as text. */
static char *dumped(const struct spawn *spawn, const char *what)
{
    json_t *json = config_env_json(spawn, CONFIG_ENV_ARGS("config", what, "--json"));
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

    json_decref(json);
    return text;
}

/* With and without a plan: this status, each of these texts, and nothing has changed. */
struct refusal {
    const char *version;
    int status;
    const char *what, *where, *cure;
};

static void check_refusal(const struct spawn *spawn, const struct refusal *refusal, bool plan)
{
    const char *said[] = {refusal->what, refusal->where, refusal->cure};
    struct run_program run = {0};

    config_env_run(spawn, &run,
            CONFIG_ENV_ARGS(
                    "--as", "boss", "config", "rollback", refusal->version, plan ? NULL : "--no-plan"));
    for (size_t i = 0; i < MR_COUNT(said); i++)
        if (run.status != refusal->status || !strstr(run_program_err(&run), said[i]))
            fail_msg("rollback %s: %d, without \"%s\"\n%s%s", refusal->version, run.status, said[i],
                    run_program_out(&run), run_program_err(&run));
    run_program_fini(&run);
}

static void expect_refused(const struct spawn *spawn, const struct refusal *refusal)
{
    char *file = config_env_text(spawn), *history = dumped(spawn, "history"), *shown = dumped(spawn, "show");
    long version = bus_status_number(spawn, "config");

    for (int plan = 0; plan < 2; plan++) {
        char *file_now, *history_now, *shown_now;

        check_refusal(spawn, refusal, plan == 1);
        file_now = config_env_text(spawn);
        history_now = dumped(spawn, "history");
        shown_now = dumped(spawn, "show");
        assert_string_equal(file_now, file);
        assert_string_equal(history_now, history);
        assert_string_equal(shown_now, shown);
        assert_int_equal(bus_status_number(spawn, "config"), version);
        free(file_now);
        free(history_now);
        free(shown_now);
    }
    free(file);
    free(history);
    free(shown);
}

/* ---- numbers ---- */

static void a_number_that_is_no_version(void **state)
{
    static const struct refusal refusals[] = {
            {"1", 73, "version 1 is this very text", "text", "config history"},
            {"2", 66, "no version 2", "version", "config history"},
            {"4294967295", 66, "no version 4294967295", "version", "config history"},
            {"0", 65, "not in 1..4294967295", "version", "choose"},
            {"4294967296", 65, "not in 1..4294967295", "version", "choose"},
            {"4294967297", 65, "not in 1..4294967295", "version", "choose"},
            {"99999999999999999999999999999999", 65, "not in 1..4294967295", "version", "choose"},
            {"1x", 64, "takes the number of a version", "", ""},
            {"", 64, "takes the number of a version", "", ""},
            {"-1", 64, "", "", ""},
    };
    struct spawn spawn;

    (void)state;
    spawn_init(&spawn, CONFIG_ENV_OPERATORS);
    spawn_start(&spawn);
    for (size_t i = 0; i < MR_COUNT(refusals); i++)
        expect_refused(&spawn, &refusals[i]);
    spawn_fini(&spawn);
}

/* ---- what was made at the start ---- */

static void what_the_start_has_made(void **state)
{
    static const struct refusal refusal = {
            "1", 78, "cannot change while the hub runs", "version-1", "what to do: "};
    struct spawn spawn;
    char moved[192];

    (void)state;
    spawn_init(&spawn, CONFIG_ENV_OPERATORS);
    spawn_start(&spawn);
    spawn_stop(&spawn);
    (void)snprintf(moved, sizeof moved, "%s/moved", spawn.dir);
    assert_int_equal(rename(mr_tmpdir_path(spawn.dir, "store"), moved), 0);
    edit(&spawn, "  store: store\n", "  store: moved\n");
    edit(&spawn, "run/hub.sock", "run/other.sock");
    edit(&spawn, "tcp://127.0.0.1:", "tcp://127.0.0.2:");
    (void)snprintf(spawn.admin, sizeof spawn.admin, "ipc://%s/run/other.sock", spawn.dir);
    spawn_start(&spawn);
    expect_refused(&spawn, &refusal);
    config_env_tool(&spawn, 78, "`marshrut config show 1` prints",
            CONFIG_ENV_ARGS("--as", "boss", "config", "rollback", "1"));
    config_env_tool(
            &spawn, 78, "changed hub.store", CONFIG_ENV_ARGS("--as", "boss", "config", "rollback", "1"));
    config_env_tool(&spawn, 78, "hub.listen[0], and ",
            CONFIG_ENV_ARGS("--as", "boss", "config", "rollback", "1", "--no-plan"));
    assert_int_equal(config_env_versions(&spawn), 2);
    spawn_fini(&spawn);
}

/* ---- of another program ---- */

static void put_version(struct mr_log_batch *batch, uint32_t version, const char *text)
{
    uint8_t key[VERSION_KEY_BYTES];

    mr_put_be32(key, version);
    assert_int_equal(
            mr_log_batch_put(batch, MR_LOG_CONFIG, mr_slice(key, sizeof key), mr_slice_str(text)), 0);
}

static void of_a_program_that_knew_more(void **state)
{
    static const struct {
        const char *was, *is;
        struct refusal refusal;
    } rows[] = {
            {"nms.route., nms.course.", "nms.rout., nms.course.",
                    {"1", 78, "nms.rout.", "version-1:", "what to do: "}},
            {"type: nms.deficit.}}]}", "type: nms.deficit.}}, {sql: \"id =\"}]}",
                    {"2", 78, "ParseError", "version-2:", "what to do: "}},
            {CONFIG_ENV_MARKER, "codelists:\n  - {name: area, values: [{code: ict, titel: x}]}\noperators:\n",
                    {"3", 78, "titel", "version-3:", "what to do: "}},
            {CONFIG_ENV_MARKER, "lists: []\noperators:\n", {"4", 78, "lists", "version-4:", "what to do: "}},
            {"version: 1\n", "version: 2\n", {"5", 78, "version", "version-5:", "what to do: "}},
            {"kind: copmkp", "kind: fax", {"6", 78, "kind", "version-6:", "what to do: "}},
            {"roles: [auditor]", "roles: [juggler]", {"7", 78, "juggler", "version-7:", "what to do: "}},
            {"version: 1\n", "version: [\n", {"8", 78, "", "version-8:", "what to do: "}},
    };
    struct mr_log_batch *batch;
    struct mr_log *log;
    struct spawn spawn;
    char *text;

    (void)state;
    spawn_init(&spawn, CONFIG_ENV_OPERATORS);
    spawn_start(&spawn);
    spawn_stop(&spawn);
    text = config_env_text(&spawn);
    assert_int_equal(
            mr_log_open(&log, &(struct mr_log_options){.dir = mr_tmpdir_path(spawn.dir, "store/log")}, NULL),
            0);
    assert_int_equal(mr_log_batch_begin(log, &batch), 0);
    for (uint32_t i = 0; i < MR_COUNT(rows); i++) {
        char *old = replaced(text, rows[i].was, rows[i].is);

        put_version(batch, i + 1, old);
        free(old);
    }
    put_version(batch, MR_COUNT(rows) + 1, text);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    mr_log_close(log);
    spawn_start(&spawn);
    for (size_t i = 0; i < MR_COUNT(rows); i++)
        expect_refused(&spawn, &rows[i].refusal);
    assert_int_equal(config_env_versions(&spawn), MR_COUNT(rows) + 1);
    free(text);
    spawn_fini(&spawn);
}

/* ---- files that are gone ---- */

#define ADAPTER                                                                                              \
    "adapters:\n  copmkp: {system: copmkp, secret_key_file: copmkp.key, state: st, in: in, out: out, done: " \
    "done, rejected: rejected}\n" CONFIG_ENV_MARKER
#define WEBHOOK "alerts: {webhook: \"http://127.0.0.1:9/\", webhook_token_file: token}\n" CONFIG_ENV_MARKER

static void apply(const struct spawn *spawn, const char *text, const char *was, const char *is)
{
    config_env_tool(spawn, 0, "holds from number",
            CONFIG_ENV_ARGS(
                    "--as", "boss", "config", "apply", config_env_write(spawn, "new.yaml", text, was, is)));
}

static void a_secret_that_is_gone(void **state)
{
    static const struct refusal refusal = {
            "2", 66, "cannot read the secret file", "/token: ", "what to do: "};
    struct spawn spawn;
    char *text;

    (void)state;
    spawn_init(&spawn, CONFIG_ENV_OPERATORS);
    spawn_start(&spawn);
    text = config_env_text(&spawn);
    (void)config_env_write(&spawn, "token", "secret", "secret", "made-up\n");
    apply(&spawn, text, CONFIG_ENV_MARKER, WEBHOOK);
    apply(&spawn, text, CONFIG_ENV_MARKER, ADAPTER); /* its key is on another machine */
    assert_int_equal(unlink(mr_tmpdir_path(spawn.dir, "token")), 0);
    expect_refused(&spawn, &refusal);
    (void)config_env_write(&spawn, "token", "secret", "secret", "made-up\n");
    config_env_tool(&spawn, 0, "version 4 holds", CONFIG_ENV_ARGS("--as", "boss", "config", "rollback", "2"));
    config_env_tool(
            &spawn, 0, "copmkp.key is not here", CONFIG_ENV_ARGS("--as", "boss", "config", "rollback", "3"));
    assert_int_equal(config_env_versions(&spawn), 5);
    free(text);
    spawn_fini(&spawn);
}

/* ---- a system that is gone, and what waits for it ---- */

#define WRONG                                                                                                \
    "{\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"urn:marshrut:24:copmkp\",\"type\":"                \
    "\"nms.deficit.identified.v1\",\"time\":\"2026-03-02T09:00:00Z\",\"regioncode\":\"24\",\"basis\":"       \
    "\"152-fz-6-1\",\"actor\":\"op-1\",\"actorrole\":\"expert\",\"data\":{\"person\":{\"localId\":\"t-2\","  \
    "\"snils\":\"11223344594\"},\"deficitId\":\"d-1\",\"area\":\"ict\",\"severity\":\"SEVERITY_MODERATE\","  \
    "\"identifiedOn\":\"2026-03-01\"}}\n"

/* The hub's file without the system; returns what it was. */
static char *without_copmkp(const struct spawn *spawn)
{
    char *text = config_env_text(spawn), *line = strstr(text, "  - {name: copmkp,"), was[512];

    assert_non_null(line);
    (void)snprintf(was, sizeof was, "%.*s", (int)(strchr(line, '\n') + 1 - line), line);
    edit(spawn, was, "");
    return text;
}

static bool is_parked(void *ctx)
{
    json_t *list = bus_ask(ctx, "", "parked.list", "{\"subscription\":\"copmkp-programmes\"}");
    json_int_t failed = json_integer_value(json_object_get(list, "failed"));

    json_decref(list);
    return failed == 1;
}

/* One is parked, one waits to be delivered, one waits for correction. */
static void leave_things_waiting(struct spawn *spawn)
{
    struct run_program run = {.input = WRONG};
    struct bus_client copmkp;
    const Marshrut__Bus__V1__Deliver *deliver;

    config_env_run(spawn, &run, CONFIG_ENV_ARGS("--as", "boss", "publish"));
    if (!strstr(run_program_out(&run), "quarantined"))
        fail_msg("%s%s", run_program_out(&run), run_program_err(&run));
    run_program_fini(&run);
    bus_publish_programmes(spawn, 1, 2);
    bus_connect_as(&copmkp, spawn, SPAWN_COPMKP);
    (void)bus_hello(&copmkp, 0, 0);
    bus_subscribe(&copmkp, "copmkp-programmes", 1, 0);
    deliver = bus_expect(&copmkp, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    assert_int_equal(deliver->items[0]->number, FIRST);
    bus_nack(&copmkp, "copmkp-programmes", FIRST, true);
    spawn_until("it is parked", is_parked, spawn);
    bus_close(&copmkp);
}

static json_int_t asked(const struct spawn *spawn, const char *method, const char *arguments, const char *key)
{
    json_t *json = bus_ask(spawn, "", method, arguments);
    json_int_t value = json_integer_value(json_object_get(json, key));

    json_decref(json);
    return value;
}

static void check_waiting(struct spawn *spawn)
{
    config_env_tool(spawn, 0, NULL, CONFIG_ENV_ARGS("balance"));
    assert_true(is_parked(spawn));
    assert_int_equal(asked(spawn, "quarantine.list", "{}", "count"), 1);
}

static bool is_taken(void *ctx)
{
    return asked(ctx, "parked.list", "{}", "released") == 0;
}

/* From its cursor on, without what came while it was gone; then what was parked. */
static void take_what_waited(struct spawn *spawn)
{
    struct bus_client copmkp;
    const Marshrut__Bus__V1__Deliver *deliver;

    bus_connect_as(&copmkp, spawn, SPAWN_COPMKP);
    (void)bus_hello(&copmkp, 0, 0);
    bus_subscribe(&copmkp, "copmkp-programmes", 100, 0);
    deliver = bus_expect(&copmkp, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    assert_int_equal(deliver->n_items, 1);
    assert_int_equal(deliver->items[0]->number, SECOND);
    bus_ack(&copmkp, "copmkp-programmes", SECOND);
    config_env_tool(spawn, 0, NULL, CONFIG_ENV_ARGS("--as", "boss", "parked", "release", "3"));
    deliver = bus_expect(&copmkp, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    assert_int_equal(deliver->n_items, 1);
    assert_int_equal(deliver->items[0]->number, FIRST);
    bus_ack(&copmkp, "copmkp-programmes", FIRST);
    spawn_until("what was parked is taken", is_taken, spawn);
    bus_close(&copmkp);
    config_env_tool(spawn, 0, NULL,
            CONFIG_ENV_ARGS("--as", "boss", "quarantine", "discard", "2", "--reason", "case-7"));
}

static void a_system_that_is_gone(void **state)
{
    struct spawn spawn;
    char *text;

    (void)state;
    spawn_init(&spawn, CONFIG_ENV_OPERATORS);
    text = without_copmkp(&spawn);
    spawn_start(&spawn);
    apply(&spawn, text, CONFIG_ENV_MARKER, CONFIG_ENV_ALSO_COPMKP);
    leave_things_waiting(&spawn);
    config_env_tool(&spawn, 0, "copmkp-programmes, removed: 2 before, 0 after",
            CONFIG_ENV_ARGS("--as", "boss", "config", "rollback", "1"));
    bus_publish_programmes(&spawn, 3, 1); /* not for it */
    check_waiting(&spawn);
    config_env_tool(&spawn, 1, "put the system back into the configuration",
            CONFIG_ENV_ARGS("--as", "boss", "quarantine", "release", "2", "--reason", "came"));
    spawn_stop(&spawn);
    spawn_start(&spawn);
    check_waiting(&spawn);
    config_env_tool(&spawn, 0, "version 4 holds", CONFIG_ENV_ARGS("--as", "boss", "config", "rollback", "2"));
    take_what_waited(&spawn);
    config_env_tool(&spawn, 0, NULL, CONFIG_ENV_ARGS("balance"));
    assert_int_equal(config_env_versions(&spawn), 4);
    free(text);
    spawn_fini(&spawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_number_that_is_no_version),
            cmocka_unit_test(what_the_start_has_made),
            cmocka_unit_test(of_a_program_that_knew_more),
            cmocka_unit_test(a_secret_that_is_gone),
            cmocka_unit_test(a_system_that_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
