#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "store/kv.h"
#include "tests/support/tmpdir.h"

#define S(text) mr_slice_str(text)

static int setup(void **state)
{
    *state = mr_tmpdir_new();
    return 0;
}

static int teardown(void **state)
{
    mr_tmpdir_free(*state);
    return 0;
}

static int gather_key(void *ctx, struct mr_slice key, struct mr_slice value)
{
    char *out = ctx;

    (void)value;
    (void)snprintf(out + strlen(out), 64 - strlen(out), "%.*s ", (int)key.size, (const char *)key.data);
    return key.data[key.size - 1] == '!';
}

static void rows_come_down(void **state)
{
    static const struct {
        const char *prefix, *last, *want;
        int answer;
    } cases[] = {
            {"b", "b3", "b3 b2 b1! ", 1},                                /* until it is enough */
            {"b", "b2z", "b2 b1! ", 1}, {"c", "c\xff", "c2 c1 ", 0},     /* behind the last row of all */
            {"b", "a", "", 0}, {"", "a9", "a1 ", 0}, {"a", "a0", "", 0}, /* before the first row of all */
    };
    static const char *const rows[] = {"a1", "b0", "b1!", "b2", "b3", "c1", "c2"};
    static const char *const names[] = {"a"};
    const struct mr_kv_options options = {.dir = *state, .tables = names, .tables_count = 1};
    struct mr_kv_txn *txn;
    struct mr_kv *kv;

    assert_int_equal(mr_kv_open(&kv, &options, NULL), 0);
    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(mr_kv_put(txn, 0, S(rows[i]), S("x")), 0);
    assert_int_equal(mr_kv_commit(txn), 0);
    assert_int_equal(mr_kv_begin_read(kv, &txn), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char got[64] = "";

        assert_int_equal(mr_kv_rows_down(txn, 0, S(cases[i].prefix), S(cases[i].last), gather_key, got),
                cases[i].answer);
        assert_string_equal(got, cases[i].want);
    }
    mr_kv_abort(txn);
    mr_kv_close(kv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(rows_come_down, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
