/* The link against a hub of the test's own: what the hub does wrong costs time, never an event and never a
 * second one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/link.h"
#include "event/course.pb-c.h"
#include "proto/base/clock.h"
#include "tests/support/fake_hub.h"
#include "tests/support/tmpdir.h"
#include "tests/support/turns.h"

enum { MANY = 200 };

struct env {
    uv_loop_t loop;
    struct fake_hub hub;
    char *dir;
    struct mr_outbox *outbox;
    struct mr_inbox *inbox;
    struct mr_link *link;
    struct mr_curvekey key;
    unsigned outcomes[MANY + 1]; /* by the number in the reference */
    struct mr_outcome last_bad;
    char last_code[64];
    unsigned delivered, ups, downs;
    uint64_t last_number;
    uint64_t wait_noted, wait_value;
    bool nack;
    bool closed;
};

static int on_outcome(void *ctx, struct mr_outbox_txn *txn, const struct mr_outcome *outcome)
{
    struct env *env = ctx;
    char ref[8] = "";

    assert_non_null(txn);
    memcpy(ref, outcome->ref.data, outcome->ref.size);
    env->outcomes[strtoul(ref, NULL, 10)]++;
    if (outcome->verdict == MARSHRUT__BUS__V1__VERDICT__VERDICT_STORED) {
        if (outcome->number != 0)
            assert_int_equal(outcome->number, outcome->sequence + 1000);
    } else {
        (void)snprintf(env->last_code, sizeof env->last_code, "%s", outcome->code);
    }
    return 0;
}

static void on_event(void *ctx, const struct mr_delivered *item)
{
    struct env *env = ctx;

    env->delivered++;
    env->last_number = item->number;
    assert_int_equal(
            mr_inbox_finish(mr_inbox_find(env->inbox, item->subscription), item->number, !env->nack), 0);
    if (env->nack)
        mr_link_nack(env->link, item->subscription, item->number, false, "try-again");
    mr_link_finished(env->link);
}

static void on_link(void *ctx, bool up)
{
    struct env *env = ctx;

    env->ups += up;
    env->downs += !up;
}

static void on_added(void *ctx)
{
    mr_link_wake(((struct env *)ctx)->link);
}

static void link_start(struct env *env)
{
    struct mr_link_options options = {
            .loop = &env->loop,
            .outbox = env->outbox,
            .inbox = env->inbox,
            .endpoint = env->hub.endpoint,
            .hub_public_key = env->hub.key.public_key,
            .secret_key = env->key.secret_key,
            .software = "test/1",
            .backoff_first_ms = 10,
            .backoff_max_ms = 50,
            .callbacks = {on_event, on_outcome, NULL, on_link},
            .ctx = env,
    };

    assert_int_equal(mr_link_open(&env->link, &options, NULL), 0);
    mr_outbox_on_added(env->outbox, on_added, env);
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    assert_int_equal(uv_loop_init(&env->loop), 0);
    env->dir = mr_tmpdir_new();
    assert_int_equal(mr_outbox_open(&env->outbox, env->dir, mr_clock_system(), NULL), 0);
    assert_int_equal(mr_inbox_open(&env->inbox, env->dir, NULL), 0);
    assert_int_equal(mr_curvekey_generate(&env->key), 0);
    fake_hub_open(&env->hub, &env->loop);
    link_start(env);
    *state = env;
    return 0;
}

static void on_closed(void *ctx)
{
    ((struct env *)ctx)->closed = true;
}

static int teardown(void **state)
{
    struct env *env = *state;

    mr_link_close(env->link, on_closed, env);
    if (env->hub.open)
        fake_hub_close(&env->hub);
    turns_end(&env->loop);
    assert_true(env->closed);
    fake_hub_fini(&env->hub);
    mr_outbox_close(env->outbox);
    mr_inbox_close(env->inbox);
    mr_tmpdir_free(env->dir);
    assert_int_equal(env->hub.gaps, 0);
    free(env);
    return 0;
}

static void add(struct env *env, int from, int count, size_t size)
{
    struct mr_outbox_txn *txn;
    uint8_t *event = calloc(1, size);
    char ref[8];

    memset(event, 'x', size);
    assert_int_equal(mr_outbox_txn_begin(env->outbox, &txn), 0);
    for (int i = from; i < from + count; i++) {
        (void)snprintf(ref, sizeof ref, "%d", i);
        assert_int_equal(mr_outbox_add(txn, mr_slice(event, size), mr_slice_str(ref), NULL), 0);
    }
    assert_int_equal(mr_outbox_commit(txn), 0);
    free(event);
}

static bool is_noted(void *ctx)
{
    struct env *env = ctx;

    return mr_outbox_noted(env->outbox) == mr_outbox_last(env->outbox) &&
           env->hub.seen == mr_outbox_noted(env->outbox);
}

static bool is_up(void *ctx)
{
    return mr_link_up(((struct env *)ctx)->link);
}

static bool is_stored(void *ctx)
{
    struct env *env = ctx;

    return env->hub.stored >= env->wait_value;
}

static void expect_each_once(struct env *env, int count)
{
    for (int i = 1; i <= count; i++)
        assert_int_equal(env->outcomes[i], 1);
}

static void test_windows_and_verdicts(void **state)
{
    struct env *env = *state;

    env->hub.refuse_sequence = 7;
    env->hub.quarantine_sequence = 8;
    add(env, 1, MANY, 500);
    turns_until(&env->loop, "noted", is_noted, env);
    expect_each_once(env, MANY);
    assert_int_equal(env->hub.twice, 0);
    assert_true(env->hub.publishes <= MANY / 5); /* batches of 10 and what is left of the window of 25 */
}

/* Acks that never came: the verdicts are told after the next Hello, and nothing is published again. */
static void test_lost_acks(void **state)
{
    struct env *env = *state;

    env->hub.forget_acks = true;
    env->hub.quarantine_sequence = 3;
    add(env, 1, 40, 100);
    env->wait_value = 20; /* the window */
    turns_until(&env->loop, "stored", is_stored, env);
    assert_int_equal(mr_outbox_noted(env->outbox), 0);
    fake_hub_close(&env->hub);
    env->hub.forget_acks = false;
    fake_hub_open(&env->hub, &env->loop);
    turns_until(&env->loop, "noted", is_noted, env);
    expect_each_once(env, 40);
    assert_string_equal(env->last_code, "snils-checkdigit");
    assert_int_equal(env->hub.twice, 0);
    assert_int_equal(env->hub.stored, 40);
}

static bool is_down(void *ctx)
{
    return !is_up(ctx);
}

static void test_hub_goes_and_comes(void **state)
{
    struct env *env = *state;

    for (int i = 0; i < 5; i++) {
        turns_until(&env->loop, "up", is_up, env);
        add(env, 1 + i * 20, 20, 100);
        if (i % 2 == 0) {
            env->wait_value = env->hub.stored + 1;
            turns_until(&env->loop, "some stored", is_stored, env);
        }
        fake_hub_close(&env->hub);
        turns_until(&env->loop, "down", is_down, env);
        fake_hub_open(&env->hub, &env->loop);
    }
    turns_until(&env->loop, "noted", is_noted, env);
    expect_each_once(env, 100);
    assert_int_equal(env->hub.stored, 100);
    assert_int_equal(env->downs, 5);
}

static bool was_refused(void *ctx)
{
    return ((struct env *)ctx)->hub.publishes >= 2;
}

static void test_read_only(void **state)
{
    struct env *env = *state;

    env->hub.read_only = true;
    add(env, 1, 5, 100);
    turns_until(&env->loop, "refused twice", was_refused, env);
    assert_int_equal(env->downs, 0);
    env->hub.read_only = false;
    turns_until(&env->loop, "noted", is_noted, env);
    expect_each_once(env, 5);
}

/* No race for the session: the replaced one stays away for long. */
static bool was_replaced(void *ctx)
{
    struct env *env = ctx;

    return env->hub.hellos == 1 && !env->hub.replace;
}

static int setup_replaced(void **state)
{
    int r = setup(state);

    ((struct env *)*state)->hub.replace = true;
    return r;
}

static void test_replaced(void **state)
{
    struct env *env = *state;

    add(env, 1, 1, 10);
    turns_until(&env->loop, "replaced", was_replaced, env);
    for (int i = 0; i < 50; i++)
        (void)uv_run(&env->loop, UV_RUN_NOWAIT);
    assert_int_equal(env->hub.hellos, 1);
    assert_int_equal(env->hub.publishes, 0);
}

static int setup_hung(void **state)
{
    int r = setup(state);

    ((struct env *)*state)->hub.ping_interval_ms = 100;
    return r;
}

static bool went_down(void *ctx)
{
    return ((struct env *)ctx)->downs > 0;
}

static void test_hung_hub(void **state)
{
    struct env *env = *state;

    turns_until(&env->loop, "up", is_up, env);
    env->hub.deaf = true;
    turns_until(&env->loop, "noticed", went_down, env);
    env->hub.deaf = false;
    add(env, 1, 3, 10);
    /* the Hello that was not heard is followed by a new try after the greeting's time, or sooner by a new hub
     */
    fake_hub_close(&env->hub);
    fake_hub_open(&env->hub, &env->loop);
    turns_until(&env->loop, "noted", is_noted, env);
    expect_each_once(env, 3);
}

static int setup_small(void **state)
{
    int r = setup(state);

    ((struct env *)*state)->hub.event_bytes_max = 1000;
    return r;
}

static void test_too_big_for_this_hub(void **state)
{
    struct env *env = *state;

    add(env, 1, 2, 100);
    add(env, 3, 1, 2000);
    add(env, 4, 2, 100);
    turns_until(&env->loop, "noted", is_noted, env);
    expect_each_once(env, 5);
    assert_string_equal(env->last_code, "event-too-big");
    assert_int_equal(env->hub.sizes[2], 0); /* its bytes never went */
}

/* A hub from a backup knows less than was noted: a new epoch, and the waiting ones go. */
static void test_hub_from_backup(void **state)
{
    struct env *env = *state;
    uint64_t epoch = mr_outbox_epoch(env->outbox);

    add(env, 1, 10, 100);
    turns_until(&env->loop, "noted", is_noted, env);
    fake_hub_close(&env->hub);
    add(env, 11, 10, 100);
    env->hub.stored = 4;
    fake_hub_open(&env->hub, &env->loop);
    turns_until(&env->loop, "noted", is_noted, env);
    assert_int_not_equal(mr_outbox_epoch(env->outbox), epoch);
    expect_each_once(env, 20);
    assert_int_equal(env->hub.stored, 10);
}

static bool has_acked(void *ctx)
{
    struct env *env = ctx;

    return env->hub.acked == env->wait_value;
}

static bool has_nacked(void *ctx)
{
    return ((struct env *)ctx)->hub.nacks == 1;
}

static bool subscribed(void *ctx)
{
    return ((struct env *)ctx)->hub.subscribes > 0;
}

static void test_deliveries(void **state)
{
    struct env *env = *state;
    Nms__Event__V1__CourseFinished course = NMS__EVENT__V1__COURSE_FINISHED__INIT;
    const struct mr_attributes attributes = {.id = "1", .source = "urn:x", .type = "nms.course.finished.v1"};
    struct mr_buf event = MR_BUF_INIT;

    assert_int_equal(mr_event_encode(&event, &attributes, &course.base), 0);
    turns_until(&env->loop, "subscribed", subscribed, env);
    for (uint64_t n = 1; n <= 10; n++)
        fake_hub_deliver(&env->hub, "news", n, mr_buf_slice(&event));
    env->wait_value = 10;
    turns_until(&env->loop, "acknowledged", has_acked, env);
    assert_int_equal(env->delivered, 10);
    assert_true(env->hub.acks < 10); /* cumulative */
    env->nack = true;
    fake_hub_deliver(&env->hub, "news", 11, mr_buf_slice(&event));
    turns_until(&env->loop, "nacked", has_nacked, env);
    env->nack = false;
    fake_hub_deliver(&env->hub, "news", 11, mr_buf_slice(&event));
    fake_hub_deliver(&env->hub, "nobody", 12, mr_buf_slice(&event));
    env->wait_value = 11;
    turns_until(&env->loop, "acknowledged", has_acked, env);
    assert_int_equal(env->delivered, 12);
    env->hub.nacks = 0;
    fake_hub_deliver(&env->hub, "news", 13, mr_slice_str("\xff no event"));
    turns_until(&env->loop, "nacked", has_nacked, env);
    assert_int_equal(env->delivered, 12);
    mr_buf_fini(&event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_windows_and_verdicts, setup, teardown),
            cmocka_unit_test_setup_teardown(test_lost_acks, setup, teardown),
            cmocka_unit_test_setup_teardown(test_hub_goes_and_comes, setup, teardown),
            cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
            cmocka_unit_test_setup_teardown(test_replaced, setup_replaced, teardown),
            cmocka_unit_test_setup_teardown(test_hung_hub, setup_hung, teardown),
            cmocka_unit_test_setup_teardown(test_too_big_for_this_hub, setup_small, teardown),
            cmocka_unit_test_setup_teardown(test_hub_from_backup, setup, teardown),
            cmocka_unit_test_setup_teardown(test_deliveries, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
