#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "bus.pb-c.h"
#include "event/assessment.pb-c.h"
#include "leaf.pb-c.h"
#include "proto/base/buf.h"
#include "proto/base/list.h"
#include "proto/wire/unpack.h"
#include "tests/support/numbers_message.h"

#define BYTES(text)                                                                                          \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }

static const struct mr_unpack_limits loose = {.fields_max = 1000, .depth_max = 8};

enum { ARENA_BYTES = 1 << 20 };

/* Unpacks into an arena of its own and forgets it: what comes of it. */
static int try(const ProtobufCMessageDescriptor *descriptor, struct mr_slice bytes,
        const struct mr_unpack_limits *limits, struct mr_error *reterr)
{
    ProtobufCMessage *message = NULL;
    struct mr_arena arena;
    int r;

    mr_arena_init(&arena, ARENA_BYTES);
    r = mr_unpack(descriptor, bytes, limits, NULL, &arena, &message, reterr);
    assert_true((r == 0) == (message != NULL));
    mr_arena_fini(&arena);
    return r;
}

struct row {
    const char *why;
    const ProtobufCMessageDescriptor *descriptor;
    struct mr_slice bytes;
    int result;
    const char *where;
};

static void run(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mr_error e = {0};
        int r = try(rows[i].descriptor, rows[i].bytes, &loose, &e);

        if (r != rows[i].result || (r < 0 && strcmp(e.where, rows[i].where) != 0))
            fail_msg("%s: %d at %s: %s", rows[i].why, r, e.where, e.what);
        assert_int_equal(try(rows[i].descriptor, rows[i].bytes, &loose, NULL), r);
    }
}

static void well_formed_bytes_pass(void **state)
{
#define FRAME      &marshrut__bus__v1__frame__descriptor
#define DIAGNOSTIC &nms__event__v1__diagnostic_completed__descriptor
    static const struct row rows[] = {
            {"nothing", FRAME, BYTES(""), 0, ""},
            {"empty hello", FRAME, BYTES("\x0a\x00"), 0, ""},
            {"version of a hello", FRAME, BYTES("\x0a\x02\x08\x01"), 0, ""},
            {"unknown varint", FRAME, BYTES("\xf8\x07\x01"), 0, ""},
            {"unknown 64 bit", FRAME,
                    BYTES("\xf9\x07"
                          "12345678"),
                    0, ""},
            {"unknown 32 bit", FRAME,
                    BYTES("\xfd\x07"
                          "1234"),
                    0, ""},
            {"unknown bytes need not be text", FRAME, BYTES("\xfa\x07\x01\xff"), 0, ""},
            {"unknown field twice", FRAME, BYTES("\xf8\x07\x01\xf8\x07\x01"), 0, ""},
            {"repeated bytes", FRAME, BYTES("\x22\x04\x12\x00\x12\x00"), 0, ""},
            {"person", DIAGNOSTIC, BYTES("\x0a\x02\x1a\x00"), 0, ""},
            {"two areas", DIAGNOSTIC, BYTES("\x3a\x00\x3a\x00"), 0, ""},
            {"negative int32", DIAGNOSTIC, BYTES("\x3a\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0,
                    ""},
            {"largest field number", FRAME, BYTES("\xf8\xff\xff\xff\x0f\x00"), 0, ""},
            {"packed", &numbers_descriptor, BYTES("\x0a\x03\x01\xac\x02"), 0, ""},
            {"packed nothing", &numbers_descriptor, BYTES("\x0a\x00"), 0, ""},
            {"not packed", &numbers_descriptor, BYTES("\x08\x01\x08\x02"), 0, ""},
            {"packed 32 bit", &numbers_descriptor,
                    BYTES("\x12\x08"
                          "12345678"),
                    0, ""},
            {"packed 64 bit", &numbers_descriptor,
                    BYTES("\x1a\x08"
                          "12345678"),
                    0, ""},
            {"unknown enum value", &numbers_descriptor, BYTES("\x28\x63"), 0, ""},
            {"largest uint32", &numbers_descriptor, BYTES("\x30\xff\xff\xff\xff\x0f"), 0, ""},
    };

    (void)state;
    run(rows, MR_COUNT(rows));
}

static void malformed_bytes_are_refused_with_their_path(void **state)
{
    static const struct row rows[] = {
            {"tag cut", FRAME, BYTES("\x80"), MR_EMALFORMED, ""},
            {"value missing", FRAME, BYTES("\xf8\x07"), MR_EMALFORMED, ""},
            {"varint cut", FRAME, BYTES("\xf8\x07\x80"), MR_EMALFORMED, ""},
            {"64 bit cut", FRAME,
                    BYTES("\xf9\x07"
                          "1234567"),
                    MR_EMALFORMED, ""},
            {"32 bit cut", FRAME,
                    BYTES("\xfd\x07"
                          "123"),
                    MR_EMALFORMED, ""},
            {"length missing", FRAME, BYTES("\x0a"), MR_EMALFORMED, ""},
            {"length beyond the end", FRAME, BYTES("\x0a\x01"), MR_EMALFORMED, ""},
            {"length of 2^63", FRAME, BYTES("\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), MR_EMALFORMED,
                    ""},
            {"inner length beyond the inner end", FRAME, BYTES("\x0a\x02\x1a\x01x"), MR_EMALFORMED, "hello"},
            {"field number 0", FRAME, BYTES("\x02\x00"), MR_EMALFORMED, ""},
            {"field number 2^29", FRAME, BYTES("\x80\x80\x80\x80\x10\x00"), MR_EMALFORMED, ""},
            {"group start", FRAME, BYTES("\xfb\x07\xfc\x07"), MR_EMALFORMED, ""},
            {"group end", FRAME, BYTES("\xfc\x07"), MR_EMALFORMED, ""},
            {"wire type 6", FRAME, BYTES("\xfe\x07\x00"), MR_EMALFORMED, ""},
            {"wire type 7", FRAME, BYTES("\xff\x07\x00"), MR_EMALFORMED, ""},
            {"varint of 11 bytes", FRAME, BYTES("\xf8\x07\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
                    MR_EMALFORMED, ""},
            {"varint above 64 bits", FRAME, BYTES("\xf8\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
                    MR_EMALFORMED, ""},
            {"varint too long", FRAME, BYTES("\x0a\x03\x08\x81\x00"), MR_EMALFORMED, "hello"},
            {"tag too long", FRAME, BYTES("\x8a\x00\x00"), MR_EMALFORMED, ""},
            {"hello as a number", FRAME, BYTES("\x08\x01"), MR_EMALFORMED, "hello"},
            {"number as text", FRAME, BYTES("\x0a\x02\x0a\x00"), MR_EMALFORMED, "hello.version"},
            {"oneof member twice", FRAME, BYTES("\x0a\x00\x0a\x00"), MR_EMALFORMED, "hello"},
            {"two members of a oneof", FRAME, BYTES("\x0a\x00\x12\x00"), MR_EMALFORMED, "welcome"},
            {"number twice", FRAME, BYTES("\x0a\x04\x08\x01\x08\x01"), MR_EMALFORMED, "hello.version"},
            {"text twice", DIAGNOSTIC,
                    BYTES("\x0a\x06\x12\x01"
                          "1"
                          "\x12\x01"
                          "1"),
                    MR_EMALFORMED, "person.snils"},
            {"person twice", DIAGNOSTIC, BYTES("\x0a\x00\x0a\x00"), MR_EMALFORMED, "person"},
            {"text is not UTF-8", DIAGNOSTIC, BYTES("\x0a\x03\x12\x01\xff"), MR_EMALFORMED, "person.snils"},
            {"NUL in a text", DIAGNOSTIC,
                    BYTES("\x0a\x05\x1a\x03"
                          "a\0b"),
                    MR_EMALFORMED, "person.family_name"},
            {"text in a repeated message", DIAGNOSTIC, BYTES("\x3a\x00\x3a\x03\x0a\x01\xc0"), MR_EMALFORMED,
                    "areas.area"},
            {"int32 of 33 bits", DIAGNOSTIC, BYTES("\x3a\x06\x18\xff\xff\xff\xff\x1f"), MR_EMALFORMED,
                    "areas.score_thousandths"},
            {"packed number cut", &numbers_descriptor, BYTES("\x0a\x01\x80"), MR_EMALFORMED, "ints"},
            {"packed 32 bit cut", &numbers_descriptor,
                    BYTES("\x12\x03"
                          "123"),
                    MR_EMALFORMED, "fixed"},
            {"packed 64 bit cut", &numbers_descriptor,
                    BYTES("\x1a\x0c"
                          "123456789012"),
                    MR_EMALFORMED, "wide"},
            {"packed bool of 2", &numbers_descriptor, BYTES("\x22\x01\x02"), MR_EMALFORMED, "bools"},
            {"packed where one is expected", &numbers_descriptor, BYTES("\x32\x01\x01"), MR_EMALFORMED,
                    "one"},
            {"uint32 of 33 bits", &numbers_descriptor, BYTES("\x30\xff\xff\xff\xff\x1f"), MR_EMALFORMED,
                    "one"},
    };

    (void)state;
    run(rows, MR_COUNT(rows));
}

static void strict_refuses_unknown_fields(void **state)
{
    static const struct mr_unpack_limits strict = {.fields_max = 10, .depth_max = 3, .strict = true};
    const struct mr_slice known = BYTES("\x08\x01");
    const struct mr_slice unknown = BYTES("\x08\x01\xf8\x07\x01");

    (void)state;
    assert_int_equal(try(&marshrut__log__v1__leaf__descriptor, known, &strict, NULL), 0);
    assert_int_equal(try(&marshrut__log__v1__leaf__descriptor, unknown, &strict, NULL), MR_EMALFORMED);
}

static void fields_are_counted_at_every_level(void **state)
{
    const struct mr_unpack_limits three = {.fields_max = 3, .depth_max = 8};
    static const struct row rows[] = {
            {"publish and two", FRAME, BYTES("\x22\x04\x12\x00\x12\x00"), 0, ""},
            {"publish and three", FRAME, BYTES("\x22\x06\x12\x00\x12\x00\x12\x00"), MR_ETOOBIG, ""},
            {"unknown ones", FRAME, BYTES("\xf8\x07\x01\xf8\x07\x01\xf8\x07\x01\xf8\x07\x01"), MR_ETOOBIG,
                    ""},
            {"packed and two", &numbers_descriptor, BYTES("\x0a\x02\x01\x01"), 0, ""},
            {"packed and three", &numbers_descriptor, BYTES("\x0a\x03\x01\x01\x01"), MR_ETOOBIG, ""},
            {"packed and three of 32 bit", &numbers_descriptor,
                    BYTES("\x12\x0c"
                          "123456789012"),
                    MR_ETOOBIG, ""},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++)
        assert_int_equal(try(rows[i].descriptor, rows[i].bytes, &three, NULL), rows[i].result);
}

static void depth_is_limited(void **state)
{
    const struct mr_slice bytes = BYTES("\x12\x02\x3a\x00"); /* frame, welcome, limits */
    struct mr_unpack_limits limits = {.fields_max = 10};

    (void)state;
    for (limits.depth_max = 0; limits.depth_max < 5; limits.depth_max++) {
        struct mr_error e = {0};

        assert_int_equal(try(FRAME, bytes, &limits, &e), limits.depth_max < 3 ? MR_ETOOBIG : 0);
        if (limits.depth_max == 2)
            assert_string_equal(e.where, "welcome.limits");
    }
}

static void a_megabyte_of_empty_messages_is_refused(void **state)
{
    struct mr_buf buf = MR_BUF_INIT;

    (void)state;
    for (int i = 0; i < 500000; i++)
        mr_buf_put(&buf, "\x3a\x00", 2);
    assert_int_equal(try(DIAGNOSTIC, mr_buf_slice(&buf), &loose, NULL), MR_ETOOBIG);
    mr_buf_fini(&buf);
}

/* They are counted before room is made for them: the arena would not hold it. */
static void a_megabyte_of_unknown_fields_is_refused(void **state)
{
    struct mr_buf buf = MR_BUF_INIT;

    (void)state;
    for (int i = 0; i < 350000; i++)
        mr_buf_put(&buf, "\xf8\x07\x01", 3);
    assert_int_equal(try(DIAGNOSTIC, mr_buf_slice(&buf), &loose, NULL), MR_ETOOBIG);
    mr_buf_fini(&buf);
}

static void every_cut_of_a_message_is_refused_or_whole(void **state)
{
    /* version, software, epoch: cut between fields is a shorter message, cut within is malformed. */
    static const uint8_t hello[] = {0x0a, 0x08, 0x08, 0x01, 0x1a, 0x01, 'a', 0x20, 0x80, 0x01};

    (void)state;
    for (size_t size = 0; size <= sizeof hello; size++)
        assert_int_equal(try(FRAME, mr_slice(hello, size), &loose, NULL),
                size == 0 || size == sizeof hello ? 0 : MR_EMALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(well_formed_bytes_pass),
            cmocka_unit_test(malformed_bytes_are_refused_with_their_path),
            cmocka_unit_test(strict_refuses_unknown_fields),
            cmocka_unit_test(fields_are_counted_at_every_level),
            cmocka_unit_test(depth_is_limited),
            cmocka_unit_test(a_megabyte_of_empty_messages_is_refused),
            cmocka_unit_test(a_megabyte_of_unknown_fields_is_refused),
            cmocka_unit_test(every_cut_of_a_message_is_refused_or_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
