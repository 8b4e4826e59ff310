/*
 * The tool as a person or a script meets it: what each command prints and its exit code, with a running hub
 * and without one, on a small log that is always the same. What is promised lies in tests/golden/tool.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "proto/base/list.h"
#include "tests/support/golden.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"

static const char passport_config[] =
        "passport:\n  form: образец-2021\n  period_from: '2026-01-01'\n"
        "  period_to: '2026-12-31'\n  suppress_below: 5\n  indicators: ['1', '3']\n"
        "operators:\n  - {name: auditor, roles: [auditor]}\n"
        "  - {name: orlova, roles: [cnppm]}\n"
        "  - {name: petrova, roles: [mms]}\n";

#define HEAD(id, system, type)                                                                               \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"urn:marshrut:24:" system "\",\"type\":\"" type  \
    "\",\"time\":\"2026-03-01T09:00:00Z\",\"regioncode\":\"24\",\"basis\":\"education\",\"actor\":\"test\"," \
    "\"actorrole\":\"system\",\"data\":"
#define PROGRAMME                                                                                            \
    HEAD("p-1", "portal", "nms.programme.listed.v1")                                                         \
    "{\"programmeId\":\"PK-1\",\"title\":\"Курс\",\"kind\":\"PK\",\"hours\":36,"                         \
    "\"providerOgrn\":\"1022402129067\",\"registry\":\"own\",\"listedOn\":\"2026-02-01\"}}"
#define DEFICIT(id, snils)                                                                                   \
    HEAD(id, "copmkp", "nms.deficit.identified.v1")                                                          \
    "{\"person\":{\"snils\":\"" snils "\"},\"deficitId\":\"D-" id "\",\"area\":\"ict\","                     \
    "\"identifiedOn\":\"2026-03-01\"}}"

static const char good[] = PROGRAMME "\n";
/* stored, quarantined (check digits), unknown type, no JSON, another system's right, duplicate */
static const char mixed[] = DEFICIT("d-1", "11223344595") "\n" DEFICIT("d-2", "11223344596") "\n" HEAD(
        "x-1", "portal", "nms.nothing.happened.v1") "{}}\n{\"id\":\n" HEAD("r-1", "portal",
        "nms.route.assigned.v1") "{\"routeId\":\"R\"}}\n" PROGRAMME "\n";

/* What waits already: not refused, but not stored either. */
static const char waiting[] = DEFICIT("d-2", "11223344596") "\n" DEFICIT("d-2", "11223344596") "\n";
static const char fresh[] = DEFICIT("d-9", "11223344595") "\n";

struct scene {
    struct spawn hub;
};

static int setup(void **state)
{
    static struct scene scene;

    spawn_init(&scene.hub, passport_config);
    spawn_start(&scene.hub);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    spawn_fini(&scene->hub);
    return 0;
}

/* One run; output, errors and exit code go into the golden file. */
static void expect(
        struct scene *scene, const char *golden, int status, const char *input, const char *const arguments[])
{
    const char *argv[16] = {"marshrut", "-c", scene->hub.config};
    struct run_program run = {.input = input};
    struct mr_buf all = MR_BUF_INIT;
    char name[64];

    for (size_t i = 0; arguments[i]; i++)
        argv[3 + i] = arguments[i];
    run_program(&run, argv);
    mr_buf_put_str(&all, run_program_out(&run));
    if (run.err.size > 0)
        mr_buf_printf(&all, "--- stderr\n%s", run_program_err(&run));
    mr_buf_printf(&all, "--- exit %d\n", run.status);
    (void)snprintf(name, sizeof name, "tool/%s.txt", golden);
    golden_expect(name, mr_buf_str(&all), scene->hub.dir);
    assert_int_equal(run.status, status);
    mr_buf_fini(&all);
    run_program_fini(&run);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_help(void **state)
{
    static const char *const commands[] = {"up", "publish", "tail", "where", "balance", "status", "top",
            "log", "receipt", "passport", "quarantine", "parked", "replay", "retention", "hold", "erase",
            "scrub", "backup", "restore", "escrow", "rebuild", "map", "filter", "types", "keys", "token",
            "account", "access", "config", "bench"};

    expect(*state, "help", 0, NULL, ARGS("--help"));
    expect(*state, "help", 0, NULL, ARGS("help"));
    expect(*state, "help-tail", 0, NULL, ARGS("help", "tail"));
    for (size_t i = 0; i < MR_COUNT(commands); i++) {
        char golden[48];

        (void)snprintf(golden, sizeof golden, "help-%s", commands[i]);
        expect(*state, golden, 0, NULL, ARGS(commands[i], "--help"));
    }
}

static void test_wrong_calls(void **state)
{
    expect(*state, "usage-none", 64, NULL, ARGS("dance"));
    expect(*state, "usage-none", 64, NULL, ARGS("help", "dance"));
    expect(*state, "usage-near", 64, NULL, ARGS("pasport"));
    expect(*state, "usage-near-beginning", 64, NULL, ARGS("pass", "show"));
    expect(*state, "usage-tail", 64, NULL, ARGS("tail", "--from", "soon"));
    expect(*state, "usage-where", 64, NULL, ARGS("where"));
    expect(*state, "usage-log-find", 64, NULL, ARGS("log", "find", "--number", "7-3"));
    expect(*state, "usage-log", 64, NULL, ARGS("log", "show", "0"));
    expect(*state, "usage-erase", 64, NULL, ARGS("erase", "approve"));
    expect(*state, "usage-erase-several", 64, NULL,
            ARGS("erase", "request", "--snils", "11223344595", "--local", "school", "p-1"));
    expect(*state, "usage-erase-person", 64, NULL, ARGS("erase", "request", "--person", "zzz"));
    expect(*state, "usage-erase-local", 64, NULL,
            ARGS("erase", "request", "--local", "school", "--basis", "x"));
    expect(*state, "usage-hold-several", 64, NULL,
            ARGS("hold", "place", "--snils", "11223344595", "--snils", "08765430300", "--case", "2-17"));
    expect(*state, "usage-log-find-several", 64, NULL,
            ARGS("log", "find", "--snils", "11223344595", "--local", "school:p-1", "--case", "2-17"));
    expect(*state, "erase-denied", 77, NULL,
            ARGS("erase", "request", "--snils", "11223344595", "--basis", "consent-withdrawn", "--case", "7",
                    "--as", "auditor"));
    expect(*state, "usage-passport", 64, NULL, ARGS("passport", "set", "3.premises"));
    expect(*state, "usage-log-find-person", 64, NULL,
            ARGS("log", "find", "--person", "zzz", "--case", "2-17"));
    expect(*state, "usage-none-json", 64, NULL, ARGS("dance", "--json"));
    expect(*state, "usage-tail-json", 64, NULL, ARGS("--json", "tail", "--from", "soon"));
    expect(*state, "usage-option-json", 64, NULL, ARGS("--json", "publish", "--fast"));
    expect(*state, "usage-escrow", 64, NULL, ARGS("escrow"));
}

static void test_publish(void **state)
{
    expect(*state, "publish-dry-run", 0, good, ARGS("publish", "--dry-run"));
    expect(*state, "publish-good", 0, good, ARGS("publish"));
    expect(*state, "publish-again", 0, good, ARGS("publish", "-"));
    expect(*state, "publish-mixed", 1, mixed, ARGS("publish"));
    expect(*state, "publish-waiting-again", 1, waiting, ARGS("publish"));
    expect(*state, "publish-mixed-json", 1, mixed, ARGS("publish", "--json"));
    expect(*state, "publish-dry-run-mixed", 1, mixed, ARGS("publish", "--dry-run"));
    expect(*state, "publish-dry-run-json", 0, fresh, ARGS("publish", "--dry-run", "--json"));
    expect(*state, "publish-dry-run-receipt", 64, good, ARGS("publish", "--dry-run", "--receipt", "."));
    expect(*state, "publish-no-file", 66, NULL, ARGS("publish", "no-such-file"));
}

/* The same question, with a hub and without one. */
static void ask(struct scene *scene, bool hub)
{
    static const struct {
        const char *golden;
        int status;
        const char *arguments[8];
    } questions[] = {
            {"tail", 0, {"tail"}},
            {"tail-json", 0, {"tail", "--json"}},
            {"tail-type", 0, {"tail", "--type", "nms.programme.", "--from", "1"}},
            {"where", 0, {"where", "p-1"}},
            {"where-nothing", 66, {"where", "no-such-id"}},
            {"balance", 0, {"balance"}},
            {"balance-json", 0, {"balance", "--json"}},
            {"log-show", 0, {"log", "show", "1"}},
            {"log-show-sealed-json", 0, {"log", "show", "2", "--json"}},
            {"log-show-nothing", 66, {"log", "show", "99"}},
            {"log-count", 0, {"log", "count"}},
            {"erase-list", 0, {"erase", "list"}},
            {"erase-show-nothing", 66, {"erase", "show", "7"}},
            {"log-find", 0, {"log", "find", "--type", "nms.", "--number", "1-"}},
            {"log-find-json", 0, {"log", "find", "--id", "d-1", "--json"}},
            {"log-find-count", 0, {"log", "find", "--system", "copmkp", "--count"}},
            {"log-find-newest", 0, {"log", "find", "--newest", "--limit", "2", "--json"}},
            {"log-find-newest-more", 0, {"log", "find", "--newest", "--number", "1-3", "--limit", "2"}},
            {"log-find-none", 0, {"log", "find", "--correlation", "c-1"}},
            {"log-find-time", 65, {"log", "find", "--from", "yesterday"}},
            {"log-find-system", 65, {"log", "find", "--system", "nobody"}},
            {"quarantine-list", 0, {"quarantine", "list"}},
            {"quarantine-list-ru", 0, {"quarantine", "list", "--lang", "ru", "--type", "nms.deficit."}},
            {"quarantine-list-json", 0, {"quarantine", "list", "--json", "--code", "snils-checkdigit"}},
            {"quarantine-list-state", 65, {"quarantine", "list", "--state", "lost"}},
            {"parked-list", 0, {"parked", "list"}},
            {"log-segments", 0, {"log", "segments"}},
            {"retention-plan", 0, {"retention", "plan"}},
            {"hold-list", 0, {"hold", "list"}},
            {"config-plan", 0, {"config", "plan", "--from", "1"}},
            {"config-plan-json", 0, {"config", "plan", "--from", "1", "--json"}},
            {"config-history-json", 0, {"config", "history", "--json"}},
            {"config-show-nothing", 66, {"config", "show", "9"}},
            {"passport-show-json", 0, {"passport", "show", "--json"}},
            {"passport-explain", 0, {"passport", "explain", "7.deficits.identified"}},
    };

    for (size_t i = 0; i < MR_COUNT(questions); i++) {
        if (!hub)
            print_message("without a hub: %s\n", questions[i].golden);
        expect(scene, questions[i].golden, questions[i].status, NULL, questions[i].arguments);
    }
}

static void test_questions(void **state)
{
    ask(*state, true);
    expect(*state, "quarantine-show-no-role", 77, NULL,
            ARGS("--as", "petrova", "quarantine", "show", "3", "--reason", "correction", "--case", "17-03"));
    expect(*state, "quarantine-release-usage", 64, NULL, ARGS("quarantine", "release", "--reason", "x"));
    expect(*state, "quarantine-discard-usage", 64, NULL, ARGS("quarantine", "discard", "3"));
    expect(*state, "quarantine-fix-usage", 64, NULL, ARGS("quarantine", "fix", "3", "--reason", "x"));
    expect(*state, "quarantine-fix-field", 65, NULL,
            ARGS("--as", "orlova", "quarantine", "fix", "3", "--set", "person.nobody=1", "--reason", "x"));
    expect(*state, "quarantine-fix-rule", 65, NULL,
            ARGS("--as", "orlova", "quarantine", "fix", "3", "--set", "person.snils=12345678901", "--reason",
                    "x"));
    expect(*state, "quarantine-approve-usage", 64, NULL, ARGS("quarantine", "approve", "--reason", "x"));
    expect(*state, "quarantine-approve-unnamed", 64, NULL, ARGS("quarantine", "approve", "3:4", "5"));
    expect(*state, "quarantine-approve-nothing-json", 1, NULL,
            ARGS("--as", "orlova", "--json", "quarantine", "approve", "3:4"));
    expect(*state, "access-reasons-json", 0, NULL, ARGS("access", "reasons", "--json"));
    expect(*state, "access-list-no-role", 77, NULL, ARGS("--as", "orlova", "access", "list"));
    expect(*state, "access-list-nobody-json", 0, NULL,
            ARGS("--as", "auditor", "access", "list", "--case", "no-such", "--json"));
    expect(*state, "access-look-usage", 64, NULL, ARGS("--as", "auditor", "access", "look", "2"));
    expect(*state, "access-look-reason", 65, NULL,
            ARGS("--as", "auditor", "access", "look", "2", "--reason", "curiosity", "--case", "17-03"));
    expect(*state, "access-look-snils", 65, NULL,
            ARGS("--as", "auditor", "access", "look", "2", "--reason", "person", "--case", "11223344595"));
    expect(*state, "log-find-no-role", 77, NULL,
            ARGS("--as", "orlova", "log", "find", "--snils", "11223344595", "--case", "17-03"));
    expect(*state, "log-find-no-case", 65, NULL,
            ARGS("--as", "auditor", "log", "find", "--snils", "11223344595"));
}

static void test_without_hub(void **state)
{
    struct scene *scene = *state;

    spawn_stop(&scene->hub);
    ask(scene, false); /* the very same answers */
    expect(scene, "no-hub-publish", 75, good, ARGS("publish"));
    expect(scene, "no-hub-status", 75, NULL, ARGS("status"));
    expect(scene, "no-hub-find-person", 75, NULL,
            ARGS("--as", "auditor", "log", "find", "--person", "00112233445566778899aabbccddeeff", "--case",
                    "17-03"));
    expect(scene, "no-hub-act-json", 75, NULL, ARGS("--as", "orlova", "--json", "passport", "submit"));
}

static void test_config(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(
            mr_file_write(scene->hub.dir, "bad.yaml",
                    mr_slice_str("version: 1\nregion: \"24\"\nhub:\n  lissen: [\"tcp://*:1\"]\n"), 0600),
            0);
    expect(scene, "config-check", 0, NULL, ARGS("config", "check"));
    {
        char path[160];

        (void)snprintf(path, sizeof path, "%s/bad.yaml", scene->hub.dir);
        expect(scene, "config-check-bad", 78, NULL, ARGS("config", "check", path));
        expect(scene, "config-check-bad-json", 78, NULL, ARGS("config", "check", path, "--json"));
    }
    expect(scene, "usage-config", 64, NULL, ARGS("config", "plan", "a", "b"));
    expect(scene, "config-check-missing", 78, NULL, ARGS("config", "check", "/no/such/file"));
}

/* The configuration of the hub with tests behind it; the second wants another receiver. */
static void write_tests(const struct scene *scene, const char *name, const char *second)
{
    FILE *from = fopen(scene->hub.config, "re");
    struct mr_buf text = MR_BUF_INIT;
    char line[1024];

    assert_non_null(from);
    while (fgets(line, sizeof line, from))
        mr_buf_put_str(&text, line);
    (void)fclose(from);
    mr_buf_printf(&text,
            "tests:\n"
            "  - {name: programmes go to cnppm, event: programme.json, system: portal,\n"
            "     subscriptions: [cnppm-programmes]}\n"
            "  - {name: deficits, event: deficit.json, staff_of: [school], subscriptions: [%s]}\n",
            second);
    assert_false(mr_buf_failed(&text));
    assert_int_equal(mr_file_write(scene->hub.dir, name, mr_buf_slice(&text), 0600), 0);
    mr_buf_fini(&text);
}

static void test_examples(void **state)
{
    struct scene *scene = *state;
    char right[160], wrong[160], unknown[160];

    assert_int_equal(mr_file_write(scene->hub.dir, "programme.json", mr_slice_str(PROGRAMME), 0600), 0);
    assert_int_equal(
            mr_file_write(scene->hub.dir, "deficit.json", mr_slice_str(DEFICIT("e-1", "11223344595")), 0600),
            0);
    write_tests(scene, "right.yaml", "cnppm-deficits");
    write_tests(scene, "wrong.yaml", "cnppm-programmes");
    write_tests(scene, "unknown.yaml", "nobody");
    (void)snprintf(right, sizeof right, "%s/right.yaml", scene->hub.dir);
    (void)snprintf(wrong, sizeof wrong, "%s/wrong.yaml", scene->hub.dir);
    (void)snprintf(unknown, sizeof unknown, "%s/unknown.yaml", scene->hub.dir);
    expect(scene, "config-check-tests", 0, NULL, ARGS("config", "check", right));
    expect(scene, "config-check-tests-wrong", 1, NULL, ARGS("config", "check", wrong));
    expect(scene, "config-check-tests-wrong-json", 1, NULL, ARGS("config", "check", wrong, "--json"));
    expect(scene, "config-check-tests-unknown", 78, NULL, ARGS("config", "check", unknown));
    assert_int_equal(mr_file_write(scene->hub.dir, "programme.json",
                             mr_slice_str(HEAD("r-1", "portal", "nms.route.assigned.v1") "{}}"), 0600),
            0);
    expect(scene, "config-plan-changed", 0, NULL, ARGS("config", "plan", "--from", "1", wrong));
    expect(scene, "config-check-tests-refused", 1, NULL, ARGS("config", "check", right));
}

/* docs/example.yaml, with the event that it shows. */
static void test_the_example_of_the_docs(void **state)
{
    struct scene *scene = *state;
    struct run_program run = {0};

    run_program(&run, (const char *const[]){"marshrut", "-c", scene->hub.config, "config", "check",
                              MR_SOURCE_DIR "/docs/example.yaml", NULL});
    assert_non_null(strstr(run_program_out(&run), "9 operators, 1 test holds"));
    assert_int_equal(run.status, 0);
    run_program_fini(&run);
}

static void test_filter(void **state)
{
    static const char event[] =
            "{\"specversion\": \"1.0\", \"id\": \"e-1\", \"source\": \"urn:marshrut:24:portal\", "
            "\"type\": \"nms.programme.listed.v1\", \"regioncode\": \"24\", \"hop\": 5, \"data\": {}}";
    struct scene *scene = *state;
    char path[160];

    (void)snprintf(path, sizeof path, "%s/event.json", scene->hub.dir);
    assert_int_equal(mr_file_write(scene->hub.dir, "event.json", mr_slice_str(event), 0600), 0);
    expect(scene, "filter-passes", 0, NULL,
            ARGS("filter", "type LIKE 'nms.%' AND regioncode IN ('24', '19')", "--event", path));
    expect(scene, "filter-value", 1, event, ARGS("filter", "hop * 2 + LENGTH(id)", "--event", "-"));
    expect(scene, "filter-error", 1, NULL,
            ARGS("filter", "type LIKE 'nms.%'\n\tAND orgid = '1022402127461'", "--event", path));
    expect(scene, "filter-error-json", 1, NULL, ARGS("filter", "NOT type = 'x'", "--event", path, "--json"));
    expect(scene, "filter-empty-json", 1, NULL,
            ARGS("filter", "SUBSTRING(id, 99)", "--event", path, "--json"));
    expect(scene, "filter-parse", 65, NULL, ARGS("filter", "subject = 'Ёж' AND", "--event", path));
    expect(scene, "filter-parse-json", 65, NULL, ARGS("--json", "filter", "1 +* 2", "--event", path));
    expect(scene, "filter-types", 0, NULL,
            ARGS("filter", "type LIKE 'nms.programme.%' AND NOT (regioncode = '61')"));
    expect(scene, "filter-types-json", 1, NULL, ARGS("filter", "type = 'nms.no.such.v1'", "--json"));
    expect(scene, "filter-no-type", 1, NULL, ARGS("filter", "type = 'nms.no.such.v1'"));
    expect(scene, "filter-never", 65, NULL, ARGS("filter", "CONCAT(type, id)"));
    expect(scene, "filter-no-file", 66, NULL, ARGS("filter", "TRUE", "--event", "no-such-file"));
    expect(scene, "filter-no-event", 65, "{\"id\": 1}", ARGS("filter", "TRUE", "--event", "-"));
    expect(scene, "filter-usage", 64, NULL, ARGS("filter"));
}

/* Last: each look is an event, which the questions before would find. */
static void test_looking(void **state)
{
    struct scene *scene = *state;

    spawn_start(&scene->hub);
    expect(scene, "access-look-json", 0, NULL,
            ARGS("--as", "auditor", "access", "look", "2", "--reason", "person", "--case", "17-03",
                    "--json"));
    expect(scene, "access-list-json", 0, NULL,
            ARGS("--as", "auditor", "access", "list", "--case", "17-03", "--json"));
    expect(scene, "access-look-nothing", 66, NULL,
            ARGS("--as", "auditor", "access", "look", "99", "--reason", "person", "--case", "17-03"));
    spawn_stop(&scene->hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_help), cmocka_unit_test(test_wrong_calls),
            cmocka_unit_test(test_publish), cmocka_unit_test(test_questions), cmocka_unit_test(test_config),
            cmocka_unit_test(test_examples), cmocka_unit_test(test_the_example_of_the_docs),
            cmocka_unit_test(test_filter), cmocka_unit_test(test_without_hub),
            cmocka_unit_test(test_looking)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
