/* When the index waits for intake, and when it does not any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hub/index/index_pace.h"

enum { LAG_MAX = 1000 * 1000 };

static const int64_t look_us = MR_INDEX_PACE_LOOK_MS * 1000;

/* Looks each LOOK_MS at a head that grows at a rate; returns how long it waited before it was to go on. */
static int64_t waits_us(struct mr_index_pace *pace, int64_t *now_us, uint64_t *head, uint64_t per_s,
        uint64_t through, uint64_t lag_max)
{
    int64_t from_us = *now_us;

    while (mr_index_pace_waits(pace, *now_us, *head, through, lag_max) && *now_us - from_us < 60000000) {
        *now_us += look_us;
        *head += per_s * (uint64_t)look_us / 1000000;
    }
    return *now_us - from_us;
}

static void pass(int64_t *now_us, uint64_t *head, uint64_t per_s)
{
    *now_us += look_us;
    *head += per_s * (uint64_t)look_us / 1000000;
}

static void what_comes_slowly_is_indexed_at_once(void **state)
{
    struct mr_index_pace pace = {0};
    uint64_t head = 5;
    int64_t now_us = 1000000;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_false(mr_index_pace_waits(&pace, now_us, head, 0, LAG_MAX));
        pass(&now_us, &head, MR_INDEX_PACE_HEAVY_PER_S);
    }
}

static void heavy_intake_goes_first_but_not_for_ever(void **state)
{
    struct mr_index_pace pace = {0};
    const uint64_t per_s = 100000;
    uint64_t head = 0;
    int64_t now_us = 1000000, waited_us;

    (void)state;
    assert_false(mr_index_pace_waits(&pace, now_us, head, 0, LAG_MAX));
    pass(&now_us, &head, per_s);
    waited_us = waits_us(&pace, &now_us, &head, per_s, 0, LAG_MAX);
    assert_in_range(waited_us, MR_INDEX_PACE_LATE_MS * 1000, MR_INDEX_PACE_LATE_MS * 1000 + 2 * look_us);
    /* What it takes then is not enough to be on time again: it goes on. */
    assert_false(mr_index_pace_waits(&pace, now_us, head, 1000, LAG_MAX));
    /* It has caught up with all: what comes from now on may be two seconds old again. */
    waited_us = waits_us(&pace, &now_us, &head, per_s, head, LAG_MAX);
    assert_in_range(waited_us, MR_INDEX_PACE_LATE_MS * 1000, MR_INDEX_PACE_LATE_MS * 1000 + 2 * look_us);
}

static void half_of_the_lag_that_is_allowed_ends_it(void **state)
{
    struct mr_index_pace pace = {0};
    const uint64_t per_s = 100000, lag_max = 40000;
    uint64_t head = 0;
    int64_t now_us = 1000000;

    (void)state;
    assert_false(mr_index_pace_waits(&pace, now_us, head, 0, lag_max));
    pass(&now_us, &head, per_s);
    (void)waits_us(&pace, &now_us, &head, per_s, 0, lag_max);
    assert_in_range(head, lag_max / 2, lag_max / 2 + per_s * (uint64_t)look_us / 1000000);
}

static void when_intake_pauses_the_index_follows(void **state)
{
    struct mr_index_pace pace = {0};
    uint64_t head = 0;
    int64_t now_us = 1000000;

    (void)state;
    assert_false(mr_index_pace_waits(&pace, now_us, head, 0, LAG_MAX));
    pass(&now_us, &head, 100000);
    assert_true(mr_index_pace_waits(&pace, now_us, head, 0, LAG_MAX));
    pass(&now_us, &head, 0);
    assert_false(mr_index_pace_waits(&pace, now_us, head, 0, LAG_MAX));
}

/* A batch took so long that nobody looked meanwhile. */
static void a_long_batch_is_no_pause(void **state)
{
    struct mr_index_pace pace = {0};
    uint64_t head = 0;
    int64_t now_us = 1000000;

    (void)state;
    assert_false(mr_index_pace_waits(&pace, now_us, head, 0, LAG_MAX));
    now_us += 3 * 1000000;
    head += 3 * 100000;
    assert_true(mr_index_pace_waits(&pace, now_us, head, head - 10, LAG_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_comes_slowly_is_indexed_at_once),
            cmocka_unit_test(heavy_intake_goes_first_but_not_for_ever),
            cmocka_unit_test(half_of_the_lag_that_is_allowed_ends_it),
            cmocka_unit_test(when_intake_pauses_the_index_follows),
            cmocka_unit_test(a_long_batch_is_no_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
