/* The picture of `marshrut top`, line by line, of answers that are written down here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hub/tool/top_view.h"
#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "tests/support/golden.h"

#define EARLY                                                                                                \
    "{\"version\":\"1.2.3\",\"source\":\"urn:marshrut:24:hub\",\"hub_epoch\":5,"                             \
    "\"at\":\"2026-11-28T10:00:00.000000Z\",\"head\":1000,\"signed\":1000,\"commits\":10,"                   \
    "\"commit_times\":{\"total_us\":10000,\"bounds_us\":[500,1000,5000],\"counts\":[0,10,0,0]},"             \
    "\"systems\":[{\"name\":\"school\",\"stored\":100,\"duplicate\":0,\"quarantined\":0,\"refused\":7}],"    \
    "\"subscriptions\":[{\"name\":\"cnppm-deficits\",\"cursor\":900}]}"

#define LATE                                                                                                 \
    "{\"version\":\"1.2.3\",\"source\":\"urn:marshrut:24:hub\",\"hub_epoch\":5,"                             \
    "\"at\":\"2026-11-28T10:00:04.000000Z\",\"head\":3000,\"signed\":2990,\"commits\":110,\"waiting\":3,"    \
    "\"commit_times\":{\"total_us\":210000,\"bounds_us\":[500,1000,5000],\"counts\":[0,100,10,0]},"          \
    "\"index\":{\"lag_events\":12,\"lag_seconds\":0.25,\"views_lag_events\":40},\"read_only\":true,"         \
    "\"space\":{\"free_mb\":200,\"watermark_mb\":256,\"low\":true},"                                         \
    "\"scrub\":{\"damaged\":1,\"damaged_last\":1},\"erasure\":{\"overdue\":2},"                              \
    "\"alerts\":[{\"condition\":\"disk-low\",\"subject\":\"\",\"since\":\"2026-11-28T09:00:00Z\"},"          \
    "{\"condition\":\"system-away\",\"subject\":\"portal\",\"since\":\"2026-11-28T09:59:30Z\"}],"            \
    "\"sessions\":[{\"system\":\"school\",\"admin\":false},{\"system\":\"portal\",\"admin\":true}],"         \
    "\"systems\":[{\"name\":\"school\",\"stored\":1300,\"duplicate\":2,\"quarantined\":4,\"refused\":7,"     \
    "\"quarantine_waiting\":4,\"last_event\":\"2026-11-28T10:00:03Z\"},"                                     \
    "{\"name\":\"portal\",\"stored\":1,\"duplicate\":0,\"quarantined\":0,\"refused\":0,"                     \
    "\"quarantine_waiting\":0,\"last_event\":\"2026-11-20T10:00:00Z\"},"                                     \
    "{\"name\":\"cnppm\",\"stored\":0,\"duplicate\":0,\"quarantined\":0,\"refused\":0,\"last_event\":null}]" \
    ","                                                                                                      \
    "\"subscriptions\":[{\"name\":\"cnppm-deficits\",\"connected\":true,\"cursor\":2900,"                    \
    "\"unacknowledged\":50,\"retrying\":true,\"parked\":3,\"waiting_since\":\"2026-11-28T07:00:00Z\"},"      \
    "{\"name\":\"@erasure-school\",\"connected\":false,\"cursor\":3000,\"unacknowledged\":0,"                \
    "\"retrying\":false,\"parked\":0,\"waiting_since\":null}]}"

static json_t *json_of(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);

    assert_non_null(json);
    return json;
}

/* The lines with their kind before them. */
static void expect_picture(const char *golden, const char *before, const char *now)
{
    static const char kinds[] = {[TOP_PLAIN] = ' ', [TOP_HEAD] = '#', [TOP_BAD] = '!'};
    struct top_view view = {0};
    struct mr_buf text = MR_BUF_INIT;
    json_t *first = before ? json_of(before) : NULL, *second = json_of(now);

    assert_int_equal(top_view_make(&view, first, second), 0);
    for (size_t i = 0; i < view.count; i++)
        mr_buf_printf(&text, "%s%c %s\n", i == view.fixed ? "---- scrolls\n" : "", kinds[view.lines[i].kind],
                view.lines[i].text);
    golden_expect(golden, mr_buf_str(&text), NULL);
    mr_buf_fini(&text);
    json_decref(first);
    json_decref(second);
    top_view_fini(&view);
}

static void with_rates(void **state)
{
    (void)state;
    expect_picture("tool/top-rates.txt", EARLY, LATE);
}

static void the_first_one_has_no_rates(void **state)
{
    (void)state;
    expect_picture("tool/top-first.txt", NULL, EARLY);
}

/* What came before was said by another run of the hub, or later: no rates, and nothing negative. */
static void another_run_has_no_rates(void **state)
{
    struct top_view view = {0};
    json_t *early = json_of(EARLY), *late = json_of(LATE);

    (void)state;
    assert_int_equal(top_view_make(&view, late, early), 0);
    for (size_t i = 0; i < view.count; i++)
        for (const char *minus = strstr(view.lines[i].text, " -"); minus; minus = strstr(minus + 1, " -"))
            assert_false(minus[2] >= '0' && minus[2] <= '9');
    assert_int_equal(json_object_set_new(early, "hub_epoch", json_integer(4)), 0);
    assert_int_equal(top_view_make(&view, early, late), 0);
    assert_non_null(strstr(view.lines[1].text, "3000 events, -/s"));
    json_decref(early);
    json_decref(late);
    top_view_fini(&view);
}

/* Whatever the hub answers, there is a picture. */
static void an_empty_answer(void **state)
{
    struct top_view view = {0};
    json_t *nothing = json_object();

    (void)state;
    assert_int_equal(top_view_make(&view, nothing, nothing), 0);
    assert_true(view.count > view.fixed);
    json_decref(nothing);
    top_view_fini(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(with_rates),
            cmocka_unit_test(the_first_one_has_no_rates),
            cmocka_unit_test(another_run_has_no_rates),
            cmocka_unit_test(an_empty_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
