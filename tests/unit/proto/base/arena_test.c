#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/arena.h"

static void every_allocation_is_aligned_and_apart(void **state)
{
    struct mr_arena arena;
    uint8_t *previous = NULL;

    (void)state;
    mr_arena_init(&arena, 1 << 20);
    for (size_t size = 1; size < 300; size++) {
        uint8_t *p = mr_arena_alloc(&arena, size);

        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        memset(p, (int)(size & 0xff), size);
        if (previous)
            assert_int_equal(previous[size - 2], (size - 1) & 0xff);
        previous = p;
    }
    mr_arena_fini(&arena);
}

static void the_budget_is_exact(void **state)
{
    struct mr_arena arena;

    (void)state;
    mr_arena_init(&arena, 64);
    assert_non_null(mr_arena_alloc(&arena, 17)); /* 32 with the alignment */
    assert_null(mr_arena_alloc(&arena, 33));
    assert_non_null(mr_arena_alloc(&arena, 32));
    assert_null(mr_arena_alloc(&arena, 1));
    assert_int_equal(arena.used, 64);
    mr_arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    assert_non_null(mr_arena_alloc(&arena, 64));
    mr_arena_fini(&arena);
}

static void absurd_sizes_are_refused(void **state)
{
    struct mr_arena arena;

    (void)state;
    mr_arena_init(&arena, SIZE_MAX);
    assert_null(mr_arena_alloc(&arena, SIZE_MAX));
    assert_null(mr_arena_alloc(&arena, SIZE_MAX - 15));
    assert_null(mr_arena_alloc(&arena, SIZE_MAX / 2 + 1));
    assert_non_null(mr_arena_alloc(&arena, 1));
    mr_arena_fini(&arena);
}

static void reset_keeps_one_block_and_wipes_it(void **state)
{
    struct mr_arena arena;
    uint8_t *p;
    uint8_t *q;

    (void)state;
    mr_arena_init(&arena, 1 << 20);
    for (int i = 0; i < 20; i++)
        assert_non_null(mr_arena_zalloc(&arena, 10000));
    mr_arena_reset(&arena);
    p = mr_arena_dup(&arena, "plaintext", 10);
    mr_arena_reset(&arena);
    q = mr_arena_alloc(&arena, 10);
    assert_ptr_equal(p, q);
    assert_memory_equal(q, "\0\0\0\0\0\0\0\0\0\0", 10);
    mr_arena_fini(&arena);
}

static void copies_are_copies(void **state)
{
    char source[] = "Перминов";
    struct mr_arena arena;
    char *copy;

    (void)state;
    mr_arena_init(&arena, 4096);
    copy = mr_arena_strdup(&arena, source);
    source[0] = '?';
    assert_string_equal(copy, "Перминов");
    assert_string_equal(mr_arena_printf(&arena, "%s-%d", "a", 5), "a-5");
    assert_non_null(mr_arena_dup(&arena, NULL, 0));
    assert_null(mr_arena_printf(&arena, "%5000s", ""));
    mr_arena_fini(&arena);
}

static void fini_takes_null_and_may_come_twice(void **state)
{
    struct mr_arena arena;

    (void)state;
    mr_arena_fini(NULL);
    mr_arena_init(&arena, 100);
    mr_arena_reset(&arena);
    mr_arena_fini(&arena);
    mr_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_allocation_is_aligned_and_apart),
            cmocka_unit_test(the_budget_is_exact),
            cmocka_unit_test(absurd_sizes_are_refused),
            cmocka_unit_test(reset_keeps_one_block_and_wipes_it),
            cmocka_unit_test(copies_are_copies),
            cmocka_unit_test(fini_takes_null_and_may_come_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
