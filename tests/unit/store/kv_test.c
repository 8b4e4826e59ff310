#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "store/kv.h"
#include "tests/support/tmpdir.h"

#define S(text) mr_slice_str(text)

enum { A, B, TABLES };
static const char *const names[] = {"a", "b"};

static struct mr_kv_options options_of(const char *dir)
{
    return (struct mr_kv_options){.dir = dir, .tables = names, .tables_count = TABLES};
}

static struct mr_kv *open_kv(const char *dir)
{
    struct mr_kv_options options = options_of(dir);
    struct mr_error err = {0};
    struct mr_kv *kv = NULL;
    int r = mr_kv_open(&kv, &options, &err);

    if (r < 0)
        print_error("%s: %s\n", err.where, err.what);
    assert_int_equal(r, 0);
    return kv;
}

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

static struct mr_kv_txn *write_of(struct mr_kv *kv)
{
    struct mr_kv_txn *txn = NULL;

    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    return txn;
}

static struct mr_kv_txn *read_of(struct mr_kv *kv)
{
    struct mr_kv_txn *txn = NULL;

    assert_int_equal(mr_kv_begin_read(kv, &txn), 0);
    return txn;
}

static void put_one(struct mr_kv *kv, const char *key, const char *value)
{
    struct mr_kv_txn *txn = write_of(kv);

    assert_int_equal(mr_kv_put(txn, A, S(key), S(value)), 0);
    assert_int_equal(mr_kv_commit(txn), 0);
}

static void rows_survive_reopen(void **state)
{
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_txn *txn = write_of(kv);
    struct mr_slice value;
    uint8_t *room = NULL;

    assert_int_equal(mr_kv_put(txn, A, S("k"), S("one")), 0);
    assert_int_equal(mr_kv_put(txn, A, S("empty"), (struct mr_slice){0}), 0);
    assert_int_equal(mr_kv_reserve(txn, B, S("r"), 3, true, &room), 0);
    memcpy(room, "xyz", 3);
    assert_int_equal(mr_kv_get(txn, A, S("k"), &value), 0);
    assert_int_equal(mr_kv_commit(txn), 0);
    mr_kv_close(kv);

    kv = open_kv(*state);
    txn = read_of(kv);
    assert_int_equal(mr_kv_get(txn, A, S("k"), &value), 0);
    assert_true(mr_slice_equal(value, S("one")));
    assert_int_equal(mr_kv_get(txn, A, S("empty"), &value), 0);
    assert_int_equal(value.size, 0);
    assert_int_equal(mr_kv_get(txn, B, S("r"), &value), 0);
    assert_true(mr_slice_equal(value, S("xyz")));
    assert_int_equal(mr_kv_get(txn, B, S("k"), &value), MR_ENOTFOUND);
    assert_int_equal(mr_kv_count(txn, A), 2);
    mr_kv_abort(txn);
    mr_kv_close(kv);
}

static void files_are_private(void **state)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "owner.lock"};
    const char *dir = mr_tmpdir_path(*state, "new");
    struct mr_kv_options options = options_of(dir);
    struct mr_kv *kv = NULL;
    struct stat st;
    mode_t old = umask(0);

    options.exclusive = true;
    assert_int_equal(mr_kv_open(&kv, &options, NULL), 0);
    umask(old);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(stat(mr_tmpdir_path(dir, files[i]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    mr_kv_close(kv);
}

static void first_failure_is_sticky(void **state)
{
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_txn *txn = write_of(kv);
    struct mr_slice value;

    assert_int_equal(mr_kv_append(txn, A, S("m"), S("1")), 0);
    assert_int_equal(mr_kv_get(txn, A, S("none"), &value), MR_ENOTFOUND);
    assert_int_equal(mr_kv_del(txn, A, S("none")), MR_ENOTFOUND);
    assert_int_equal(mr_kv_put(txn, A, S("n"), S("2")), 0);
    assert_int_equal(mr_kv_append(txn, A, S("a"), S("3")), MR_EEXISTS);
    assert_int_equal(mr_kv_put(txn, A, S("o"), S("4")), MR_EEXISTS);
    assert_int_equal(mr_kv_get(txn, A, S("m"), &value), MR_EEXISTS);
    assert_int_equal(mr_kv_commit(txn), MR_EEXISTS);
    txn = read_of(kv);
    assert_int_equal(mr_kv_count(txn, A), 0);
    mr_kv_abort(txn);
    mr_kv_close(kv);
}

static void keys_have_limits(void **state)
{
    static const uint8_t long_key[512];
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_txn *txn = write_of(kv);

    assert_int_equal(mr_kv_put(txn, A, mr_slice(long_key, 511), S("v")), 0);
    assert_int_equal(mr_kv_put(txn, A, mr_slice(long_key, 512), S("v")), MR_EINVAL);
    mr_kv_abort(txn);
    txn = write_of(kv);
    assert_int_equal(mr_kv_put(txn, A, S(""), S("v")), MR_EINVAL);
    mr_kv_abort(txn);
    mr_kv_close(kv);
}

static void cursor_walks_both_ways(void **state)
{
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_txn *txn;
    struct mr_kv_cursor *cursor = NULL;
    struct mr_slice key, value;

    put_one(kv, "b", "1");
    put_one(kv, "d", "2");
    txn = read_of(kv);
    assert_int_equal(mr_kv_cursor_open(txn, A, &cursor), 0);
    assert_int_equal(mr_kv_cursor_seek(cursor, S("c"), &key, &value), 0);
    assert_true(mr_slice_equal(key, S("d")) && mr_slice_equal(value, S("2")));
    assert_int_equal(mr_kv_cursor_next(cursor, &key, &value), MR_ENOTFOUND);
    assert_int_equal(mr_kv_cursor_seek(cursor, S("e"), &key, &value), MR_ENOTFOUND);
    assert_int_equal(mr_kv_cursor_last(cursor, &key, &value), 0);
    assert_int_equal(mr_kv_cursor_prev(cursor, &key, &value), 0);
    assert_true(mr_slice_equal(key, S("b")));
    assert_int_equal(mr_kv_cursor_prev(cursor, &key, &value), MR_ENOTFOUND);
    assert_int_equal(mr_kv_cursor_seek(cursor, S(""), &key, &value), 0);
    assert_true(mr_slice_equal(key, S("b")));

    put_one(kv, "a", "0");
    mr_kv_pause(txn);
    assert_int_equal(mr_kv_renew(txn), 0);
    assert_int_equal(mr_kv_cursor_renew(cursor), 0);
    assert_int_equal(mr_kv_cursor_next(cursor, &key, &value), 0);
    assert_true(mr_slice_equal(key, S("a")));
    mr_kv_cursor_close(cursor);
    mr_kv_abort(txn);
    mr_kv_close(kv);
}

static void snapshot_stays_until_renewed(void **state)
{
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_txn *txn = read_of(kv);
    struct mr_slice value;

    put_one(kv, "k", "1");
    assert_int_equal(mr_kv_get(txn, A, S("k"), &value), MR_ENOTFOUND);
    assert_int_equal(mr_kv_renew(txn), 0);
    assert_int_equal(mr_kv_get(txn, A, S("k"), &value), 0);
    mr_kv_abort(txn);
    mr_kv_close(kv);
}

static void clear_empties_one_table(void **state)
{
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_txn *txn = write_of(kv);

    mr_kv_put(txn, A, S("k"), S("v"));
    mr_kv_put(txn, B, S("k"), S("v"));
    assert_int_equal(mr_kv_clear(txn, A), 0);
    assert_int_equal(mr_kv_count(txn, A), 0);
    assert_int_equal(mr_kv_count(txn, B), 1);
    assert_int_equal(mr_kv_commit(txn), 0);
    mr_kv_close(kv);
}

static void opens_once_in_a_process(void **state)
{
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_options options =
            options_of(mr_tmpdir_path(*state, ".")); /* the same folder by another name */
    struct mr_kv *other = NULL;
    struct mr_error err = {0};

    assert_int_equal(mr_kv_open(&other, &options, &err), MR_EEXISTS);
    assert_non_null(strstr(err.what, "this process"));
    options.read_only = true;
    assert_int_equal(mr_kv_open(&other, &options, NULL), MR_EEXISTS);
    mr_kv_close(kv);
    kv = open_kv(*state);
    mr_kv_close(kv);
}

/* Runs fn in a child; its return value is the exit status. */
static int in_child(int (*fn)(const char *dir), const char *dir)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fn(dir));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* Opens as owner, reports on a pipe and waits to be killed. */
static pid_t start_owner(const char *dir)
{
    struct mr_kv_options options = options_of(dir);
    struct mr_kv *kv = NULL;
    struct mr_kv_txn *txn = NULL;
    int pipes[2];
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        options.exclusive = true;
        byte = mr_kv_open(&kv, &options, NULL) == 0 && mr_kv_begin_read(kv, &txn) == 0;
        if (write(pipes[1], &byte, 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(byte, 1);
    close(pipes[0]);
    close(pipes[1]);
    return pid;
}

static void one_owner_among_processes(void **state)
{
    struct mr_kv_options options = options_of(*state);
    struct mr_error err = {0};
    struct mr_kv *kv = NULL;
    pid_t pid = start_owner(*state);

    options.exclusive = true;
    assert_int_equal(mr_kv_open(&kv, &options, &err), MR_EEXISTS);
    assert_string_equal(err.what, "in use by another process");
    options.exclusive = false;
    options.read_only = true;
    assert_int_equal(mr_kv_open(&kv, &options, NULL), 0);
    mr_kv_close(kv);

    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    options = options_of(*state);
    options.exclusive = true;
    assert_int_equal(mr_kv_open(&kv, &options, NULL), 0);
    mr_kv_close(kv);
}

static void dead_readers_are_cleared(void **state)
{
    struct mr_kv *kv;
    pid_t pid = start_owner(*state);

    kv = open_kv(*state);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(mr_kv_reader_check(kv), 1);
    assert_int_equal(mr_kv_reader_check(kv), 0);
    mr_kv_close(kv);
}

static int fill_reader_slots(const char *dir)
{
    struct mr_kv *kv = open_kv(dir);
    struct mr_kv_txn *txn;
    int n = 0;

    while (mr_kv_begin_read(kv, &txn) == 0)
        n++;
    return n == 511 ? 0 : 1; /* all left behind; the parent has one more */
}

static void full_reader_table_heals(void **state)
{
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_txn *txn = read_of(kv);

    assert_int_equal(in_child(fill_reader_slots, *state), 0);
    mr_kv_abort(read_of(kv));
    mr_kv_abort(txn);
    mr_kv_close(kv);
}

static void read_only_needs_a_store(void **state)
{
    struct mr_kv_options options = options_of(mr_tmpdir_path(*state, "none"));
    struct mr_kv *kv = NULL;
    struct stat st;

    options.read_only = true;
    assert_int_equal(mr_kv_open(&kv, &options, NULL), MR_ENOTFOUND);
    assert_int_equal(stat(options.dir, &st), -1);
    options.dir = *state; /* a folder, but nothing in it */
    assert_int_equal(mr_kv_open(&kv, &options, NULL), MR_ENOTFOUND);
    assert_null(kv);
}

static void foreign_file_is_corrupt(void **state)
{
    struct mr_kv_options options = options_of(*state);
    struct mr_kv *kv = NULL;
    FILE *f = fopen(mr_tmpdir_path(*state, "data.mdb"), "w");

    assert_non_null(f);
    for (int i = 0; i < 1000; i++)
        fputs("not a database ", f);
    fclose(f);
    assert_int_equal(mr_kv_open(&kv, &options, NULL), MR_ECORRUPT);
    assert_null(kv);
}

static void put_bulk(struct mr_kv_txn *txn, uint32_t from, uint32_t count)
{
    static const uint8_t value[3000];
    uint8_t key[4];

    for (uint32_t i = from; i < from + count; i++) {
        mr_put_be32(key, i);
        mr_kv_put(txn, B, mr_slice(key, 4), mr_slice(value, sizeof value));
    }
}

/* Until the disk is full; then reads work, freeing helps, and what was committed is there. */
static int run_full(struct mr_kv *kv)
{
    struct mr_kv_txn *txn = NULL;
    uint32_t committed = 0;
    uint64_t count;
    int r;

    do {
        if (mr_kv_begin_write(kv, &txn) < 0)
            return 2;
        put_bulk(txn, committed, 50);
        r = mr_kv_commit(txn);
        committed += r == 0 ? 50 : 0;
    } while (r == 0 && committed < 100000);
    if (r != MR_ENOSPACE)
        return 3;
    if (mr_kv_begin_read(kv, &txn) < 0)
        return 4;
    count = mr_kv_count(txn, B);
    mr_kv_abort(txn);
    return count == committed && committed > 0 ? 0 : 5;
}

static int limited_file(const char *dir)
{
    struct rlimit limit = {2 << 20, RLIM_INFINITY};
    struct mr_kv *kv = open_kv(dir);
    int r;

    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    r = run_full(kv);
    if (r)
        return r;
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    put_one(kv, "after", "ok");
    mr_kv_close(kv);
    return 0;
}

static void file_limit_is_no_space(void **state)
{
    assert_int_equal(in_child(limited_file, *state), 0);
}

static void full_tmpfs_is_no_space(void **state)
{
    char *mounted = mr_tmpdir_new();
    const char *ballast = mr_tmpdir_path(mounted, "ballast");
    struct mr_kv *kv;
    FILE *f;

    (void)state;
    if (mount("tmpfs", mounted, "tmpfs", 0, "size=4m") < 0) {
        mr_tmpdir_free(mounted);
        skip();
    }
    f = fopen(ballast, "w");
    assert_non_null(f);
    for (int i = 0; i < 1 << 20; i++)
        fputc('x', f);
    fclose(f);
    kv = open_kv(mr_tmpdir_path(mounted, "kv"));
    assert_int_equal(run_full(kv), 0);
    assert_int_equal(unlink(ballast), 0);
    put_one(kv, "after", "ok");
    mr_kv_close(kv);
    assert_int_equal(umount(mounted), 0);
    mr_tmpdir_free(mounted);
}

static void usage_counts_pages(void **state)
{
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_usage before = {0}, after = {0};
    struct mr_kv_txn *txn;

    assert_int_equal(mr_kv_usage(kv, &before), 0);
    txn = write_of(kv);
    put_bulk(txn, 0, 100);
    assert_int_equal(mr_kv_commit(txn), 0);
    assert_int_equal(mr_kv_usage(kv, &after), 0);
    assert_true(after.used_bytes >= before.used_bytes + 100 * 4096);
    assert_true(after.file_bytes >= after.used_bytes);
    txn = write_of(kv);
    mr_kv_clear(txn, B);
    assert_int_equal(mr_kv_commit(txn), 0);
    assert_int_equal(mr_kv_usage(kv, &before), 0);
    assert_true(before.used_bytes + 90 * 4096 < after.used_bytes);
    mr_kv_close(kv);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(rows_survive_reopen),
            T(files_are_private),
            T(first_failure_is_sticky),
            T(keys_have_limits),
            T(cursor_walks_both_ways),
            T(snapshot_stays_until_renewed),
            T(clear_empties_one_table),
            T(opens_once_in_a_process),
            T(one_owner_among_processes),
            T(dead_readers_are_cleared),
            T(full_reader_table_heals),
            T(read_only_needs_a_store),
            T(foreign_file_is_corrupt),
            T(file_limit_is_no_space),
            T(full_tmpfs_is_no_space),
            T(usage_counts_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
