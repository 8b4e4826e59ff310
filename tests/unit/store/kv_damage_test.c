/* A store whose file was damaged from outside is refused with a cure, and never kills the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "store/kv.h"
#include "tests/support/tmpdir.h"

static const char *const names[] = {"a"};

/* Cut in half it must be refused at open, not kill the process at the first missing page. */
static void cut_off_file_is_corrupt(void **state)
{
    char *dir = mr_tmpdir_new();
    const struct mr_kv_options options = {.dir = dir, .tables = names, .tables_count = 1};
    struct mr_kv *kv = NULL;
    struct mr_kv_txn *txn = NULL;
    struct mr_error err = {0};
    struct stat st;
    char path[256];
    uint8_t key[8];
    char value[1000] = "v";

    (void)state;
    assert_int_equal(mr_kv_open(&kv, &options, &err), 0);
    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    for (uint64_t i = 0; i < 4000; i++) {
        mr_put_be64(key, i);
        assert_int_equal(mr_kv_append(txn, 0, mr_slice(key, 8), mr_slice(value, sizeof value)), 0);
    }
    assert_int_equal(mr_kv_commit(txn), 0);
    mr_kv_close(kv);
    (void)snprintf(path, sizeof path, "%s/data.mdb", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
    kv = NULL;
    assert_int_equal(mr_kv_open(&kv, &options, &err), MR_ECORRUPT);
    assert_non_null(strstr(err.cure, "backup"));
    mr_tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cut_off_file_is_corrupt)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
