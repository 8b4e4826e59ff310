#include "adapters/cnppm/xapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "event/course.pb-c.h"
#include "proto/base/list.h"
#include "proto/wire/json.h"
#include "tests/support/posted.h"

#define ID    "\"id\":\"7d0e24a1-0000-4000-8000-000000000001\","
#define ACTOR "\"actor\":{\"account\":{\"homePage\":\"https://sdo.example\",\"name\":\"%s\"}},"
#define VERB  "\"verb\":{\"id\":\"http://adlnet.gov/expapi/verbs/%s\"},"
#define COURSE                                                                                               \
    "\"object\":{\"id\":\"urn:programme:PK-1\",\"definition\":{\"type\":"                                    \
    "\"http://adlnet.gov/expapi/activities/course\",\"name\":{\"en\":\"X\",\"ru\":\"Методика\"}}},"
#define TIME "\"timestamp\":\"2026-06-30T23:30:00+07:00\""

static int64_t fixed_us(void *ctx)
{
    (void)ctx;
    return 1782000000LL * 1000000;
}
static const struct mr_clock fixed = {fixed_us, fixed_us, NULL};
static const struct mr_xapi xapi = {{"urn:marshrut:24:cnppm", "24", "cnppm"}, &fixed};

struct run {
    struct posted posted;
    struct mr_post *post;
    struct mr_post_summary summary;
};

static int setup(void **state)
{
    static struct run run;

    posted_init(&run.posted);
    run.post = NULL;
    *state = &run;
    return 0;
}

static int teardown(void **state)
{
    struct run *run = *state;

    mr_post_free(run->post);
    posted_fini(&run->posted);
    return 0;
}

/* Result of the one statement of a request. */
static const char *give(struct run *run, const char *text, const char *key)
{
    struct mr_error error = {0};
    json_t *json = mr_json_parse(mr_slice_str(text), "test", &error);

    if (!json)
        fail_msg("%s: %s in %s", error.where, error.what, text);
    mr_post_free(run->post);
    assert_int_equal(mr_post_new(&run->post, &run->posted.store), 0);
    mr_xapi_statement(&xapi, json, run->post);
    json_decref(json);
    mr_post_summary(run->post, &run->summary);
    return json_string_value(json_object_get(json_array_get(mr_post_results(run->post), 0), key));
}

static void test_verbs(void **state)
{
    static const struct {
        const char *verb;
        const char *result;
        const char *type; /* NULL: ignored */
    } cases[] = {
            {"completed", "", "nms.course.finished.v1"},
            {"passed", "", "nms.course.finished.v1"},
            {"passed", "\"result\":{\"success\":true},", "nms.course.finished.v1"},
            {"completed", "\"result\":{\"success\":false},", "nms.course.failed.v1"},
            {"failed", "", "nms.course.failed.v1"},
            {"registered", "", "nms.course.enrolled.v1"},
            {"experienced", "", NULL},
            {"", "", NULL},
    };
    struct run *run = *state;

    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        char text[1024];

        (void)snprintf(text, sizeof text, "{" ACTOR VERB "%s" COURSE TIME "}", "112-233-445 95",
                cases[i].verb, cases[i].result);
        posted_clear(&run->posted);
        assert_string_equal(give(run, text, "status"), cases[i].type ? "accepted" : "ignored");
        assert_int_equal(run->posted.count, cases[i].type ? 1 : 0);
        if (cases[i].type)
            assert_string_equal(posted_event(&run->posted, 0)->a.type, cases[i].type);
    }
}

static void test_finished(void **state)
{
    struct run *run = *state;
    char text[1024];
    struct mr_event *event;
    Nms__Event__V1__CourseFinished *course;

    (void)snprintf(text, sizeof text,
            "{" ID ACTOR VERB COURSE "\"context\":{\"extensions\":{\"urn:marshrut:xapi:hours\":36,"
            "\"urn:marshrut:xapi:kind\":\"PK\",\"urn:other\":1}}," TIME "}",
            "112-233-445 95", "completed");
    assert_string_equal(give(run, text, "status"), "accepted");
    event = posted_event(&run->posted, 0);
    course = (Nms__Event__V1__CourseFinished *)event->payload;
    assert_string_equal(event->a.id, "7d0e24a1-0000-4000-8000-000000000001");
    assert_string_equal(event->a.source, "urn:marshrut:24:cnppm");
    assert_string_equal(event->a.actorrole, "system");
    assert_string_equal(course->person->snils, "11223344595");
    assert_string_equal(course->programme_id, "PK-1");
    assert_string_equal(course->programme_title, "Методика");
    assert_string_equal(course->ended_on, "2026-06-30"); /* the sender's day, not the UTC one */
    assert_int_equal(course->hours, 36);
}

static void test_actors(void **state)
{
    static const struct {
        const char *actor;
        const char *snils;
        const char *local_id; /* NULL: invalid */
    } cases[] = {
            {"{\"account\":{\"homePage\":\"urn:snils\",\"name\":\"11223344595\"}}", "11223344595", ""},
            {"{\"account\":{\"homePage\":\"https://a\",\"name\":\"ivanova\"}}", "", "https://a#ivanova"},
            {"{\"mbox\":\"mailto:a@b.example\"}", "", "mailto:a@b.example"},
            {"{\"mbox\":\"a@b.example\"}", "", NULL},
            {"{\"account\":{\"name\":\"ivanova\"}}", "", NULL},
            {"{\"name\":\"Anna\"}", "", NULL},
            {"\"ivanova\"", "", NULL},
    };
    struct run *run = *state;

    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        char text[1024];
        Nms__Event__V1__CourseFinished *course;

        (void)snprintf(text, sizeof text, "{\"actor\":%s," VERB COURSE TIME "}", cases[i].actor, "passed");
        posted_clear(&run->posted);
        if (!cases[i].local_id) {
            assert_string_equal(give(run, text, "field"), "actor");
            assert_int_equal(run->posted.count, 0);
            continue;
        }
        assert_string_equal(give(run, text, "status"), "accepted");
        course = (Nms__Event__V1__CourseFinished *)posted_event(&run->posted, 0)->payload;
        assert_string_equal(course->person->snils, cases[i].snils);
        assert_string_equal(course->person->local_id, cases[i].local_id);
    }
}

static void test_same_id(void **state)
{
    struct run *run = *state;
    char text[1024];

    (void)snprintf(text, sizeof text, "{" ID ACTOR VERB COURSE TIME "}", "11223344595", "passed");
    assert_string_equal(give(run, text, "status"), "accepted");
    assert_string_equal(give(run, text, "status"), "repeated");
    /* Other order of members, and what a server adds. */
    (void)snprintf(text, sizeof text,
            "{" TIME "," COURSE VERB ACTOR ID "\"stored\":\"2026-07-01T00:00:00Z\"}", "passed",
            "11223344595");
    assert_string_equal(give(run, text, "status"), "repeated");
    (void)snprintf(text, sizeof text, "{" ID ACTOR VERB COURSE TIME "}", "11223344595", "failed");
    assert_string_equal(give(run, text, "status"), "conflict");
    assert_int_equal(run->summary.conflicts, 1);
    assert_int_equal(run->posted.count, 1);
}

static void test_mended_statement_may_come_again(void **state)
{
    struct run *run = *state;
    char text[1024];

    (void)snprintf(text, sizeof text,
            "{" ID ACTOR VERB COURSE
            "\"context\":{\"extensions\":{\"urn:marshrut:xapi:hours\":\"many\"}}," TIME "}",
            "11223344595", "passed");
    assert_string_equal(give(run, text, "status"), "invalid");
    assert_string_equal(give(run, text, "field"), "hours");
    (void)snprintf(text, sizeof text, "{" ID ACTOR VERB COURSE TIME "}", "11223344595", "passed");
    assert_string_equal(give(run, text, "status"), "accepted");
}

static void test_other_objects_are_ignored(void **state)
{
    struct run *run = *state;
    char text[1024];

    (void)snprintf(text, sizeof text,
            "{" ACTOR VERB "\"object\":{\"id\":\"https://a/quiz/1\",\"definition\":{\"type\":"
            "\"http://adlnet.gov/expapi/activities/assessment\"}}," TIME "}",
            "11223344595", "passed");
    assert_string_equal(give(run, text, "status"), "ignored");
    assert_int_equal(run->posted.rows, 0);
}

static void test_invalid(void **state)
{
    static const struct {
        const char *statement;
        const char *field;
    } cases[] = {
            {"[1]", "verb.id"},
            {"{}", "verb.id"},
            {"{\"verb\":\"passed\"}", "verb.id"},
            {"{\"id\":\"1\",\"verb\":{\"id\":\"http://adlnet.gov/expapi/verbs/passed\"}}", "id"},
            {"{\"verb\":{\"id\":\"http://adlnet.gov/expapi/verbs/passed\"},\"timestamp\":\"yesterday\"}",
                    "timestamp"},
            {"{\"verb\":{\"id\":\"http://adlnet.gov/expapi/verbs/"
             "passed\"},\"actor\":{\"mbox\":\"mailto:a@b\"}}",
                    "object.id"},
    };
    struct run *run = *state;

    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        assert_string_equal(give(run, cases[i].statement, "field"), cases[i].field);
        assert_int_equal(run->summary.invalid, 1);
        assert_int_equal(run->posted.count, 0);
    }
}

static void test_store_fails(void **state)
{
    struct run *run = *state;
    char text[1024];

    run->posted.fail = MR_ENOSPACE;
    (void)snprintf(text, sizeof text, "{" ID ACTOR VERB COURSE TIME "}", "11223344595", "passed");
    (void)give(run, text, "status");
    assert_int_equal(run->summary.failed, MR_ENOSPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_verbs, setup, teardown),
            cmocka_unit_test_setup_teardown(test_finished, setup, teardown),
            cmocka_unit_test_setup_teardown(test_actors, setup, teardown),
            cmocka_unit_test_setup_teardown(test_same_id, setup, teardown),
            cmocka_unit_test_setup_teardown(test_mended_statement_may_come_again, setup, teardown),
            cmocka_unit_test_setup_teardown(test_other_objects_are_ignored, setup, teardown),
            cmocka_unit_test_setup_teardown(test_invalid, setup, teardown),
            cmocka_unit_test_setup_teardown(test_store_fails, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
