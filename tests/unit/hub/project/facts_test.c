/* From events to facts: fields, persons, references; and rows that come back as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "event/annulment.pb-c.h"
#include "event/informal.pb-c.h"
#include "event/course.pb-c.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_course),
            cmocka_unit_test(test_mentoring_is_about_two),
            cmocka_unit_test(test_annulment_by_two),
            cmocka_unit_test(test_annulment_by_its_own),
            cmocka_unit_test(test_dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
