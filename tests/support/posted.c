#include "tests/support/posted.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/wire/digest.h"

static int add(void *ctx, struct mr_slice event)
{
    struct posted *posted = ctx;

    if (posted->fail < 0)
        return posted->fail;
    assert_true(posted->count < POSTED_EVENTS_MAX);
    mr_buf_put_slice(&posted->events[posted->count++], event);
    return 0;
}

static int find(const struct posted *posted, struct mr_slice key)
{
    for (int i = 0; i < posted->rows; i++)
        if (mr_slice_equal(mr_buf_slice(&posted->keys[i]), key))
            return i;
    return -1;
}

static int get(void *ctx, struct mr_slice key, struct mr_slice *ret)
{
    struct posted *posted = ctx;
    int i = find(posted, key);

    if (i < 0)
        return MR_ENOTFOUND;
    *ret = mr_buf_slice(&posted->values[i]);
    return 0;
}

static int put(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct posted *posted = ctx;
    int i = find(posted, key);

    if (i < 0) {
        assert_true(posted->rows < POSTED_ROWS_MAX);
        i = posted->rows++;
        mr_buf_put_slice(&posted->keys[i], key);
    }
    mr_buf_reset(&posted->values[i]);
    mr_buf_put_slice(&posted->values[i], value);
    return 0;
}

static void digest(void *ctx, struct mr_slice data, uint8_t ret[static 16])
{
    uint8_t full[MR_SHA256_BYTES];

    (void)ctx;
    mr_sha256(data, full);
    memcpy(ret, full, 16);
}

void posted_init(struct posted *posted)
{
    *posted = (struct posted){.store = {posted, add, get, put, digest}};
    mr_arena_init(&posted->arena, 16 * 1024 * 1024);
}

void posted_clear(struct posted *posted)
{
    for (int i = 0; i < posted->count; i++)
        mr_buf_fini(&posted->events[i]);
    posted->count = 0;
}

void posted_fini(struct posted *posted)
{
    posted_clear(posted);
    for (int i = 0; i < posted->rows; i++) {
        mr_buf_fini(&posted->keys[i]);
        mr_buf_fini(&posted->values[i]);
    }
    mr_arena_fini(&posted->arena);
}

struct mr_event *posted_event(struct posted *posted, int index)
{
    struct mr_event *event = mr_arena_zalloc(&posted->arena, sizeof *event);
    struct mr_error error = {0};

    assert_non_null(event);
    assert_in_range(index, 0, posted->count - 1);
    if (mr_event_decode(event, mr_buf_slice(&posted->events[index]), &posted->arena, &error) != 0)
        fail_msg("event %d: %s: %s", index, error.where, error.what);
    assert_non_null(event->payload);
    return event;
}
