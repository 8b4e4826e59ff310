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
#include "proto/wire/prescan.h"

#define BYTES(text)                                                                                          \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }

static const struct mr_prescan_limits loose = {.fields_max = 1000, .depth_max = 8};

/* A message of repeated numbers, which our schemas do not have: 1 int32, 2 fixed32, 3 fixed64, 4 bool; 5 one
 * enum. */
static const ProtobufCFieldDescriptor number_fields[] = {
        {.name = "ints", .id = 1, .label = PROTOBUF_C_LABEL_REPEATED, .type = PROTOBUF_C_TYPE_INT32},
        {.name = "fixed", .id = 2, .label = PROTOBUF_C_LABEL_REPEATED, .type = PROTOBUF_C_TYPE_FIXED32},
        {.name = "wide", .id = 3, .label = PROTOBUF_C_LABEL_REPEATED, .type = PROTOBUF_C_TYPE_FIXED64},
        {.name = "bools", .id = 4, .label = PROTOBUF_C_LABEL_REPEATED, .type = PROTOBUF_C_TYPE_BOOL},
        {.name = "kind", .id = 5, .label = PROTOBUF_C_LABEL_NONE, .type = PROTOBUF_C_TYPE_ENUM},
        {.name = "one", .id = 6, .label = PROTOBUF_C_LABEL_NONE, .type = PROTOBUF_C_TYPE_UINT32},
};
static const ProtobufCIntRange number_ranges[] = {{1, 0}, {0, 6}};
static const ProtobufCMessageDescriptor numbers = {
        .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
        .name = "Numbers",
        .n_fields = MR_COUNT(number_fields),
        .fields = number_fields,
        .n_field_ranges = 1,
        .field_ranges = number_ranges,
};

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
        int r = mr_prescan(rows[i].descriptor, rows[i].bytes, &loose, &e);

        if (r != rows[i].result || (r < 0 && strcmp(e.where, rows[i].where) != 0))
            fail_msg("%s: %d at %s: %s", rows[i].why, r, e.where, e.what);
        assert_int_equal(mr_prescan(rows[i].descriptor, rows[i].bytes, &loose, NULL), r);
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
            {"packed", &numbers, BYTES("\x0a\x03\x01\xac\x02"), 0, ""},
            {"packed nothing", &numbers, BYTES("\x0a\x00"), 0, ""},
            {"not packed", &numbers, BYTES("\x08\x01\x08\x02"), 0, ""},
            {"packed 32 bit", &numbers,
                    BYTES("\x12\x08"
                          "12345678"),
                    0, ""},
            {"packed 64 bit", &numbers,
                    BYTES("\x1a\x08"
                          "12345678"),
                    0, ""},
            {"unknown enum value", &numbers, BYTES("\x28\x63"), 0, ""},
            {"largest uint32", &numbers, BYTES("\x30\xff\xff\xff\xff\x0f"), 0, ""},
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
            {"packed number cut", &numbers, BYTES("\x0a\x01\x80"), MR_EMALFORMED, "ints"},
            {"packed 32 bit cut", &numbers,
                    BYTES("\x12\x03"
                          "123"),
                    MR_EMALFORMED, "fixed"},
            {"packed 64 bit cut", &numbers,
                    BYTES("\x1a\x0c"
                          "123456789012"),
                    MR_EMALFORMED, "wide"},
            {"packed bool of 2", &numbers, BYTES("\x22\x01\x02"), MR_EMALFORMED, "bools"},
            {"packed where one is expected", &numbers, BYTES("\x32\x01\x01"), MR_EMALFORMED, "one"},
            {"uint32 of 33 bits", &numbers, BYTES("\x30\xff\xff\xff\xff\x1f"), MR_EMALFORMED, "one"},
    };

    (void)state;
    run(rows, MR_COUNT(rows));
}

static void strict_refuses_unknown_fields(void **state)
{
    static const struct mr_prescan_limits strict = {.fields_max = 10, .depth_max = 3, .strict = true};
    const struct mr_slice known = BYTES("\x08\x01");
    const struct mr_slice unknown = BYTES("\x08\x01\xf8\x07\x01");

    (void)state;
    assert_int_equal(mr_prescan(&marshrut__log__v1__leaf__descriptor, known, &strict, NULL), 0);
    assert_int_equal(mr_prescan(&marshrut__log__v1__leaf__descriptor, unknown, &strict, NULL), MR_EMALFORMED);
}

static void fields_are_counted_at_every_level(void **state)
{
    const struct mr_prescan_limits three = {.fields_max = 3, .depth_max = 8};
    static const struct row rows[] = {
            {"publish and two", FRAME, BYTES("\x22\x04\x12\x00\x12\x00"), 0, ""},
            {"publish and three", FRAME, BYTES("\x22\x06\x12\x00\x12\x00\x12\x00"), MR_ETOOBIG, ""},
            {"unknown ones", FRAME, BYTES("\xf8\x07\x01\xf8\x07\x01\xf8\x07\x01\xf8\x07\x01"), MR_ETOOBIG,
                    ""},
            {"packed and two", &numbers, BYTES("\x0a\x02\x01\x01"), 0, ""},
            {"packed and three", &numbers, BYTES("\x0a\x03\x01\x01\x01"), MR_ETOOBIG, ""},
            {"packed and three of 32 bit", &numbers,
                    BYTES("\x12\x0c"
                          "123456789012"),
                    MR_ETOOBIG, ""},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++)
        assert_int_equal(mr_prescan(rows[i].descriptor, rows[i].bytes, &three, NULL), rows[i].result);
}

static void depth_is_limited(void **state)
{
    const struct mr_slice bytes = BYTES("\x12\x02\x3a\x00"); /* frame, welcome, limits */
    struct mr_prescan_limits limits = {.fields_max = 10};

    (void)state;
    for (limits.depth_max = 0; limits.depth_max < 5; limits.depth_max++) {
        struct mr_error e = {0};

        assert_int_equal(mr_prescan(FRAME, bytes, &limits, &e), limits.depth_max < 3 ? MR_ETOOBIG : 0);
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
    assert_int_equal(mr_prescan(DIAGNOSTIC, mr_buf_slice(&buf), &loose, NULL), MR_ETOOBIG);
    mr_buf_fini(&buf);
}

static void every_cut_of_a_message_is_refused_or_whole(void **state)
{
    /* version, software, epoch: cut between fields is a shorter message, cut within is malformed. */
    static const uint8_t hello[] = {0x0a, 0x08, 0x08, 0x01, 0x1a, 0x01, 'a', 0x20, 0x80, 0x01};

    (void)state;
    for (size_t size = 0; size <= sizeof hello; size++)
        assert_int_equal(mr_prescan(FRAME, mr_slice(hello, size), &loose, NULL),
                size == 0 || size == sizeof hello ? 0 : MR_EMALFORMED);
}

static void utf8_follows_rfc3629(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
            {"", true},
            {"a", true},
            {"Перминов Ёлкин", true},
            {"\xe2\x82\xac", true},
            {"\xf0\x9f\x8e\x93", true},
            {"\x7f", true},
            {"\xc2\x80", true},
            {"\xdf\xbf", true},
            {"\xe0\xa0\x80", true},
            {"\xed\x9f\xbf", true},
            {"\xee\x80\x80", true},
            {"\xef\xbf\xbf", true},
            {"\xf0\x90\x80\x80", true},
            {"\xf4\x8f\xbf\xbf", true},
            {"\x80", false},
            {"\xbf", false},
            {"\xc0\x80", false},
            {"\xc1\xbf", false},
            {"\xc2", false},
            {"\xc2\x41", false},
            {"\xe0\x9f\xbf", false},
            {"\xe0\xa0", false},
            {"\xed\xa0\x80", false},
            {"\xed\xbf\xbf", false},
            {"\xe2\x82", false},
            {"\xe2\x28\xa1", false},
            {"\xe2\x82\x28", false},
            {"\xf0\x8f\xbf\xbf", false},
            {"\xf0\x9f\x8e", false},
            {"\xf0\x9f\x8e\x41", false},
            {"\xf4\x90\x80\x80", false},
            {"\xf5\x80\x80\x80", false},
            {"\xfe", false},
            {"\xff", false},
            {"a\xd0", false},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++)
        if (mr_utf8_valid(mr_slice_str(rows[i].text)) != rows[i].valid)
            fail_msg("row %zu", i);
    assert_false(mr_utf8_valid(mr_slice("a\0b", 3)));
    assert_true(mr_utf8_valid(mr_slice(NULL, 0)));
}

static void wire_next_gives_raw_fields(void **state)
{
    struct mr_slice rest =
            BYTES("\x08\x96\x01\x12\x02hi\x1d\x01\x02\x03\x04\x21\x01\x02\x03\x04\x05\x06\x07\x08");
    const struct mr_slice whole = rest;
    struct mr_wire_field f;

    (void)state;
    assert_int_equal(mr_wire_next(&rest, &f), 1);
    assert_int_equal(f.number, 1);
    assert_int_equal(f.varint, 150);
    assert_int_equal(f.raw.size, 3);
    assert_int_equal(mr_wire_next(&rest, &f), 1);
    assert_true(mr_slice_equal(f.bytes, mr_slice_str("hi")));
    assert_int_equal(f.raw.size, 4);
    assert_int_equal(mr_wire_next(&rest, &f), 1);
    assert_int_equal(f.varint, 0x04030201);
    assert_int_equal(mr_wire_next(&rest, &f), 1);
    assert_true(f.varint == UINT64_C(0x0807060504030201));
    assert_int_equal(mr_wire_next(&rest, &f), 0);
    assert_true(mr_slice_equal(mr_wire_find(whole, 2), mr_slice_str("hi")));
    assert_null(mr_wire_find(whole, 1).data);
    assert_null(mr_wire_find(whole, 9).data);
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
            cmocka_unit_test(every_cut_of_a_message_is_refused_or_whole),
            cmocka_unit_test(utf8_follows_rfc3629),
            cmocka_unit_test(wire_next_gives_raw_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
