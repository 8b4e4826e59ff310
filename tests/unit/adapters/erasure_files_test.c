/* A person is found in files in every spelling that is read, and what mentions them goes, rows with their
 * report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/erasure_files.h"
#include "adapters/sdk/erasure_search.h"
#include "adapters/sdk/file.h"
#include "proto/base/list.h"
#include "tests/support/tmpdir.h"

typedef Nms__Event__V1__HubErasureNotice notice_t;

static char *ids[] = {(char *)"00112233445566778899aabbccddeeff"};
static char *snils[] = {(char *)"11223344595"}, *local_ids[] = {(char *)"p-17"};
static Nms__Event__V1__ErasedName name;
static Nms__Event__V1__ErasedName *names[] = {&name};

static notice_t notice_of(void)
{
    notice_t notice = NMS__EVENT__V1__HUB_ERASURE_NOTICE__INIT;

    nms__event__v1__erased_name__init(&name);
    name.family_name = (char *)"Семёнова";
    name.given_name = (char *)"Анна";
    name.patronymic = (char *)"Петровна";
    notice.ids = ids;
    notice.n_ids = 1;
    notice.snils = snils;
    notice.n_snils = 1;
    notice.local_ids = local_ids;
    notice.n_local_ids = 1;
    notice.names = names;
    notice.n_names = 1;
    return notice;
}

static int search(struct mr_slice content)
{
    const notice_t notice = notice_of();

    return mr_erasure_search(&notice, "list.csv", content);
}

static void test_found(void **state)
{
    static const char *const texts[] = {"11223344595", "СНИЛС;112-233-445 95;x", "112 233 445 95",
            "112\xe2\x80\x93\x32\x33\x33\xe2\x80\x93\x34\x34\x35\xc2\xa0\x39\x35", "112.233.445.95",
            "12345;1122334459-5", "Семёнова;Анна;Петровна", "СЕМЕНОВА АННА", "строка: анна, «Семенова»",
            "Ceмёновa Aннa" /* Latin look-alikes */, "00112233445566778899aabbccddeeff", "id;p-17;x", "p-17"};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(texts); i++)
        if (search(mr_slice_str(texts[i])) != 1)
            fail_msg("not found in: %s", texts[i]);
}

static void test_not_found(void **state)
{
    static const char *const texts[] = {"", "11223344594", "112-233-445", "112233445;95", "Семёнова;Ольга",
            "Семёнова\nАнна", "Семёновапетровна Анна", "p-170", "xp-17", "000112233445566778899aabbccddeeff"};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(texts); i++)
        if (search(mr_slice_str(texts[i])) != 0)
            fail_msg("found in: %s", texts[i]);
}

static void test_encodings(void **state)
{
    /* "Семёнова;Анна" in cp1251, and "112-233-445 95" in UTF-16 with its mark */
    static const char cp1251[] = "\xd1\xe5\xec\xb8\xed\xee\xe2\xe0;\xc0\xed\xed\xe0";
    static const char digits[] = "112-233-445 95";
    char utf16[2 + 2 * sizeof digits];
    size_t n = 2;

    (void)state;
    memcpy(utf16, "\xff\xfe", 2);
    for (const char *p = digits; *p; p++) {
        utf16[n++] = *p;
        utf16[n++] = 0;
    }
    assert_int_equal(search(mr_slice(cp1251, sizeof cp1251 - 1)), 1);
    assert_int_equal(search(mr_slice(utf16, n)), 1);
    assert_int_equal(
            search(mr_slice(utf16 + 2, n - 2)), 1); /* without the mark: in no encoding that is read */
    assert_int_equal(search(mr_slice("PK\x03\x04 broken", 11)), 1); /* nobody can say */
}

static void drop(const char *dir, const char *file, const char *text)
{
    assert_int_equal(mr_file_write(dir, file, mr_slice_str(text), 0640), 0);
}

static void test_files_go_together(void **state)
{
    const notice_t notice = notice_of();
    char *dir = mr_tmpdir_new();
    char done[256], rejected[256], school[300];
    const char *dirs[] = {done, rejected, NULL};
    uint32_t files = 0;

    (void)state;
    (void)snprintf(done, sizeof done, "%s/done", dir);
    (void)snprintf(rejected, sizeof rejected, "%s/rejected", dir);
    (void)snprintf(school, sizeof school, "%s/1022402060001", rejected);
    assert_int_equal(mr_file_make_dirs(done), 0);
    assert_int_equal(mr_file_make_dirs(school), 0);
    drop(school, "a.csv.20261122T101500.123Z.rejected.csv", "Семёнова;Анна;11223344594\r\n");
    drop(school, "a.csv.20261122T101500.123Z.report.txt", "Строка 2, значение «11223344594»: неверен");
    drop(school, "b.csv.20261122T101500.124Z.rejected.csv", "Иванова;Ольга;1\r\n");
    drop(school, "b.csv.20261122T101500.124Z.report.txt", "Строка 2");
    drop(done, "a.csv.20261122T101500.123Z.receipt.txt", "Прочитано: 1");
    drop(done, "c.csv.20261122T101501.000Z.receipt.txt", "112-233-445 95");
    assert_int_equal(mr_erasure_files(dirs, 3, &notice, &files), 0);
    assert_int_equal(files, 3);
    assert_false(mr_file_exists(school, "a.csv.20261122T101500.123Z.rejected.csv"));
    assert_false(mr_file_exists(school, "a.csv.20261122T101500.123Z.report.txt"));
    assert_true(mr_file_exists(school, "b.csv.20261122T101500.124Z.rejected.csv"));
    assert_true(mr_file_exists(school, "b.csv.20261122T101500.124Z.report.txt"));
    assert_true(mr_file_exists(school, "a.csv.20261122T101500.123Z.removed.txt"));
    assert_true(mr_file_exists(done, "a.csv.20261122T101500.123Z.receipt.txt")); /* it names nobody */
    assert_false(mr_file_exists(done, "c.csv.20261122T101501.000Z.receipt.txt"));
    assert_int_equal(mr_erasure_files(dirs, 3, &notice, &files), 0); /* again, after a kill */
    assert_int_equal(files, 3);
    mr_tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_found), cmocka_unit_test(test_not_found),
            cmocka_unit_test(test_encodings), cmocka_unit_test(test_files_go_together)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
