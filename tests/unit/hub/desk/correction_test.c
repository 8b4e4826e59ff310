/* Fields by path: what is set, what differs, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "event/assessment.pb-c.h"
#include "hub/desk/correction.h"
#include "proto/wire/json.h"
#include "tests/support/hub_env.h"

static json_t *deficit(void)
{
    struct mr_buf bytes = MR_BUF_INIT;
    json_t *event;

    hub_env_deficit(&bytes, "e-1", "11223344595", "t-1");
    assert_int_equal(mr_event_to_json(mr_buf_slice(&bytes), &event, NULL), 0);
    mr_buf_fini(&bytes);
    return event;
}

static const char *at(json_t *event, const char *outer, const char *inner)
{
    json_t *data = json_object_get(event, "data");

    return json_string_value(json_object_get(outer ? json_object_get(data, outer) : data, inner));
}

static void test_a_field_is_set(void **state)
{
    json_t *event = deficit();

    (void)state;
    assert_int_equal(mr_correction_set(event, "person.snils", "08765430300", NULL), 0);
    assert_int_equal(mr_correction_set(event, "person.family_name", "Иванова", NULL), 0);
    assert_int_equal(mr_correction_set(event, "data.person.givenName", "Анна", NULL), 0);
    assert_int_equal(mr_correction_set(event, "person.local_id", "", NULL), 0);
    assert_int_equal(mr_correction_set(event, "time", "2026-03-03T09:00:00Z", NULL), 0);
    assert_string_equal(at(event, "person", "snils"), "08765430300");
    assert_string_equal(at(event, "person", "familyName"), "Иванова");
    assert_string_equal(at(event, "person", "givenName"), "Анна");
    assert_null(at(event, "person", "localId"));
    assert_string_equal(json_string_value(json_object_get(event, "time")), "2026-03-03T09:00:00Z");
    json_decref(event);
}

static void test_what_cannot_be_set_is_refused(void **state)
{
    static const char *const wrong[] = {"person", "person.nobody", "nobody", "person.snils.more", "", ".",
            "person.", "person..snils", "person[0].snils", "area[0]", "id", "source", "type", "mends",
            "data.", "data.id"};
    json_t *event = deficit(), *before = json_deep_copy(event);

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct mr_error error = {0};

        if (mr_correction_set(event, wrong[i], "1", &error) != MR_EINVAL)
            fail_msg("'%s' was set", wrong[i]);
        assert_true(*error.cure);
    }
    assert_true(json_equal(event, before));
    json_decref(before);
    json_decref(event);
}

static void test_kinds_of_values(void **state)
{
    json_t *event = json_pack("{s:s, s:{s:s, s:[{s:s},{s:s}]}}", "type", "nms.diagnostic.completed.v1",
            "data", "kind", "KIND", "areas", "area", "ict", "area", "method");
    json_t *areas = json_object_get(json_object_get(event, "data"), "areas");

    (void)state;
    if (!areas || mr_correction_set(event, "areas[1].area", "subject", NULL) != 0)
        fail_msg("no list of the type any more: choose another one");
    assert_string_equal(json_string_value(json_object_get(json_array_get(areas, 1), "area")), "subject");
    assert_int_equal(mr_correction_set(event, "areas[2].area", "subject", NULL), MR_EINVAL);
    assert_int_equal(mr_correction_set(event, "areas", "subject", NULL), MR_EINVAL);
    assert_int_equal(mr_correction_set(event, "areas[x].area", "subject", NULL), MR_EINVAL);
    assert_int_equal(mr_correction_set(event, "areas[1", "subject", NULL), MR_EINVAL);
    json_decref(event);
}

static bool lists(const json_t *fields, const char *path)
{
    json_t *field;
    size_t i;

    json_array_foreach (fields, i, field)
        if (strcmp(json_string_value(field), path) == 0)
            return true;
    return false;
}

static void test_what_differs_is_named(void **state)
{
    json_t *before = deficit(), *after = deficit(), *fields = json_array();

    (void)state;
    assert_false(mr_correction_fields(before, after, fields));
    assert_int_equal(mr_correction_set(after, "person.family_name", "Иванова", NULL), 0);
    assert_int_equal(mr_correction_set(after, "person.local_id", "", NULL), 0);
    assert_int_equal(mr_correction_set(after, "area", "method", NULL), 0);
    assert_int_equal(mr_correction_set(after, "orgid", "1022402648421", NULL), 0);
    assert_true(mr_correction_fields(before, after, fields));
    assert_int_equal(json_array_size(fields), 4);
    assert_true(lists(fields, "person.family_name"));
    assert_true(lists(fields, "person.local_id"));
    assert_true(lists(fields, "area"));
    assert_true(lists(fields, "orgid"));
    json_decref(fields);
    json_decref(before);
    json_decref(after);
}

static void test_a_list_that_differs_is_named_by_its_places(void **state)
{
    json_t *before = json_pack("{s:{s:[s,s]}}", "data", "codes", "a", "b");
    json_t *after = json_pack("{s:{s:[s,s,s]}}", "data", "codes", "a", "c", "d"), *fields = json_array();

    (void)state;
    assert_true(mr_correction_fields(before, after, fields));
    assert_int_equal(json_array_size(fields), 2);
    assert_true(lists(fields, "codes[1]") && lists(fields, "codes[2]"));
    json_decref(fields);
    json_decref(before);
    json_decref(after);
}

static void test_too_many_are_a_whole_new_content(void **state)
{
    json_t *before = json_pack("{s:{s:[]}}", "data", "codes"), *after = json_deep_copy(before);
    json_t *fields = json_array();

    (void)state;
    for (int i = 0; i <= MR_CORRECTION_FIELDS_MAX; i++)
        (void)json_array_append_new(
                json_object_get(json_object_get(after, "data"), "codes"), json_integer(i));
    assert_true(mr_correction_fields(before, after, fields));
    assert_int_equal(json_array_size(fields), 0);
    json_decref(fields);
    json_decref(before);
    json_decref(after);
}

/* A field of a later schema would be lost on the way through JSON. */
static void test_unknown_fields_are_seen(void **state)
{
    uint8_t bytes[] = {0x08, 0x01};
    ProtobufCMessageUnknownField unknown = {
            .tag = 999, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = bytes};
    Nms__Event__V1__DeficitIdentified deficit_ = NMS__EVENT__V1__DEFICIT_IDENTIFIED__INIT;
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    struct mr_event event = {.payload = &deficit_.base};

    (void)state;
    deficit_.person = &person;
    assert_false(mr_correction_loses(&event));
    person.base.n_unknown_fields = 1;
    person.base.unknown_fields = &unknown;
    assert_true(mr_correction_loses(&event));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_field_is_set),
            cmocka_unit_test(test_what_cannot_be_set_is_refused), cmocka_unit_test(test_kinds_of_values),
            cmocka_unit_test(test_what_differs_is_named),
            cmocka_unit_test(test_a_list_that_differs_is_named_by_its_places),
            cmocka_unit_test(test_too_many_are_a_whole_new_content),
            cmocka_unit_test(test_unknown_fields_are_seen)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
