#include "tests/support/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void on_tick(uv_timer_t *timer)
{
    (void)timer; /* brings the loop round: the condition may be about a file or another process */
}

void turns_until(uv_loop_t *loop, const char *what, bool (*fn)(void *ctx), void *ctx)
{
    uint64_t deadline = uv_hrtime() + TURNS_DEADLINE_MS * 1000000ull;
    uv_timer_t *tick = test_malloc(sizeof *tick);
    bool happened;

    assert_int_equal(uv_timer_init(loop, tick), 0);
    assert_int_equal(uv_timer_start(tick, on_tick, 5, 5), 0);
    while (!(happened = fn(ctx)) && uv_hrtime() < deadline)
        (void)uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)tick, NULL);
    (void)uv_run(loop, UV_RUN_NOWAIT);
    test_free(tick);
    if (!happened)
        fail_msg("did not happen in time: %s", what);
}

void turns_end(uv_loop_t *loop)
{
    (void)uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
}
