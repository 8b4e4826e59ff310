#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "store/index.h"
#include "tests/support/tmpdir.h"

static const uint8_t key_a[MR_INDEX_KEY_BYTES] = {1};
static const uint8_t key_b[MR_INDEX_KEY_BYTES] = {
        1, 0, 0, 0, 0, 0, 0, 2}; /* one bit of the 63 that are kept */
static const uint8_t key_ff[MR_INDEX_KEY_BYTES] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

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

static struct mr_index *open_index(const char *dir, bool read_only)
{
    struct mr_index *index = NULL;

    assert_int_equal(mr_index_open(&index, dir, read_only, NULL), 0);
    return index;
}

static struct mr_index_batch *batch_of(struct mr_index *index)
{
    struct mr_index_batch *batch = NULL;

    assert_int_equal(mr_index_batch_begin(index, &batch), 0);
    return batch;
}

/* Entries of three keys and two kinds, put in no order. */
static void fill(struct mr_index *index)
{
    static const uint64_t numbers[] = {70000, 3, 256, 1, 255, 3};
    struct mr_index_batch *batch = batch_of(index);

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(mr_index_batch_put(batch, MR_INDEX_TYPE, key_a, numbers[i]), 0);
        assert_int_equal(mr_index_batch_put(batch, MR_INDEX_TYPE, key_b, numbers[i] + 1), 0);
        assert_int_equal(mr_index_batch_put(batch, MR_INDEX_DOCUMENT, key_ff, numbers[i] + 2), 0);
    }
    assert_int_equal(mr_index_batch_commit(batch, 70002), 0);
}

static void finds_by_key(void **state)
{
    static const struct {
        const char *name;
        enum mr_index_kind kind;
        const uint8_t *key;
        bool last;
        uint64_t bound;
        size_t max;
        int want;
        uint64_t numbers[5];
    } cases[] = {
            {"all", MR_INDEX_TYPE, key_a, false, 0, 9, 5, {1, 3, 255, 256, 70000}},
            {"after", MR_INDEX_TYPE, key_a, false, 3, 9, 3, {255, 256, 70000}},
            {"at most", MR_INDEX_TYPE, key_a, false, 1, 2, 2, {3, 255}},
            {"none behind", MR_INDEX_TYPE, key_a, false, 70000, 9, 0, {0}},
            {"after the greatest", MR_INDEX_TYPE, key_a, false, UINT64_MAX, 9, 0, {0}},
            {"neighbour key", MR_INDEX_TYPE, key_b, false, 0, 9, 5, {2, 4, 256, 257, 70001}},
            {"very last key", MR_INDEX_DOCUMENT, key_ff, false, 257, 9, 2, {258, 70002}},
            {"other kind", MR_INDEX_IDENT, key_a, false, 0, 9, 0, {0}},
            {"last", MR_INDEX_TYPE, key_a, true, UINT64_MAX, 9, 5, {70000, 256, 255, 3, 1}},
            {"before", MR_INDEX_TYPE, key_a, true, 256, 9, 3, {255, 3, 1}},
            {"before the first", MR_INDEX_TYPE, key_a, true, 1, 9, 0, {0}},
            {"last two", MR_INDEX_TYPE, key_b, true, 70001, 2, 2, {257, 256}},
            {"last of the last key", MR_INDEX_DOCUMENT, key_ff, true, UINT64_MAX, 1, 1, {70002}},
            {"last of no key", MR_INDEX_PERSON, key_a, true, UINT64_MAX, 9, 0, {0}},
    };
    struct mr_index *index = open_index(*state, false);

    assert_int_equal(mr_index_find_last(index, MR_INDEX_TYPE, key_a, UINT64_MAX, NULL, 0), 0);
    fill(index);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t got[9] = {0};
        int n = cases[i].last ? mr_index_find_last(
                                        index, cases[i].kind, cases[i].key, cases[i].bound, got, cases[i].max)
                              : mr_index_find(index, cases[i].kind, cases[i].key, cases[i].bound, got,
                                        cases[i].max);

        if (n != cases[i].want || memcmp(got, cases[i].numbers, sizeof cases[i].numbers) != 0)
            print_error("%s\n", cases[i].name);
        assert_int_equal(n, cases[i].want);
        assert_memory_equal(got, cases[i].numbers, sizeof cases[i].numbers);
    }
    mr_index_close(index);
}

static void through_moves_with_entries(void **state)
{
    struct mr_index *index = open_index(*state, false);
    uint64_t got[9];

    assert_int_equal(mr_index_through(index), 0);
    fill(index);
    assert_int_equal(mr_index_through(index), 70002);
    struct mr_index_batch *batch = batch_of(index);
    mr_index_batch_put(batch, MR_INDEX_IDENT, key_a, 80000);
    mr_index_batch_abort(batch);
    mr_index_close(index);

    index = open_index(*state, true);
    assert_int_equal(mr_index_through(index), 70002);
    assert_int_equal(mr_index_find(index, MR_INDEX_IDENT, key_a, 0, got, 9), 0);
    assert_int_equal(mr_index_find(index, MR_INDEX_TYPE, key_a, 0, got, 9), 5);
    mr_index_close(index);

    index = open_index(*state, false);
    assert_int_equal(mr_index_batch_commit(batch_of(index), 70003), 0);
    assert_int_equal(mr_index_through(index), 70003);
    assert_int_equal(mr_index_clear(index), 0);
    assert_int_equal(mr_index_through(index), 0);
    assert_int_equal(mr_index_find(index, MR_INDEX_TYPE, key_a, 0, got, 9), 0);
    fill(index);
    assert_int_equal(mr_index_find(index, MR_INDEX_TYPE, key_a, 0, got, 9), 5);
    assert_int_equal(mr_index_maintain(index), 0);
    mr_index_close(index);
}

/* ---- look-ups while runs come, are merged and go ---- */

enum { ROUNDS = 200 };

struct looking {
    struct mr_index *index;
    atomic_bool stop;
    unsigned looked;
};

/* Number n has key_a always: what is found is all from 1 on without a gap, whatever goes on. */
static void *look(void *ctx)
{
    struct looking *l = ctx;

    while (!atomic_load(&l->stop)) {
        uint64_t got[4 * ROUNDS], through = mr_index_through(l->index);
        int n = mr_index_find(l->index, MR_INDEX_IDENT, key_a, 0, got, sizeof got / sizeof got[0]);

        assert_true(n >= 0 && (uint64_t)n >= through);
        for (int i = 0; i < n; i++)
            assert_int_equal(got[i], i + 1);
        l->looked++;
    }
    return NULL;
}

static void found_while_it_is_merged(void **state)
{
    struct looking l = {.index = open_index(*state, false)};
    struct mr_index_entry_ref other = {.kind = MR_INDEX_PERSON};
    pthread_t thread;

    memcpy(other.key, key_b, sizeof other.key);
    assert_int_equal(pthread_create(&thread, NULL, look, &l), 0);
    for (uint64_t n = 1; n <= ROUNDS; n++) {
        struct mr_index_batch *batch = batch_of(l.index);

        assert_int_equal(mr_index_batch_put(batch, MR_INDEX_IDENT, key_a, n), 0);
        assert_int_equal(mr_index_batch_put(batch, MR_INDEX_PERSON, key_b, n), 0);
        assert_int_equal(mr_index_batch_commit(batch, n), 0);
        assert_true(mr_index_merge(l.index) >= 0);
        other.number = n;
        if (n % 10 == 0)
            assert_int_equal(mr_index_forget(l.index, &other, 1), 0);
    }
    atomic_store(&l.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(l.looked > 0);
    mr_index_close(l.index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(finds_by_key, setup, teardown),
            cmocka_unit_test_setup_teardown(through_moves_with_entries, setup, teardown),
            cmocka_unit_test_setup_teardown(found_while_it_is_merged, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
