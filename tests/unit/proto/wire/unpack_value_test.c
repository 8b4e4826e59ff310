/* What comes out of unpack. What does not go in: unpack_test.c. */
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

#define FRAME      &marshrut__bus__v1__frame__descriptor
#define DIAGNOSTIC &nms__event__v1__diagnostic_completed__descriptor

enum { ARENA_BYTES = 1 << 20 };

static const struct mr_unpack_limits loose = {.fields_max = 1000, .depth_max = 8};

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
    assert_int_equal(mr_unpack(&numbers_descriptor, bytes, &loose, NULL, &arena, &message, NULL), 0);
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
            cmocka_unit_test(what_is_unpacked_is_what_protobuf_c_unpacks),
            cmocka_unit_test(numbers_of_every_kind_come_out),
            cmocka_unit_test(bytes_are_copied_or_borrowed),
            cmocka_unit_test(memory_is_bounded_by_the_arena),
            cmocka_unit_test(inner_messages_are_told_with_their_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
