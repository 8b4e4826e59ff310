/* Full lists against what is remembered of earlier ones: whose employment ends, and whose never does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "adapters/school/map_school.h"
#include "adapters/sdk/map.h"
#include "event/employment.pb-c.h"
#include "proto/base/list.h"
#include "proto/wire/ident.h"
#include "tests/support/intake_env.h"

#define NUMBERED "Полный список;\nТабельный номер;СНИЛС;Фамилия;Имя;Должность;Группа;Дата приёма\n"
#define PLAIN    "Полный список;\nСНИЛС;Фамилия;Имя;Должность;Группа;Дата приёма\n"
#define REST     ";Иванова;Анна;учитель;ПР;1.9.2020\n"
#define ONE      "112-233-445 95"
#define TWO      "001-019-989 00"
#define THREE    "123-456-789 64"

struct seen {
    struct mr_row_sink sink;
    struct mr_adapter *adapter;
    int started, ended, asked;
    char last_started[64], last_ended[64], asked_text[512];
};

static int on_event(struct mr_row_sink *sink, uint32_t line, const struct mr_attributes *attributes,
        const ProtobufCMessage *payload)
{
    struct seen *seen = MR_CONTAINER(sink, struct seen, sink);

    (void)line;
    if (strcmp(attributes->type, "nms.employment.started.v1") == 0) {
        seen->started++;
        (void)snprintf(seen->last_started, sizeof seen->last_started, "%s",
                ((const Nms__Event__V1__EmploymentStarted *)payload)->employment_id);
    } else if (strcmp(attributes->type, "nms.employment.ended.v1") == 0) {
        seen->ended++;
        (void)snprintf(seen->last_ended, sizeof seen->last_ended, "%s",
                ((const Nms__Event__V1__EmploymentEnded *)payload)->employment_id);
    }
    return 0;
}

static void on_problem(struct mr_row_sink *sink, const struct mr_row_problem *problem)
{
    (void)sink;
    fail_msg("line %u: %s", problem->line, problem->problem);
}

static void on_text(struct mr_row_sink *sink, uint32_t line, const char *text)
{
    (void)sink;
    (void)line;
    (void)text;
}

static void on_table(struct mr_row_sink *sink, const char *name, const char *raw)
{
    (void)sink;
    (void)name;
    (void)raw;
}

static void on_digest(struct mr_row_sink *sink, struct mr_slice data, uint8_t ret[static 16])
{
    mr_outbox_digest(MR_CONTAINER(sink, struct seen, sink)->adapter, data, ret);
}

static void on_ask(struct mr_row_sink *sink, const char *text)
{
    struct seen *seen = MR_CONTAINER(sink, struct seen, sink);

    seen->asked++;
    (void)snprintf(seen->asked_text, sizeof seen->asked_text, "%s", text);
}

static struct mr_config_system systems[] = {
        {.name = (char *)"school", .source = (char *)"urn:marshrut:24:school"}};
static struct mr_config_school school = {
        .link = {.system = (char *)"school"}, .full_list_end_percent_max = 50};
static struct mr_config config = {
        .region = (char *)"24", .systems = systems, .systems_count = 1, .adapters = {.school = &school}};

/* Maps into the outbox; what it remembers stays unless the file is refused or asked about. */
static int map(struct intake_env *env, struct seen *seen, const char *text, struct mr_error *error)
{
    char ogrn[16];
    void *ctx = NULL;
    int r;

    (void)snprintf(ogrn, sizeof ogrn, "102240123456%d", mr_ident_ogrn_check("102240123456"));
    *seen = (struct seen){.sink = {.event = on_event,
                                  .problem = on_problem,
                                  .note = on_text,
                                  .table = on_table,
                                  .row = on_text,
                                  .digest = on_digest,
                                  .ask = on_ask},
            .adapter = env->adapter};
    *error = (struct mr_error){0};
    assert_int_equal(mr_school_mapper.open(&ctx, &config, error), 0);
    assert_int_equal(mr_outbox_begin(env->adapter, &seen->sink.txn), 0);
    r = mr_school_mapper.map(ctx, ogrn, "f.csv", mr_slice_str(text), &seen->sink, error);
    if (r == 0)
        assert_int_equal(mr_outbox_commit(seen->sink.txn), 0);
    else
        mr_outbox_abort(seen->sink.txn);
    mr_school_mapper.close(ctx);
    return r;
}

/* The next full list leaves the column of table numbers out: those who are in it stay employed. */
static void test_numbers_left_out(void **state)
{
    struct mr_error error;
    struct seen seen;
    char id[64];

    assert_int_equal(map(*state, &seen, NUMBERED "1;" ONE REST "2;" TWO REST, &error), 0);
    assert_int_equal(map(*state, &seen, NUMBERED "1;" ONE REST, &error), 0);
    assert_int_equal(seen.ended, 1);
    (void)snprintf(id, sizeof id, "%s", seen.last_started);
    assert_int_equal(map(*state, &seen, PLAIN ONE REST, &error), 0);
    assert_int_equal(seen.ended, 0);
    assert_string_equal(seen.last_started, id); /* the same employment, not a second one */
    assert_int_equal(map(*state, &seen, PLAIN ONE REST TWO REST THREE REST, &error), 0);
    assert_int_equal(map(*state, &seen, PLAIN ONE REST TWO REST, &error), 0);
    assert_int_equal(seen.ended, 1);
}

static void test_numbers_come_in(void **state)
{
    struct mr_error error;
    struct seen seen;

    assert_int_equal(map(*state, &seen, PLAIN ONE REST TWO REST, &error), 0);
    assert_int_equal(map(*state, &seen, NUMBERED "1;" ONE REST "2;" TWO REST, &error), 0);
    assert_int_equal(seen.ended, 0);
}

/* Remembered by number only, and the list has none: nobody can say who is absent. */
static void test_no_way_to_match(void **state)
{
    struct mr_error error;
    struct seen seen;

    assert_int_equal(map(*state, &seen, NUMBERED "1;" REST "2;" TWO REST, &error), 0);
    assert_int_equal(map(*state, &seen, PLAIN TWO REST, &error), MR_EINVAL);
    assert_non_null(strstr(error.what, "полный список нельзя сверить с 1 из 2"));
    assert_true(error.cure[0]);
    assert_int_equal(seen.ended, 0);
    assert_int_equal(map(*state, &seen, NUMBERED "2;" TWO REST "1;" ONE REST, &error), 0);
    assert_int_equal(seen.ended, 0);
}

/* Who would go is told by the line of the last list, without names. */
static void test_asks(void **state)
{
    struct mr_error error;
    struct seen seen;

    assert_int_equal(map(*state, &seen, NUMBERED "1;" ONE REST "2;" TWO REST "3;" THREE REST, &error), 0);
    assert_int_equal(map(*state, &seen, NUMBERED "1;" ONE REST, &error), 1);
    assert_int_equal(seen.ended, 0);
    assert_int_equal(seen.asked, 2);
    assert_non_null(strstr(seen.asked_text, "строки "));
    assert_null(strstr(seen.asked_text, "Иванова"));
    assert_non_null(strstr(error.what, "нет 2 из 3"));
}

/* Two posts of one person: the one that is left out stays until its end is told. */
static void test_second_post_stays(void **state)
{
    struct mr_error error;
    struct seen seen;

    assert_int_equal(map(*state, &seen, NUMBERED "1;" ONE REST "9;" ONE REST "2;" TWO REST, &error), 0);
    assert_int_equal(map(*state, &seen, NUMBERED "1;" ONE REST "2;" TWO REST, &error), 0);
    assert_int_equal(seen.ended, 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, intake_env_setup_no_hub, intake_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(test_numbers_left_out), CASE(test_numbers_come_in),
            CASE(test_no_way_to_match), CASE(test_asks), CASE(test_second_post_stays)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
