#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/bytes.h"
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

/* ---- entries of what came back ---- */

enum { MANY = 3000, MISSING = 1500 };

static void key_of(uint64_t n, uint8_t ret[static MR_INDEX_KEY_BYTES])
{
    memset(ret, 0, MR_INDEX_KEY_BYTES);
    mr_put_be64(ret, n * UINT64_C(0x9e3779b97f4a7c15));
}

/* Identities of 1 to MANY and one frequent key; one number is damaged unless it is all of them. */
static void fill_many(struct mr_index *index, bool all)
{
    struct mr_index_batch *batch = batch_of(index);
    uint8_t key[MR_INDEX_KEY_BYTES];

    for (uint64_t n = 1; n <= MANY; n++) {
        key_of(n, key);
        if (n == MISSING && !all) {
            assert_int_equal(mr_index_batch_put(batch, MR_INDEX_DAMAGED, key_ff, n), 0);
            continue;
        }
        assert_int_equal(mr_index_batch_put(batch, MR_INDEX_IDENT, key, n), 0);
        assert_int_equal(mr_index_batch_put(batch, MR_INDEX_TYPE, key_a, n), 0);
        if (n == MISSING) {
            assert_int_equal(mr_index_batch_put(batch, MR_INDEX_TYPE, key_b, n), 0);
            assert_int_equal(mr_index_batch_put(batch, MR_INDEX_DOCUMENT, key_b, n), 0);
        }
    }
    assert_int_equal(mr_index_batch_commit(batch, MANY), 0);
}

static void insert_missing(struct mr_index *index)
{
    struct mr_index_batch *batch = batch_of(index);
    uint8_t key[MR_INDEX_KEY_BYTES];

    key_of(MISSING, key);
    assert_int_equal(mr_index_batch_put(batch, MR_INDEX_IDENT, key, MISSING), 0);
    assert_int_equal(mr_index_batch_put(batch, MR_INDEX_TYPE, key_a, MISSING), 0);
    assert_int_equal(mr_index_batch_put(batch, MR_INDEX_TYPE, key_b, MISSING), 0);
    assert_int_equal(mr_index_batch_put(batch, MR_INDEX_DOCUMENT, key_b, MISSING), 0);
    assert_int_equal(mr_index_batch_insert(batch), 0);
}

static void what_came_back_is_found(void **state)
{
    struct mr_index_entry_ref damaged = {.kind = MR_INDEX_DAMAGED, .number = MISSING};
    struct mr_index *index = open_index(*state, false);
    uint8_t key[MR_INDEX_KEY_BYTES], mended[32], made[32];
    uint64_t got[2];

    memcpy(damaged.key, key_ff, sizeof damaged.key);
    fill_many(index, false);
    key_of(MISSING, key);
    assert_int_equal(mr_index_find(index, MR_INDEX_IDENT, key, 0, got, 2), 0);
    insert_missing(index);
    insert_missing(index); /* twice is the same as once */
    assert_int_equal(mr_index_forget(index, &damaged, 1), 0);
    assert_int_equal(mr_index_find(index, MR_INDEX_IDENT, key, 0, got, 2), 1);
    assert_int_equal(got[0], MISSING);
    assert_int_equal(mr_index_find(index, MR_INDEX_TYPE, key_a, MISSING - 1, got, 1), 1);
    assert_int_equal(got[0], MISSING);
    assert_int_equal(mr_index_find(index, MR_INDEX_DOCUMENT, key_b, 0, got, 2), 1);
    assert_int_equal(mr_index_digest(index, mended, NULL, NULL), 0);
    assert_int_equal(mr_index_clear(index), 0);
    fill_many(index, true);
    assert_int_equal(mr_index_digest(index, made, NULL, NULL), 0);
    assert_memory_equal(mended, made, sizeof made);
    mr_index_close(index);
}

/* ---- a damaged filter ---- */

/* Changes bytes of the filter in the closed file, and of older copies of it in free pages. */
static void damage_filter(const char *dir, size_t from, size_t step)
{
    uint32_t blocks = MANY * 16 / 256 + 1;
    size_t size = 16 + blocks * 36, found = 0;
    uint8_t head[4], *bytes;
    struct stat st;
    int fd = open(mr_tmpdir_path(dir, "data.mdb"), O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(bytes != MAP_FAILED);
    mr_put_be32(head, blocks);
    for (size_t row = 16; row + size <= (size_t)st.st_size; row += 4096) /* behind the head of a page */
        if (memcmp(bytes + row + 4, head, 4) == 0) {
            found++;
            for (size_t at = from; at < size; at += step)
                bytes[row + at] ^= 0xff;
        }
    assert_true(found > 0);
    assert_int_equal(munmap(bytes, (size_t)st.st_size), 0);
    assert_int_equal(close(fd), 0);
}

static void expect_all(struct mr_index *index)
{
    uint8_t key[MR_INDEX_KEY_BYTES];
    uint64_t got[2];

    for (uint64_t n = 1; n <= MANY; n++) {
        key_of(n, key);
        assert_int_equal(mr_index_find(index, MR_INDEX_IDENT, key, 0, got, 2), 1);
        assert_int_equal(got[0], n);
    }
}

static void a_damaged_filter_hides_nothing(void **state)
{
    static const struct {
        size_t from, step;
    } damage[] = {{20, 36}, {16, 36}, {51, 36}, {4, SIZE_MAX / 2}, {0, SIZE_MAX / 2}};
    struct mr_index *index = open_index(*state, false);
    uint64_t run = 0;

    fill_many(index, true);
    mr_index_close(index);
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        damage_filter(*state, damage[i].from, damage[i].step);
        index = open_index(*state, false);
        assert_int_equal(mr_index_digest(index, (uint8_t[32]){0}, NULL, NULL), MR_ECORRUPT);
        assert_int_equal(mr_index_mend(index, &run), 0); /* nobody has met it */
        expect_all(index);
        assert_int_equal(mr_index_mend(index, &run), 1);
        assert_int_equal(run, 1);
        assert_int_equal(mr_index_digest(index, (uint8_t[32]){0}, NULL, NULL), 0);
        expect_all(index);
        assert_int_equal(mr_index_mend(index, &run), 0);
        mr_index_close(index);
    }
}

enum { TOLD = 6000, DENSE = 3000, GAP = 4000 };

/* Close together at first, then far apart: 1, 2, ... 3000, 7000, 11000, ... */
static uint64_t number_at(size_t i)
{
    return i < DENSE ? i + 1 : DENSE + (uint64_t)(i - DENSE + 1) * GAP;
}

/* A key of many: what stands before is found in a window that grows. */
static void the_last_of_many(void **state)
{
    static const size_t asked[] = {0, 1, 7, 511, 512, 513, 514, 2999, 3000, 3001, 3400, 5999, TOLD};
    static const int sizes[] = {1, 2, 128, 700};
    struct mr_index *index = open_index(*state, false);
    struct mr_index_batch *batch = batch_of(index);

    for (size_t i = 0; i < TOLD; i++) {
        assert_int_equal(mr_index_batch_put(batch, MR_INDEX_TYPE, key_a, number_at(i)), 0);
        assert_int_equal(mr_index_batch_put(batch, MR_INDEX_TYPE, key_b, number_at(i) + 1), 0);
    }
    assert_int_equal(mr_index_batch_commit(batch, number_at(TOLD)), 0);
    for (size_t a = 0; a < sizeof asked / sizeof asked[0]; a++)
        for (size_t b = 0; b < sizeof sizes / sizeof sizes[0]; b++) {
            uint64_t got[700], before = number_at(asked[a]);
            int want = asked[a] < (size_t)sizes[b] ? (int)asked[a] : sizes[b];

            assert_int_equal(
                    mr_index_find_last(index, MR_INDEX_TYPE, key_a, before, got, (size_t)sizes[b]), want);
            for (int i = 0; i < want; i++)
                assert_true(got[i] == number_at(asked[a] - 1 - (size_t)i));
        }
    mr_index_close(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(finds_by_key, setup, teardown),
            cmocka_unit_test_setup_teardown(the_last_of_many, setup, teardown),
            cmocka_unit_test_setup_teardown(through_moves_with_entries, setup, teardown),
            cmocka_unit_test_setup_teardown(found_while_it_is_merged, setup, teardown),
            cmocka_unit_test_setup_teardown(what_came_back_is_found, setup, teardown),
            cmocka_unit_test_setup_teardown(a_damaged_filter_hides_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
