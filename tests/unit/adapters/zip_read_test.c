#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <minizip/zip.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "adapters/sdk/zip_read.h"
#include "tests/support/tmpdir.h"

/* A zip of `count` entries; each repeats its text `times`. */
static void make_zip(struct mr_buf *out, const char *const *names, int count, const char *text, int times)
{
    char *dir = mr_tmpdir_new();
    const char *path = mr_tmpdir_path(dir, "t.zip");
    zipFile zip = zipOpen(path, APPEND_STATUS_CREATE);

    for (int i = 0; i < count; i++) {
        assert_int_equal(
                zipOpenNewFileInZip(zip, names[i], NULL, NULL, 0, NULL, 0, NULL, Z_DEFLATED, 9), ZIP_OK);
        for (int t = 0; t < times; t++)
            assert_int_equal(zipWriteInFileInZip(zip, text, (unsigned)strlen(text)), ZIP_OK);
        assert_int_equal(zipCloseFileInZip(zip), ZIP_OK);
    }
    assert_int_equal(zipClose(zip, NULL), ZIP_OK);
    assert_int_equal(mr_file_read(path, 1 << 30, out), 0);
    mr_tmpdir_free(dir);
}

static void expect(const char *const *names, int count, const char *text, int times, const char *what)
{
    struct mr_buf bytes = MR_BUF_INIT;
    struct mr_zip *zip = NULL;
    struct mr_error error = {0};
    int r;

    make_zip(&bytes, names, count, text, times);
    r = mr_zip_read(&zip, mr_buf_slice(&bytes), NULL, &error);
    assert_int_equal(r, what ? MR_EINVAL : 0);
    if (what)
        assert_non_null(strstr(error.what, what));
    mr_zip_free(zip);
    mr_buf_fini(&bytes);
}

static void test_good(void **state)
{
    const char *names[] = {"manifest.csv", "orgs.csv"};
    struct mr_buf bytes = MR_BUF_INIT;
    struct mr_zip *zip = NULL;

    (void)state;
    make_zip(&bytes, names, 2, "abc", 2);
    assert_true(mr_zip_looks_like(mr_buf_slice(&bytes)));
    assert_int_equal(mr_zip_read(&zip, mr_buf_slice(&bytes), NULL, NULL), 0);
    assert_true(mr_slice_equal(mr_zip_entry(zip, "ORGS.csv"), mr_slice_str("abcabc")));
    assert_null(mr_zip_entry(zip, "users.csv").data);
    mr_zip_free(zip);
    mr_buf_fini(&bytes);
}

static void test_refused(void **state)
{
    const char *many[40], *traversal[] = {"../../etc/passwd"}, *folder[] = {"a/orgs.csv"},
                          *windows[] = {"c:\\x"}, *twice[] = {"a.csv", "A.csv"}, *one[] = {"a.csv"};
    static char names[40][8];
    char *zeros = calloc(1, 1 << 20);

    (void)state;
    for (int i = 0; i < 40; i++) {
        (void)snprintf(names[i], sizeof names[i], "%d.csv", i);
        many[i] = names[i];
    }
    memset(zeros, '0', (1 << 20) - 1);
    expect(many, 40, "x", 1, "слишком много файлов");
    expect(traversal, 1, "x", 1, "недопустимое имя");
    expect(folder, 1, "x", 1, "недопустимое имя");
    expect(windows, 1, "x", 1, "недопустимое имя");
    expect(twice, 2, "x", 1, "повторяется");
    expect(one, 1, zeros, 40, "zip bomb");
    free(zeros);
}

/* Every cut and every flipped byte of a good zip: an answer, never a crash, never endless. */
static void test_damaged(void **state)
{
    const char *names[] = {"manifest.csv", "orgs.csv"};
    struct mr_buf bytes = MR_BUF_INIT;

    (void)state;
    make_zip(&bytes, names, 2, "sourcedId,status\n1,active\n", 20);
    for (size_t i = 0; i < bytes.size; i++) {
        struct mr_zip *zip = NULL;

        (void)mr_zip_read(&zip, mr_slice(bytes.data, i), NULL, NULL);
        mr_zip_free(zip);
        zip = NULL;
        bytes.data[i] ^= 0x5a;
        (void)mr_zip_read(&zip, mr_buf_slice(&bytes), NULL, NULL);
        mr_zip_free(zip);
        bytes.data[i] ^= 0x5a;
    }
    mr_buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_good),
            cmocka_unit_test(test_refused),
            cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
