#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/root_key.h"
#include "tests/support/tmpdir.h"

static const uint8_t key_a[MR_ROOT_KEY_BYTES] = {0xaa, 1, 2, 3};
static const uint8_t key_b[MR_ROOT_KEY_BYTES] = {0xbb, 1, 2, 3};

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

static struct mr_root read_root(const char *dir)
{
    struct mr_root root;

    assert_int_equal(mr_root_read(dir, &root, NULL), 0);
    return root;
}

static void patch(const char *path, off_t at, uint8_t flip)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= flip;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void test_missing_folder_is_two_free_slots(void **state)
{
    struct mr_root root = read_root(mr_tmpdir_path(*state, "not-there"));

    assert_int_equal(root.slots[0].state, MR_ROOT_FREE);
    assert_int_equal(root.slots[1].state, MR_ROOT_FREE);
    assert_int_equal(mr_root_free_slot(&root), 0);
}

static void test_write_read_rotate_destroy(void **state)
{
    const char *dir = mr_tmpdir_path(*state, "root");
    struct mr_root root;
    struct stat st;

    assert_int_equal(mr_root_write(dir, 0, 1, key_a, NULL), 0);
    assert_int_equal(stat(mr_tmpdir_path(*state, "root/root.0"), &st), 0);
    assert_int_equal(st.st_size, MR_ROOT_FILE_BYTES);
    assert_int_equal(st.st_mode & 0777, 0600);
    root = read_root(dir);
    assert_int_equal(root.slots[0].state, MR_ROOT_PRESENT);
    assert_int_equal(root.slots[0].generation, 1);
    assert_memory_equal(root.slots[0].key, key_a, sizeof key_a);
    assert_int_equal(mr_root_free_slot(&root), 1);

    assert_int_equal(mr_root_write(dir, 1, 2, key_b, NULL), 0);
    root = read_root(dir);
    assert_int_equal(mr_root_free_slot(&root), MR_EEXISTS);
    assert_memory_equal(root.slots[1].key, key_b, sizeof key_b);

    assert_int_equal(mr_root_destroy(dir, 0, NULL), 0);
    root = read_root(dir);
    assert_int_equal(root.slots[0].state, MR_ROOT_FREE);
    assert_true(sodium_is_zero(root.slots[0].key, MR_ROOT_KEY_BYTES));
    assert_int_equal(root.slots[1].state, MR_ROOT_PRESENT);
    assert_int_equal(mr_root_free_slot(&root), 0);
    assert_int_equal(mr_root_write(dir, 0, 3, key_a, NULL), 0); /* and again */
    assert_int_equal(mr_root_destroy(mr_tmpdir_path(*state, "nothing"), 0, NULL), 0);
}

static void test_destroy_overwrites_in_place(void **state)
{
    const char *dir = mr_tmpdir_path(*state, "root");
    struct stat before, after;

    assert_int_equal(mr_root_write(dir, 0, 1, key_a, NULL), 0);
    assert_int_equal(stat(mr_tmpdir_path(*state, "root/root.0"), &before), 0);
    assert_int_equal(mr_root_destroy(dir, 0, NULL), 0);
    assert_int_equal(stat(mr_tmpdir_path(*state, "root/root.0"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(after.st_size, MR_ROOT_FILE_BYTES);
}

static void test_a_key_is_never_overwritten(void **state)
{
    struct mr_error err = {0};

    assert_int_equal(mr_root_write(*state, 0, 1, key_a, NULL), 0);
    assert_int_equal(mr_root_write(*state, 0, 2, key_b, &err), MR_EEXISTS);
    assert_int_equal(err.code, MR_EEXISTS);
    assert_memory_equal(read_root(*state).slots[0].key, key_a, sizeof key_a);
}

static void test_every_damaged_byte_is_seen(void **state)
{
    const char *path = mr_tmpdir_path(*state, "root.0");

    assert_int_equal(mr_root_write(*state, 0, 1, key_a, NULL), 0);
    for (off_t at = 0; at < MR_ROOT_FILE_BYTES; at += at < 96 ? 1 : 333) {
        struct mr_root root;

        patch(path, at, 0x40);
        root = read_root(*state);
        assert_int_equal(root.slots[0].state, MR_ROOT_DAMAGED);
        assert_true(sodium_is_zero(root.slots[0].key, MR_ROOT_KEY_BYTES));
        assert_int_equal(mr_root_free_slot(&root), 1); /* the clean one first */
        patch(path, at, 0x40);
    }
    assert_int_equal(read_root(*state).slots[0].state, MR_ROOT_PRESENT);
}

static void test_cut_files(void **state)
{
    const char *path = mr_tmpdir_path(*state, "root.0");

    assert_int_equal(mr_root_write(*state, 0, 1, key_a, NULL), 0);
    assert_int_equal(truncate(path, 80), 0);
    assert_int_equal(read_root(*state).slots[0].state, MR_ROOT_DAMAGED);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(read_root(*state).slots[0].state, MR_ROOT_FREE);
}

static void test_refuses_what_others_may_read(void **state)
{
    const char *path = mr_tmpdir_path(*state, "root.0");
    struct mr_error err = {0};
    struct mr_root root;

    assert_int_equal(mr_root_write(*state, 0, 1, key_a, NULL), 0);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(mr_root_read(*state, &root, &err), MR_EDENIED);
    assert_non_null(strstr(err.cure, "chmod"));
    assert_int_equal(chmod(path, 0640), 0); /* the hub's group may: its tools */
    assert_int_equal(mr_root_read(*state, &root, &err), 0);
}

static void test_refuses_links_and_folders(void **state)
{
    struct mr_root root;

    assert_int_equal(symlink("/dev/zero", mr_tmpdir_path(*state, "root.0")), 0);
    assert_true(mr_root_read(*state, &root, NULL) < 0);
    assert_true(mr_root_write(*state, 0, 1, key_a, NULL) < 0);
    assert_int_equal(unlink(mr_tmpdir_path(*state, "root.0")), 0);
    assert_int_equal(mkdir(mr_tmpdir_path(*state, "root.0"), 0700), 0);
    assert_int_equal(mr_root_read(*state, &root, NULL), MR_EDENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_missing_folder_is_two_free_slots, setup, teardown),
            cmocka_unit_test_setup_teardown(test_write_read_rotate_destroy, setup, teardown),
            cmocka_unit_test_setup_teardown(test_destroy_overwrites_in_place, setup, teardown),
            cmocka_unit_test_setup_teardown(test_a_key_is_never_overwritten, setup, teardown),
            cmocka_unit_test_setup_teardown(test_every_damaged_byte_is_seen, setup, teardown),
            cmocka_unit_test_setup_teardown(test_cut_files, setup, teardown),
            cmocka_unit_test_setup_teardown(test_refuses_what_others_may_read, setup, teardown),
            cmocka_unit_test_setup_teardown(test_refuses_links_and_folders, setup, teardown),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
