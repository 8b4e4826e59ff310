/* adapters/sdk/push.h against the counterpart that plays an outside system, well and badly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "adapters/sdk/push.h"
#include "event/course.pb-c.h"
#include "proto/base/list.h"
#include "proto/wire/codec.h"
#include "tests/support/counterpart/counterpart.h"

enum { NUMBERS_MAX = 64, WAIT_MS = 60 * 1000 };

struct fixture {
    uv_loop_t loop;
    struct mr_http_client *client;
    struct counterpart *counterpart;
    struct mr_push *push;
    int finished[NUMBERS_MAX]; /* by number */
    enum mr_finish how[NUMBERS_MAX];
    char reason[NUMBERS_MAX][32];
    uint64_t order[NUMBERS_MAX];
    int count;
};

static void on_finish(
        void *ctx, const char *subscription, uint64_t number, enum mr_finish how, const char *reason)
{
    struct fixture *f = ctx;

    assert_string_equal(subscription, "diagnostics");
    assert_true(number < NUMBERS_MAX);
    f->finished[number]++;
    f->how[number] = how;
    (void)snprintf(f->reason[number], sizeof f->reason[number], "%s", reason ? reason : "");
    f->order[f->count++] = number;
}

static void open_push(struct fixture *f, uint16_t port, uint32_t timeout_ms)
{
    char url[64];
    struct mr_push_options options = {
            .client = f->client, .url = url, .timeout_ms = timeout_ms, .finish = on_finish, .ctx = f};

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/diagnostics", port);
    assert_int_equal(mr_push_new(&f->push, &options), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct counterpart_options options = {.listen = "127.0.0.1:0", .slow_ms = WAIT_MS};

    assert_int_equal(uv_loop_init(&f->loop), 0);
    options.loop = &f->loop;
    assert_int_equal(mr_http_client_open(&f->client, &f->loop), 0);
    assert_int_equal(counterpart_open(&f->counterpart, &options, NULL), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    mr_http_client_close(f->client, NULL, NULL);
    mr_push_free(f->push);
    if (f->counterpart)
        counterpart_close(f->counterpart, NULL, NULL);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

/* With a trace, without one, and with what is none: the counterpart looks whether the header is right. */
static const char *const traces[] = {
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", NULL, "no trace"};

static void deliver(struct fixture *f, uint64_t number, const char *subject)
{
    Nms__Event__V1__CourseFinished course = NMS__EVENT__V1__COURSE_FINISHED__INIT;
    struct mr_buf bytes = MR_BUF_INIT;
    struct mr_arena arena;
    struct mr_event event;
    char id[32];
    struct mr_attributes a = {.id = id,
            .source = "urn:marshrut:24:x",
            .type = "nms.course.finished.v1",
            .subject = subject,
            .traceparent = traces[number % MR_COUNT(traces)]};
    struct mr_delivered item = {
            .subscription = "diagnostics", .number = number, .attempt = 1, .event = &event};

    (void)snprintf(id, sizeof id, "e-%llu", (unsigned long long)number);
    course.programme_id = (char *)"PK-1";
    assert_int_equal(mr_event_encode(&bytes, &a, &course.base), 0);
    mr_arena_init(&arena, 1024 * 1024);
    assert_int_equal(mr_event_decode(&event, mr_buf_slice(&bytes), &arena, NULL), 0);
    mr_push_event(f->push, &item);
    mr_arena_fini(&arena); /* the push has copied what it needs */
    mr_buf_fini(&bytes);
}

static void run_until(struct fixture *f, int count)
{
    while (f->count < count)
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(f->count, count);
    assert_int_equal(mr_push_waiting(f->push), 0);
}

static void test_all_arrive(void **state)
{
    struct fixture *f = *state;

    open_push(f, counterpart_port(f->counterpart), WAIT_MS);
    for (uint64_t n = 1; n <= 50; n++) {
        char subject[16];

        (void)snprintf(subject, sizeof subject, "person-%d", (int)(n % 7));
        deliver(f, n, subject);
    }
    run_until(f, 50);
    for (int n = 1; n <= 50; n++) {
        assert_int_equal(f->finished[n], 1);
        assert_int_equal(f->how[n], MR_FINISH_DONE);
    }
    assert_int_equal(counterpart_received(f->counterpart), 50);
    assert_int_equal(counterpart_repeated(f->counterpart), 0);
}

/* One subject, one after another; also without a subject. */
static void test_order(void **state)
{
    struct fixture *f = *state;

    open_push(f, counterpart_port(f->counterpart), WAIT_MS);
    for (uint64_t n = 1; n <= 20; n++)
        deliver(f, n, n % 2 ? "one" : NULL);
    run_until(f, 20);
    for (int parity = 0; parity < 2; parity++) {
        uint64_t last = 0;

        for (int i = 0; i < 20; i++)
            if (f->order[i] % 2 == (unsigned)parity) {
                assert_true(f->order[i] > last);
                last = f->order[i];
            }
    }
}

/* Nothing of a subject overtakes its event that failed; other subjects do not suffer. */
static void test_failure_takes_back_the_subject(void **state)
{
    struct fixture *f = *state;

    counterpart_set_mode(f->counterpart, COUNTERPART_DOWN);
    open_push(f, counterpart_port(f->counterpart), WAIT_MS);
    deliver(f, 1, "one");
    deliver(f, 2, "one");
    deliver(f, 3, "one");
    deliver(f, 4, "two");
    run_until(f, 4);
    for (int n = 1; n <= 4; n++)
        assert_int_equal(f->how[n], MR_FINISH_RETRY);
    assert_string_equal(f->reason[1], "http-503");
    assert_string_equal(f->reason[2], "order");
    assert_string_equal(f->reason[4], "http-503");
    counterpart_set_mode(f->counterpart, COUNTERPART_FINE);
    for (uint64_t n = 1; n <= 4; n++)
        deliver(f, n, n < 4 ? "one" : "two");
    run_until(f, 8);
    assert_int_equal(counterpart_received(f->counterpart), 4);
}

static void test_wrong_is_parked(void **state)
{
    struct fixture *f = *state;

    counterpart_set_mode(f->counterpart, COUNTERPART_WRONG);
    open_push(f, counterpart_port(f->counterpart), WAIT_MS);
    deliver(f, 1, "one");
    run_until(f, 1);
    assert_int_equal(f->how[1], MR_FINISH_PARK);
    assert_string_equal(f->reason[1], "http-422");
}

static void test_slow_times_out(void **state)
{
    struct fixture *f = *state;

    counterpart_set_mode(f->counterpart, COUNTERPART_SLOW);
    open_push(f, counterpart_port(f->counterpart), 50);
    deliver(f, 1, "one");
    run_until(f, 1);
    assert_int_equal(f->how[1], MR_FINISH_RETRY);
    assert_string_equal(f->reason[1], "timeout");
}

static void test_nobody_listens(void **state)
{
    struct fixture *f = *state;
    uint16_t port = counterpart_port(f->counterpart);

    counterpart_close(f->counterpart, NULL, NULL);
    f->counterpart = NULL;
    (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    open_push(f, port, WAIT_MS);
    deliver(f, 1, "one");
    run_until(f, 1);
    assert_int_equal(f->how[1], MR_FINISH_RETRY);
    assert_string_equal(f->reason[1], "closed");
}

/* Taken, but the answer said no: the repeat is known by its id. */
static void test_flaky_counts_once(void **state)
{
    struct fixture *f = *state;

    counterpart_set_mode(f->counterpart, COUNTERPART_FLAKY);
    open_push(f, counterpart_port(f->counterpart), WAIT_MS);
    deliver(f, 1, "one");
    run_until(f, 1);
    assert_int_equal(f->how[1], MR_FINISH_RETRY);
    deliver(f, 1, "one");
    run_until(f, 2);
    assert_int_equal(f->how[1], MR_FINISH_DONE);
    assert_int_equal(counterpart_received(f->counterpart), 1);
    assert_int_equal(counterpart_repeated(f->counterpart), 1);
}

static void test_closed_in_flight(void **state)
{
    struct fixture *f = *state;

    counterpart_set_mode(f->counterpart, COUNTERPART_SLOW);
    open_push(f, counterpart_port(f->counterpart), WAIT_MS);
    for (uint64_t n = 1; n <= 20; n++)
        deliver(f, n, n % 2 ? "one" : "two");
    for (int i = 0; i < 5; i++)
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_all_arrive, setup, teardown),
            cmocka_unit_test_setup_teardown(test_order, setup, teardown),
            cmocka_unit_test_setup_teardown(test_failure_takes_back_the_subject, setup, teardown),
            cmocka_unit_test_setup_teardown(test_wrong_is_parked, setup, teardown),
            cmocka_unit_test_setup_teardown(test_slow_times_out, setup, teardown),
            cmocka_unit_test_setup_teardown(test_nobody_listens, setup, teardown),
            cmocka_unit_test_setup_teardown(test_flaky_counts_once, setup, teardown),
            cmocka_unit_test_setup_teardown(test_closed_in_flight, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
