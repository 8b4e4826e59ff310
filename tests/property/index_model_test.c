/*
 * The index against a plain list of entries, under random histories: batches of all sizes, steps of merging
 * between them, entries forgotten, reopenings in the middle of a merge. After each, look-ups of both
 * directions; at the end the digest is that of the same entries put in as one batch. MR_SEED repeats a
 * history, and it is printed on failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "proto/base/bytes.h"
#include "store/index.h"
#include "store/kv.h"
#include "tests/support/tmpdir.h"

enum { ENTRIES_MAX = 400000, KINDS = 9, KEYS = 50, BATCHES = 600 };

struct model {
    uint64_t seed, state;
    char *dir;
    struct mr_index *index;
    struct mr_index_entry_ref *entries; /* ascending by number within a key, as put */
    size_t count;
    uint64_t through;
};

#define CHECK(m, condition)                                                                                  \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            print_error("%s:%d: %s; through %llu, MR_SEED=%llu\n", __FILE__, __LINE__, #condition,           \
                    (unsigned long long)(m)->through, (unsigned long long)(m)->seed);                        \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

static uint64_t next_random(struct model *m) /* splitmix64 */
{
    uint64_t z = m->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint64_t below(struct model *m, uint64_t n)
{
    return next_random(m) % n;
}

/* Identities are of many keys, the other kinds of few; some keys are neighbours. */
static void random_key(struct model *m, enum mr_index_kind kind, uint8_t key[static MR_INDEX_KEY_BYTES])
{
    uint64_t k = kind == MR_INDEX_IDENT ? below(m, 20000) : below(m, KEYS);

    memset(key, 0, MR_INDEX_KEY_BYTES);
    mr_put_be64(key, k % 3 == 0 ? k << 1 : k * 0x9e3779b97f4a7c15);
}

static void open_index(struct model *m)
{
    CHECK(m, mr_index_open(&m->index, m->dir, false, NULL) == 0);
    CHECK(m, mr_index_through(m->index) == m->through);
}

static void put(struct model *m, struct mr_index_batch *batch, uint64_t number)
{
    struct mr_index_entry_ref *e = &m->entries[m->count];

    if (m->count == ENTRIES_MAX)
        return;
    e->kind = (enum mr_index_kind)(1 + below(m, KINDS));
    random_key(m, e->kind, e->key);
    e->number = number;
    CHECK(m, mr_index_batch_put(batch, e->kind, e->key, number) == 0);
    for (size_t i = m->count; i-- > 0 && m->entries[i].number == number;)
        if (m->entries[i].kind == e->kind && memcmp(m->entries[i].key, e->key, sizeof e->key) == 0)
            return; /* twice: one */
    m->count++;
}

static void add_batch(struct model *m)
{
    static const uint64_t sizes[] = {1, 1, 1, 2, 20, 300, 5000};
    uint64_t records = 1 + below(m, sizes[below(m, sizeof sizes / sizeof sizes[0])]);
    bool abort = below(m, 16) == 0;
    size_t before = m->count;
    struct mr_index_batch *batch;

    CHECK(m, mr_index_batch_begin(m->index, &batch) == 0);
    for (uint64_t n = m->through + 1; n <= m->through + records; n++)
        for (uint64_t left = below(m, 4); left > 0; left--)
            put(m, batch, n);
    if (abort) {
        mr_index_batch_abort(batch);
        m->count = before;
        return;
    }
    m->through += records;
    CHECK(m, mr_index_batch_commit(batch, m->through) == 0);
}

static void forget_some(struct model *m)
{
    struct mr_index_entry_ref refs[4] = {0};
    size_t count = 1 + below(m, 4);

    if (m->count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        size_t at = below(m, m->count);

        refs[i] = m->entries[at];
        if (below(m, 8) == 0)
            refs[i].key[0] ^= 0x10; /* very likely none */
        for (size_t j = 0; j < m->count; j++)
            if (m->entries[j].kind == refs[i].kind && m->entries[j].number == refs[i].number &&
                    memcmp(m->entries[j].key, refs[i].key, MR_INDEX_KEY_BYTES) == 0) {
                memmove(&m->entries[j], &m->entries[j + 1], (m->count - j - 1) * sizeof *m->entries);
                m->count--;
                break;
            }
        if (m->count == 0)
            break;
    }
    CHECK(m, mr_index_forget(m->index, refs, count) == 0);
}

struct thinning {
    uint64_t first, last, divisor;
};

static bool is_gone(void *ctx, uint64_t number)
{
    const struct thinning *t = ctx;

    return number >= t->first && number <= t->last && number % t->divisor == 0;
}

static void thin_some(struct model *m)
{
    struct thinning t = {.first = 1 + below(m, m->through + 1), .divisor = 1 + below(m, 4)};
    uint32_t kinds = (uint32_t)below(m, 1 << (KINDS + 1));
    size_t kept = 0;

    t.last = t.first + below(m, 1000);
    CHECK(m, mr_index_thin(m->index, kinds, t.first, t.last, is_gone, &t) == 0);
    for (size_t i = 0; i < m->count; i++)
        if (!(kinds & 1u << m->entries[i].kind) || !is_gone(&t, m->entries[i].number))
            m->entries[kept++] = m->entries[i];
    m->count = kept;
}

static bool is_of(const struct mr_index_entry_ref *e, enum mr_index_kind kind, const uint8_t *key)
{
    return e->kind == kind && memcmp(e->key, key, MR_INDEX_KEY_BYTES) == 0;
}

static void look_up(struct model *m)
{
    enum mr_index_kind kind = (enum mr_index_kind)(1 + below(m, KINDS));
    uint64_t bound = below(m, m->through + 2), got[64], want[64];
    uint8_t key[MR_INDEX_KEY_BYTES];
    size_t max = 1 + below(m, 64), n = 0;

    random_key(m, kind, key);
    for (size_t i = 0; i < m->count && n < max; i++)
        if (is_of(&m->entries[i], kind, key) && m->entries[i].number > bound)
            want[n++] = m->entries[i].number;
    CHECK(m, mr_index_find(m->index, kind, key, bound, got, max) == (int)n);
    CHECK(m, memcmp(got, want, n * sizeof *got) == 0);
    n = 0;
    for (size_t i = m->count; i-- > 0 && n < max;)
        if (is_of(&m->entries[i], kind, key) && m->entries[i].number < bound)
            want[n++] = m->entries[i].number;
    CHECK(m, mr_index_find_last(m->index, kind, key, bound, got, max) == (int)n);
    CHECK(m, memcmp(got, want, n * sizeof *got) == 0);
}

static void act(struct model *m)
{
    uint64_t what = below(m, 100);

    if (what < 60)
        add_batch(m);
    else if (what < 95)
        CHECK(m, mr_index_merge(m->index) >= 0);
    else if (what < 97)
        forget_some(m);
    else if (what < 98)
        thin_some(m);
    else {
        mr_index_close(m->index);
        open_index(m);
    }
    for (int i = 0; i < 3; i++)
        look_up(m);
}

/* The same content, however it came to be. */
static void compare_with_one_batch(struct model *m)
{
    char *dir = mr_tmpdir_new();
    uint8_t one[32], many[32];
    uint64_t entries;
    struct mr_index_batch *batch;
    struct mr_index_usage usage;
    struct mr_index *index;

    CHECK(m, mr_index_open(&index, dir, false, NULL) == 0);
    CHECK(m, mr_index_batch_begin(index, &batch) == 0);
    for (size_t i = 0; i < m->count; i++)
        CHECK(m, mr_index_batch_put(batch, m->entries[i].kind, m->entries[i].key, m->entries[i].number) == 0);
    CHECK(m, mr_index_batch_commit(batch, m->through) == 0);
    CHECK(m, mr_index_digest(index, one, &entries, NULL) == 0);
    CHECK(m, entries == m->count);
    mr_index_close(index);
    mr_tmpdir_free(dir);
    CHECK(m, mr_index_digest(m->index, many, &entries, NULL) == 0);
    CHECK(m, entries == m->count);
    CHECK(m, memcmp(one, many, sizeof one) == 0);
    while (mr_index_merge(m->index) == 1)
        ;
    CHECK(m, mr_index_digest(m->index, many, &entries, NULL) == 0);
    CHECK(m, memcmp(one, many, sizeof one) == 0);
    CHECK(m, mr_index_usage(m->index, &usage) == 0);
    CHECK(m, usage.entries == m->count && usage.runs <= 5 * 16);
}

static uint64_t seed_of_run(void)
{
    const char *text = getenv("MR_SEED");
    uint64_t seed;

    if (text)
        return strtoull(text, NULL, 10);
    return getrandom(&seed, sizeof seed, 0) == sizeof seed ? seed : 1;
}

static void random_histories(void **state)
{
    struct model m = {.seed = seed_of_run(), .dir = mr_tmpdir_new()};

    (void)state;
    m.state = m.seed;
    m.entries = calloc(ENTRIES_MAX + 1, sizeof *m.entries);
    assert_non_null(m.entries);
    open_index(&m);
    for (int i = 0; i < BATCHES; i++)
        act(&m);
    compare_with_one_batch(&m);
    mr_index_close(m.index);
    mr_tmpdir_free(m.dir);
    free(m.entries);
}

/* ---- damage ---- */

struct victim {
    uint8_t key[64], value[5000];
    size_t key_size, value_size;
};

static int take_first(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct victim *v = ctx;

    assert_true(key.size <= sizeof v->key && value.size <= sizeof v->value);
    memcpy(v->key, key.data, key.size);
    memcpy(v->value, value.data, value.size);
    v->key_size = key.size;
    v->value_size = value.size;
    return 1;
}

/* Turns one bit of the first row of a table, behind the index's back. */
static void damage(const char *dir, uint32_t table, size_t at)
{
    static const char *const names[] = {"block", "run", "filter", "meta"};
    const struct mr_kv_options options = {.dir = dir, .tables = names, .tables_count = 4, .exclusive = true};
    struct victim v = {0};
    struct mr_kv_txn *txn;
    struct mr_kv *kv;

    assert_int_equal(mr_kv_open(&kv, &options, NULL), 0);
    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    assert_int_equal(mr_kv_rows(txn, table, (struct mr_slice){0}, (struct mr_slice){0}, take_first, &v), 1);
    v.value[at % v.value_size] ^= 4;
    assert_int_equal(mr_kv_put(txn, table, mr_slice(v.key, v.key_size), mr_slice(v.value, v.value_size)), 0);
    assert_int_equal(mr_kv_commit(txn), 0);
    mr_kv_close(kv);
}

static void damage_is_named(void **state)
{
    static const uint8_t key[MR_INDEX_KEY_BYTES] = {9};

    (void)state;
    for (uint32_t table = 0; table < 3; table++) {
        for (size_t at = 0; at < 24; at++) {
            char *dir = mr_tmpdir_new();
            struct mr_error error = {0};
            struct mr_index_batch *batch;
            struct mr_index *index;
            uint8_t digest[32];

            assert_int_equal(mr_index_open(&index, dir, false, NULL), 0);
            assert_int_equal(mr_index_batch_begin(index, &batch), 0);
            for (uint64_t n = 1; n < 40; n++)
                assert_int_equal(mr_index_batch_put(batch, MR_INDEX_IDENT, key, n), 0);
            assert_int_equal(mr_index_batch_commit(batch, 40), 0);
            mr_index_close(index);
            damage(dir, table, at);
            if (mr_index_open(&index, dir, false, &error) == 0) {
                assert_int_equal(mr_index_digest(index, digest, NULL, &error), MR_ECORRUPT);
                mr_index_close(index);
            }
            assert_true(*error.what && *error.cure);
            mr_tmpdir_free(dir);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(random_histories),
            cmocka_unit_test(damage_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
