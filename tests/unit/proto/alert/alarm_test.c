#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/alert/alarm.h"

#define S      INT64_C(1000000)
#define MINUTE (60 * S)

static enum mr_alarm_step at(struct mr_alarm *alarm, int64_t seconds, bool on)
{
    const struct mr_alarm_now now = {.wall_us = 1000 * S + seconds * S,
            .monotonic_us = seconds * S,
            .repeat_us = 100 * S,
            .settle_us = 10 * S};

    return mr_alarm_look(alarm, on, &now);
}

static void said_once_again_and_when_over(void **state)
{
    struct mr_alarm alarm = {0};

    (void)state;
    assert_int_equal(at(&alarm, 0, false), MR_ALARM_NOTHING);
    assert_int_equal(at(&alarm, 1, true), MR_ALARM_FIRING);
    assert_true(alarm.since_us == 1001 * S);
    assert_int_equal(at(&alarm, 2, true), MR_ALARM_NOTHING);
    assert_int_equal(at(&alarm, 100, true), MR_ALARM_NOTHING);
    assert_int_equal(at(&alarm, 101, true), MR_ALARM_LASTING);
    assert_int_equal(at(&alarm, 102, true), MR_ALARM_NOTHING);
    assert_int_equal(at(&alarm, 103, false), MR_ALARM_NOTHING);
    assert_int_equal(at(&alarm, 111, false), MR_ALARM_NOTHING);
    assert_true(alarm.since_us == 1001 * S);
    assert_int_equal(at(&alarm, 112, false), MR_ALARM_RESOLVED);
    assert_int_equal(at(&alarm, 113, false), MR_ALARM_NOTHING);
    assert_int_equal(at(&alarm, 114, true), MR_ALARM_FIRING);
    assert_true(alarm.since_us == 1114 * S);
}

/* On and off within the time to settle is one alarm, not many. */
static void a_flickering_one_is_one(void **state)
{
    struct mr_alarm alarm = {0};
    int said = 0;

    (void)state;
    for (int64_t second = 0; second < 90; second++)
        said += at(&alarm, second, second % 2 == 0) != MR_ALARM_NOTHING;
    assert_int_equal(said, 1);
}

static void not_again_without_a_term(void **state)
{
    struct mr_alarm alarm = {0};
    struct mr_alarm_now now = {.repeat_us = 0, .settle_us = 0};

    (void)state;
    assert_int_equal(mr_alarm_look(&alarm, true, &now), MR_ALARM_FIRING);
    now.monotonic_us = 1000 * MINUTE;
    assert_int_equal(mr_alarm_look(&alarm, true, &now), MR_ALARM_NOTHING);
    assert_int_equal(mr_alarm_look(&alarm, false, &now), MR_ALARM_RESOLVED); /* at once: nothing to settle */
    assert_string_equal(mr_alarm_state(MR_ALARM_RESOLVED), "resolved");
}

static void what_came_in_the_last_hour(void **state)
{
    struct mr_hourly hourly = {0};

    (void)state;
    assert_int_equal(mr_hourly_look(&hourly, 5, 100000 * MINUTE), 5);
    assert_int_equal(mr_hourly_look(&hourly, 7, 100000 * MINUTE + S), 7);
    assert_int_equal(mr_hourly_look(&hourly, 10, 100030 * MINUTE), 10);
    assert_int_equal(mr_hourly_look(&hourly, 10, 100059 * MINUTE), 10);
    assert_int_equal(mr_hourly_look(&hourly, 10, 100060 * MINUTE), 3); /* the first minute is an hour old */
    assert_int_equal(mr_hourly_look(&hourly, 11, 100089 * MINUTE), 4);
    assert_int_equal(mr_hourly_look(&hourly, 11, 100090 * MINUTE), 1);
    assert_int_equal(mr_hourly_look(&hourly, 4, 100091 * MINUTE), 5); /* the counter began anew */
    assert_int_equal(mr_hourly_look(&hourly, 4, 200000 * MINUTE), 0);
    assert_int_equal(mr_hourly_look(&hourly, UINT64_MAX, 200000 * MINUTE), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(said_once_again_and_when_over),
            cmocka_unit_test(a_flickering_one_is_one),
            cmocka_unit_test(not_again_without_a_term),
            cmocka_unit_test(what_came_in_the_last_hour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
