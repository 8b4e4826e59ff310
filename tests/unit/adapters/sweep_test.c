/* The term of outside folders: what is older goes, and nothing that is no regular file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/sdk/file.h"
#include "adapters/sdk/sweep.h"
#include "tests/support/tmpdir.h"

static void put(const char *dir, const char *name, time_t changed)
{
    const struct timespec times[2] = {{changed, 0}, {changed, 0}};

    assert_int_equal(mr_file_make_dirs(dir), 0);
    assert_int_equal(mr_file_write(dir, name, mr_slice_str("x"), 0640), 0);
    assert_int_equal(utimensat(AT_FDCWD, mr_tmpdir_path(dir, name), times, AT_SYMLINK_NOFOLLOW), 0);
}

static void test_older_files_go(void **state)
{
    char *dir = mr_tmpdir_new(), *elsewhere = mr_tmpdir_new();

    (void)state;
    put(dir, "old.txt", 999);
    put(dir, "young.txt", 1000);
    put(mr_tmpdir_path(dir, "1022401234569"), "old.csv", 1);
    put(mr_tmpdir_path(dir, "1022401234569"), "young.csv", 2000);
    put(mr_tmpdir_path(mr_tmpdir_path(dir, "1022401234569"), "deep"), "old.csv", 1);
    put(elsewhere, "old.txt", 1);
    assert_int_equal(symlink(elsewhere, mr_tmpdir_path(dir, "link")), 0);
    assert_int_equal(mkfifo(mr_tmpdir_path(dir, "pipe"), 0600), 0);
    assert_int_equal(mr_sweep_dir(dir, 1000), 2);
    assert_false(mr_file_exists(dir, "old.txt"));
    assert_true(mr_file_exists(dir, "young.txt"));
    assert_false(mr_file_exists(dir, "1022401234569/old.csv"));
    assert_true(mr_file_exists(dir, "1022401234569/young.csv"));
    assert_true(mr_file_exists(dir, "1022401234569/deep/old.csv"));
    assert_true(mr_file_exists(dir, "link"));
    assert_true(mr_file_exists(dir, "pipe"));
    assert_true(mr_file_exists(elsewhere, "old.txt"));
    assert_int_equal(mr_sweep_dir(mr_tmpdir_path(dir, "nowhere"), 1000), 0);
    mr_tmpdir_free(dir);
    mr_tmpdir_free(elsewhere);
}

/* What was dropped years ago with a mode of its own is a file of today with ours. */
static void test_moved_files_are_ours(void **state)
{
    char *dir = mr_tmpdir_new();
    struct stat st;

    (void)state;
    put(dir, "from.csv", 1);
    assert_int_equal(chmod(mr_tmpdir_path(dir, "from.csv"), 0666), 0);
    assert_int_equal(mr_file_move(mr_tmpdir_path(dir, "from.csv"), dir, "to.csv", 0640), 0);
    assert_int_equal(stat(mr_tmpdir_path(dir, "to.csv"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_true(st.st_mtime > 1000000);
    assert_false(mr_file_exists(dir, "from.csv"));
    assert_int_equal(symlink("to.csv", mr_tmpdir_path(dir, "link")), 0);
    assert_true(mr_file_move(mr_tmpdir_path(dir, "link"), dir, "x.csv", 0640) < 0);
    mr_tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_older_files_go),
            cmocka_unit_test(test_moved_files_are_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
