/* Writers go on while an environment is compacted; nothing of what they change is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "store/kv.h"
#include "tests/support/tmpdir.h"

enum { A, B, TABLES, STILL = 2000, BUSY = 300, CHANGES = 20, VALUE_BYTES = 200 };
static const char *const names[] = {"a", "b"};

struct box {
    char *dir;
    struct mr_kv *kv;
    atomic_bool end;
    atomic_uint commits;
    uint32_t versions[BUSY]; /* of the rows from 0 on; 0: not there. The rows behind them stay */
};

static void open_kv(struct box *box)
{
    const struct mr_kv_options options = {.dir = mr_tmpdir_path(box->dir, "kv"),
            .tables = names,
            .tables_count = TABLES,
            .checked = 1 << B,
            .exclusive = true};

    assert_int_equal(mr_kv_open(&box->kv, &options, NULL), 0);
}

static void put_version(struct mr_kv_txn *txn, uint32_t i, uint32_t version)
{
    uint8_t key[4], value[VALUE_BYTES] = {0};
    int r;

    mr_put_be32(key, i);
    mr_put_be32(value, version);
    if (version)
        r = mr_kv_put(txn, i % TABLES, mr_slice(key, 4), mr_slice(value, sizeof value));
    else
        r = mr_kv_del(txn, i % TABLES, mr_slice(key, 4));
    assert_true(r == 0 || (!version && r == MR_ENOTFOUND));
}

static int setup(void **state)
{
    struct box *box = calloc(1, sizeof *box);
    struct mr_kv_txn *txn;

    box->dir = mr_tmpdir_new();
    open_kv(box);
    assert_int_equal(mr_kv_begin_write(box->kv, &txn), 0);
    for (uint32_t i = BUSY; i < BUSY + STILL; i++)
        put_version(txn, i, i);
    assert_int_equal(mr_kv_commit(txn), 0);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    struct box *box = *state;

    mr_kv_close(box->kv);
    mr_tmpdir_free(box->dir);
    free(box);
    return 0;
}

/* The whole table, and what is to be in it again. */
static void empty_and_fill(struct mr_kv_txn *txn, const struct box *box)
{
    assert_int_equal(mr_kv_clear(txn, B), 0);
    for (uint32_t i = 1; i < BUSY + STILL; i += TABLES)
        put_version(txn, i, i < BUSY ? box->versions[i] : i);
}

static void *write_all_the_time(void *ctx)
{
    struct box *box = ctx;
    unsigned seed = 7;

    for (uint32_t turn = 1; !atomic_load(&box->end); turn++) {
        struct mr_kv_txn *txn;

        assert_int_equal(mr_kv_begin_write(box->kv, &txn), 0);
        for (int k = 0; k < CHANGES; k++) {
            uint32_t i = (uint32_t)rand_r(&seed) % BUSY;

            box->versions[i] = rand_r(&seed) % 3 ? turn : 0;
            put_version(txn, i, box->versions[i]);
        }
        if (turn % 16 == 0)
            empty_and_fill(txn, box);
        assert_int_equal(mr_kv_commit(txn), 0);
        atomic_fetch_add(&box->commits, 1);
    }
    return NULL;
}

static void assert_rows(const struct box *box)
{
    struct mr_kv_txn *txn;

    assert_int_equal(mr_kv_begin_read(box->kv, &txn), 0);
    for (uint32_t i = 0; i < BUSY + STILL; i++) {
        uint32_t version = i < BUSY ? box->versions[i] : i;
        struct mr_slice got;
        uint8_t key[4];

        mr_put_be32(key, i);
        assert_int_equal(mr_kv_get(txn, i % TABLES, mr_slice(key, 4), &got), version ? 0 : MR_ENOTFOUND);
        if (version)
            assert_int_equal(mr_get_be32(got.data), version);
    }
    mr_kv_abort(txn);
}

static void test_writers_go_on(void **state)
{
    struct box *box = *state;
    unsigned meanwhile = 0;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, write_all_the_time, box), 0);
    for (int i = 0; i < 10 || meanwhile < 20; i++) {
        struct mr_kv_compaction result;
        unsigned before = atomic_load(&box->commits);

        assert_int_equal(mr_kv_compact(box->kv, &result, NULL), 0);
        meanwhile += atomic_load(&box->commits) - before;
    }
    atomic_store(&box->end, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_rows(box);
    mr_kv_close(box->kv);
    open_kv(box);
    assert_rows(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_writers_go_on, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
