/* The rule table fits the schemas; each kind refuses or quarantines as it should; no value gets into a text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "event/assessment.pb-c.h"
#include "event/course.pb-c.h"
#include "event/passport.pb-c.h"
#include "event/person.pb-c.h"
#include "event/route.pb-c.h"
#include "proto/wire/registry.h"
#include "proto/wire/rules_table.h"

/* Generated structs hold char *; nothing writes through it. */
#define T(text) ((char *)(text))

static bool known(void *ctx, const char *list, const char *value)
{
    (void)ctx;
    return strcmp(list, "area") != 0 || strcmp(value, "methodical") == 0 || strcmp(value, "ict") == 0;
}

static const struct mr_codelists lists = {known, NULL};

/* Fields that were found before say the same as fields that are found by name. */
static int check(void *payload, struct mr_rule_violation *ret)
{
    struct mr_rule_violation by_place = {0}, by_name = {0};
    struct mr_rule_places *places;
    int r;

    assert_int_equal(mr_rule_places_new(&places), 0);
    r = mr_rules_check_at(places, payload, &lists, &by_place);
    mr_rule_places_free(places);
    assert_int_equal(mr_rules_check(payload, &lists, &by_name), r);
    assert_string_equal(by_place.field, by_name.field);
    assert_string_equal(by_place.cure, by_name.cure);
    assert_true(by_place.code == by_name.code && by_place.severity == by_name.severity);
    if (ret)
        *ret = by_place;
    return r;
}

static void expect(void *payload, enum mr_rule_severity severity, const char *code, const char *field)
{
    struct mr_rule_violation violation;

    assert_int_equal(check(payload, &violation), 1);
    assert_string_equal(violation.code, code);
    assert_string_equal(violation.field, field);
    assert_int_equal(violation.severity, severity);
    assert_true(strlen(violation.cure) > 0);
}

static const ProtobufCFieldDescriptor *field_at(const ProtobufCMessageDescriptor *message, const char *path)
{
    char part[64];
    const char *dot = strchr(path, '.');
    const ProtobufCFieldDescriptor *field;

    if (!dot)
        return protobuf_c_message_descriptor_get_field_by_name(message, path);
    snprintf(part, sizeof(part), "%.*s", (int)(dot - path), path);
    field = protobuf_c_message_descriptor_get_field_by_name(message, part);
    if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE || field->label == PROTOBUF_C_LABEL_REPEATED)
        return NULL;
    return field_at(field->descriptor, dot + 1);
}

static bool kind_fits(const struct mr_rule *rule, const ProtobufCFieldDescriptor *field)
{
    switch (rule->kind) {
    case MR_RULE_REQUIRED:
        return true;
    case MR_RULE_RANGE:
    case MR_RULE_HOURS:
    case MR_RULE_NOT_MORE:
        return field->label != PROTOBUF_C_LABEL_REPEATED &&
               (field->type == PROTOBUF_C_TYPE_INT32 || field->type == PROTOBUF_C_TYPE_UINT32);
    case MR_RULE_BYTES:
        return field->type == PROTOBUF_C_TYPE_BYTES && field->label != PROTOBUF_C_LABEL_REPEATED;
    default:
        return field->type == PROTOBUF_C_TYPE_STRING;
    }
}

static void test_rows_fit_the_schemas(void **state)
{
    const struct mr_rule_set *set;

    (void)state;
    for (size_t i = 0; (set = mr_rules_set_at(i)) != NULL; i++) {
        assert_ptr_equal(mr_rules_set_find(set->message), set);
        for (size_t j = 0; j < set->rule_count; j++) {
            const struct mr_rule *rule = &set->rules[j];
            const ProtobufCFieldDescriptor *field = field_at(set->message, rule->field);

            if (!field || !kind_fits(rule, field))
                fail_msg("rule on %s.%s names no field, or one of another type", set->message->name,
                        rule->field);
            if (rule->kind == MR_RULE_NOT_AFTER || rule->kind == MR_RULE_HOURS ||
                    rule->kind == MR_RULE_NOT_MORE)
                assert_non_null(field_at(set->message, rule->text));
            if (rule->kind == MR_RULE_ENUM || rule->kind == MR_RULE_CODELIST)
                assert_true(rule->text && strlen(rule->text) < 60);
            assert_true(rule->min <= rule->max);
        }
    }
}

static bool ruled(
        const ProtobufCMessageDescriptor *message, const char *field, enum mr_rule_kind kind, bool any)
{
    const struct mr_rule_set *set = mr_rules_set_find(message);

    for (size_t i = 0; set && i < set->rule_count; i++) {
        if (strcmp(set->rules[i].field, field) == 0 && (any || set->rules[i].kind == kind))
            return true;
    }
    return false;
}

/* Every text that a sender can fill is limited by some rule, in every message that it can reach. */
static void assert_ruled(const ProtobufCMessageDescriptor *message)
{
    for (unsigned i = 0; i < message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->fields[i];

        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            assert_ruled(field->descriptor);
        else if (!ruled(message, field->name, MR_RULE_REQUIRED, true))
            fail_msg("no rule for %s.%s", message->name, field->name);
    }
}

static void test_every_field_has_a_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < mr_registry_count(); i++) {
        const struct mr_event_type *type = mr_registry_at(i);

        if (type->flags & MR_TYPE_HUB)
            continue;
        assert_non_null(mr_rules_set_find(type->payload));
        assert_ruled(type->payload);
        if (mr_registry_has_person(type->payload))
            assert_true(ruled(type->payload, "person", MR_RULE_REQUIRED, false));
    }
}

static void course(Nms__Event__V1__CourseFinished *finished, Nms__Event__V1__Person *person)
{
    nms__event__v1__person__init(person);
    nms__event__v1__course_finished__init(finished);
    person->snils = T("11223344595");
    finished->person = person;
    finished->programme_id = T("P-1");
    finished->ended_on = T("2021-06-30");
    finished->kind = T("PK");
    finished->hours = 36;
}

static void test_good_passes(void **state)
{
    Nms__Event__V1__CourseFinished finished;
    Nms__Event__V1__Person person;

    (void)state;
    course(&finished, &person);
    assert_int_equal(check(&finished, NULL), 0);
    assert_int_equal(mr_rules_check(&finished.base, NULL, NULL), 0);
}

static void test_missing(void **state)
{
    Nms__Event__V1__CourseFinished finished;
    Nms__Event__V1__PersonRegistered registered = NMS__EVENT__V1__PERSON_REGISTERED__INIT;
    Nms__Event__V1__Person person;

    (void)state;
    course(&finished, &person);
    finished.person = NULL;
    expect(&finished, MR_RULE_REFUSE, "field-missing", "person");
    course(&finished, &person);
    finished.ended_on = T("");
    expect(&finished, MR_RULE_REFUSE, "field-missing", "ended_on");
    expect(&registered, MR_RULE_REFUSE, "field-missing", "person");
    registered.person = &person;
    expect(&registered, MR_RULE_REFUSE, "field-missing", "person.family_name");
    person.family_name = T("Иванова");
    expect(&registered, MR_RULE_REFUSE, "field-missing", "person.given_name");
    person.given_name = T("Анна");
    assert_int_equal(check(&registered, NULL), 0);
}

static void test_person_block(void **state)
{
    static const struct {
        size_t offset;
        const char *value;
        enum mr_rule_severity severity;
        const char *code, *field;
    } cases[] = {
#define MEMBER(name) offsetof(Nms__Event__V1__Person, name)
            {MEMBER(snils), "11223344594", MR_RULE_QUARANTINE, "snils-checkdigit", "person.snils"},
            {MEMBER(snils), "112-233-445 95", MR_RULE_REFUSE, "snils-format", "person.snils"},
            {MEMBER(birth_date), "1980-02-30", MR_RULE_REFUSE, "date-format", "person.birth_date"},
            {MEMBER(sex), "Ж", MR_RULE_REFUSE, "value-unknown", "person.sex"},
            {MEMBER(citizenship), "RUS", MR_RULE_REFUSE, "digits-format", "person.citizenship"},
            {MEMBER(person_id), "00AA00AA00AA00AA00AA00AA00AA00AA", MR_RULE_REFUSE, "person-id-format",
                    "person.person_id"},
            {MEMBER(phone), "+7 391 000 00 00 and 391 000 00 01", MR_RULE_REFUSE, "too-long", "person.phone"},
    };
    Nms__Event__V1__CourseFinished finished;
    Nms__Event__V1__Person person;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mr_rule_violation violation;

        course(&finished, &person);
        *(const char **)((char *)&person + cases[i].offset) = cases[i].value;
        expect(&finished, cases[i].severity, cases[i].code, cases[i].field);
        assert_int_equal(check(&finished, &violation), 1);
        assert_null(strstr(violation.cure, cases[i].value));
    }
}

static void test_refuse_wins(void **state)
{
    Nms__Event__V1__CourseFinished finished;
    Nms__Event__V1__Person person;

    (void)state;
    course(&finished, &person);
    person.snils = T("11223344594");     /* quarantines */
    person.birth_date = T("01.02.1980"); /* refuses, later in the table */
    expect(&finished, MR_RULE_REFUSE, "date-format", "person.birth_date");
}

static void test_dates_hours_and_kinds(void **state)
{
    Nms__Event__V1__CourseFinished finished;
    Nms__Event__V1__ProgrammeListed listed = NMS__EVENT__V1__PROGRAMME_LISTED__INIT;
    Nms__Event__V1__Person person;
    char *areas[] = {T("ict"), T("magic")};

    (void)state;
    course(&finished, &person);
    finished.started_on = T("2021-07-01");
    expect(&finished, MR_RULE_REFUSE, "date-order", "started_on");
    course(&finished, &person);
    finished.kind = T("P");
    expect(&finished, MR_RULE_REFUSE, "value-unknown", "kind");
    finished.kind = T("PK|PP");
    expect(&finished, MR_RULE_REFUSE, "value-unknown", "kind");
    finished.kind = T("PP");
    finished.hours = -1;
    expect(&finished, MR_RULE_REFUSE, "out-of-range", "hours");
    finished.hours = 260;
    finished.provider_ogrn = T("1027700132196");
    expect(&finished, MR_RULE_REFUSE, "ogrn-wrong", "provider_ogrn");

    listed.programme_id = T("P-1");
    listed.title = T("Формирующее оценивание");
    listed.kind = T("PP");
    listed.hours = 249;
    listed.provider_ogrn = T("1027700132195");
    listed.registry = T("federal");
    expect(&listed, MR_RULE_REFUSE, "hours-below-minimum", "hours");
    listed.kind = T("PK");
    listed.areas = areas;
    listed.n_areas = 2;
    expect(&listed, MR_RULE_QUARANTINE, "code-unknown", "areas[1]");
    assert_int_equal(mr_rules_check(&listed.base, NULL, NULL), 0);
}

static void test_nested_paths_and_presence(void **state)
{
    Nms__Event__V1__RediagnosticCompleted again = NMS__EVENT__V1__REDIAGNOSTIC_COMPLETED__INIT;
    Nms__Event__V1__AreaScore first = NMS__EVENT__V1__AREA_SCORE__INIT, second = first;
    Nms__Event__V1__AreaScore *scores[] = {&first, &second};
    Nms__Event__V1__EventRef baseline = NMS__EVENT__V1__EVENT_REF__INIT;
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;

    (void)state;
    again.person = &person;
    again.diagnostic_id = T("D-2");
    again.scale_id = T("krsk-5");
    again.completed_on = T("2021-10-01");
    again.areas = scores;
    again.n_areas = 2;
    first.area = second.area = T("ict");
    second.score_thousandths = -1; /* not set: nothing to look at */
    expect(&again, MR_RULE_QUARANTINE, "field-missing", "baseline");
    second._score_thousandths_case = NMS__EVENT__V1__AREA_SCORE___SCORE_THOUSANDTHS_SCORE_THOUSANDTHS;
    expect(&again, MR_RULE_REFUSE, "out-of-range", "areas[1].score_thousandths");
    second.max_thousandths = 5000;
    second.score_thousandths = 5001;
    expect(&again, MR_RULE_REFUSE, "out-of-range", "areas[1].score_thousandths");
    second.score_thousandths = 5000;
    expect(&again, MR_RULE_QUARANTINE, "field-missing", "baseline");
    second.max_thousandths = 0; /* not told: nothing to compare with */
    second.score_thousandths = 5001;
    expect(&again, MR_RULE_QUARANTINE, "field-missing", "baseline");
    second.score_thousandths = 0;
    again.baseline = &baseline;
    baseline.source = T("urn:marshrut:24:copmkp");
    expect(&again, MR_RULE_REFUSE, "field-missing", "baseline.id");
    baseline.id = T("D-1");
    assert_int_equal(check(&again, NULL), 0);
    second.area = T("magic");
    expect(&again, MR_RULE_QUARANTINE, "code-unknown", "areas[1].area");
}

static void test_passport_digest(void **state)
{
    Nms__Event__V1__PassportApproved approved = NMS__EVENT__V1__PASSPORT_APPROVED__INIT;
    Nms__Event__V1__PassportVersion version = NMS__EVENT__V1__PASSPORT_VERSION__INIT;
    uint8_t digest[32] = {0};

    (void)state;
    approved.passport = &version;
    version.campaign_id = T("2021");
    version.region_code = T("24");
    version.version = 1;
    expect(&approved, MR_RULE_REFUSE, "field-missing", "passport.digest");
    version.digest.data = digest;
    version.digest.len = 31;
    expect(&approved, MR_RULE_REFUSE, "bytes-length", "passport.digest");
    version.digest.len = 32;
    assert_int_equal(check(&approved, NULL), 0);
}

/* Length is counted in characters: 100 Cyrillic letters are 200 bytes and pass. */
static void test_length_in_characters(void **state)
{
    Nms__Event__V1__CourseFinished finished;
    Nms__Event__V1__Person person;
    char name[203];

    (void)state;
    for (size_t i = 0; i < 101; i++)
        memcpy(name + 2 * i, "\xd0\x90", 2);
    name[202] = '\0';
    course(&finished, &person);
    person.family_name = name;
    expect(&finished, MR_RULE_REFUSE, "too-long", "person.family_name");
    name[200] = '\0';
    assert_int_equal(check(&finished, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_rows_fit_the_schemas),
            cmocka_unit_test(test_every_field_has_a_rule),
            cmocka_unit_test(test_good_passes),
            cmocka_unit_test(test_missing),
            cmocka_unit_test(test_person_block),
            cmocka_unit_test(test_refuse_wins),
            cmocka_unit_test(test_dates_hours_and_kinds),
            cmocka_unit_test(test_nested_paths_and_presence),
            cmocka_unit_test(test_passport_digest),
            cmocka_unit_test(test_length_in_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
