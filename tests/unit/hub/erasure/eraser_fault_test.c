/*
 * A disk that fails once, or is full once, at every point of an erasure: nothing is half done, the step is
 * taken again, and the person is forgotten as if nothing had happened. Kills: integration/erasure_test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "event/erasure.pb-c.h"
#include "proto/base/list.h"
#include "store/fault.h"
#include "tests/support/eraser_env.h"
#include "tests/support/spawn.h"

#ifdef MR_FAULT_POINTS

static const char *const points[] = {
#define MR_FAULT_NAME(name) name,
        MR_FAULT_TABLE(MR_FAULT_NAME)
#undef MR_FAULT_NAME
};

static void answer(struct eraser_env *f, const char *system, uint64_t request)
{
    Nms__Event__V1__ErasureAcknowledged m = NMS__EVENT__V1__ERASURE_ACKNOWLEDGED__INIT;
    char source[64], id[64];
    struct mr_attributes a;
    struct mr_buf event = MR_BUF_INIT;

    (void)snprintf(source, sizeof source, "urn:marshrut:24:%s", system);
    (void)snprintf(id, sizeof id, "answer-%s", system);
    a = hub_env_attributes(source, id, "nms.erasure.acknowledged.v1");
    m.request = request;
    m.outcome = (char *)"done";
    hub_env_encode(&event, &a, &m.base);
    (void)eraser_env_publish(f, system, &event);
    mr_eraser_news(f->eraser);
}

static bool all_answered(void *ctx)
{
    struct eraser_seen *w = ctx;

    return mr_erasure_all(w->log, eraser_env_look, w) == 0 && w->found != 0 && w->unanswered == 0;
}

/* The officer sees the failure and asks again: the request is there, and now the person is blocked. */
static uint64_t request(struct eraser_env *f, uint64_t event)
{
    struct mr_error error = {0};
    uint64_t number = 0;
    int r = eraser_env_request(f, SNILS_ANNA, &number, &error);

    if (r < 0) {
        assert_true(r == MR_EIO || r == MR_ENOSPACE);
        error = (struct mr_error){0};
        r = eraser_env_request(f, SNILS_ANNA, &number, &error);
        assert_true(r == 0 || r == MR_EEXISTS);
    }
    assert_int_equal(eraser_env_open(f, event, MR_PURPOSE_DELIVER), MR_EBLOCKED);
    return 1;
}

static void forget(const char *point, const char *action)
{
    static const char *const systems[] = {"copmkp", "cnppm", "portal"};
    char spec[96];
    void *state;
    struct eraser_env *f;
    struct mr_error error = {0};
    struct eraser_seen seen = {0};
    uint64_t anna, olga, number;

    (void)snprintf(spec, sizeof spec, "%s:1:%s", point, action);
    print_message("%s\n", spec);
    mr_fault_set(spec);
    assert_int_equal(eraser_env_setup(&state), 0);
    f = state;
    anna = eraser_env_deficit(f, "d-1", SNILS_ANNA, "p-17");
    olga = eraser_env_deficit(f, "d-2", SNILS_OLGA, NULL);
    number = request(f, anna);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_equal(eraser_env_await(f, number, MR_ERASURE_COMPLETED).notices, 3);
    for (size_t i = 0; i < MR_COUNT(systems); i++)
        answer(f, systems[i], number);
    seen.log = f->env->house.log;
    seen.number = number;
    spawn_until("all have answered", all_answered, &seen);
    assert_int_equal(eraser_env_open(f, anna, MR_PURPOSE_ERASE), MR_EDESTROYED);
    assert_int_equal(eraser_env_open(f, olga, MR_PURPOSE_DELIVER), 0);
    eraser_env_expect_as_rebuilt(f);
    assert_int_equal(eraser_env_teardown(&state), 0);
    assert_true(mr_fault_hits() >= 1);
    mr_fault_set(NULL);
}

static void test_every_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < MR_COUNT(points); i++) {
        if (strncmp(points[i], "erase.", 6) != 0)
            continue;
        forget(points[i], "eio");
        forget(points[i], "enospc");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_point)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0; /* no fault points in this build */
}

#endif
