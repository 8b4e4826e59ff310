/* Logins at the console: how many a name may have, and whose gives way when there are too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub/http/session.h"

static const int64_t minute = 60LL * 1000000;

struct login {
    char cookie[MR_SESSION_SECRET_BYTES];
};

static struct login begin(struct mr_web_sessions *sessions, const char *name, int64_t now_us)
{
    struct login login;

    assert_non_null(mr_web_session_begin(sessions, name, 0, now_us, login.cookie));
    return login;
}

static bool is_in(struct mr_web_sessions *sessions, const struct login *login, int64_t now_us)
{
    return mr_web_session_find(sessions, login->cookie, now_us) != NULL;
}

static void many_logins_of_one_leave_another_in(void **state)
{
    struct mr_web_sessions *sessions = calloc(1, sizeof *sessions);
    struct login other = begin(sessions, "ivanova", 1), mine[300];

    (void)state;
    for (int i = 0; i < 300; i++)
        mine[i] = begin(sessions, "boss", 2 + i);
    assert_true(is_in(sessions, &other, 400));
    assert_int_equal(sessions->count, 1 + MR_SESSIONS_OF_A_NAME_MAX);
    for (int i = 0; i < 300; i++)
        assert_int_equal(is_in(sessions, &mine[i], 400), i >= 300 - MR_SESSIONS_OF_A_NAME_MAX);
    free(sessions);
}

static void the_one_that_is_used_stays(void **state)
{
    struct mr_web_sessions *sessions = calloc(1, sizeof *sessions);
    struct login mine[MR_SESSIONS_OF_A_NAME_MAX];

    (void)state;
    for (int i = 0; i < MR_SESSIONS_OF_A_NAME_MAX; i++)
        mine[i] = begin(sessions, "boss", 1 + i);
    assert_true(is_in(sessions, &mine[0], 20));
    (void)begin(sessions, "boss", 21);
    assert_true(is_in(sessions, &mine[0], 22));
    assert_false(is_in(sessions, &mine[1], 22));
    free(sessions);
}

/* 32 names of eight fill the table: each new name takes from those who have the most. */
static void when_all_are_taken_the_most_give_way(void **state)
{
    struct mr_web_sessions *sessions = calloc(1, sizeof *sessions);
    struct login other = begin(sessions, "ivanova", 1);
    char name[16];

    (void)state;
    for (int i = 0; i < MR_SESSIONS_MAX; i++) {
        (void)snprintf(name, sizeof name, "n-%d", i / MR_SESSIONS_OF_A_NAME_MAX);
        (void)begin(sessions, name, 2 + i);
    }
    assert_int_equal(sessions->count, MR_SESSIONS_MAX);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "late-%d", i);
        (void)begin(sessions, name, 300 + i);
    }
    assert_int_equal(sessions->count, MR_SESSIONS_MAX);
    assert_true(is_in(sessions, &other, 500));
    free(sessions);
}

static void those_that_are_over_make_room_first(void **state)
{
    struct mr_web_sessions *sessions = calloc(1, sizeof *sessions);
    struct login old = begin(sessions, "boss", 0), kept[MR_SESSIONS_OF_A_NAME_MAX - 1];
    int64_t later = 12 * 60 * minute;

    (void)state;
    for (int64_t at = 0; at < later; at += 20 * minute) /* used to the end, and over at twelve hours */
        assert_true(is_in(sessions, &old, at));
    for (int i = 0; i < MR_SESSIONS_OF_A_NAME_MAX - 1; i++)
        kept[i] = begin(sessions, "boss", later - 25 * minute);
    (void)begin(sessions, "boss", later);
    assert_false(is_in(sessions, &old, later));
    for (int i = 0; i < MR_SESSIONS_OF_A_NAME_MAX - 1; i++)
        assert_true(is_in(sessions, &kept[i], later));
    free(sessions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(many_logins_of_one_leave_another_in),
            cmocka_unit_test(the_one_that_is_used_stays),
            cmocka_unit_test(when_all_are_taken_the_most_give_way),
            cmocka_unit_test(those_that_are_over_make_room_first),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
