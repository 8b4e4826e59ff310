/* Marks stay in order whatever the order they are made in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hub/deliver/marks.h"

static void test_marks(void **state)
{
    struct mr_marks marks = {0};

    (void)state;
    assert_null(mr_marks_find(&marks, 1));
    mr_marks_pass(&marks, 100);
    for (uint64_t i = 0; i < 100; i++)
        mr_marks_put(&marks, 1 + (i * 37) % 100)->attempt = (uint32_t)i;
    mr_marks_put(&marks, 38)->parked = true; /* the same one again */
    assert_int_equal(marks.count, 100);
    assert_true(mr_marks_find(&marks, 38)->parked);
    assert_int_equal(mr_marks_find(&marks, 38)->attempt, 1);
    for (size_t i = 0; i < marks.count; i++)
        assert_int_equal(marks.items[i].number, i + 1);
    mr_marks_pass(&marks, 37);
    assert_null(mr_marks_find(&marks, 37));
    assert_int_equal(marks.items[0].number, 38);
    mr_marks_pass(&marks, 36); /* backwards: nothing */
    assert_int_equal(marks.count, 63);
    mr_marks_pass(&marks, 1000);
    assert_int_equal(marks.count, 0);
    mr_marks_fini(&marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_marks)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
