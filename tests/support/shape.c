#include "tests/support/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/list.h"

enum { WHERE_BYTES = 400 };

static const json_t *follow(const json_t *document, const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));

    if (!ref)
        return schema;
    assert_int_equal(strncmp(ref, "#/", 2), 0);
    for (ref += 2; *ref && document;) {
        size_t size = strcspn(ref, "/");
        char name[64];

        (void)snprintf(name, sizeof name, "%.*s", (int)size, ref);
        document = json_object_get(document, name);
        ref += size + (ref[size] == '/');
    }
    if (!document)
        fail_msg("no %s", json_string_value(json_object_get(schema, "$ref")));
    return document;
}

static bool is_type(const char *type, const json_t *value)
{
    static const struct {
        const char *name;
        json_type types[2];
    } table[] = {{"object", {JSON_OBJECT, JSON_OBJECT}}, {"array", {JSON_ARRAY, JSON_ARRAY}},
            {"string", {JSON_STRING, JSON_STRING}}, {"integer", {JSON_INTEGER, JSON_INTEGER}},
            {"number", {JSON_INTEGER, JSON_REAL}}, {"boolean", {JSON_TRUE, JSON_FALSE}}};

    for (size_t i = 0; i < MR_COUNT(table); i++)
        if (strcmp(table[i].name, type) == 0)
            return json_typeof(value) == table[i].types[0] || json_typeof(value) == table[i].types[1];
    fail_msg("the schema has a type %s", type);
    return false;
}

static void known_keywords(const json_t *schema, const char *where)
{
    static const char *const known[] = {"type", "properties", "required", "additionalProperties", "items",
            "enum", "const", "description", "contentMediaType", "contentEncoding", "minimum", "$ref"};
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)schema, key, value) {
        size_t i = 0;

        while (i < MR_COUNT(known) && strcmp(known[i], key) != 0)
            i++;
        if (i == MR_COUNT(known))
            fail_msg("%s: keyword %s", where, key);
    }
}

static void assert_members(
        const json_t *document, const json_t *schema, const json_t *value, const char *where)
{
    const json_t *properties = json_object_get(schema, "properties");
    char inner[WHERE_BYTES];
    const char *key;
    json_t *member;
    size_t i;

    json_array_foreach (json_object_get(schema, "required"), i, member)
        if (!json_object_get(value, json_string_value(member)))
            fail_msg("%s: no member %s", where, json_string_value(member));
    json_object_foreach ((json_t *)value, key, member) {
        const json_t *property = json_object_get(properties, key);

        (void)snprintf(inner, sizeof inner, "%s.%s", where, key);
        if (property)
            shape_assert(document, property, member, inner);
        else if (json_is_false(json_object_get(schema, "additionalProperties")))
            fail_msg("%s: not in the schema", inner);
    }
}

static void assert_one_of(const json_t *schema, const json_t *value, const char *where)
{
    const json_t *only = json_object_get(schema, "const"), *list = json_object_get(schema, "enum");
    bool found = !list;
    json_t *one;
    size_t i;

    json_array_foreach (list, i, one)
        found |= json_equal(one, value) == 1;
    if (!found || (only && !json_equal(only, value)))
        fail_msg("%s: not one of the schema's values", where);
}

void shape_assert(const json_t *document, const json_t *schema, const json_t *value, const char *where)
{
    char inner[WHERE_BYTES];
    const char *type;
    json_t *item;
    size_t i;

    schema = follow(document, schema);
    known_keywords(schema, where);
    type = json_string_value(json_object_get(schema, "type"));
    if (type && !is_type(type, value))
        fail_msg("%s: no %s", where, type);
    assert_one_of(schema, value, where);
    if (json_is_object(value))
        assert_members(document, schema, value, where);
    (void)snprintf(inner, sizeof inner, "%s[]", where);
    if (json_object_get(schema, "items"))
        json_array_foreach (value, i, item)
            shape_assert(document, json_object_get(schema, "items"), item, inner);
}
