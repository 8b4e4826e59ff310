#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "event/assessment.pb-c.h"
#include "event/person.pb-c.h"
#include "proto/base/list.h"
#include "proto/wire/codec.h"
#include "proto/wire/event_parts.h"

/* Byte strings are laid out field by field. */
/* clang-format off */

enum { BUDGET_BYTES = 1 << 20 };

#define PREFIX_ID "\x0a\x01" "1" "\x12\x05" "urn:a"
#define PREFIX    PREFIX_ID "\x1a\x03" "1.0"
#define OTHER     PREFIX "\x22\x01" "x" /* of a type that is not in the registry */
#define BYTES(text) {(const uint8_t *) (text), sizeof(text) - 1}

static const struct mr_attributes full = {
        .id = "0198f3c2-0000-7000-8000-000000000001",
        .source = "urn:marshrut:24:school",
        .type = "nms.diagnostic.completed.v1",
        .subject = "0123456789abcdef0123456789abcdef",
        .time = "2026-11-22T10:00:00.000001Z",
        .dataschema = "https://example.org/schema",
        .regioncode = "24",
        .oktmo = "04701000",
        .orgid = "1022402062046",
        .correlationid = "journey-1",
        .causationid = "event-0",
        .mends = "event-00",
        .partitionkey = "p",
        .basis = "consent",
        .actor = "a-1",
        .actorrole = "methodist",
        .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        .staffof = "1022402062046",
};

static void put_field(struct mr_buf *out, uint32_t number, const void *data, size_t size)
{
    mr_buf_put_varint(out, number << 3 | 2);
    mr_buf_put_varint(out, size);
    mr_buf_put(out, data, size);
}

static int decode_with(struct mr_slice bytes, size_t budget_bytes, struct mr_error *e)
{
    struct mr_arena arena;
    struct mr_event event;
    int r;

    mr_arena_init(&arena, budget_bytes);
    r = mr_event_decode(&event, bytes, &arena, e);
    mr_arena_fini(&arena);
    return r;
}

static void every_attribute_comes_back(void **state)
{
    Nms__Event__V1__DiagnosticCompleted payload = NMS__EVENT__V1__DIAGNOSTIC_COMPLETED__INIT;
    struct mr_buf out = MR_BUF_INIT;
    struct mr_buf again = MR_BUF_INIT;
    struct mr_arena arena;
    struct mr_event event;

    (void) state;
    payload.level = (char *) "high";
    assert_int_equal(mr_event_encode(&out, &full, &payload.base), 0);
    mr_arena_init(&arena, BUDGET_BYTES);
    assert_int_equal(mr_event_decode(&event, mr_buf_slice(&out), &arena, NULL), 0);
    for (size_t offset = 0; offset < sizeof full; offset += sizeof(char *)) {
        const char *sent = *(const char *const *) (const void *) ((const char *) &full + offset);
        const char *got = *(const char *const *) (const void *) ((const char *) &event.a + offset);

        assert_non_null(got);
        assert_string_equal(sent, got);
    }
    assert_true(event.time_us == INT64_C(1795341600000001));
    assert_string_equal(event.type->name, full.type);
    assert_string_equal(((Nms__Event__V1__DiagnosticCompleted *) event.payload)->level, "high");
    assert_int_equal(event.persons_count, 0);
    assert_true(event.payload_bytes.data > out.data && event.payload_bytes.data < out.data + out.size);
    /* The same once more gives the same bytes. */
    assert_int_equal(mr_event_reencode(&again, &event, &event.a, event.payload, true), 0);
    assert_true(mr_slice_equal(mr_buf_slice(&out), mr_buf_slice(&again)));
    mr_arena_fini(&arena);
    mr_buf_fini(&again);
    mr_buf_fini(&out);
}

static void known_attributes_are_found_by_name(void **state)
{
    static const char *const others[] = {
            "", "a", "acto", "actors", "z", "zone", "Actor", "\xd0\xb0", "times", "staff", "unit", "type"};
    const struct mr_known_attribute *known;
    size_t count = 0;

    (void)state;
    for (; (known = mr_known_attribute_at(count)) != NULL; count++) {
        assert_ptr_equal(mr_known_attribute_find(mr_slice_str(known->name)), known);
        assert_int_equal(mr_known_attribute_index(known), count);
        assert_int_equal(known->name_size, strlen(known->name));
        assert_true(known->name_size >= 4 && known->name_size < sizeof known->name);
        assert_true(count == 0 || strcmp(mr_known_attribute_at(count - 1)->name, known->name) < 0);
    }
    assert_true(count > 10 && count <= 64);
    for (size_t i = 0; i < MR_COUNT(others); i++)
        assert_null(mr_known_attribute_find(mr_slice_str(others[i])));
}

static void a_time_that_is_none_is_not_encoded(void **state)
{
    struct mr_attributes a = {.id = "1", .source = "s", .type = "t", .time = "yesterday"};
    struct mr_buf out = MR_BUF_INIT;

    (void) state;
    assert_int_equal(mr_event_encode(&out, &a, NULL), MR_EINVAL);
    a.time = "2026-11-22";
    assert_int_equal(mr_event_encode(&out, &a, NULL), MR_EINVAL);
    assert_int_equal(out.size, 0);
    mr_buf_fini(&out);
}

static void persons_are_found_where_they_lie(void **state)
{
    Nms__Event__V1__PersonMerged merged = NMS__EVENT__V1__PERSON_MERGED__INIT;
    Nms__Event__V1__Person survivor = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__Person empty = NMS__EVENT__V1__PERSON__INIT;
    struct mr_attributes a = {.id = "1", .source = "urn:a", .type = "nms.person.merged.v1"};
    struct mr_buf out = MR_BUF_INIT;
    struct mr_arena arena;
    struct mr_event event;
    uint8_t packed[64];
    size_t size;

    (void) state;
    survivor.snils = (char *) "11223344595";
    merged.person = &survivor;
    merged.previous = &empty;
    merged.reason = (char *) "twice";
    assert_int_equal(mr_event_encode(&out, &a, &merged.base), 0);
    mr_arena_init(&arena, BUDGET_BYTES);
    assert_int_equal(mr_event_decode(&event, mr_buf_slice(&out), &arena, NULL), 0);
    assert_int_equal(event.persons_count, 2);
    size = nms__event__v1__person__pack(&survivor, packed);
    assert_int_equal(event.persons[0].size, size);
    assert_memory_equal(out.data + event.persons[0].offset, packed, size);
    assert_string_equal(event.persons[0].person->snils, "11223344595");
    assert_int_equal(event.persons[1].size, 0);
    assert_true(event.persons[1].offset > event.persons[0].offset);
    assert_ptr_equal(event.persons[1].person, ((Nms__Event__V1__PersonMerged *) event.payload)->previous);
    mr_arena_fini(&arena);
    mr_buf_fini(&out);
}

/* A wire order that no encoder of ours gives: previous, reason, person. */
static void persons_pair_in_any_order_of_the_wire(void **state)
{
    static const char payload[] = "\x12\x03\x5a\x01" "B" "\x1a\x01" "r" "\x0a\x03\x5a\x01" "A";
    static const char url[] = "example.org/nms.event.v1.PersonMerged";
    struct mr_buf any = MR_BUF_INIT;
    struct mr_buf out = MR_BUF_INIT;
    struct mr_arena arena;
    struct mr_event event;

    (void) state;
    put_field(&any, 2, payload, sizeof payload - 1);
    put_field(&any, 1, url, sizeof url - 1);
    put_field(&out, 8, any.data, any.size);
    mr_buf_put_str(&out, PREFIX);
    put_field(&out, 4, "nms.person.merged.v1", 20);
    mr_arena_init(&arena, BUDGET_BYTES);
    assert_int_equal(mr_event_decode(&event, mr_buf_slice(&out), &arena, NULL), 0);
    assert_int_equal(event.persons_count, 2);
    assert_string_equal(event.persons[0].person->local_id, "B");
    assert_string_equal(event.persons[1].person->local_id, "A");
    assert_int_equal(out.data[event.persons[1].offset + 2], 'A');
    mr_arena_fini(&arena);
    mr_buf_fini(&any);
    mr_buf_fini(&out);
}

static void an_unknown_type_is_no_failure(void **state)
{
    struct mr_slice bytes = BYTES(OTHER "\x3a\x02hi");
    struct mr_arena arena;
    struct mr_event event;

    (void) state;
    mr_arena_init(&arena, BUDGET_BYTES);
    assert_int_equal(mr_event_decode(&event, bytes, &arena, NULL), 0);
    assert_null(event.type);
    assert_null(event.payload);
    assert_true(mr_slice_equal(event.payload_bytes, mr_slice_str("hi")));
    mr_arena_fini(&arena);
}

/* "\x2a" entry, "\x0a" key, "\x12" value: its first byte says which type. */
static void events_of_wrong_form_are_refused(void **state)
{
    static const struct {
        const char *why;
        struct mr_slice bytes;
        int result;
        const char *where;
    } rows[] = {
            {"nothing", BYTES(""), MR_EINVAL, "specversion"},
            {"no id", BYTES("\x12\x01s\x1a\x03" "1.0" "\x22\x01x"), MR_EINVAL, "id"},
            {"empty id", BYTES("\x0a\x00\x12\x01s\x1a\x03" "1.0" "\x22\x01x"), MR_EINVAL, "id"},
            {"no source", BYTES("\x0a\x01" "1" "\x1a\x03" "1.0" "\x22\x01x"), MR_EINVAL, "source"},
            {"no type", BYTES(PREFIX), MR_EINVAL, "type"},
            {"no version", BYTES(PREFIX_ID "\x22\x01x"), MR_EINVAL, "specversion"},
            {"version 0.3", BYTES(PREFIX_ID "\x1a\x03" "0.3" "\x22\x01x"), MR_EINVAL, "specversion"},
            {"line break in the id", BYTES("\x0a\x01\n\x12\x01s\x1a\x03" "1.0" "\x22\x01x"), MR_EINVAL, "id"},
            {"C1 control in the id", BYTES("\x0a\x02\xc2\x85\x12\x01s\x1a\x03" "1.0" "\x22\x01x"), MR_EINVAL, "id"},
            {"NUL in the id", BYTES("\x0a\x02" "1\0" "\x12\x01s\x1a\x03" "1.0" "\x22\x01x"), MR_EMALFORMED, "id"},
            {"id is not UTF-8", BYTES("\x0a\x01\xd0\x12\x01s\x1a\x03" "1.0" "\x22\x01x"), MR_EMALFORMED, "id"},
            {"id twice", BYTES("\x0a\x01" "1" OTHER), MR_EMALFORMED, "id"},
            {"cut", BYTES(OTHER "\x3a\x02h"), MR_EMALFORMED, ""},
            {"two data", BYTES(OTHER "\x3a\x00\x32\x00"), MR_EMALFORMED, "binary_data"},
            {"upper case name", BYTES(OTHER "\x2a\x08\x0a\x01" "A" "\x12\x03\x1a\x01v"), MR_EINVAL, "attributes"},
            {"name with a hyphen", BYTES(OTHER "\x2a\x0a\x0a\x03" "a-b" "\x12\x03\x1a\x01v"), MR_EINVAL, "attributes"},
            {"entry without a name", BYTES(OTHER "\x2a\x05\x12\x03\x1a\x01v"), MR_EINVAL, "attributes"},
            {"id in the map", BYTES(OTHER "\x2a\x09\x0a\x02id\x12\x03\x1a\x01v"), MR_EINVAL, "id"},
            {"data in the map", BYTES(OTHER "\x2a\x0b\x0a\x04" "data" "\x12\x03\x1a\x01v"), MR_EINVAL, "data"},
            {"attribute twice", BYTES(OTHER "\x2a\x08\x0a\x01" "a" "\x12\x03\x1a\x01v" "\x2a\x08\x0a\x01" "a"
                    "\x12\x03\x1a\x01w"), MR_EMALFORMED, "a"},
            {"attribute without a value", BYTES(OTHER "\x2a\x03\x0a\x01" "a"), MR_EINVAL, "a"},
            {"attribute with an empty value", BYTES(OTHER "\x2a\x05\x0a\x01" "a" "\x12\x00"), MR_EINVAL, "a"},
            {"control character in an unknown attribute", BYTES(OTHER "\x2a\x08\x0a\x01" "a" "\x12\x03\x1a\x01\x1b"),
                    MR_EINVAL, "a"},
            {"empty known attribute", BYTES(OTHER "\x2a\x0b\x0a\x05orgid\x12\x02\x1a\x00"), MR_EINVAL, "orgid"},
            {"known attribute as a number", BYTES(OTHER "\x2a\x0b\x0a\x05orgid\x12\x02\x10\x01"), MR_EINVAL, "orgid"},
            {"known attribute as a time", BYTES(OTHER "\x2a\x0b\x0a\x05orgid\x12\x02\x3a\x00"), MR_EINVAL, "orgid"},
            {"time that is none", BYTES(OTHER "\x2a\x0b\x0a\x04time\x12\x03\x1a\x01v"), MR_EINVAL, "time"},
            {"time that is a date", BYTES(OTHER "\x2a\x14\x0a\x04time\x12\x0c\x1a\x0a" "2026-11-22"), MR_EINVAL, "time"},
            {"nanos below zero", BYTES(OTHER "\x2a\x15\x0a\x04time\x12\x0d\x3a\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff"
                    "\xff\x01"), MR_EINVAL, "time"},
            {"time of year 10000", BYTES(OTHER "\x2a\x11\x0a\x04time\x12\x09\x3a\x07\x08\x80\xdd\xdb\xff\xaf\x07"),
                    MR_EINVAL, "time"},
    };

    (void) state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_error e = {0};
        int r = decode_with(rows[i].bytes, BUDGET_BYTES, &e);

        if (r != rows[i].result || strcmp(e.where, rows[i].where) != 0)
            fail_msg("%s: %d at %s: %s", rows[i].why, r, e.where, e.what);
        assert_true(e.cure[0] != 0);
    }
}

static int decode_payload(const char *url, const void *payload, size_t size, uint32_t kind, struct mr_error *e)
{
    struct mr_buf any = MR_BUF_INIT;
    struct mr_buf out = MR_BUF_INIT;
    int r;

    mr_buf_put_str(&out, PREFIX);
    put_field(&out, 4, full.type, strlen(full.type));
    put_field(&any, 1, url, strlen(url));
    put_field(&any, 2, payload, size);
    if (kind == 8)
        put_field(&out, 8, any.data, any.size);
    else if (kind != 0)
        put_field(&out, kind, payload, size);
    r = decode_with(mr_buf_slice(&out), BUDGET_BYTES, e);
    mr_buf_fini(&any);
    mr_buf_fini(&out);
    return r;
}

static void payloads_that_do_not_fit_are_refused(void **state)
{
    static const char name[] = "type.googleapis.com/nms.event.v1.DiagnosticCompleted";
    static const struct {
        const char *url;
        const char *payload;
        size_t size;
        uint32_t kind;
        int result;
        const char *where;
    } rows[] = {
            {name, "", 0, 8, 0, ""},
            {"other.example/a/nms.event.v1.DiagnosticCompleted", "", 0, 8, 0, ""},
            {name, "", 0, 0, MR_EINVAL, "data"},
            {name, "", 0, 6, MR_EINVAL, "data"},
            {name, "", 0, 7, MR_EINVAL, "data"},
            {"", "", 0, 8, MR_EINVAL, "data"},
            {"nms.event.v1.DiagnosticCompleted", "", 0, 8, MR_EINVAL, "data"},
            {"type.googleapis.com/nms.event.v1.RouteAssigned", "", 0, 8, MR_EINVAL, "data"},
            {"type.googleapis.com/nms.event.v1.DiagnosticCompleted/", "", 0, 8, MR_EINVAL, "data"},
            {"type.googleapis.com/xnms.event.v1.DiagnosticCompleted", "", 0, 8, MR_EINVAL, "data"},
            {name, "\x0a\x03\x12\x01\xff", 5, 8, MR_EMALFORMED, "data.person.snils"},
            {name, "\x0a\x00\x0a\x00", 4, 8, MR_EMALFORMED, "data.person"},
            {name, "\x0a\x05", 2, 8, MR_EMALFORMED, "data"},
    };

    (void) state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_error e = {0};
        int r = decode_payload(rows[i].url, rows[i].payload, rows[i].size, rows[i].kind, &e);

        if (r != rows[i].result || strcmp(e.where, rows[i].where) != 0)
            fail_msg("row %zu: %d at %s: %s", i, r, e.where, e.what);
    }
}

static void sizes_are_limited(void **state)
{
    static const struct {
        uint32_t field;
        size_t size;
        int result;
    } rows[] = {{1, 256, 0}, {1, 257, MR_ETOOBIG}, {2, 256, 0}, {2, 257, MR_ETOOBIG}, {4, 512, 0}, {4, 513, MR_ETOOBIG}};
    char text[520];

    (void) state;
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_buf out = MR_BUF_INIT;

        for (uint32_t field = 1; field <= 4; field++)
            put_field(&out, field, field == 3 ? "1.0" : text, field == rows[i].field ? rows[i].size : 3);
        assert_int_equal(decode_with(mr_buf_slice(&out), BUDGET_BYTES, NULL), rows[i].result);
        mr_buf_fini(&out);
    }
}

static void amplification_is_bounded(void **state)
{
    static const char name[] = "type.googleapis.com/nms.event.v1.DiagnosticCompleted";
    static uint8_t areas[MR_EVENT_BYTES_MAX - 200];
    struct mr_buf out = MR_BUF_INIT;

    (void) state;
    for (size_t i = 0; i + 1 < sizeof areas; i += 2)
        areas[i] = 0x3a;
    assert_int_equal(decode_payload(name, areas, sizeof areas / 2 * 2, 8, NULL), MR_ETOOBIG);
    assert_int_equal(decode_payload(name, areas, 4096, 8, NULL), 0);
    /* Entries of the map, and the whole. */
    mr_buf_put_str(&out, OTHER);
    for (int i = 0; i < 500000; i++)
        mr_buf_put(&out, "\x2a\x00", 2);
    assert_int_equal(decode_with(mr_buf_slice(&out), BUDGET_BYTES, NULL), MR_ETOOBIG);
    assert_int_equal(decode_with(mr_slice(out.data, 1000), BUDGET_BYTES, NULL), MR_ETOOBIG);
    mr_buf_fini(&out);
}

static void every_budget_fails_cleanly(void **state)
{
    Nms__Event__V1__DiagnosticCompleted payload = NMS__EVENT__V1__DIAGNOSTIC_COMPLETED__INIT;
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    struct mr_buf out = MR_BUF_INIT;
    bool passed = false;

    (void) state;
    person.snils = (char *) "11223344595";
    payload.person = &person;
    assert_int_equal(mr_event_encode(&out, &full, &payload.base), 0);
    for (size_t budget = 0; budget < 16384; budget += 16) {
        int r = decode_with(mr_buf_slice(&out), budget, NULL);

        assert_true(r == (passed ? 0 : r) && (r == 0 || r == MR_ENOMEM));
        passed = r == 0;
    }
    assert_true(passed);
    for (size_t size = 0; size < out.size; size++)
        assert_true(decode_with(mr_slice(out.data, size), BUDGET_BYTES, NULL) < 0);
    mr_buf_fini(&out);
}

static void unknown_attributes_are_kept_on_wish(void **state)
{
    static const struct mr_slice bytes = BYTES(OTHER "\x2a\x07\x0a\x01" "z" "\x12\x02\x08\x01" "\x2a\x07\x0a\x01" "b" "\x12\x02\x10\x05"
            "\x2a\x08\x0a\x01" "c" "\x12\x03\x22\x01\xff" "\x2a\x07\x0a\x01" "d" "\x12\x02\x3a\x00"
            "\x2a\x16\x0a\x0f" "datacontenttype" "\x12\x03\x1a\x01v");
    struct mr_buf kept = MR_BUF_INIT;
    struct mr_buf dropped = MR_BUF_INIT;
    struct mr_arena arena;
    struct mr_event event;
    struct mr_event again;

    (void) state;
    mr_arena_init(&arena, BUDGET_BYTES);
    assert_int_equal(mr_event_decode(&event, bytes, &arena, NULL), 0);
    assert_int_equal(mr_event_reencode(&kept, &event, &event.a, NULL, true), 0);
    assert_int_equal(mr_event_reencode(&dropped, &event, &event.a, NULL, false), 0);
    assert_int_equal(mr_event_decode(&again, mr_buf_slice(&kept), &arena, NULL), 0);
    assert_int_equal(again.attributes_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_memory_equal(again.attributes[i].name, &"bcdz"[i], 1);
    assert_int_equal(again.attributes[0].number, 5);
    assert_int_equal(again.attributes[1].bytes.data[0], 0xff);
    assert_int_equal(again.attributes[3].number, 1);
    assert_int_equal(mr_event_decode(&again, mr_buf_slice(&dropped), &arena, NULL), 0);
    assert_int_equal(again.attributes_count, 0);
    mr_arena_fini(&arena);
    mr_buf_fini(&kept);
    mr_buf_fini(&dropped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_attribute_comes_back),
            cmocka_unit_test(known_attributes_are_found_by_name),
            cmocka_unit_test(a_time_that_is_none_is_not_encoded),
            cmocka_unit_test(persons_are_found_where_they_lie),
            cmocka_unit_test(persons_pair_in_any_order_of_the_wire),
            cmocka_unit_test(an_unknown_type_is_no_failure),
            cmocka_unit_test(events_of_wrong_form_are_refused),
            cmocka_unit_test(payloads_that_do_not_fit_are_refused),
            cmocka_unit_test(sizes_are_limited),
            cmocka_unit_test(amplification_is_bounded),
            cmocka_unit_test(every_budget_fails_cleanly),
            cmocka_unit_test(unknown_attributes_are_kept_on_wish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
