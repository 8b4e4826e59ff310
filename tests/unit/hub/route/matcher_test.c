/* Filters of every dialect, scope staff, and no echo. tests/property/matcher_index_test.c has the index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hub/route/matcher.h"
#include "proto/base/list.h"
#include "tests/support/hub_env.h"

static char *str(const char *s)
{
    return (char *)s;
}

static struct mr_event event_of(const char *type)
{
    struct mr_event event = {.a = {.id = "1",
                                     .source = "urn:marshrut:24:cnppm",
                                     .type = type,
                                     .regioncode = "24",
                                     .orgid = "1022402127461"}};

    event.type = mr_registry_find(type, strlen(type));
    return event;
}

/* One filter, compiled for itself. */
static bool matches(const struct mr_config_filter *config, const struct mr_event *event)
{
    struct mr_filter_problem problem;
    struct mr_filter *filter = NULL;
    struct mr_arena arena;
    bool result;

    assert_int_equal(mr_filter_create(&filter, config, 1, &problem), 0);
    mr_arena_init(&arena, MR_CESQL_BUDGET_BYTES);
    result = mr_filter_matches(filter, &(struct mr_event_view){event, &arena});
    mr_arena_fini(&arena);
    mr_filter_free(filter);
    return result;
}

static void filters_by_dialect(void **state)
{
    struct mr_filter_attributes type = {.type = str("nms.route.closed.v1")};
    struct mr_filter_attributes both = {.type = str("nms.route.closed.v1"), .regioncode = str("61")};
    struct mr_filter_attributes prefix = {.type = str("nms.route.")};
    struct mr_filter_attributes suffix = {.source = str(":cnppm")};
    struct mr_filter_attributes longer = {
            .source = str("a very long suffix that no source could have at its end")};
    struct mr_filter_attributes absent = {.subject = str("x")};
    struct mr_config_filter is_type = {.exact = &type};
    struct mr_config_filter is_absent = {.exact = &absent};
    struct mr_config_filter is_wrong = {.sql = str("subject = 'x'")};
    struct mr_config_filter yes_no[] = {{.exact = &type}, {.exact = &both}};
    const struct {
        struct mr_config_filter filter;
        bool matches;
    } rows[] = {
            {{.exact = &type}, true},
            {{.exact = &both}, false},
            {{.prefix = &prefix}, true},
            {{.prefix = &longer}, false},
            {{.suffix = &suffix}, true},
            {{.suffix = &longer}, false},
            {{.exact = &absent}, false},
            {{.prefix = &absent}, false},
            {{.all = yes_no, .all_count = 2}, false},
            {{.all = yes_no, .all_count = 1}, true},
            {{.any = yes_no, .any_count = 2}, true},
            {{.any = yes_no + 1, .any_count = 1}, false},
            {{.not_ = &is_type}, false},
            {{.not_ = &is_absent}, true},
            {{.sql = str("type LIKE 'nms.route.%' AND regioncode = 24")}, true},
            {{.sql = str("type = 'nms.route.closed.v1' AND regioncode = '61'")}, false},
            {{.sql = str("EXISTS subject")}, false},
            {{.sql = str("subject = 'x' OR TRUE")}, false}, /* an error: it must not pass */
            {{.sql = str("regioncode")}, false},            /* no Boolean */
            {{.not_ = &is_wrong}, true},                    /* what does not pass is turned over */
            {{0}, false},
    };
    struct mr_event event = event_of("nms.route.closed.v1");

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++)
        assert_true(matches(&rows[i].filter, &event) == rows[i].matches);
}

static bool listed(const uint16_t *subs, size_t count, uint16_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (subs[i] == id)
            return true;
    }
    return false;
}

static void matches_by_subscription(void **state)
{
    struct hub_env *env = *state;
    const char *const school[] = {"school"};
    const struct mr_match_context none = {0};
    const struct mr_match_context staff = {school, 1};
    const struct {
        const char *subscription;
        const char *type;
        const char *sender;
        const struct mr_match_context *context;
        bool wanted;
    } rows[] = {
            {"cnppm-deficits", "nms.deficit.closed.v1", "copmkp", &none, true},
            {"cnppm-deficits", "nms.deficit.closed.v1", "cnppm", &none, false}, /* said it itself */
            {"cnppm-deficits", "nms.route.closed.v1", "copmkp", &none, false},
            {"school-staff", "nms.deficit.closed.v1", "copmkp", &none, false},
            {"school-staff", "nms.deficit.closed.v1", "copmkp", &staff, true},
            {"school-staff", "nms.route.closed.v1", "hub", &staff, true},
            {"school-staff", "nms.course.finished.v1", "portal", &staff, false},
            {"portal-routes", "nms.person.merged.v1", "school", &none, false},
            {"portal-routes", "nms.org.closed.v1", "school", &none, true},
            {"portal-routes", "hub.config.applied.v1", "hub", &none, false},
            {"portal-routes", "nms.not.registered.v1", "school", &none, true},
    };

    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_event event = event_of(rows[i].type);
        uint16_t subs[MR_RECORD_SUBS_MAX];
        size_t count = mr_matcher_match(env->matcher, &event, rows[i].sender, rows[i].context, subs);
        uint16_t id = mr_names_id(env->house.names, MR_NAME_SUBSCRIPTION, rows[i].subscription);

        assert_int_not_equal(id, 0);
        if (listed(subs, count, id) != rows[i].wanted)
            print_error("row %zu: %s, %s\n", i, rows[i].subscription, rows[i].type);
        assert_true(listed(subs, count, id) == rows[i].wanted);
        for (size_t k = 1; k < count; k++)
            assert_true(subs[k - 1] < subs[k]);
    }
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, hub_env_setup, hub_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(filters_by_dialect),
            HUB_TEST(matches_by_subscription),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
