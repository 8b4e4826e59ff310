/* From events to facts: fields, persons, references; and rows that come back as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "event/annulment.pb-c.h"
#include "event/informal.pb-c.h"
#include "event/course.pb-c.h"
#include "fact.pb-c.h"
#include "hub/project/facts.h"

static const uint8_t ident[MR_FACT_ID_BYTES] = {1};
static const uint8_t mentor_id[MR_FACT_ID_BYTES] = {2}, mentee_id[MR_FACT_ID_BYTES] = {3};

static void ident_of(void *ctx, const char *source, const char *id, uint8_t ret[static MR_FACT_ID_BYTES])
{
    (void)ctx;
    memset(ret, 0, MR_FACT_ID_BYTES);
    memcpy(ret, source, strnlen(source, 4));
    memcpy(ret + 4, id, strnlen(id, 12));
}

static struct mr_config_operator operators[] = {{.name = (char *)"a"}, {.name = (char *)"b"}};
static const struct mr_config config = {.operators = operators, .operators_count = 2};

static struct mr_event event_of(const char *type, void *payload)
{
    struct mr_event event = {.type = mr_registry_find(type, strlen(type)), .payload = payload};

    assert_non_null(event.type);
    return event;
}

static void extract(
        const struct mr_event *event, const uint8_t *first, const uint8_t *second, struct mr_fact_set *set)
{
    struct mr_fact_source source = {.number = 5,
            .system = 3,
            .ident = ident,
            .event = event,
            .config = &config,
            .own = "own:",
            .persons = {first, second},
            .ident_of = ident_of};

    mr_fact_set_init(set);
    assert_int_equal(mr_facts_of(&source, set), 0);
}

static void test_course(void **state)
{
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__CourseFinished m = NMS__EVENT__V1__COURSE_FINISHED__INIT;
    struct mr_event event = event_of("nms.course.finished.v1", &m);
    struct mr_fact_set set;
    struct mr_buf row = MR_BUF_INIT;
    struct mr_arena arena;
    struct mr_fact back;

    (void)state;
    m.person = &person;
    m.programme_id = (char *)"P-1";
    m.ended_on = (char *)"2026-05-20";
    m.document_number = (char *)"24-1";
    m.hours = 36;
    event.persons[0].person = &person;
    event.persons_count = 1;
    extract(&event, mentor_id, NULL, &set);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.items[0].on, 20260520);
    assert_int_equal(set.items[0].hours, 36);
    assert_true(set.items[0].has_person);
    assert_memory_equal(set.items[0].person, mentor_id, MR_FACT_ID_BYTES);
    mr_arena_init(&arena, 1 << 16);
    assert_int_equal(mr_fact_encode(&row, &set.items[0]), 0);
    assert_int_equal(mr_fact_decode(&back, mr_buf_slice(&row), &arena), 0);
    assert_string_equal(back.document, "24-1");
    assert_string_equal(back.programme, "P-1");
    assert_int_equal(back.system, 3);
    assert_false(back.has_ref);
    row.data[0] ^= 0x80;
    assert_int_equal(mr_fact_decode(&back, mr_buf_slice(&row), &arena), MR_ECORRUPT);
    mr_arena_fini(&arena);
    mr_buf_fini(&row);
    mr_fact_set_fini(&set);
}

static void test_mentoring_is_about_two(void **state)
{
    Nms__Event__V1__Person mentor = NMS__EVENT__V1__PERSON__INIT, mentee = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__MentoringStarted m = NMS__EVENT__V1__MENTORING_STARTED__INIT;
    struct mr_event event = event_of("nms.mentoring.started.v1", &m);
    struct mr_fact_set set;

    (void)state;
    m.person = &mentor;
    m.mentee = &mentee;
    m.started_on = (char *)"2026-09-01";
    event.persons[0].person = &mentee; /* spans are in order of offset, not of fields */
    event.persons[1].person = &mentor;
    event.persons_count = 2;
    extract(&event, mentee_id, mentor_id, &set);
    assert_int_equal(set.count, 2);
    assert_int_equal(set.items[0].kind, MR_FACT_MENTORING);
    assert_memory_equal(set.items[0].person, mentor_id, MR_FACT_ID_BYTES);
    assert_int_equal(set.items[1].kind, MR_FACT_MENTEE);
    assert_int_equal(set.items[1].part, 1);
    assert_memory_equal(set.items[1].person, mentee_id, MR_FACT_ID_BYTES);
    mr_fact_set_fini(&set);
}

static void test_annulment_by_two(void **state)
{
    Nms__Event__V1__EventRef ref = NMS__EVENT__V1__EVENT_REF__INIT;
    Nms__Event__V1__EventAnnulled m = NMS__EVENT__V1__EVENT_ANNULLED__INIT;
    struct mr_event event = event_of("nms.event.annulled.v1", &m);
    struct mr_fact_set set;

    (void)state;
    ref.source = (char *)"urn:";
    ref.id = (char *)"e-1";
    m.event = &ref;
    m.second_actor = (char *)"b";
    event.a.actor = "b"; /* one person twice is not two */
    extract(&event, NULL, NULL, &set);
    assert_string_equal(set.items[0].code, "");
    assert_memory_equal(set.items[0].ref, "urn:e-1", 7);
    mr_fact_set_fini(&set);
    event.a.actor = "a";
    extract(&event, NULL, NULL, &set);
    assert_string_equal(set.items[0].code, "two");
    mr_fact_set_fini(&set);
    event.a.actor = "x"; /* a name that a sender made up is nobody */
    extract(&event, NULL, NULL, &set);
    assert_string_equal(set.items[0].code, "");
    mr_fact_set_fini(&set);
}

static void test_annulment_by_its_own(void **state)
{
    static const struct {
        const char *by, *of, *code;
    } cases[] = {{"one:", "one:", "own"}, {"own:a", "own::b", "own"}, {"one:", "two:", ""}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Nms__Event__V1__EventRef ref = NMS__EVENT__V1__EVENT_REF__INIT;
        Nms__Event__V1__EventAnnulled m = NMS__EVENT__V1__EVENT_ANNULLED__INIT;
        struct mr_event event = event_of("nms.event.annulled.v1", &m);
        struct mr_fact_set set;

        ref.source = (char *)cases[i].of;
        ref.id = (char *)"e-1";
        m.event = &ref;
        event.a.source = cases[i].by;
        extract(&event, NULL, NULL, &set);
        assert_string_equal(set.items[0].code, cases[i].code);
        mr_fact_set_fini(&set);
    }
}

static void test_dates(void **state)
{
    (void)state;
    assert_int_equal(mr_fact_date("2026-03-01"), 20260301);
    assert_int_equal(mr_fact_date(""), 0);
    assert_int_equal(mr_fact_date("2026-02-30"), 0);
    assert_int_equal(mr_fact_day(19700101), 0);
    assert_int_equal(mr_fact_day(20000301) - mr_fact_day(20000228), 2);
    assert_int_equal(mr_fact_day(19691231), -1);
    assert_int_equal(mr_fact_day(20261123), 20780);
}

/* ---- the bytes of a fact ---- */

static ProtobufCBinaryData data_of(const uint8_t *id, bool has)
{
    return (ProtobufCBinaryData){.len = has ? MR_FACT_ID_BYTES : 0, .data = (uint8_t *)id};
}

static char *text_of(const char *text)
{
    return (char *)(text ? text : "");
}

/* What protobuf-c makes of it. */
static void pack(const struct mr_fact *fact, struct mr_buf *out)
{
    Marshrut__Fact__V1__Fact m = MARSHRUT__FACT__V1__FACT__INIT;

    m.kind = fact->kind;
    m.system = fact->system;
    m.ident = data_of(fact->ident, true);
    m.person = data_of(fact->person, fact->has_person);
    m.other = data_of(fact->other, fact->has_other);
    m.ref = data_of(fact->ref, fact->has_ref);
    m.ref2 = data_of(fact->ref2, fact->has_ref2);
    m.org = text_of(fact->org);
    m.id = text_of(fact->id);
    m.programme = text_of(fact->programme);
    m.document = text_of(fact->document);
    m.code = text_of(fact->code);
    m.detail = text_of(fact->detail);
    m.text = text_of(fact->text);
    m.more = text_of(fact->more);
    m.from = fact->from;
    m.on = fact->on;
    m.until = fact->until;
    m.hours = fact->hours;
    assert_non_null(mr_buf_reserve(out, marshrut__fact__v1__fact__get_packed_size(&m)));
    out->size += marshrut__fact__v1__fact__pack(&m, out->data + out->size);
}

static uint32_t any(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*seed >> 33);
}

static const char *any_text(uint64_t *seed)
{
    static const char *const texts[] = {NULL, "", "a", "PK", "2026-09-01", "\u041e\u041a\u0422\u041c\u041e"};
    static char longer[2][301];

    memset(longer[0], 'x', 127);
    memset(longer[1], 'y', 300);
    switch (any(seed) % 8) {
    case 6:
        return longer[0];
    case 7:
        return longer[1];
    default:
        return texts[any(seed) % (sizeof texts / sizeof texts[0])];
    }
}

static uint32_t any_number(uint64_t *seed)
{
    static const uint32_t numbers[] = {0, 1, 127, 128, 20260901, UINT32_MAX};

    return numbers[any(seed) % (sizeof numbers / sizeof numbers[0])];
}

static struct mr_fact any_fact(uint64_t *seed)
{
    struct mr_fact fact = {.number = 1,
            .kind = (enum mr_fact_kind)(MR_FACT_PERSON + any(seed) % MR_FACT_LAST),
            .system = (uint16_t)any_number(seed),
            .has_person = any(seed) % 2,
            .has_other = any(seed) % 2,
            .has_ref = any(seed) % 2,
            .has_ref2 = any(seed) % 2,
            .org = any_text(seed),
            .id = any_text(seed),
            .programme = any_text(seed),
            .document = any_text(seed),
            .code = any_text(seed),
            .detail = any_text(seed),
            .text = any_text(seed),
            .more = any_text(seed),
            .from = any_number(seed),
            .on = any_number(seed),
            .until = any_number(seed),
            .hours = (int32_t)any_number(seed)};

    memset(fact.ident, (int)any(seed), sizeof fact.ident);
    memset(fact.person, (int)any(seed), sizeof fact.person);
    memset(fact.other, (int)any(seed), sizeof fact.other);
    memset(fact.ref, (int)any(seed), sizeof fact.ref);
    memset(fact.ref2, (int)any(seed), sizeof fact.ref2);
    return fact;
}

static void test_bytes_are_protobufs(void **state)
{
    struct mr_buf got = MR_BUF_INIT, wanted = MR_BUF_INIT;
    uint64_t seed = 11;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct mr_fact fact = any_fact(&seed);

        mr_buf_reset(&got);
        mr_buf_reset(&wanted);
        assert_int_equal(mr_fact_encode(&got, &fact), 0);
        pack(&fact, &wanted);
        assert_int_equal(got.size, wanted.size);
        assert_memory_equal(got.data, wanted.data, wanted.size);
    }
    mr_buf_fini(&got);
    mr_buf_fini(&wanted);
}

/* ---- a plan ---- */

/* Every field has something of its own: its name, or a number made of it; a date where a date is. */
static void fill(ProtobufCMessage *payload)
{
    static char date[] = "2026-05-20";

    for (unsigned i = 0; i < payload->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &payload->descriptor->fields[i];
        char *at = (char *)payload + field->offset;
        bool is_date = strstr(field->name, "_on") || strstr(field->name, "period_") ||
                       strstr(field->name, "_until") || strstr(field->name, "_since");
        const char *text = is_date ? date : field->name;
        int32_t number = 100 + (int32_t)i;

        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            continue;
        if (field->type == PROTOBUF_C_TYPE_STRING)
            memcpy(at, &text, sizeof text);
        else if (field->type == PROTOBUF_C_TYPE_INT32 || field->type == PROTOBUF_C_TYPE_UINT32)
            memcpy(at, &number, sizeof number);
    }
}

static int pack_fact(void *ctx, const struct mr_fact *fact)
{
    return mr_fact_encode(ctx, fact);
}

/* What is found once is what is looked for each time, of every type there is. */
static void test_plan(void **state)
{
    struct mr_facts_plan plan;
    size_t with_facts = 0;

    (void)state;
    mr_facts_plan_init(&plan);
    for (size_t i = 0; i < mr_registry_count(); i++) {
        const struct mr_event_type *type = mr_registry_at(i);
        ProtobufCMessage *payload = calloc(1, type->payload->sizeof_message);
        struct mr_event event = {.type = type, .payload = payload};
        struct mr_fact_source source = {
                .number = 5, .system = 3, .ident = ident, .event = &event, .ident_of = ident_of};
        struct mr_buf by_name = MR_BUF_INIT, by_plan = MR_BUF_INIT;

        assert_non_null(payload);
        type->payload->message_init(payload);
        fill(payload);
        assert_int_equal(mr_facts_each(&source, pack_fact, &by_name), 0);
        source.plan = &plan;
        assert_int_equal(mr_facts_each(&source, pack_fact, &by_plan), 0);
        assert_int_equal(by_plan.size, by_name.size);
        if (by_name.size)
            assert_memory_equal(by_plan.data, by_name.data, by_name.size);
        with_facts += by_name.size > 0;
        mr_buf_fini(&by_name);
        mr_buf_fini(&by_plan);
        free(payload);
    }
    assert_true(with_facts > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_course),
            cmocka_unit_test(test_mentoring_is_about_two),
            cmocka_unit_test(test_annulment_by_two),
            cmocka_unit_test(test_annulment_by_its_own),
            cmocka_unit_test(test_dates),
            cmocka_unit_test(test_bytes_are_protobufs),
            cmocka_unit_test(test_plan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
