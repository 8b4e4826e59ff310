/* Lists of fields of subscriptions: what they let through, and what is said of wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "event/person.pb-c.h"
#include "event/route.pb-c.h"
#include "hub/deliver/minimise.h"
#include "proto/base/list.h"

enum { SUBSCRIPTION = 1, LIST_MAX = 4 };

static char *str(const char *s)
{
    return (char *)s;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *message, const char *name)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(message, name);

    assert_non_null(field);
    return field;
}

static void what_lists_withhold_of_a_person(void **state)
{
    char *names[] = {str("snils"), str("sex")};
    struct mr_config_subscription some = {
            .personal = MR_PERSONAL_FULL, .person_fields = names, .person_fields_count = 2};
    struct mr_config_subscription all = {.personal = MR_PERSONAL_FULL};
    const ProtobufCMessageDescriptor *person = &nms__event__v1__person__descriptor;
    uint32_t kept = 0;

    (void)state;
    assert_false(mr_minimise_lists(&all));
    assert_int_equal(mr_minimise_withheld(&all), 0);
    assert_true(mr_minimise_lists(&some));
    for (unsigned i = 0; i < person->n_fields; i++)
        if (mr_minimise_keeps(&some, person, &person->fields[i]))
            kept |= 1u << person->fields[i].id;
    assert_int_equal(kept, 1u << field_of(person, "person_id")->id | 1u << field_of(person, "snils")->id |
                                   1u << field_of(person, "sex")->id);
    assert_int_equal(mr_minimise_withheld(&some) & kept, 0);
    assert_int_equal(mr_minimise_withheld(&some) | kept, (1u << (person->n_fields + 1)) - 2);
}

static void persons_are_not_ruled_by_the_list_of_the_rest(void **state)
{
    char *names[] = {str("steps")};
    struct mr_config_subscription s = {.personal = MR_PERSONAL_FULL, .fields = names, .fields_count = 1};
    const ProtobufCMessageDescriptor *route = &nms__event__v1__route_assigned__descriptor;

    (void)state;
    assert_true(mr_minimise_keeps(&s, route, field_of(route, "person")));
    assert_true(mr_minimise_keeps(&s, route, field_of(route, "steps")));
    assert_false(mr_minimise_keeps(&s, route, field_of(route, "content")));
}

static void what_is_said_of_wrong_names(void **state)
{
    static const struct {
        enum mr_personal personal;
        const char *person_fields[LIST_MAX], *fields[LIST_MAX];
        const char *what, *cure; /* NULL: good */
    } rows[] = {
            {MR_PERSONAL_FULL, {"snils", "family_name"}, {"area", "evidence", "steps", "hours"}, NULL, NULL},
            {MR_PERSONAL_FULL, {"person_id"}, {NULL}, NULL, NULL},
            {MR_PERSONAL_NONE, {NULL}, {"area"}, NULL, NULL},
            {MR_PERSONAL_FULL, {"snils", "familyName"}, {NULL},
                    "person_fields[1]: no such field: \"familyName\"", "the nearest is \"family_name\""},
            {MR_PERSONAL_FULL, {"area"}, {NULL}, "person_fields[0]: no such field", "docs/events.md"},
            {MR_PERSONAL_FULL, {NULL}, {"area", "recomendation"}, "fields[1]: no such field",
                    "the nearest is \"recommendation\""},
            {MR_PERSONAL_FULL, {NULL}, {"snils"}, "fields[0]: no such field", "nearest"},
            {MR_PERSONAL_FULL, {NULL}, {"step_id"}, NULL, NULL}, /* a field of route.step.completed itself */
            {MR_PERSONAL_FULL, {NULL}, {"area", "pace"}, "fields[1]: not reached",
                    "add \"steps\" to the list"},
            {MR_PERSONAL_NONE, {NULL}, {"area", "content"}, "fields[1]: withheld by `personal`",
                    "leave it out"},
            {MR_PERSONAL_PSEUDONYMOUS, {NULL}, {"number"}, "fields[0]: withheld by `personal`",
                    "leave it out"},
            {MR_PERSONAL_PSEUDONYMOUS, {"sex"}, {NULL}, "person_fields: only `personal: full`",
                    "personal: full"},
    };
    struct mr_config *config = NULL;

    (void)state;
    assert_int_equal(mr_config_load(&config, MR_SOURCE_DIR "/docs/example.yaml", NULL), 0);
    assert_int_equal(mr_minimise_check(config, "f", NULL), 0);
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_config_subscription *s = &config->subscriptions[SUBSCRIPTION], kept = *s;
        char *person_fields[LIST_MAX], *fields[LIST_MAX];
        struct mr_error error = {0};
        int r;

        s->personal = rows[i].personal;
        s->person_fields = person_fields;
        s->fields = fields;
        s->person_fields_count = s->fields_count = 0;
        for (size_t j = 0; j < LIST_MAX && rows[i].person_fields[j]; j++)
            person_fields[s->person_fields_count++] = str(rows[i].person_fields[j]);
        for (size_t j = 0; j < LIST_MAX && rows[i].fields[j]; j++)
            fields[s->fields_count++] = str(rows[i].fields[j]);
        r = mr_minimise_check(config, "f", &error);
        *s = kept;
        if (r != (rows[i].what ? MR_ECONFIG : 0) ||
                (r < 0 && (!strstr(error.what, rows[i].what) || !strstr(error.cure, rows[i].cure))))
            fail_msg("row %zu: %d %s; %s", i, r, error.what, error.cure);
        if (r < 0)
            assert_non_null(strstr(error.what, "subscriptions[1]."));
    }
    mr_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_lists_withhold_of_a_person),
            cmocka_unit_test(persons_are_not_ruled_by_the_list_of_the_rest),
            cmocka_unit_test(what_is_said_of_wrong_names)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
