#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hub/session/zap.h"
#include "proto/base/list.h"

static void test_admit(void **state)
{
    static const struct mr_config_system system = {.name = (char *)"school"};
    struct mr_zap_key keys[] = {{.key = {1, 2, 3}, .system = &system}, {.key = {0xff}, .system = &system}};
    struct mr_zap zap = {.keys = keys, .keys_count = MR_COUNT(keys)};
    uint8_t key[33] = {1, 2, 3};
    struct mr_slice domain = mr_slice_str(MR_ZAP_DOMAIN), curve = mr_slice_str("CURVE");

    (void)state;
    assert_ptr_equal(mr_zap_admit(&zap, domain, curve, mr_slice(key, 32)), &system);
    assert_null(mr_zap_admit(&zap, mr_slice_str("other"), curve, mr_slice(key, 32)));
    assert_null(mr_zap_admit(&zap, mr_slice_str(""), curve, mr_slice(key, 32)));
    assert_null(mr_zap_admit(&zap, domain, mr_slice_str("NULL"), mr_slice(key, 32)));
    assert_null(mr_zap_admit(&zap, domain, mr_slice_str("PLAIN"), mr_slice(key, 32)));
    assert_null(mr_zap_admit(&zap, domain, curve, mr_slice(key, 31)));
    assert_null(mr_zap_admit(&zap, domain, curve, mr_slice(key, 33)));
    assert_null(mr_zap_admit(&zap, domain, curve, mr_slice(NULL, 0)));
    key[31] = 1;
    assert_null(mr_zap_admit(&zap, domain, curve, mr_slice(key, 32)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_admit)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
