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

#define BYTES(text)                                                                                          \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }

static const struct mr_unpack_limits loose = {.fields_max = 1000, .depth_max = 8};

enum { ARENA_BYTES = 1 << 20 };

/* A message of numbers, which our schemas have few of. */
struct numbers {
    ProtobufCMessage base;
    size_t n_ints, n_fixed, n_wide, n_bools, n_zigzag;
    int32_t *ints;
    uint32_t *fixed;
    uint64_t *wide;
    protobuf_c_boolean *bools;
    int kind;
    uint32_t one;
    int64_t *zigzag;
    double ratio;
};

#define MANY(name_, id_, type_)                                                                              \
    {                                                                                                        \
        .name = #name_, .id = id_, .label = PROTOBUF_C_LABEL_REPEATED, .type = PROTOBUF_C_TYPE_##type_,      \
        .quantifier_offset = offsetof(struct numbers, n_##name_), .offset = offsetof(struct numbers, name_)  \
    }
#define ONE(name_, id_, type_)                                                                               \
    {                                                                                                        \
        .name = #name_, .id = id_, .label = PROTOBUF_C_LABEL_NONE, .type = PROTOBUF_C_TYPE_##type_,          \
        .offset = offsetof(struct numbers, name_)                                                            \
    }
static const ProtobufCFieldDescriptor number_fields[] = {
        MANY(ints, 1, INT32),
        MANY(fixed, 2, FIXED32),
        MANY(wide, 3, FIXED64),
        MANY(bools, 4, BOOL),
        ONE(kind, 5, ENUM),
        ONE(one, 6, UINT32),
        MANY(zigzag, 7, SINT64),
        ONE(ratio, 8, DOUBLE),
};
static const ProtobufCIntRange number_ranges[] = {{1, 0}, {0, 8}};

static void init_numbers(ProtobufCMessage *message);

static const ProtobufCMessageDescriptor numbers = {
        .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
        .name = "Numbers",
        .sizeof_message = sizeof(struct numbers),
        .n_fields = MR_COUNT(number_fields),
        .fields = number_fields,
        .n_field_ranges = 1,
        .field_ranges = number_ranges,
        .message_init = init_numbers,
};

static void init_numbers(ProtobufCMessage *message)
{
    *(struct numbers *)message = (struct numbers){.base = {.descriptor = &numbers}};
}

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
            {"packed and two", &numbers, BYTES("\x0a\x02\x01\x01"), 0, ""},
            {"packed and three", &numbers, BYTES("\x0a\x03\x01\x01\x01"), MR_ETOOBIG, ""},
            {"packed and three of 32 bit", &numbers,
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

static void every_cut_of_a_message_is_refused_or_whole(void **state)
{
    /* version, software, epoch: cut between fields is a shorter message, cut within is malformed. */
    static const uint8_t hello[] = {0x0a, 0x08, 0x08, 0x01, 0x1a, 0x01, 'a', 0x20, 0x80, 0x01};

    (void)state;
    for (size_t size = 0; size <= sizeof hello; size++)
        assert_int_equal(try(FRAME, mr_slice(hello, size), &loose, NULL),
                size == 0 || size == sizeof hello ? 0 : MR_EMALFORMED);
}

/* What protobuf-c makes of the same bytes, packed again. */
static struct mr_buf packed(const ProtobufCMessage *message)
{
    struct mr_buf out = MR_BUF_INIT;
    uint8_t *at = mr_buf_reserve(&out, protobuf_c_message_get_packed_size(message) + 1);

    assert_non_null(at);
    out.size = protobuf_c_message_pack(message, at);
    return out;
}

static void compare(const ProtobufCMessageDescriptor *descriptor, struct mr_slice bytes, size_t *ret_taken)
{
    ProtobufCMessage *ours = NULL, *theirs;
    struct mr_arena arena;
    struct mr_buf a, b;

    mr_arena_init(&arena, ARENA_BYTES);
    if (mr_unpack(descriptor, bytes, &loose, NULL, &arena, &ours, NULL) == 0) {
        theirs = protobuf_c_message_unpack(descriptor, NULL, bytes.size, bytes.data);
        assert_non_null(theirs);
        a = packed(ours);
        b = packed(theirs);
        assert_true(mr_slice_equal(mr_buf_slice(&a), mr_buf_slice(&b)));
        protobuf_c_message_free_unpacked(theirs, NULL);
        mr_buf_fini(&a);
        mr_buf_fini(&b);
        ++*ret_taken;
    }
    mr_arena_fini(&arena);
}

static struct mr_buf diagnostic(void)
{
    Nms__Event__V1__DiagnosticCompleted message = NMS__EVENT__V1__DIAGNOSTIC_COMPLETED__INIT;
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__AreaScore score = NMS__EVENT__V1__AREA_SCORE__INIT;
    Nms__Event__V1__AreaScore *areas[] = {&score, &score, &score};
    struct mr_buf out;

    person.snils = (char *)"11223344595";
    person.family_name = (char *)"Ёлкин";
    score.area = (char *)"ict";
    score.score_thousandths = -5;
    message.person = &person;
    message.level = (char *)"high";
    message.areas = areas;
    message.n_areas = MR_COUNT(areas);
    out = packed(&message.base);
    mr_buf_put(&out, "\xfa\x7d\x03\x01\x02\x03\xf8\x7d\xac\x02", 10); /* unknown: bytes, a number */
    return out;
}

/* Bytes as they are, cut anywhere, and with a few bytes changed: what is taken is the same message. */
static void what_is_unpacked_is_what_protobuf_c_unpacks(void **state)
{
    struct mr_buf bytes = diagnostic();
    uint32_t random = 12345;
    size_t taken = 0, whole = 0;

    (void)state;
    compare(DIAGNOSTIC, mr_buf_slice(&bytes), &whole);
    assert_int_equal(whole, 1);
    for (size_t size = 0; size < bytes.size; size++)
        compare(DIAGNOSTIC, mr_slice(bytes.data, size), &taken);
    for (int i = 0; i < 200000; i++) {
        uint8_t changed[256];

        assert_true(bytes.size <= sizeof changed);
        memcpy(changed, bytes.data, bytes.size);
        for (int changes = 1 + i % 3; changes > 0; changes--) {
            random = random * 1664525 + 1013904223;
            changed[(random >> 8) % bytes.size] = (uint8_t)(random >> 24);
        }
        compare(DIAGNOSTIC, mr_slice(changed, bytes.size), &taken);
    }
    assert_true(taken > 1000);
    mr_buf_fini(&bytes);
}

static void numbers_of_every_kind_come_out(void **state)
{
    const struct mr_slice bytes =
            BYTES("\x0a\x02\x01\x7f\x08\xac\x02\x12\x04\x01\x02\x03\x04\x15\x05\x00\x00\x00"
                  "\x19\x08\x07\x06\x05\x04\x03\x02\x01\x22\x02\x01\x00\x28\x07\x30\xff\xff\xff\xff\x0f"
                  "\x3a\x02\x01\x02\x41\x00\x00\x00\x00\x00\x00\xe0\x3f");
    ProtobufCMessage *message = NULL;
    const struct numbers *n;
    struct mr_arena arena;

    (void)state;
    mr_arena_init(&arena, ARENA_BYTES);
    assert_int_equal(mr_unpack(&numbers, bytes, &loose, NULL, &arena, &message, NULL), 0);
    n = (const struct numbers *)message;
    assert_int_equal(n->n_ints, 3);
    assert_int_equal(n->ints[0] + n->ints[1] + n->ints[2], 1 + 127 + 300);
    assert_int_equal(n->n_fixed, 2);
    assert_int_equal(n->fixed[0], 0x04030201);
    assert_int_equal(n->fixed[1], 5);
    assert_int_equal(n->n_wide, 1);
    assert_true(n->wide[0] == UINT64_C(0x0102030405060708));
    assert_int_equal(n->n_bools, 2);
    assert_true(n->bools[0] == 1 && n->bools[1] == 0);
    assert_int_equal(n->kind, 7);
    assert_true(n->one == UINT32_MAX);
    assert_int_equal(n->n_zigzag, 2);
    assert_true(n->zigzag[0] == -1 && n->zigzag[1] == 1);
    assert_true(n->ratio > 0.49 && n->ratio < 0.51);
    mr_arena_fini(&arena);
}

static void bytes_are_copied_or_borrowed(void **state)
{
    const struct mr_slice bytes = BYTES("\x22\x05\x12\x03"
                                        "abc");
    const struct mr_unpack_limits limits[] = {
            {.fields_max = 10, .depth_max = 3}, {.fields_max = 10, .depth_max = 3, .borrow = true}};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(limits); i++) {
        const Marshrut__Bus__V1__Frame *frame;
        ProtobufCMessage *message = NULL;
        struct mr_arena arena;

        mr_arena_init(&arena, ARENA_BYTES);
        assert_int_equal(mr_unpack(FRAME, bytes, &limits[i], NULL, &arena, &message, NULL), 0);
        frame = (const Marshrut__Bus__V1__Frame *)message;
        assert_int_equal(frame->publish->n_events, 1);
        assert_int_equal(frame->publish->events[0].len, 3);
        assert_memory_equal(frame->publish->events[0].data, "abc", 3);
        assert_int_equal(frame->publish->events[0].data == bytes.data + 4, limits[i].borrow);
        mr_arena_fini(&arena);
    }
}

static void memory_is_bounded_by_the_arena(void **state)
{
    struct mr_buf bytes = diagnostic();
    bool went = false;

    (void)state;
    for (size_t budget = 0; !went; budget += 16) {
        ProtobufCMessage *message = NULL;
        struct mr_error e = {0};
        struct mr_arena arena;
        int r;

        mr_arena_init(&arena, budget);
        r = mr_unpack(DIAGNOSTIC, mr_buf_slice(&bytes), &loose, NULL, &arena, &message, &e);
        went = r == 0;
        assert_true(went || (r == MR_ENOMEM && e.code == MR_ENOMEM && !message));
        assert_true(budget < 4096);
        mr_arena_fini(&arena);
    }
    mr_buf_fini(&bytes);
}

struct told {
    struct mr_slice whole;
    size_t persons, areas, refuse_at;
};

static int on_inner(
        void *ctx, const ProtobufCMessage *message, struct mr_slice content, struct mr_error *reterr)
{
    struct told *told = ctx;

    assert_true(content.data >= told->whole.data &&
                content.data + content.size <= told->whole.data + told->whole.size);
    if (message->descriptor == &nms__event__v1__person__descriptor) {
        assert_string_equal(((const Nms__Event__V1__Person *)message)->snils, "11223344595");
        told->persons++;
    } else if (++told->areas == told->refuse_at) {
        return mr_error_set(reterr, MR_EINVAL, "", "", "no more of them");
    }
    return 0;
}

static void inner_messages_are_told_with_their_bytes(void **state)
{
    struct mr_buf bytes = diagnostic();
    struct told told = {.whole = mr_buf_slice(&bytes)};
    const struct mr_unpack_watch watch = {on_inner, &told};
    ProtobufCMessage *message = NULL;
    struct mr_error e = {0};
    struct mr_arena arena;

    (void)state;
    mr_arena_init(&arena, ARENA_BYTES);
    assert_int_equal(mr_unpack(DIAGNOSTIC, told.whole, &loose, &watch, &arena, &message, NULL), 0);
    assert_int_equal(told.persons, 1);
    assert_int_equal(told.areas, 3);
    told.areas = 0;
    told.refuse_at = 2;
    assert_int_equal(mr_unpack(DIAGNOSTIC, told.whole, &loose, &watch, &arena, &message, &e), MR_EINVAL);
    assert_string_equal(e.where, "areas");
    assert_string_equal(e.what, "no more of them");
    mr_arena_fini(&arena);
    mr_buf_fini(&bytes);
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
            cmocka_unit_test(what_is_unpacked_is_what_protobuf_c_unpacks),
            cmocka_unit_test(numbers_of_every_kind_come_out),
            cmocka_unit_test(bytes_are_copied_or_borrowed),
            cmocka_unit_test(memory_is_bounded_by_the_arena),
            cmocka_unit_test(inner_messages_are_told_with_their_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
