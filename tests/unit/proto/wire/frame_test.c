#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/list.h"
#include "proto/wire/frame.h"

typedef Marshrut__Bus__V1__Frame Frame;

static int decode(struct mr_slice bytes, size_t budget_bytes, struct mr_error *e)
{
    struct mr_arena arena;
    Frame *frame = NULL;
    int r;

    mr_arena_init(&arena, budget_bytes);
    r = mr_frame_decode(bytes, &arena, &frame, e);
    assert_int_equal(r == 0, frame != NULL);
    mr_arena_fini(&arena);
    return r;
}

static void a_frame_comes_back_as_it_went(void **state)
{
    Marshrut__Bus__V1__Hello hello = MARSHRUT__BUS__V1__HELLO__INIT;
    Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    struct mr_buf out = MR_BUF_INIT;
    struct mr_arena arena;
    Frame *back;

    (void)state;
    hello.version = MR_PROTOCOL_VERSION;
    hello.software = (char *)"marshrut-school/0.1.0";
    hello.producer_epoch = UINT64_MAX;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    mr_buf_put_str(&out, "before");
    assert_int_equal(mr_frame_encode(&out, &frame), 0);
    mr_arena_init(&arena, 65536);
    assert_int_equal(mr_frame_decode(mr_slice(out.data + 6, out.size - 6), &arena, &back, NULL), 0);
    assert_int_equal(back->body_case, MARSHRUT__BUS__V1__FRAME__BODY_HELLO);
    assert_string_equal(back->hello->software, hello.software);
    assert_true(back->hello->producer_epoch == UINT64_MAX);
    mr_arena_fini(&arena);
    mr_buf_fini(&out);
}

/* What is borrowed lies in the bytes of the frame; all else is as when it is copied. */
static void events_are_borrowed(void **state)
{
    static const uint8_t bytes[] = {0x22, 0x0a, 0x08, 0x07, 0x12, 0x02, 'a', 'b', 0x12, 0x00, 0x18, 0x01};
    struct mr_slice frame = mr_slice(bytes, sizeof bytes);
    struct mr_arena arena;
    Frame *copied, *borrowed;

    (void)state;
    mr_arena_init(&arena, 65536);
    assert_int_equal(mr_frame_decode(frame, &arena, &copied, NULL), 0);
    assert_int_equal(mr_frame_borrow(frame, &arena, &borrowed, NULL), 0);
    assert_int_equal(borrowed->publish->n_events, 2);
    assert_ptr_equal(borrowed->publish->events[0].data, bytes + 6);
    assert_int_equal(borrowed->publish->events[0].len, 2);
    assert_int_equal(borrowed->publish->events[1].len, 0);
    assert_true(copied->publish->events[0].data != bytes + 6);
    assert_memory_equal(copied->publish->events[0].data, "ab", 2);
    assert_int_equal(borrowed->publish->first_sequence, copied->publish->first_sequence);
    assert_int_equal(borrowed->publish->receipts, copied->publish->receipts);
    assert_int_equal(
            mr_frame_borrow(mr_slice(bytes, sizeof bytes - 1), &arena, &borrowed, NULL), MR_EMALFORMED);
    mr_arena_fini(&arena);
}

static void broken_frames_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *where;
    } rows[] = {
            {"", 0, "body"},
            {"\xfa\x07\x00", 3, "body"}, /* of a later version */
            {"\x0a", 1, ""},
            {"\x0a\x05\x08", 3, ""},
            {"\x0a\x00\x12\x00", 4, "welcome"},
            {"\x0a\x03\x1a\x01\xff", 5, "hello.software"},
            {"GET / HTTP/1.1\r\n", 16, ""},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_error e = {0};

        assert_int_equal(decode(mr_slice(rows[i].bytes, rows[i].size), 65536, &e), MR_EMALFORMED);
        assert_string_equal(e.where, rows[i].where);
        assert_true(e.cure[0] != 0);
    }
}

/* Publish, PublishAck and Deliver with so many items that are empty. */
static int decode_batch(uint8_t body, uint8_t item, size_t count, struct mr_error *e)
{
    struct mr_buf inner = MR_BUF_INIT;
    struct mr_buf out = MR_BUF_INIT;
    int r;

    for (size_t i = 0; i < count; i++) {
        mr_buf_put_u8(&inner, item);
        mr_buf_put_u8(&inner, 0);
    }
    mr_buf_put_u8(&out, body);
    mr_buf_put_varint(&out, inner.size);
    mr_buf_put_slice(&out, mr_buf_slice(&inner));
    r = decode(mr_buf_slice(&out), 1 << 20, e);
    mr_buf_fini(&inner);
    mr_buf_fini(&out);
    return r;
}

static void batches_are_limited(void **state)
{
    static const struct {
        uint8_t body;
        uint8_t item;
        const char *where;
    } rows[] = {{0x22, 0x12, "publish.events"}, {0x2a, 0x22, "publish_ack.results"},
            {0x3a, 0x12, "deliver.items"}};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_error e = {0};

        assert_int_equal(decode_batch(rows[i].body, rows[i].item, MR_BATCH_EVENTS_MAX, &e), 0);
        assert_int_equal(decode_batch(rows[i].body, rows[i].item, MR_BATCH_EVENTS_MAX + 1, &e), MR_ETOOBIG);
        assert_string_equal(e.where, rows[i].where);
        assert_int_equal(decode_batch(rows[i].body, rows[i].item, 500000, &e), MR_ETOOBIG);
    }
}

static void size_and_memory_are_limited(void **state)
{
    struct mr_buf out = MR_BUF_INIT;

    (void)state;
    assert_non_null(mr_buf_reserve(&out, MR_FRAME_BYTES_MAX + 1));
    memset(out.data, 0, MR_FRAME_BYTES_MAX + 1);
    assert_int_equal(decode(mr_slice(out.data, MR_FRAME_BYTES_MAX + 1), 65536, NULL), MR_ETOOBIG);
    mr_buf_fini(&out);
    for (size_t budget = 0; budget < 400; budget += 16) {
        int r = decode(mr_slice("\x0a\x03\x1a\x01x", 5), budget, NULL);

        assert_true(r == MR_ENOMEM || (r == 0 && budget > 64));
    }
    assert_int_equal(decode(mr_slice("\x0a\x03\x1a\x01x", 5), 400, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_frame_comes_back_as_it_went),
            cmocka_unit_test(events_are_borrowed),
            cmocka_unit_test(broken_frames_are_refused),
            cmocka_unit_test(batches_are_limited),
            cmocka_unit_test(size_and_memory_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
