/* The same file in several rounds: nothing is written over, names do not grow, a row counts once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "adapters/sdk/erasure_noted.h"
#include "proto/base/clock.h"
#include "tests/support/intake_env.h"

#define HEAD  "Слово\n"
#define THREE HEAD "ok 1\nok 2\ntwo 3\n"

/* Each round has its own names; none is written over. */
static void test_same_bad_file_again(void **state)
{
    struct intake_env *env = *state;

    for (int i = 1; i <= 3; i++) {
        intake_env_drop(env, "", "a.csv", HEAD "ok 1\nbad x\n");
        intake_env_await(env, "", i);
        assert_int_equal(intake_env_count(env, "rejected", "", ".rejected.csv"), i);
        assert_int_equal(intake_env_count(env, "rejected", "", ".report.txt"), i);
    }
    assert_int_equal(env->hub.stored, 3); /* offered each time, with the same id */
}

/* Mended rows under the name that they came back with: what they mend is said, and names do not grow. */
static void test_mended(void **state)
{
    struct intake_env *env = *state;
    const char *old = "a.csv.20261122T101500Z.rejected.csv";
    const char *text;

    intake_env_drop(env, "", old, HEAD "bad y\n");
    intake_env_await(env, "", 1);
    assert_int_equal(intake_env_count(env, "rejected", "", ".rejected.csv"), 1);
    text = intake_env_read(env, "done", "", ".receipt.txt");
    assert_non_null(
            strstr(text, "Исправляет: строки файла a.csv, возвращённые как rejected/a.csv.20261122T101500Z"));
    assert_non_null(strstr(text, "(UTC+00:00)"));
    assert_non_null(strstr(text, "Строки с ошибками: rejected/a.csv.2"));
    text = intake_env_read(env, "rejected", "", ".report.txt");
    assert_non_null(strstr(text, "номера строк — из исходного файла"));
    assert_null(strstr(text, ".rejected.csv.2"));
}

/* The same row twice in a file is one fact. */
static void test_row_twice(void **state)
{
    struct intake_env *env = *state;

    intake_env_drop(env, "", "a.csv", HEAD "ok 1\ntwo 3\nok 1\ntwo 3\nok 4\n");
    intake_env_await(env, "", 1);
    intake_env_expect(env, "", "a.csv.", 3, 2, 0, 0);
    assert_int_equal(env->hub.stored, 4);
}

static void note_erased(struct intake_env *env, uint64_t first, uint64_t last)
{
    struct mr_outbox_txn *txn;

    assert_int_equal(mr_outbox_begin(env->adapter, &txn), 0);
    for (uint64_t request = first; request <= last; request++)
        assert_int_equal(mr_erasure_note(txn, request, mr_clock_wall_us(mr_clock_system())), 0);
    assert_int_equal(mr_outbox_commit(txn), 0);
}

/* Persons were erased since: by which requests is told, and what to do. */
static void test_repeated_after_erasures(void **state)
{
    struct intake_env *env = *state;

    note_erased(env, 2, 2);
    intake_env_drop(env, "", "a.csv", THREE);
    intake_env_await(env, "", 1);
    intake_env_drop(env, "", "b.csv", THREE);
    intake_env_await(env, "", 2);
    assert_null(strstr(intake_env_receipt(env, "", "b.csv."), "уничтожены")); /* the one of before */
    note_erased(env, 2, 9);
    intake_env_drop(env, "", "c.csv", THREE);
    intake_env_await(env, "", 3);
    intake_env_expect(env, "", "c.csv.", 0, 3, 0, 0);
    assert_non_null(strstr(intake_env_receipt(env, "", "c.csv."), "(запрос № 3, 4, 5, 6, 7, 8, 9)"));
    assert_non_null(strstr(intake_env_receipt(env, "", "c.csv."), "только на новом основании"));
    note_erased(env, 10, 40);
    intake_env_drop(env, "", "d.csv", THREE);
    intake_env_await(env, "", 4);
    assert_non_null(strstr(intake_env_receipt(env, "", "d.csv."), "(запрос № …, 21, 22, "));
    assert_int_equal(env->hub.stored, 4);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, intake_env_setup, intake_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(test_same_bad_file_again), CASE(test_mended),
            CASE(test_row_twice), CASE(test_repeated_after_erasures)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
