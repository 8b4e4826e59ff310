#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/buf.h"
#include "proto/base/list.h"
#include "proto/config/config.h"

#define EXAMPLE MR_SOURCE_DIR "/docs/example.yaml"
/* Keys of the example that other ones take the place of. */
#define ESCROW "escrow: {root: /media/marshrut-root, keys: /srv/marshrut-keys}"
#define LISTEN "http_listen: 127.0.0.1:7410"

static char *example_text(void)
{
    FILE *file = fopen(EXAMPLE, "re");
    char *text = calloc(1, 65536);

    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, file) > 0);
    (void)fclose(file);
    return text;
}

static int parse(const char *text, struct mr_config **ret, struct mr_error *error)
{
    return mr_config_parse(ret, mr_slice_str(text), "test.yaml", "/base", error);
}

static void test_example(void **state)
{
    struct mr_config *config = NULL;
    struct mr_error error = {0};

    (void)state;
    if (mr_config_load(&config, EXAMPLE, &error) != 0)
        fail_msg("%s: %s", error.where, error.what);
    assert_int_equal(config->systems_count, 4);
    assert_int_equal(mr_config_subscriptions_configured(config), 4);
    assert_int_equal(config->subscriptions_count, 8); /* and one a system for notices of erasure */
    assert_string_equal(config->subscriptions[4].name, "@erasure-school");
    assert_true(mr_config_builtin(&config->subscriptions[7]));
    assert_false(mr_config_builtin(&config->subscriptions[3]));
    assert_int_equal(config->erasure.term_days, 30);
    assert_int_equal(config->subscriptions[0].scope, MR_SCOPE_STAFF);
    assert_int_equal(config->subscriptions[0].personal, MR_PERSONAL_FULL);
    assert_int_equal(config->subscriptions[3].personal, MR_PERSONAL_NONE);
    assert_int_equal(config->subscriptions[1].attempts_max, 10);
    assert_int_equal(config->subscriptions[0].filters[0].any_count, 3);
    assert_string_equal(config->subscriptions[2].filters[1].not_->suffix->source, ":cnppm");
    assert_string_equal(config->subscriptions[1].filters[1].sql,
            "source LIKE 'urn:marshrut:24:%' AND NOT (EXISTS causationid)");
    assert_string_equal(config->adapters.school->in, MR_SOURCE_DIR "/docs/school/in");
    assert_string_equal(config->adapters.copmkp->link.hub, "tcp://127.0.0.1:7400");
    assert_int_equal(config->adapters.copmkp->settle_ms, 500);
    assert_int_equal(*config->adapters.copmkp->keep_days, 30);
    assert_int_equal(*config->adapters.cnppm->keep_days, 14);
    assert_memory_equal(config->text.data, "# A full example", 16);
    mr_config_free(config);
}

/* One for each role that there is, and where the console and the spare keys are. */
static void test_the_example_is_whole(void **state)
{
    static const char *const roles[] = {
            "cnppm", "mms", "ipk", "ministry", "federal", "auditor", "pd-officer", "admin"};
    struct mr_config *config = NULL;

    (void)state;
    assert_int_equal(mr_config_load(&config, EXAMPLE, NULL), 0);
    for (size_t i = 0; i < MR_COUNT(roles); i++) {
        bool somebody = false;

        for (uint32_t j = 0; j < config->operators_count; j++)
            somebody = somebody || mr_config_operator_has(config, config->operators[j].name, roles[i]);
        if (!somebody)
            fail_msg("no operator has the role %s", roles[i]);
    }
    assert_string_equal(config->hub.http_listen, "127.0.0.1:7410");
    assert_non_null(config->hub.escrow);
    assert_int_equal(config->tests_count, 1);
    mr_config_free(config);
}

static void test_lookups(void **state)
{
    struct mr_config *config = NULL;
    const struct mr_config_system *portal;

    (void)state;
    assert_int_equal(mr_config_load(&config, EXAMPLE, NULL), 0);
    portal = mr_config_system(config, "portal");
    assert_non_null(portal);
    assert_null(mr_config_system(config, "nobody"));
    assert_true(mr_config_may_publish(portal, "nms.programme.listed.v1"));
    assert_true(mr_config_may_publish(portal, "nms.course.finished.v1"));
    assert_false(mr_config_may_publish(portal, "nms.course.finished.v12"));
    assert_false(mr_config_may_publish(portal, "nms.programme"));
    assert_true(mr_config_speaks_for(config, portal, "24"));
    assert_true(mr_config_speaks_for(config, mr_config_system(config, "school"), "24"));
    assert_false(mr_config_speaks_for(config, mr_config_system(config, "school"), "77"));
    assert_true(mr_config_code_known(config, "qual_category", "first"));
    assert_false(mr_config_code_known(config, "qual_category", "second"));
    assert_true(mr_config_code_known(config, "not-configured", "anything"));
    assert_string_equal(mr_config_code_title(config, "qual_category", "highest"), "Высшая категория");
    assert_string_equal(mr_config_code_title(config, "qual_category", "other"), "other");
    assert_true(mr_config_operator_has(config, "ivanova", "auditor"));
    assert_false(mr_config_operator_has(config, "ivanova", "admin"));
    assert_false(mr_config_operator_has(config, "petrov", "auditor"));
    mr_config_free(config);
}

static void test_code_find(void **state)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {{"Высшая категория", "highest"}, {"ВЫСШАЯ КАТЕГОРИЯ", "highest"}, {"first", "first"},
            {"FIRST", "first"}, {"Bысшaя кaтeгopия", "highest"}, /* Latin B, a, e, o, p */
            {"  высшая   категория ", "highest"}, {"высшаякатегория", NULL}, {"", NULL}, {"высшая", NULL},
            {"\xd0", NULL}, {"\xff\xfe", NULL}};
    struct mr_config *config = NULL;

    (void)state;
    assert_int_equal(mr_config_load(&config, EXAMPLE, NULL), 0);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        const char *got = mr_config_code_find(config, "qual_category", cases[i].text);

        if ((got == NULL) != (cases[i].want == NULL) || (got && strcmp(got, cases[i].want) != 0))
            fail_msg("\"%s\": %s", cases[i].text, got ? got : "NULL");
    }
    assert_null(mr_config_code_find(config, "no-such-list", "x"));
    mr_config_free(config);
}

/* The example with one text replaced. */
static const struct bad {
    const char *find;
    const char *replace;
    const char *what;  /* must be in the message */
    const char *place; /* must be in where; NULL: any line */
} bads[] = {
        {"version: 1", "version: 2", "version 1", ":2:10"},
        {"version: 1", "versoin: 1", "unknown key: versoin", ":2:1"},
        {"version: 1\n", "", "missing: version", NULL},
        {"version: 1", "version: one", "Invalid uint", NULL},
        {"version: 1", "version: 1\nversion: 1", "twice", ":3:1"},
        {"version: 1", "version: 1\n---\nversion: 1", "second document", NULL},
        {"region: \"24\"", "region: krsk", "region", ":3:9"},
        {"region: \"24\"", "region: [\"24\"]", "single value", ":3:9"},
        {"region: \"24\"", "region: \"2\\04\"", "NUL", NULL},
        {"region: \"24\"", "region: &a \"24\"\ntimezone: *a", "alias", NULL},
        {"region: \"24\"", "region: \"24", "YAML", NULL},
        {"source: urn:marshrut:24:hub", "source: hub", "URI", NULL},
        {"    - tcp://127.0.0.1:7400", "    []", "no endpoint", NULL},
        {"    - tcp://127.0.0.1:7400", "    - ipc://x", "endpoint", ":9:7"},
        {"admin: run/hub.sock", "admin: ''", "empty", NULL},
        {"publish_window: 16384", "publish_window: 99999999", "out of range", NULL},
        {"publish_window: 16384", "publish_window: -1", "UINT", NULL},
        {"ping_interval_ms: 5000", "ping_interval_ms: 5", "out of range", NULL},
        {"ping_interval_ms: 5000", "correction_days: 366", "out of range", NULL},
        {"ping_interval_ms: 5000", "index_lag_max: 999", "out of range", NULL},
        {ESCROW, "escrow: {root: store/x}", "not a place apart", NULL},
        {ESCROW, "escrow: {keys: keys/root}", "not a place apart", NULL},
        {ESCROW, "escrow: {root: e, keys: e}", "not a place apart", NULL},
        {ESCROW, "escrow: {root: e, keys: e/k}", "not a place apart", NULL},
        {ESCROW, "escrow: {root: ''}", "not a place apart", NULL},
        {LISTEN, "http_listen: 7410", "not an address", NULL},
        {"ping_interval_ms: 5000", "http_proxy: {addresses: [10.0.0.0/33]}", "no address and no net", NULL},
        {"ping_interval_ms: 5000", "http_proxy: {addresses: [proxy.example]}", "no address and no net", NULL},
        {"ping_interval_ms: 5000", "http_proxy: {addresses: []}", "no proxy is named", NULL},
        {"ping_interval_ms: 5000", "http_proxy: {addresses: [127.0.0.1], header: X-Real-IP}",
                "not a header that proxies write", NULL},
        {LISTEN, "http_listen: 127.0.0.1:70000", "not an address", NULL},
        {"public_key: 'rq", "public_key: 'r", "CURVE", NULL},
        {"public_key: 'Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID'",
                "public_key: 'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6'", "same key", NULL},
        {"public_key: 'Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID'",
                "public_key: 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7'", "hub's own key", NULL},
        {"- name: school\n", "- name: School\n", "not a name", NULL},
        {"- name: school\n", "- name: hub\n", "hub's own", NULL},
        {"- name: copmkp\n", "- name: school\n", "twice", NULL},
        {"kind: school", "kind: shool", "unknown kind", NULL},
        {"source: urn:marshrut:24:copmkp", "source: urn:marshrut:24:school", "same source", NULL},
        {"[nms.person.", "[nms person.", "event type", NULL},
        {"regions: [\"24\"]", "regions: [xx]", "region", NULL},
        {"- name: school-staff", "- name: copmkp-courses", "twice", NULL},
        {"system: school\n    personal", "system: scool\n    personal", "no such system", NULL},
        {"personal: full", "personal: fool", "no such value here: fool", ":46:15"},
        {"personal: full", "personal: 7", "no such value", NULL},
        {"personal: full", "personal: ''", "no such value", NULL},
        {"scope: staff", "scope: stuff", "no such value here: stuff", NULL},
        {"timezone: Asia/Krasnoyarsk", "timezone: Asia/Krasnojarsk", "time zone", ":4:11"},
        {"timezone: Asia/Krasnoyarsk", "timezone: Asia", "time zone", NULL},
        {"timezone: Asia/Krasnoyarsk", "timezone: ../zoneinfo/UTC", "time zone", NULL},
        {"timezone: Asia/Krasnoyarsk", "timezone: /usr/share/zoneinfo/UTC", "time zone", NULL},
        {"timezone: Asia/Krasnoyarsk", "timezone: ''", "time zone", NULL},
        {"    - tcp://127.0.0.1:7400", "    - tcp://127.0.0.1:0", "endpoint", ":9:7"},
        {"    - tcp://127.0.0.1:7400", "    - tcp://127.0.0.1:65536", "endpoint", ":9:7"},
        {"    - tcp://127.0.0.1:7400", "    - tcp://127.0.0.1", "endpoint", NULL},
        {"    - tcp://127.0.0.1:7400", "    - tcp://127.0.0.1:74oo", "endpoint", NULL},
        {"    - tcp://127.0.0.1:7400", "    - tcp://:7400", "endpoint", NULL},
        {"    - tcp://127.0.0.1:7400", "    - tcp://::1:7400", "endpoint", NULL},
        {"hub: tcp://127.0.0.1:7400", "hub: tcp://127.0.0.1:99999", "endpoint", NULL},
        {"listen: 127.0.0.1:7411", "listen: 127.0.0.1", "not an address", NULL},
        {"listen: 127.0.0.1:7412", "listen: 127.0.0.1:70000", "not an address", NULL},
        {"attempts_max: 10", "attempts_max: 5000", "out of range", NULL},
        {"exact: {type", "exact: {tipe", "unknown key: tipe", NULL},
        {"      - exact: {type", "      - prefix: {type: x}\n        exact: {type", "several dialects", NULL},
        {"exact: {regioncode: \"24\"}", "exact: {}", "without an attribute", NULL},
        {"      - exact: {type", "      - sql: \"TRUE\"\n        exact: {type", "several dialects", NULL},
        {"exact: {regioncode: \"24\"}", "all: []", "says nothing", NULL},
        {"suffix: {source: \":cnppm\"}", "not: {not: {}}", "says nothing", NULL},
        {"- name: qual_category", "- name: Qual", "not a code list's name", NULL},
        {"code: highest", "code: first", "twice", NULL},
        {"roles: [cnppm", "roles: [boss", "unknown role", NULL},
        {"period_from: \"2026-01-01\"", "period_from: \"2026-1-1\"", "date", NULL},
        {"period_from: \"2026-01-01\"", "period_from: \"2027-01-01\"", "before period_from", NULL},
        {"suppress_below: 5", "suppress_below: 5000", "out of range", NULL},
        {"suppress_below: 5", "sections: [1, 9]", "no section of the form", NULL},
        {"suppress_below: 5", "sections: [2, 1, 2]", "named twice", NULL},
        {"code: 3.premises", "code: premises", "not a cell's code", NULL},
        {"code: 3.premises", "code: 9.premises", "not a cell's code", NULL},
        {"code: 3.premises", "code: 3.Premises", "not a cell's code", NULL},
        {"code: 3.premises", "code: 3..x", "not a cell's code", NULL},
        {"code: 3.premises", "code: 6.sites", "named twice", NULL},
        {"title: Вакансии", "title: ''", "empty", NULL},
        {"to_years: 35", "to_years: 0\n      x: 1", "", NULL},
        {"from_years: 35, to_years: 0", "from_years: 35, to_years: 30", "ends before", NULL},
        {"adapters:\n  school:\n    system: school", "adapters:\n  school:\n    system: skool",
                "no such system", NULL},
        {"full_list_end_percent_max: 20", "full_list_end_percent_max: 101", "out of range", NULL},
        {"hub: tcp://127.0.0.1:7400", "hub: 127.0.0.1:7400", "endpoint", NULL},
        {"server: smtp://mail", "server: http://mail", "not a mail server", ":132:13"},
        {"server: smtp://mail", "server: smtp://a:b@mail", "not a mail server", NULL},
        {"from: marshrut@", "from: marshrut", "not a mail address: \"marshrutexample.org\"", NULL},
        {"to: [duty@example.org]", "to: []", "nobody", NULL},
        {"to: [duty@example.org]", "to: [\"a@b\\r\\nBcc: c@d\"]", "alerts.mail.to[0]: not a mail address",
                NULL},
        {"to: [duty@example.org]", "to: [a@b]\n    user: hub", "both user and password_file", NULL},
        {"to: [duty@example.org]", "to: [a@b]\n  command: [page]", "not a command", NULL},
        {"to: [duty@example.org]", "to: [a@b]\n  webhook: ftp://x", "not a URL", NULL},
        {"to: [duty@example.org]", "to: [a@b]\n  webhook_token_file: t", "there is no webhook", NULL},
        {"to: [duty@example.org]", "to: [a@b]\n  balance_hours: 745", "alerts.balance_hours: out of range",
                NULL},
        {"to: [duty@example.org]", "to: [a@b]\n  timeout_seconds: 601", "out of range", NULL},
        {"{system: copmkp, hours: 26}", "{system: nobody, hours: 26}", "no such system: \"nobody\"", NULL},
        {"{system: copmkp, hours: 26}", "{system: copmkp, hours: 0}", "alerts.silent[0].hours", NULL},
        {"{system: copmkp, hours: 26}", "{system: copmkp, hours: 1}, {system: copmkp, hours: 2}", "twice",
                NULL},
        {"  mail:\n    server: smtp://mail.example.org:25\n    from: marshrut@example.org\n"
         "    to: [duty@example.org]\n",
                "", "nobody would be told", NULL},
        {"adapters:", "adapters: 5\nrest:", "keys with values", NULL},
        {"systems:", "systems: {}\nsystms:", "list is expected", NULL},
};

static char *replaced(const char *text, const struct bad *bad)
{
    const char *at = strstr(text, bad->find);
    char *out = NULL;

    if (!at)
        fail_msg("the example has no \"%s\"", bad->find);
    assert_true(asprintf(&out, "%.*s%s%s", (int)(at - text), text, bad->replace, at + strlen(bad->find)) > 0);
    return out;
}

static void test_bad_files(void **state)
{
    char *text = example_text();

    (void)state;
    for (size_t i = 0; i < MR_COUNT(bads); i++) {
        struct mr_config *config = NULL;
        struct mr_error error = {0};
        char *changed = replaced(text, &bads[i]);
        int r = parse(changed, &config, &error);

        if (r != MR_ECONFIG)
            fail_msg("\"%s\" -> \"%s\": taken (%d)", bads[i].find, bads[i].replace, r);
        if (!strstr(error.what, bads[i].what) || strncmp(error.where, "test.yaml:", 10) != 0 ||
                (bads[i].place && !strstr(error.where, bads[i].place)) || error.cure[0] == 0)
            fail_msg("\"%s\": %s | %s | %s", bads[i].replace, error.where, error.what, error.cure);
        assert_null(config);
        free(changed);
    }
    free(text);
}

static void test_good_values(void **state)
{
    static const struct bad goods[] = {{"timezone: Asia/Krasnoyarsk\n", "", "", NULL},
            {"timezone: Asia/Krasnoyarsk", "timezone: Etc/GMT+7", "", NULL},
            {"    - tcp://127.0.0.1:7400", "    - tcp://[::1]:1", "", NULL},
            {"    - tcp://127.0.0.1:7400", "    - tcp://*:65535", "", NULL},
            {"listen: 127.0.0.1:7411", "listen: 127.0.0.1:0", "", NULL}};
    char *text = example_text();

    (void)state;
    for (size_t i = 0; i < MR_COUNT(goods); i++) {
        struct mr_config *config = NULL;
        struct mr_error error = {0};
        char *changed = replaced(text, &goods[i]);

        if (parse(changed, &config, &error) != 0)
            fail_msg("\"%s\": %s | %s", goods[i].replace, error.where, error.what);
        mr_config_free(config);
        free(changed);
    }
    free(text);
}

static void test_where(void **state)
{
    struct mr_config *config = NULL;
    char where[64];

    (void)state;
    assert_int_equal(mr_config_load(&config, EXAMPLE, NULL), 0);
    mr_config_where(config, "f", "region", where, sizeof where);
    assert_string_equal(where, "f:3:9");
    mr_config_where(config, "f", "systems[0].publish[1]", where, sizeof where);
    assert_string_equal(where, "f:25:28");
    mr_config_where(config, "f", "systems[99].publish[1]", where, sizeof where);
    assert_int_equal(strncmp(where, "f:", 2), 0);
    mr_config_free(config);
}

static void test_allowed_values_are_named(void **state)
{
    char *text = example_text();
    const struct bad bad = {"scope: staff", "scope: stuff", "", NULL};
    char *changed = replaced(text, &bad);
    struct mr_config *config = NULL;
    struct mr_error error = {0};

    (void)state;
    assert_int_equal(parse(changed, &config, &error), MR_ECONFIG);
    assert_string_equal(error.cure, "one of: all, staff");
    free(changed);
    free(text);
}

static void test_filter_attribute_is_named(void **state)
{
    char *text = example_text();
    const struct bad bad = {"exact: {type", "exact: {tipe", "", NULL};
    char *changed = replaced(text, &bad);
    struct mr_config *config = NULL;
    struct mr_error error = {0};

    (void)state;
    assert_int_equal(parse(changed, &config, &error), MR_ECONFIG);
    assert_non_null(strstr(error.cure, "correlationid"));
    free(changed);
    free(text);
}

/* 0 is said, not left out. */
static void test_files_kept_for_ever(void **state)
{
    const struct bad never = {"keep_days: 14", "keep_days: 0", NULL, NULL};
    char *text = example_text(), *changed = replaced(text, &never);
    struct mr_config *config = NULL;

    (void)state;
    assert_int_equal(parse(changed, &config, NULL), 0);
    assert_int_equal(*config->adapters.cnppm->keep_days, 0);
    mr_config_free(config);
    free(changed);
    free(text);
}

static void test_not_files(void **state)
{
    static const char *const texts[] = {"", "\n", "[", "- a", "42", "{", "\t", "a: b", "%", "&x", "--- ---"};
    struct mr_config *config = NULL;
    struct mr_error error = {0};
    char deep[4096];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(texts); i++)
        assert_int_equal(parse(texts[i], &config, &error), MR_ECONFIG);
    memset(deep, '[', sizeof deep);
    assert_int_equal(mr_config_parse(&config, mr_slice(deep, sizeof deep), "t", "/", &error), MR_ECONFIG);
    assert_int_equal(mr_config_load(&config, "/no/such/file", &error), MR_ECONFIG);
    assert_string_equal(error.where, "/no/such/file");
}

static void test_read_key(void **state)
{
    char path[] = "/tmp/mr-key-XXXXXX";
    char key[41];
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(dprintf(fd, "rq:rM>}U?@Lns47E1%%kR.o@n%%FcmmsL/@{H8]yf7\n"), 41);
    assert_int_equal(mr_config_read_key(path, true, key, NULL), 0);
    assert_string_equal(key, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
    assert_int_equal(fchmod(fd, 0644), 0);
    assert_int_equal(mr_config_read_key(path, true, key, NULL), MR_EDENIED);
    assert_int_equal(mr_config_read_key(path, false, key, NULL), 0);
    /* As a credential: the group's bit is the mask of an access list, and only that one. */
    assert_int_equal(fchmod(fd, 0440), 0);
    assert_int_equal(mr_config_read_key(path, true, key, NULL), MR_EDENIED);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/tm", 1), 0);
    assert_int_equal(mr_config_read_key(path, true, key, NULL), MR_EDENIED);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/tmp", 1), 0);
    assert_int_equal(mr_config_read_key(path, true, key, NULL), 0);
    assert_int_equal(fchmod(fd, 0444), 0);
    assert_int_equal(mr_config_read_key(path, true, key, NULL), MR_EDENIED);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_int_equal(ftruncate(fd, 20), 0);
    assert_int_equal(mr_config_read_key(path, false, key, NULL), MR_EINVAL);
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(mr_config_read_key(path, false, key, NULL), MR_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_example),
            cmocka_unit_test(test_the_example_is_whole), cmocka_unit_test(test_lookups),
            cmocka_unit_test(test_code_find), cmocka_unit_test(test_bad_files),
            cmocka_unit_test(test_filter_attribute_is_named), cmocka_unit_test(test_files_kept_for_ever),
            cmocka_unit_test(test_not_files), cmocka_unit_test(test_read_key),
            cmocka_unit_test(test_good_values), cmocka_unit_test(test_where),
            cmocka_unit_test(test_allowed_values_are_named)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
