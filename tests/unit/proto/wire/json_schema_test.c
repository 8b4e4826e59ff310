/* The example of each event type keeps all rules, and what the schema asks for is what the rules ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "proto/base/arena.h"
#include "proto/wire/json.h"
#include "proto/wire/json_schema.h"
#include "proto/wire/registry.h"
#include "proto/wire/rules.h"

enum { ARENA_BYTES = 256 * 1024 };

static const char *first(void *ctx, const char *list)
{
    (void)ctx;
    return list[0] ? "a-code" : "";
}

static bool known(void *ctx, const char *list, const char *value)
{
    (void)ctx;
    (void)list;
    return strcmp(value, "a-code") == 0;
}

static ProtobufCMessage *message_of(
        const struct mr_event_type *type, const json_t *json, struct mr_arena *arena)
{
    struct mr_error error = {0};
    ProtobufCMessage *message = NULL;

    if (mr_json_to_message(json, type->payload, arena, &message, &error) < 0)
        fail_msg("%s: %s %s", type->name, error.where, error.what);
    return message;
}

static void examples_keep_the_rules(void **state)
{
    const struct mr_json_codes codes = {first, NULL};
    const struct mr_codelists lists = {known, NULL};
    struct mr_arena arena;

    (void)state;
    for (size_t i = 0; i < mr_registry_count(); i++) {
        const struct mr_event_type *type = mr_registry_at(i);
        struct mr_rule_violation violation = {0};
        json_t *example = mr_json_example(type->payload, &codes);

        mr_arena_init(&arena, ARENA_BYTES);
        if (mr_rules_check(message_of(type, example, &arena), &lists, &violation) != 0)
            fail_msg("%s: %s %s", type->name, violation.field, violation.code);
        mr_arena_fini(&arena);
        json_decref(example);
    }
}

/* Each field that the schema requires is refused when it is left out; by which rule, the rules know. */
static void what_is_required_is_missed(void **state)
{
    const struct mr_json_codes codes = {first, NULL};
    const struct mr_codelists lists = {known, NULL};
    struct mr_arena arena;
    size_t looked = 0;

    (void)state;
    for (size_t i = 0; i < mr_registry_count(); i++) {
        const struct mr_event_type *type = mr_registry_at(i);
        json_t *schema = mr_json_schema(type->payload);
        json_t *required = json_object_get(schema, "required"), *name;
        size_t at;

        json_array_foreach (required, at, name) {
            json_t *example = mr_json_example(type->payload, &codes);

            assert_int_equal(json_object_del(example, json_string_value(name)), 0);
            mr_arena_init(&arena, ARENA_BYTES);
            assert_int_equal(mr_rules_check(message_of(type, example, &arena), &lists, NULL), 1);
            mr_arena_fini(&arena);
            json_decref(example);
            looked++;
        }
        json_decref(schema);
    }
    assert_true(looked > 50);
}

static void says_what_a_field_is(void **state)
{
    const struct mr_event_type *type = mr_registry_find("nms.person.registered.v1", 24);
    json_t *schema = mr_json_schema(type->payload), *person, *snils;

    (void)state;
    person = json_object_get(json_object_get(schema, "properties"), "person");
    snils = json_object_get(json_object_get(person, "properties"), "snils");
    assert_string_equal(json_string_value(json_object_get(snils, "pattern")), "^[0-9]{11,11}$");
    assert_int_equal(json_array_size(json_object_get(person, "required")), 2); /* family and given name */
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(examples_keep_the_rules),
            cmocka_unit_test(what_is_required_is_missed),
            cmocka_unit_test(says_what_a_field_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
