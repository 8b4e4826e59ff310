/* A store's file that cannot be what it was: one line with its name and exit code 76, not a signal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/kv.h"
#include "store/kv_fatal.h"
#include "tests/support/tmpdir.h"

enum { ROWS = 2000 };

static const char *const names[] = {"a"};

static struct mr_kv *open_kv(const char *dir, bool read_only)
{
    const struct mr_kv_options options = {
            .dir = dir, .tables = names, .tables_count = 1, .read_only = read_only};
    struct mr_kv *kv = NULL;

    return mr_kv_open(&kv, &options, NULL) == 0 ? kv : NULL;
}

static int setup(void **state)
{
    struct mr_kv_txn *txn;
    struct mr_kv *kv;
    char key[16];

    *state = mr_tmpdir_new();
    kv = open_kv(*state, false);
    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(key, sizeof key, "%08d", i);
        (void)mr_kv_put(txn, 0, mr_slice_str(key), mr_slice_str("some value of some length for this row"));
    }
    assert_int_equal(mr_kv_commit(txn), 0);
    mr_kv_close(kv);
    return 0;
}

static int teardown(void **state)
{
    mr_tmpdir_free(*state);
    return 0;
}

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    unsigned *sum = ctx;

    *sum += key.data[0] + value.data[value.size - 1];
    return 0;
}

static int read_rows(struct mr_kv *kv)
{
    const struct mr_slice none = {0};
    struct mr_kv_txn *txn;
    unsigned sum = 0;
    int r = mr_kv_begin_read(kv, &txn);

    if (r == 0)
        r = mr_kv_rows(txn, 0, none, none, on_row, &sum);
    mr_kv_abort(txn);
    return r;
}

/* Runs fn in a child with its stderr in DIR/err. Returns the status of wait. */
static int in_child(const char *dir, void (*fn)(const char *dir))
{
    struct rlimit none = {0, 0};
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(mr_tmpdir_path(dir, "err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

        (void)dup2(fd, STDERR_FILENO);
        (void)setrlimit(RLIMIT_CORE, &none);
        mr_kv_fatal_install();
        fn(dir);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void expect_line(const char *dir, const char *text)
{
    char line[1024] = {0};
    FILE *file = fopen(mr_tmpdir_path(dir, "err"), "re");

    assert_non_null(file);
    assert_true(fread(line, 1, sizeof line - 1, file) > 0);
    (void)fclose(file);
    assert_non_null(strstr(line, "event=store.damaged"));
    assert_non_null(strstr(line, text));
    assert_non_null(strstr(line, dir));
}

static void cut_off(const char *dir)
{
    struct mr_kv *kv = open_kv(dir, true);

    if (truncate(mr_tmpdir_path(dir, "data.mdb"), 2 * 4096) == 0)
        (void)read_rows(kv);
}

static void test_cut_file(void **state)
{
    int status = in_child(*state, cut_off);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 76);
    expect_line(*state, "a page of the file cannot be read");
}

/* Branches become leaves and leaves branches. */
static void swap_kinds(const char *dir)
{
    int fd = open(mr_tmpdir_path(dir, "data.mdb"), O_RDWR | O_CLOEXEC);
    struct mr_kv *kv;
    uint8_t flags;

    for (off_t at = 2 * 4096 + 10; pread(fd, &flags, 1, at) == 1; at += 4096) {
        flags ^= 3;
        (void)!pwrite(fd, &flags, 1, at);
    }
    (void)close(fd);
    kv = open_kv(dir, true);
    if (kv)
        (void)read_rows(kv);
}

static void test_assertion(void **state)
{
    int status = in_child(*state, swap_kinds);

    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != 0) { /* else LMDB noticed it by itself */
        assert_int_equal(WEXITSTATUS(status), 76);
        expect_line(*state, "");
    }
}

static void fault_elsewhere(const char *dir)
{
    (void)dir;
    (void)raise(SIGBUS);
}

static void test_other_faults_stay_what_they_are(void **state)
{
    int status = in_child(*state, fault_elsewhere);

    assert_true(WIFEXITED(status) || WTERMSIG(status) == SIGBUS);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 76);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_cut_file, setup, teardown),
            cmocka_unit_test_setup_teardown(test_assertion, setup, teardown),
            cmocka_unit_test_setup_teardown(test_other_faults_stay_what_they_are, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
