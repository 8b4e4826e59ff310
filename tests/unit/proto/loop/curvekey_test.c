#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/config/config.h"
#include "proto/loop/curvekey.h"

static void test_pair(void **state)
{
    char dir[] = "/tmp/mr-curve-XXXXXX";
    char secret[64], public[64], text[41];
    struct mr_curvekey key, again;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(secret, sizeof secret, "%s/a.key", dir);
    (void)snprintf(public, sizeof public, "%s/a.pub", dir);
    assert_int_equal(mr_curvekey_create_files(secret, public, &key, NULL), 0);
    assert_int_equal(mr_curvekey_create_files(secret, public, NULL, NULL), MR_EEXISTS);
    assert_int_equal(stat(secret, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(mr_config_read_key(secret, true, text, NULL), 0);
    assert_int_equal(mr_curvekey_from_secret(&again, text), 0);
    assert_string_equal(again.public_key, key.public_key);
    assert_int_equal(mr_config_read_key(public, false, text, NULL), 0);
    assert_string_equal(text, key.public_key);
    assert_int_equal(mr_curvekey_from_secret(&again, "not a key at all, not a key at all, \x7f\x7f\x7f\x7f"),
            MR_EINVAL);
    (void)unlink(secret);
    (void)unlink(public);
    (void)rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pair)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
