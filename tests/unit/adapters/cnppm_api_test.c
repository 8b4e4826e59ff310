#include "adapters/cnppm/api_item.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "event/assessment.pb-c.h"
#include "event/route.pb-c.h"
#include "proto/base/list.h"
#include "proto/wire/json.h"
#include "tests/support/posted.h"

static const struct mr_speaker speaker = {"urn:marshrut:24:cnppm", "24", "cnppm"};

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

static const char *give(struct run *run, enum mr_api_face face, const char *text, const char *key)
{
    struct mr_error error = {0};
    json_t *json = mr_json_parse(mr_slice_str(text), "test", &error);

    if (!json)
        fail_msg("%s: %s in %s", error.where, error.what, text);
    mr_post_free(run->post);
    assert_int_equal(mr_post_new(&run->post, &run->posted.store), 0);
    mr_api_item(face, &speaker, json, run->post);
    json_decref(json);
    mr_post_summary(run->post, &run->summary);
    return json_string_value(json_object_get(json_array_get(mr_post_results(run->post), 0), key));
}

#define ROUTE                                                                                                \
    "\"routeId\":\"IOM-1\",\"person\":{\"snils\":\"112-233-445 95\"},\"assignedOn\":\"2026-04-10\","         \
    "\"deficitIds\":[\"D-1:ict\"],\"steps\":[{\"stepId\":\"1\",\"form\":\"formal\",\"hours\":36}]"

static void test_route(void **state)
{
    struct run *run = *state;
    struct mr_event *event;
    Nms__Event__V1__RouteAssigned *route;

    assert_string_equal(give(run, MR_API_ROUTES, "{" ROUTE "}", "status"), "accepted");
    event = posted_event(&run->posted, 0);
    route = (Nms__Event__V1__RouteAssigned *)event->payload;
    assert_string_equal(event->a.type, "nms.route.assigned.v1");
    assert_string_equal(event->a.basis, "education");
    assert_string_equal(event->a.actor, "cnppm");
    assert_string_equal(event->a.regioncode, "24");
    assert_string_equal(route->person->snils, "11223344595");
    assert_string_equal(route->steps[0]->form, "formal");
    assert_string_equal(route->deficit_ids[0], "D-1:ict");
}

static void test_same_content_same_id(void **state)
{
    struct run *run = *state;
    char first[64];

    (void)give(run, MR_API_ROUTES, "{" ROUTE "}", "status");
    (void)snprintf(first, sizeof first, "%s", posted_event(&run->posted, 0)->a.id);
    (void)give(run, MR_API_ROUTES, "{\"event\":\"assigned\"," ROUTE "}", "status");
    (void)give(run, MR_API_ROUTES, "{" ROUTE ",\"content\":\"more\"}", "status");
    (void)give(run, MR_API_ROUTES, "{\"id\":\"r-1\"," ROUTE "}", "status");
    assert_true(mr_slice_equal(mr_buf_slice(&run->posted.events[0]), mr_buf_slice(&run->posted.events[1])));
    assert_string_not_equal(posted_event(&run->posted, 2)->a.id, first);
    assert_string_equal(posted_event(&run->posted, 3)->a.id, "r-1");
}

static void test_route_kinds(void **state)
{
    static const struct {
        const char *text;
        const char *type;
    } cases[] = {
            {"{\"event\":\"stepCompleted\",\"routeId\":\"I\",\"stepId\":\"1\",\"completedOn\":\"2026-06-30\","
             "\"person\":{\"localId\":\"7\"}}",
                    "nms.route.step.completed.v1"},
            {"{\"event\":\"closed\",\"routeId\":\"I\",\"outcome\":\"completed\",\"closedOn\":\"2026-12-01\","
             "\"person\":{\"localId\":\"7\"},\"actor\":\"m-12\",\"actorRole\":\"methodist\"}",
                    "nms.route.closed.v1"},
            {"{\"event\":\"revised\",\"routeId\":\"I\",\"revision\":2,\"revisedOn\":\"2026-10-01\","
             "\"person\":{\"localId\":\"7\"},\"time\":\"2026-10-01T09:00:00+07:00\"}",
                    "nms.route.revised.v1"},
    };
    struct run *run = *state;

    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        assert_string_equal(give(run, MR_API_ROUTES, cases[i].text, "status"), "accepted");
        assert_string_equal(posted_event(&run->posted, (int)i)->a.type, cases[i].type);
    }
    assert_string_equal(posted_event(&run->posted, 1)->a.actor, "m-12");
    assert_string_equal(posted_event(&run->posted, 1)->a.actorrole, "methodist");
}

static void test_invalid_routes(void **state)
{
    static const struct {
        const char *text;
        const char *field;
    } cases[] = {
            {"[]", NULL},
            {"{\"event\":\"opened\"," ROUTE "}", "event"},
            {"{\"event\":7," ROUTE "}", "event"},
            {"{\"time\":7," ROUTE "}", "time"},
            {"{\"routeID\":\"x\"," ROUTE "}", "routeID"},
            {"{\"person\":{\"localId\":\"1\"},\"assignedOn\":\"2026-04-10\"}", "route_id"},
            {"{\"person\":{\"localId\":\"1\"},\"routeId\":\"1\",\"assignedOn\":\"10.04.2026\"}",
                    "assigned_on"},
            {"{\"person\":{\"localId\":\"1\"},\"routeId\":\"1\",\"assignedOn\":\"2026-04-10\",\"steps\":"
             "[{\"stepId\":\"1\",\"form\":\"formal\"},{\"stepId\":\"2\",\"form\":\"other\"}]}",
                    "steps[1].form"},
            {"{\"person\":\"Ivanov\",\"routeId\":\"1\",\"assignedOn\":\"2026-04-10\"}", "person"},
    };
    struct run *run = *state;

    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        const char *field = give(run, MR_API_ROUTES, cases[i].text, "field");

        if (cases[i].field)
            assert_string_equal(field, cases[i].field);
        assert_int_equal(run->summary.invalid, 1);
        assert_int_equal(run->posted.count, 0);
    }
}

/* The hub quarantines a wrong check digit: it must get there. */
static void test_quarantine_is_the_hubs(void **state)
{
    struct run *run = *state;

    assert_string_equal(give(run, MR_API_ROUTES,
                                "{\"person\":{\"snils\":\"123-456-789 00\"},\"routeId\":\"1\","
                                "\"assignedOn\":\"2026-04-10\"}",
                                "status"),
            "accepted");
}

#define DIAGNOSTIC                                                                                           \
    "\"person\":{\"snils\":\"11223344595\"},\"diagnosticId\":\"C-1\",\"scaleId\":\"100\",\"areas\":["        \
    "{\"area\":\"ict\",\"score\":41.5,\"max\":100,\"level\":\"low\"}],\"completedOn\":\"2026-03-15\""

static void test_diagnostic_with_deficits(void **state)
{
    struct run *run = *state;
    struct mr_event *first;
    struct mr_event *second;
    Nms__Event__V1__DiagnosticCompleted *diagnostic;
    Nms__Event__V1__DeficitIdentified *deficit;

    assert_string_equal(
            give(run, MR_API_DIAGNOSTICS,
                    "{" DIAGNOSTIC ",\"deficits\":[{\"area\":\"ict\"},{\"area\":\"ict\",\"competence\":"
                    "\"c1\",\"deficitId\":\"own\"}]}",
                    "status"),
            "accepted");
    assert_int_equal(run->posted.count, 3);
    first = posted_event(&run->posted, 0);
    second = posted_event(&run->posted, 1);
    diagnostic = (Nms__Event__V1__DiagnosticCompleted *)first->payload;
    deficit = (Nms__Event__V1__DeficitIdentified *)second->payload;
    assert_string_equal(first->a.id, "diagnostic-C-1");
    assert_int_equal(diagnostic->areas[0]->score_thousandths, 41500);
    assert_int_equal(diagnostic->areas[0]->max_thousandths, 100000);
    assert_string_equal(second->a.id, "deficit-C-1:ict");
    assert_string_equal(second->a.causationid, "diagnostic-C-1");
    assert_string_equal(deficit->deficit_id, "C-1:ict");
    assert_string_equal(deficit->evidence->id, "diagnostic-C-1");
    assert_string_equal(deficit->identified_on, "2026-03-15");
    assert_string_equal(deficit->person->snils, "11223344595");
    assert_string_equal(posted_event(&run->posted, 2)->a.id, "deficit-own");
}

static void test_rediagnostic(void **state)
{
    struct run *run = *state;
    Nms__Event__V1__DeficitClosed *closed;

    assert_string_equal(
            give(run, MR_API_DIAGNOSTICS,
                    "{\"event\":\"recompleted\",\"person\":{\"snils\":\"11223344595\"},\"diagnosticId\":"
                    "\"C-2\",\"scaleId\":\"100\",\"areas\":[{\"area\":\"ict\",\"score\":80}],"
                    "\"completedOn\":\"2026-10-20\",\"baseline\":{\"source\":\"urn:marshrut:24:cnppm\","
                    "\"id\":\"diagnostic-C-1\"},\"changes\":[{\"area\":\"ict\",\"change\":38.5}],"
                    "\"closed\":[{\"diagnosticId\":\"C-1\",\"area\":\"ict\"}]}",
                    "status"),
            "accepted");
    assert_int_equal(run->posted.count, 2);
    assert_string_equal(posted_event(&run->posted, 0)->a.id, "rediagnostic-C-2");
    closed = (Nms__Event__V1__DeficitClosed *)posted_event(&run->posted, 1)->payload;
    assert_string_equal(closed->deficit_id, "C-1:ict");
    assert_string_equal(closed->outcome, "eliminated");
    assert_string_equal(posted_event(&run->posted, 1)->a.id, "deficit-closed-C-1:ict");
}

/* One bad deficit holds the whole item back. */
static void test_item_is_all_or_nothing(void **state)
{
    static const char *const bad[] = {
            "{" DIAGNOSTIC ",\"deficits\":[{\"area\":\"ict\"},{}]}",
            "{" DIAGNOSTIC ",\"deficits\":[{\"area\":\"ict\"},\"x\"]}",
            "{" DIAGNOSTIC ",\"deficits\":{\"area\":\"ict\"}}",
            "{" DIAGNOSTIC ",\"deficits\":[{\"area\":\"ict\",\"person\":{\"snils\":\"12345678964\"}}]}",
            "{" DIAGNOSTIC ",\"deficits\":[{\"area\":\"ict\",\"colour\":1}]}",
    };
    struct run *run = *state;

    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        assert_string_equal(give(run, MR_API_DIAGNOSTICS, bad[i], "status"), "invalid");
        assert_int_equal(run->posted.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_route, setup, teardown),
            cmocka_unit_test_setup_teardown(test_same_content_same_id, setup, teardown),
            cmocka_unit_test_setup_teardown(test_route_kinds, setup, teardown),
            cmocka_unit_test_setup_teardown(test_invalid_routes, setup, teardown),
            cmocka_unit_test_setup_teardown(test_quarantine_is_the_hubs, setup, teardown),
            cmocka_unit_test_setup_teardown(test_diagnostic_with_deficits, setup, teardown),
            cmocka_unit_test_setup_teardown(test_rediagnostic, setup, teardown),
            cmocka_unit_test_setup_teardown(test_item_is_all_or_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
