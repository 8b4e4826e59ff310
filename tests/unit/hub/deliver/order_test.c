/* The key of an event: its persons, else its organisation; of one subscription, and gone with the person. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hub/deliver/order.h"
#include "tests/support/hub_env.h"

#define A "11223344595"
#define B "08765430300"

struct order_env {
    struct hub_env *hub;
    struct mr_log_reader *reader;
    struct mr_record_view view;
    uint64_t sequence;
};

static int setup(void **state)
{
    struct order_env *env = calloc(1, sizeof *env);
    void *hub = NULL;

    assert_int_equal(hub_env_setup(&hub), 0);
    env->hub = hub;
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct order_env *env = *state;
    void *hub = env->hub;

    if (env->reader)
        mr_log_reader_close(env->reader);
    assert_int_equal(hub_env_teardown(&hub), 0);
    free(env);
    return 0;
}

/* Publishes it and reads the record back. */
static void publish(struct order_env *env, const char *system, struct mr_buf *event)
{
    struct mr_intake *intake = hub_env_publish(env->hub, system, event, 1, ++env->sequence);

    assert_int_equal(intake->items[0].verdict, MR_VERDICT_STORED);
    if (env->reader)
        assert_int_equal(mr_log_reader_renew(env->reader), 0);
    else
        assert_int_equal(mr_log_reader_open(env->hub->house.log, &env->reader), 0);
    assert_int_equal(mr_log_read(env->reader, intake->items[0].number, &env->view, NULL), 0);
    mr_intake_free(intake);
    mr_buf_fini(event);
}

static struct mr_order of(struct order_env *env, const char *subscription, int expected)
{
    struct mr_order order;

    assert_int_equal(mr_order_of(&order, &env->hub->house, subscription, &env->view.record), expected);
    return order;
}

static struct mr_order deficit(struct order_env *env, const char *id, const char *snils)
{
    struct mr_buf event = MR_BUF_INIT;

    hub_env_deficit(&event, id, snils, NULL);
    publish(env, "copmkp", &event);
    return of(env, "cnppm-deficits", 0);
}

static void test_person(void **state)
{
    struct order_env *env = *state;
    struct mr_order first = deficit(env, "e-1", A), second = deficit(env, "e-2", A), elsewhere, other;

    assert_int_equal(first.count, 1);
    assert_true(mr_order_meets(&first, &second));
    elsewhere = of(env, "portal-deficits", 0);
    assert_false(mr_order_meets(&second, &elsewhere)); /* two receivers' tags have nothing in common */
    other = deficit(env, "e-3", B);
    assert_false(mr_order_meets(&first, &other));
}

static struct mr_order programme(struct order_env *env, const char *id, const char *org)
{
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:portal", id, "nms.programme.listed.v1");
    struct mr_buf plain = MR_BUF_INIT, event = MR_BUF_INIT;
    struct mr_arena arena;
    struct mr_event decoded;

    mr_arena_init(&arena, 1 << 20);
    hub_env_programme(&plain, id);
    assert_int_equal(mr_event_decode(&decoded, mr_buf_slice(&plain), &arena, NULL), 0);
    a.orgid = org;
    hub_env_encode(&event, &a, decoded.payload);
    publish(env, "portal", &event);
    mr_arena_fini(&arena);
    mr_buf_fini(&plain);
    return of(env, "portal-routes", 0);
}

static void test_organisation(void **state)
{
    struct order_env *env = *state;
    struct mr_order none = programme(env, "p-1", NULL), one = programme(env, "p-2", "1022402127461"),
                    same = programme(env, "p-3", "1022402127461"),
                    other = programme(env, "p-4", "1022402062046");

    assert_int_equal(none.count, 0);
    assert_int_equal(one.count, 1);
    assert_true(mr_order_meets(&one, &same));
    assert_false(mr_order_meets(&one, &other));
    assert_false(mr_order_meets(&none, &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_person, setup, teardown),
            cmocka_unit_test_setup_teardown(test_organisation, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
