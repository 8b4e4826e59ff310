#include <string.h>

#include "store/root_key.h"
#include "tests/support/erasure_env.h"

static void test_escrow_is_confirmed_before_the_old_root_goes(void **state)
{
    struct house *house = *state;
    struct mr_erasure_result result;

    assert_int_equal(house_finish_with_escrow(house), MR_ENOTFOUND); /* the places are not there */
    house_make_escrow(house);
    assert_int_equal(house_finish_with_escrow(house), 0); /* at start: what there is goes into escrow */
    assert_true(house_has(house, "escrow-root/root.1") && house_has(house, "escrow-keys/keys.1.mdb"));
    assert_int_equal(house_erase(house, 1, &result), 0);
    assert_int_equal(rename(house_path(house, "escrow-keys"), house_path(house, "away")), 0);
    assert_int_equal(house_finish_with_escrow(house), MR_ENOTFOUND);
    assert_true(house_status(house).waiting);
    assert_true(house_has(house, "escrow-root/root.1")); /* both roots are everywhere still */
    assert_int_equal(rename(house_path(house, "away"), house_path(house, "escrow-keys")), 0);
    assert_int_equal(house_finish_with_escrow(house), 0);
    assert_false(house_status(house).waiting);
    house_assert_escrow(house, 2);
    house_assert_state(house, true);
}

static void test_escrow_of_another_hub_is_refused(void **state)
{
    static const uint8_t other[MR_ROOT_KEY_BYTES] = {9};
    struct house *house = *state;
    struct mr_erasure_result result;

    house_make_escrow(house);
    assert_int_equal(house_erase(house, 1, &result), 0);
    assert_int_equal(mr_root_file_write(house_path(house, "escrow-root"), "root.2", 2, other, NULL), 0);
    assert_int_equal(house_finish_with_escrow(house), MR_EEXISTS);
    assert_int_equal(mr_root_file_destroy(house_path(house, "escrow-root"), "root.2", NULL), 0);
    assert_int_equal(mr_root_file_write(house_path(house, "escrow-root"), "root.7", 7, other, NULL), 0);
    assert_int_equal(house_finish_with_escrow(house), MR_ECORRUPT); /* younger: these keys are an old copy */
    assert_true(house_status(house).waiting);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_escrow_is_confirmed_before_the_old_root_goes),
            T(test_escrow_of_another_hub_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
