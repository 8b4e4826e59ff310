#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "hub/deliver/fresh.h"
#include "hub/intake/prepare.h"
#include "hub/intake/prepare_write.h"
#include "proto/base/list.h"
#include "tests/support/made_intake.h"
#include "tests/support/made_records.h"

enum { SEED = 3, NOW_US = 5, AGE_US = MR_FRESH_AGE_MS * 1000 };

static struct mr_record_view *view_new(void)
{
    struct mr_record_view *view = calloc(1, sizeof *view);

    assert_non_null(view);
    return view;
}

/* Records `first` to `last`. */
static struct mr_intake *intake_of(uint64_t first, uint64_t last)
{
    struct mr_intake *intake = made_intake();
    struct made_memory memory;

    for (uint64_t number = first; number <= last; number++) {
        struct mr_record record = made_record(SEED, number, &memory);

        made_intake_add(intake, &record);
    }
    return intake;
}

static void keep_at(struct mr_fresh *fresh, struct mr_intake *intake, int64_t now_us)
{
    mr_fresh_keep(fresh, intake, now_us);
    mr_intake_free(intake);
}

static void keep(struct mr_fresh *fresh, struct mr_intake *intake)
{
    keep_at(fresh, intake, NOW_US);
}

static void has_it(struct mr_fresh *fresh, uint64_t number, struct mr_record_view *view)
{
    struct made_memory memory;
    struct mr_record record = made_record(SEED, number, &memory);

    assert_true(mr_fresh_find(fresh, number, view));
    assert_int_equal(view->record.number, number);
    assert_int_equal(view->record.recorded_us, record.recorded_us);
    assert_int_equal(view->record.system, record.system);
    assert_int_equal(view->record.subs_count, record.subs_count);
    assert_int_equal(view->record.slots_count, record.slots_count);
    assert_true(mr_slice_equal(view->record.leaf, record.leaf));
    for (size_t i = 0; i < record.slots_count; i++)
        assert_true(mr_slice_equal(view->record.slots[i], record.slots[i]));
}

static void what_was_kept_is_found_in_any_order(void **state)
{
    static const uint64_t asked[] = {5, 6, 7, 8, 9, 12, 13, 5, 13, 12, 9, 5};
    struct mr_record_view *view = view_new();
    struct mr_fresh fresh;

    (void)state;
    mr_fresh_init(&fresh);
    keep(&fresh, intake_of(5, 7));
    keep(&fresh, intake_of(8, 9)); /* 10 and 11 were said by the hub itself */
    keep(&fresh, intake_of(12, 13));
    for (size_t i = 0; i < MR_COUNT(asked); i++)
        has_it(&fresh, asked[i], view);
    assert_false(mr_fresh_find(&fresh, 4, view));
    assert_false(mr_fresh_find(&fresh, 10, view));
    assert_false(mr_fresh_find(&fresh, 11, view));
    assert_false(mr_fresh_find(&fresh, 14, view));
    mr_fresh_clear(&fresh);
    assert_false(mr_fresh_find(&fresh, 5, view));
    assert_int_equal(fresh.bytes, 0);
    free(view);
}

static void what_is_not_durable_is_not_kept(void **state)
{
    struct mr_record_view *view = view_new();
    struct mr_intake *failed = intake_of(1, 2), *dry = intake_of(1, 2), *gaps = intake_of(1, 2);
    struct made_memory memory;
    struct mr_record record = made_record(SEED, 4, &memory);
    struct mr_fresh fresh;

    (void)state;
    mr_fresh_init(&fresh);
    failed->status = MR_EIO;
    dry->dry = true;
    made_intake_add(gaps, &record);
    keep(&fresh, failed);
    keep(&fresh, dry);
    keep(&fresh, gaps);
    keep(&fresh, made_intake());
    for (uint64_t number = 1; number <= 4; number++)
        assert_false(mr_fresh_find(&fresh, number, view));
    assert_int_equal(mr_fresh_first(&fresh), 0);
    free(view);
}

static void the_oldest_goes_when_there_is_no_room(void **state)
{
    enum { BATCH = 1000, BATCHES = 100 };
    struct mr_record_view *view = view_new();
    struct mr_fresh fresh;
    uint64_t oldest = 1, last = 0;

    (void)state;
    mr_fresh_init(&fresh);
    for (int i = 0; i < BATCHES; i++, last += BATCH) {
        keep(&fresh, intake_of(last + 1, last + BATCH));
        assert_true(fresh.bytes <= MR_FRESH_BYTES);
    }
    while (!mr_fresh_find(&fresh, oldest, view))
        oldest += BATCH;
    assert_in_range(oldest, BATCH + 1, last); /* some went, not all */
    assert_false(mr_fresh_find(&fresh, oldest - 1, view));
    has_it(&fresh, oldest, view);
    has_it(&fresh, last, view);
    mr_fresh_clear(&fresh);
    free(view);
}

/* Prepare asks for room for all events of an intake; of a batch that was sent again little is stored. */
static void room_that_was_not_used_is_not_held(void **state)
{
    enum { INTAKES = 200, EVENTS = 1024, ROOM = 1024 * 1024 };
    struct mr_record_view *view = view_new();
    struct mr_fresh fresh;
    size_t held = 0;

    (void)state;
    mr_fresh_init(&fresh);
    for (uint64_t number = 1; number <= INTAKES; number++) {
        struct mr_intake *intake = made_intake();
        struct mr_record record;
        struct made_memory memory;

        record = made_record(SEED, number, &memory);
        assert_non_null(mr_buf_reserve(&intake->records, ROOM));
        assert_non_null(mr_buf_reserve(&intake->spans, EVENTS * sizeof(struct mr_intake_span)));
        made_intake_add(intake, &record);
        held += intake->records.size + intake->spans.size;
        keep(&fresh, intake);
    }
    assert_true(fresh.bytes >= held);
    assert_true(fresh.bytes <= INTAKES * 16 * 1024);
    for (uint64_t number = 1; number <= INTAKES; number++)
        has_it(&fresh, number, view);
    mr_fresh_clear(&fresh);
    assert_int_equal(fresh.bytes, 0);
    free(view);
}

/* One event a batch, as most senders publish: against what must be there, while the oldest go. */
static void among_many_batches(void **state)
{
    enum { NUMBERS = 3000, ASKED = 7 };
    struct mr_record_view *view = view_new();
    struct mr_fresh fresh;
    uint64_t first = 1;

    (void)state;
    mr_fresh_init(&fresh);
    for (uint64_t number = 1; number <= NUMBERS; number++) {
        if (number % 5 > 0) /* else it was said by the hub itself */
            keep(&fresh, intake_of(number, number));
        if (number % 400 == 0)
            mr_fresh_forget(&fresh, first = number - 200);
        for (uint64_t i = 0; i < ASKED; i++) {
            uint64_t asked = 1 + (number * (i + 1) * 7919) % number;

            if (asked < first || asked % 5 == 0)
                assert_false(mr_fresh_find(&fresh, asked, view));
            else
                has_it(&fresh, asked, view);
        }
    }
    mr_fresh_clear(&fresh);
    assert_int_equal(fresh.bytes, 0);
    free(view);
}

static void batches_before_a_number_go(void **state)
{
    struct mr_record_view *view = view_new();
    struct mr_fresh fresh;

    (void)state;
    mr_fresh_init(&fresh);
    assert_int_equal(mr_fresh_first(&fresh), 0);
    keep(&fresh, intake_of(5, 7));
    keep(&fresh, intake_of(8, 9));
    mr_fresh_forget(&fresh, 7);
    assert_int_equal(mr_fresh_first(&fresh), 5); /* 7 is still wanted */
    has_it(&fresh, 7, view);
    mr_fresh_forget(&fresh, 8);
    assert_int_equal(mr_fresh_first(&fresh), 8);
    assert_false(mr_fresh_find(&fresh, 7, view));
    has_it(&fresh, 8, view);
    mr_fresh_forget(&fresh, UINT64_MAX);
    assert_int_equal(mr_fresh_first(&fresh), 0);
    assert_int_equal(fresh.bytes, 0);
    mr_fresh_clear(&fresh);
    free(view);
}

/* Whoever takes nothing gets it from the log later. */
static void what_is_old_goes(void **state)
{
    struct mr_record_view *view = view_new();
    struct mr_fresh fresh;

    (void)state;
    mr_fresh_init(&fresh);
    assert_int_equal(mr_fresh_age(&fresh, NOW_US), 0);
    keep_at(&fresh, intake_of(5, 7), NOW_US);
    keep_at(&fresh, intake_of(8, 9), NOW_US + 2500);
    assert_int_equal(mr_fresh_age(&fresh, NOW_US), MR_FRESH_AGE_MS);
    assert_int_equal(mr_fresh_age(&fresh, NOW_US + AGE_US - 1), 1); /* asked then, it does go */
    has_it(&fresh, 5, view);
    assert_int_equal(mr_fresh_age(&fresh, NOW_US + AGE_US), 3);
    assert_false(mr_fresh_find(&fresh, 7, view));
    has_it(&fresh, 8, view);
    keep_at(&fresh, intake_of(10, 10), NOW_US + 2500 + AGE_US);
    assert_int_equal(mr_fresh_first(&fresh), 10);
    has_it(&fresh, 10, view);
    assert_int_equal(mr_fresh_age(&fresh, NOW_US + 2500 + 2 * AGE_US), 0);
    assert_int_equal(fresh.bytes, 0);
    mr_fresh_clear(&fresh);
    free(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_was_kept_is_found_in_any_order),
            cmocka_unit_test(what_is_not_durable_is_not_kept),
            cmocka_unit_test(the_oldest_goes_when_there_is_no_room),
            cmocka_unit_test(room_that_was_not_used_is_not_held),
            cmocka_unit_test(among_many_batches),
            cmocka_unit_test(batches_before_a_number_go),
            cmocka_unit_test(what_is_old_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
