/* What is open to a login: for half an hour, to it alone; and the row of an account, old and new. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hub/http/account.h"
#include "hub/http/grants.h"

static const uint8_t one[32] = {1}, two[32] = {2};
static const int64_t minute = 60LL * 1000000, start = 1000;

static struct mr_grant grant(const uint8_t *login, uint64_t number)
{
    struct mr_grant grant = {.number = number, .record = 7, .reason = "person", .case_code = "17-03"};

    memcpy(grant.login, login, sizeof grant.login);
    return grant;
}

static void it_is_open_for_half_an_hour(void **state)
{
    struct mr_grants *grants = calloc(1, sizeof *grants);
    struct mr_grant of_one = grant(one, 40);

    (void)state;
    mr_grants_add(grants, &of_one, start);
    assert_non_null(mr_grants_find(grants, one, 40, 0, "", start + 30 * minute - 1));
    assert_null(mr_grants_find(grants, one, 40, 0, "", start + 30 * minute));
    assert_null(mr_grants_next(grants, one, NULL, start + 30 * minute));
    free(grants);
}

static void it_is_one_login_s_and_one_case_s(void **state)
{
    struct mr_grants *grants = calloc(1, sizeof *grants);
    struct mr_grant of_one = grant(one, 40);

    (void)state;
    mr_grants_add(grants, &of_one, start);
    assert_null(mr_grants_find(grants, two, 40, 0, "", start));
    assert_null(mr_grants_find(grants, one, 41, 0, "", start));
    assert_non_null(mr_grants_find(grants, one, 0, 7, "17-03", start));
    assert_null(mr_grants_find(grants, one, 0, 8, "17-03", start));
    assert_null(mr_grants_find(grants, one, 0, 7, "17-04", start));
    assert_null(mr_grants_find(grants, two, 0, 7, "17-03", start));
    free(grants);
}

static void the_one_that_ends_first_gives_way(void **state)
{
    struct mr_grants *grants = calloc(1, sizeof *grants);
    const struct mr_grant *it = NULL;
    size_t count = 0;

    (void)state;
    for (uint64_t i = 1; i <= MR_GRANTS_MAX + 1; i++) {
        struct mr_grant more = grant(one, i);

        mr_grants_add(grants, &more, start + (int64_t)i);
    }
    while ((it = mr_grants_next(grants, one, it, start + minute)) != NULL)
        count++;
    assert_int_equal(count, MR_GRANTS_MAX);
    assert_null(mr_grants_find(grants, one, 1, 0, "", start + minute));
    assert_non_null(mr_grants_find(grants, one, MR_GRANTS_MAX + 1, 0, "", start + minute));
    free(grants);
}

static void a_row_of_an_account(void **state)
{
    struct mr_account_row row = {
            .created_us = 5, .name = "school-a", .role = "organisation", .limits = {.ogrn = "1022400001007"}};
    struct mr_account_row back;
    struct mr_buf out = MR_BUF_INIT;

    (void)state;
    assert_int_equal(mr_account_row_encode(&out, &row), 0);
    assert_int_equal(mr_account_row_decode(&back, mr_buf_slice(&out)), 0);
    assert_memory_equal(&back, &row, sizeof row);
    for (size_t size = 0; size < out.size; size++)
        assert_int_equal(mr_account_row_decode(&back, mr_slice(out.data, size)), MR_ECORRUPT);
    /* one of before there were limits: its name is the end */
    out.data[0] = 1;
    assert_int_equal(mr_account_row_decode(&back, mr_buf_slice(&out)), MR_ECORRUPT);
    out.size -= sizeof "organisation" + sizeof "1022400001007" + 1;
    assert_int_equal(mr_account_row_decode(&back, mr_buf_slice(&out)), 0);
    assert_string_equal(back.name, "school-a");
    assert_string_equal(back.role, "");
    mr_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(it_is_open_for_half_an_hour),
            cmocka_unit_test(it_is_one_login_s_and_one_case_s),
            cmocka_unit_test(the_one_that_ends_first_gives_way),
            cmocka_unit_test(a_row_of_an_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
