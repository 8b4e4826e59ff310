/* log.find from the newest on: the same records the other way round, page by page towards the first one, out
 * of the log and out of the index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hub/index/indexer.h"
#include "tests/support/ask.h"

enum { PROGRAMMES = 9 };

/* ---- support ---- */

static int setup(void **state)
{
    struct hub_env *env;

    if (hub_env_setup(state) != 0)
        return -1;
    env = *state;
    for (uint64_t i = 1; i <= PROGRAMMES; i++) {
        struct mr_buf event = MR_BUF_INIT;
        char id[] = "p-0";

        id[2] = (char)('0' + i);
        hub_env_programme(&event, id);
        mr_intake_free(hub_env_publish(env, "portal", &event, 1, i));
        mr_buf_fini(&event);
    }
    return 0;
}

static void index_now(struct hub_env *env)
{
    struct mr_error error = {0};

    assert_int_equal(mr_indexer_run_once(&env->house, &error), 0);
}

/* Asks with `first` = `next` until there is no more; digits of what was found, in the order of the answers.
 */
static void found_by(struct hub_env *env, const char *order, int limit, json_t *more, char *ret)
{
    json_int_t next = 0;

    do {
        json_t *arguments = json_pack("{s:s, s:i, s:s}", "order", order, "limit", limit, "system", "portal");
        json_t *answer;

        (void)json_object_update(arguments, more);
        if (next)
            (void)json_object_set_new(arguments, "first", json_integer(next));
        answer = ask_all(env, "log.find", arguments);
        for (size_t i = 0; i + 1 < json_array_size(answer); i++)
            *ret++ = (char)('0' + json_integer_value(json_object_get(json_array_get(answer, i), "number")));
        next = json_integer_value(
                json_object_get(json_array_get(answer, json_array_size(answer) - 1), "next"));
        json_decref(answer);
    } while (next);
    *ret = '\0';
    json_decref(more);
}

static void expect(struct hub_env *env, const char *order, json_t *more, const char *want)
{
    for (int limit = 1; limit <= PROGRAMMES + 1; limit += 2) {
        char got[2 * PROGRAMMES];

        found_by(env, order, limit, json_deep_copy(more), got);
        assert_string_equal(got, want);
    }
    json_decref(more);
}

/* ---- tests ---- */

static void test_pages_in_both_directions(void **state)
{
    struct hub_env *env = *state;

    for (int indexed = 0; indexed < 2; indexed++) {
        expect(env, "oldest", json_object(), "123456789");
        expect(env, "newest", json_object(), "987654321");
        expect(env, "newest", json_pack("{s:i}", "least", 7), "987");
        expect(env, "newest", json_pack("{s:i}", "after", 7), "98");
        expect(env, "newest", json_pack("{s:i, s:i}", "least", 3, "last", 5), "543");
        expect(env, "newest", json_pack("{s:s}", "type", "nms.programme."), "987654321");
        expect(env, "newest", json_pack("{s:s}", "id", "p-4"), "4");
        expect(env, "newest", json_pack("{s:s}", "id", "p-none"), "");
        expect(env, "newest", json_pack("{s:s}", "to", "2020-01-01"), "");
        index_now(env);
    }
}

static void test_no_such_order(void **state)
{
    struct hub_env *env = *state;
    struct mr_error error = {0};

    assert_int_equal(ask_fails(env, "log.find", json_pack("{s:s}", "order", "random"), &error), MR_EINVAL);
    assert_string_equal(error.where, "order");
    assert_non_null(strstr(error.cure, "newest"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_pages_in_both_directions, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_no_such_order, setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
