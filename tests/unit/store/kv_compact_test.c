#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "store/fault.h"
#include "store/kv.h"
#include "tests/support/keys_files.h"
#include "tests/support/tmpdir.h"

enum { A, B, TABLES, ROWS = 2000, VALUE_BYTES = 64 };
static const char *const names[] = {"a", "b"};

struct box {
    char *dir;
    struct mr_kv *kv;
};

static struct mr_kv *open_kv(const char *dir, bool read_only)
{
    const struct mr_kv_options options = {.dir = dir,
            .tables = names,
            .tables_count = TABLES,
            .checked = 1 << B,
            .read_only = read_only,
            .exclusive = !read_only};
    struct mr_error err = {0};
    struct mr_kv *kv = NULL;
    int r = mr_kv_open(&kv, &options, &err);

    if (r < 0)
        print_error("%s: %s\n", err.where, err.what);
    assert_int_equal(r, 0);
    return kv;
}

static const char *store(const struct box *box)
{
    return mr_tmpdir_path(box->dir, "kv");
}

static void value_of(uint32_t i, uint8_t ret[static VALUE_BYTES])
{
    memset(ret, 0x5a, VALUE_BYTES);
    mr_put_be32(ret, i * 2654435761u);
    mr_put_be32(ret + 4, i ^ 0xdeadbeef);
}

static void put_row(struct mr_kv_txn *txn, uint32_t i)
{
    uint8_t key[4], value[VALUE_BYTES];

    mr_put_be32(key, i);
    value_of(i, value);
    assert_int_equal(mr_kv_put(txn, i % TABLES, mr_slice(key, 4), mr_slice(value, sizeof value)), 0);
}

static void put_counter(struct mr_kv_txn *txn, uint32_t count)
{
    uint8_t value[4];

    mr_put_be32(value, count);
    assert_int_equal(mr_kv_put(txn, A, mr_slice_str("counter"), mr_slice(value, sizeof value)), 0);
}

/* All rows, then every second pair of them goes; and a counter. */
static void fill(struct mr_kv *kv)
{
    struct mr_kv_txn *txn = NULL;

    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    for (uint32_t i = 0; i < ROWS; i++)
        put_row(txn, i);
    put_counter(txn, 0);
    assert_int_equal(mr_kv_commit(txn), 0);
    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint8_t key[4];

        mr_put_be32(key, i);
        if (i % 4 < 2)
            assert_int_equal(mr_kv_del(txn, i % TABLES, mr_slice(key, 4)), 0);
    }
    assert_int_equal(mr_kv_commit(txn), 0);
}

static void assert_rows_of(struct mr_kv_txn *txn)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        uint8_t key[4], value[VALUE_BYTES];
        struct mr_slice got;

        mr_put_be32(key, i);
        value_of(i, value);
        assert_int_equal(mr_kv_get(txn, i % TABLES, mr_slice(key, 4), &got), i % 4 < 2 ? MR_ENOTFOUND : 0);
        if (i % 4 >= 2)
            assert_true(mr_slice_equal(got, mr_slice(value, sizeof value)));
    }
    assert_int_equal(mr_kv_count(txn, A) + mr_kv_count(txn, B), ROWS / 2 + 1);
}

static void assert_rows(struct mr_kv *kv)
{
    struct mr_kv_txn *txn = NULL;

    assert_int_equal(mr_kv_begin_read(kv, &txn), 0);
    assert_rows_of(txn);
    mr_kv_abort(txn);
}

static void assert_counter(struct mr_kv *kv, uint32_t count)
{
    struct mr_kv_txn *txn = NULL;
    struct mr_slice value;

    assert_int_equal(mr_kv_begin_read(kv, &txn), 0);
    assert_int_equal(mr_kv_get(txn, A, mr_slice_str("counter"), &value), 0);
    assert_int_equal(mr_get_be32(value.data), count);
    mr_kv_abort(txn);
}

static size_t deleted_in_files(const struct box *box)
{
    uint8_t value[VALUE_BYTES];
    size_t count = 0;

    for (uint32_t i = 0; i < ROWS; i += 400) {
        value_of(i, value);
        count += keys_files_count(store(box), value, sizeof value);
    }
    return count;
}

static int setup(void **state)
{
    struct box *box = calloc(1, sizeof *box);

    box->dir = mr_tmpdir_new();
    box->kv = open_kv(store(box), false);
    fill(box->kv);
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

static void reopen(struct box *box)
{
    mr_kv_close(box->kv);
    box->kv = NULL;
    box->kv = open_kv(store(box), false);
}

/* Nothing of the work is left over. */
static void assert_clean(const struct box *box)
{
    DIR *folder = opendir(store(box));
    const struct dirent *entry;
    int count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)))
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    assert_int_equal(count, 3); /* data.mdb, lock.mdb, owner.lock */
}

static void test_rows_stay_and_deleted_ones_are_in_no_page(void **state)
{
    struct box *box = *state;
    struct mr_kv_compaction result;

    for (int round = 0; round < 3; round++) {
        struct mr_kv_txn *txn = NULL;

        assert_int_equal(mr_kv_compact(box->kv, &result, NULL), 0);
        assert_true(round > 0 || result.after_bytes < result.before_bytes);
        assert_true(result.overwritten);
        assert_rows(box->kv);
        assert_clean(box);
        mr_kv_close(box->kv);
        box->kv = NULL;
        assert_int_equal(deleted_in_files(box), 0);
        box->kv = open_kv(store(box), false);
        assert_rows(box->kv);
        assert_int_equal(mr_kv_begin_write(box->kv, &txn), 0); /* and it goes on */
        put_row(txn, ROWS + 2);
        assert_int_equal(mr_kv_commit(txn), 0);
        assert_int_equal(mr_kv_begin_write(box->kv, &txn), 0);
        assert_int_equal(mr_kv_del(txn, A, mr_slice((const uint8_t *)"\0\0\x07\xd2", 4)), 0);
        assert_int_equal(mr_kv_commit(txn), 0);
    }
}

static void test_without_it_deleted_rows_stay_in_pages(void **state)
{
    struct box *box = *state;

    mr_kv_close(box->kv);
    box->kv = NULL;
    assert_true(deleted_in_files(box) > 0);
}

/* ---- beside others ---- */

struct reader {
    struct box *box;
    atomic_bool began;
    atomic_bool end;
    unsigned turns;
};

static void wait_for(atomic_bool *flag)
{
    while (!atomic_load(flag))
        (void)sched_yield();
}

static void *read_until_told(void *ctx)
{
    struct reader *reader = ctx;
    struct mr_kv_txn *txn = NULL;

    assert_int_equal(mr_kv_begin_read(reader->box->kv, &txn), 0);
    atomic_store(&reader->began, true);
    wait_for(&reader->end);
    assert_rows_of(txn); /* its view is whole */
    mr_kv_abort(txn);
    return NULL;
}

static void test_a_long_reader_makes_it_give_up(void **state)
{
    struct box *box = *state;
    struct reader reader = {.box = box};
    struct mr_kv_compaction result;
    struct mr_error err = {0};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, read_until_told, &reader), 0);
    wait_for(&reader.began);
    assert_int_equal(mr_kv_compact(box->kv, &result, &err), MR_EAGAIN);
    assert_true(strlen(err.cure) > 0);
    assert_rows(box->kv); /* the gate is open again */
    atomic_store(&reader.end, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_clean(box);
    assert_int_equal(mr_kv_compact(box->kv, &result, NULL), 0);
    assert_rows(box->kv);
}

static void *read_and_write(void *ctx)
{
    struct reader *reader = ctx;
    struct mr_kv_txn *outer = NULL, *inner = NULL;

    while (!atomic_load(&reader->end)) {
        assert_int_equal(mr_kv_begin_read(reader->box->kv, &outer), 0);
        assert_int_equal(mr_kv_begin_write(reader->box->kv, &inner), 0); /* while the other one is open */
        put_counter(inner, reader->turns + 1);
        assert_int_equal(mr_kv_commit(inner), 0);
        assert_int_equal(mr_kv_begin_read(reader->box->kv, &inner), 0);
        assert_rows_of(inner);
        mr_kv_abort(inner);
        mr_kv_abort(outer);
        reader->turns++;
        atomic_store(&reader->began, true);
    }
    return NULL;
}

static void *read_often(void *ctx)
{
    struct reader *reader = ctx;

    while (!atomic_load(&reader->end)) {
        assert_rows(reader->box->kv);
        (void)mr_kv_reader_check(reader->box->kv);
        atomic_store(&reader->began, true);
    }
    return NULL;
}

/* Threads that nest transactions are never locked in; what they write is never lost. */
static void test_under_load(void **state)
{
    struct box *box = *state;
    struct reader readers[3] = {{.box = box}, {.box = box}, {.box = box}};
    void *(*const fns[3])(void *) = {read_often, read_and_write, read_often};
    pthread_t threads[3];
    for (size_t i = 0; i < MR_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fns[i], &readers[i]), 0);
    for (size_t i = 0; i < MR_COUNT(threads); i++)
        wait_for(&readers[i].began);
    for (int i = 0; i < 20; i++) {
        struct mr_kv_compaction result;
        int r = mr_kv_compact(box->kv, &result, NULL);

        assert_true(r == 0 || r == MR_EAGAIN);
    }
    atomic_store(&readers[1].end, true);
    assert_int_equal(pthread_join(threads[1], NULL), 0);
    for (int i = 0; i < 5; i++) {
        struct mr_kv_compaction result;

        assert_int_equal(mr_kv_compact(box->kv, &result, NULL), 0); /* beside short readers always */
    }
    for (size_t i = 0; i < MR_COUNT(threads); i++)
        atomic_store(&readers[i].end, true);
    assert_int_equal(pthread_join(threads[0], NULL), 0);
    assert_int_equal(pthread_join(threads[2], NULL), 0);
    assert_true(readers[1].turns > 0);
    assert_counter(box->kv, readers[1].turns);
    reopen(box);
    assert_rows(box->kv);
    assert_counter(box->kv, readers[1].turns); /* no write went into an old file */
}

/* Another process that reads keeps its old file, which is then not overwritten. */
static void test_another_process_keeps_its_view(void **state)
{
    struct box *box = *state;
    struct mr_kv_compaction result;
    int ready[2], go[2], status = 0;
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct mr_kv *kv = open_kv(store(box), true);
        struct mr_kv_txn *txn = NULL;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        assert_int_equal(mr_kv_begin_read(kv, &txn), 0);
        assert_int_equal(write(ready[1], &byte, 1), 1);
        assert_int_equal(read(go[0], &byte, 1), 1);
        assert_rows_of(txn);
        mr_kv_abort(txn);
        mr_kv_close(kv);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(mr_kv_compact(box->kv, &result, NULL), 0);
    assert_false(result.overwritten);
    assert_rows(box->kv);
    assert_int_equal(write(go[1], &byte, 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(go[i]);
    }
    assert_int_equal(mr_kv_compact(box->kv, &result, NULL), 0);
    assert_true(result.overwritten);
}

/* ---- faults ---- */

#ifdef MR_FAULT_POINTS

static void killed_at(const char *point)
{
    struct box *box;
    char spec[64];
    int status = 0;
    pid_t pid;

    assert_int_equal(setup((void **)&box), 0);
    mr_kv_close(box->kv);
    box->kv = NULL;
    (void)snprintf(spec, sizeof spec, "%s:1:kill", point);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct mr_kv_compaction result;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        mr_fault_set(spec);
        box->kv = open_kv(store(box), false);
        (void)mr_kv_compact(box->kv, &result, NULL);
        _exit(3);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    box->kv = open_kv(store(box), false);
    assert_clean(box);
    assert_rows(box->kv);
    teardown((void **)&box);
}

static void test_killed_at_each_point(void **state)
{
    (void)state;
    killed_at("kv.copy");
    killed_at("kv.swap");
    killed_at("kv.swapped");
}

static void failed_at(struct box *box, const char *spec, int code)
{
    struct mr_kv_compaction result;
    struct mr_error err = {0};

    mr_fault_set(spec);
    assert_int_equal(mr_kv_compact(box->kv, &result, &err), code);
    mr_fault_set(NULL);
    assert_int_equal(err.code, code);
    assert_rows(box->kv);
    assert_clean(box);
}

static void test_failures_leave_the_old_file(void **state)
{
    struct box *box = *state;
    struct mr_kv_compaction result;

    failed_at(box, "kv.copy:1:eio", MR_EIO);
    failed_at(box, "kv.copy:1:enospc", MR_ENOSPACE);
    failed_at(box, "kv.swap:1:eio", MR_EIO);
    failed_at(box, "kv.swap:1:enospc", MR_ENOSPACE);
    assert_int_equal(mr_kv_compact(box->kv, &result, NULL), 0);
    assert_rows(box->kv);
}

/* The new file is there, and the next power loss may bring the old one back: nothing is written into it. */
static void test_without_a_durable_name(void **state)
{
    struct box *box = *state;
    struct mr_kv_compaction result;
    struct mr_kv_txn *txn;

    mr_fault_set("kv.swapped:1:eio");
    assert_int_equal(mr_kv_compact(box->kv, &result, NULL), MR_EIO);
    mr_fault_set(NULL);
    assert_rows(box->kv);
    assert_int_equal(mr_kv_begin_write(box->kv, &txn), MR_EIO);
    reopen(box);
    assert_rows(box->kv);
    assert_clean(box);
    assert_int_equal(mr_kv_begin_write(box->kv, &txn), 0);
    mr_kv_abort(txn);
}

#endif

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_rows_stay_and_deleted_ones_are_in_no_page),
            T(test_without_it_deleted_rows_stay_in_pages),
            T(test_a_long_reader_makes_it_give_up),
            T(test_under_load),
            T(test_another_process_keeps_its_view),
#ifdef MR_FAULT_POINTS
            cmocka_unit_test(test_killed_at_each_point),
            T(test_failures_leave_the_old_file),
            T(test_without_a_durable_name),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
