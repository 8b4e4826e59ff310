#include "proto/wire/json_schema.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/list.h"
#include "proto/wire/json_internal.h"
#include "proto/wire/rules_table.h"

/* A message where it stands: rules of the message around it may reach into it ("person.family_name"). */
struct place {
    const ProtobufCMessageDescriptor *message;
    const struct mr_rule_set *outer; /* NULL: none */
    const char *prefix;              /* name of the field in outer's message */
};

typedef int (*rule_fn)(void *ctx, const struct mr_rule *rule);

/* Calls fn for each rule of a field. */
static void each_rule(const struct place *place, const char *field, rule_fn fn, void *ctx)
{
    const struct mr_rule_set *own = mr_rules_set_find(place->message);
    size_t prefix = place->outer ? strlen(place->prefix) : 0;

    for (size_t i = 0; own && i < own->rule_count; i++)
        if (strcmp(own->rules[i].field, field) == 0)
            (void)fn(ctx, &own->rules[i]);
    for (size_t i = 0; place->outer && i < place->outer->rule_count; i++) {
        const char *path = place->outer->rules[i].field;

        if (strncmp(path, place->prefix, prefix) == 0 && path[prefix] == '.' &&
                strcmp(path + prefix + 1, field) == 0)
            (void)fn(ctx, &place->outer->rules[i]);
    }
}

static struct place place_of(const struct place *around, const ProtobufCFieldDescriptor *field)
{
    return (struct place){field->descriptor, mr_rules_set_find(around->message), field->name};
}

static int on_needed(void *ctx, const struct mr_rule *rule)
{
    bool *needed = ctx;

    *needed |= rule->kind == MR_RULE_REQUIRED;
    return 0;
}

static bool is_needed(const struct place *place, const char *field)
{
    bool needed = false;

    each_rule(place, field, on_needed, &needed);
    return needed;
}

static bool is_64_bit(ProtobufCType type)
{
    return type == PROTOBUF_C_TYPE_INT64 || type == PROTOBUF_C_TYPE_UINT64 ||
           type == PROTOBUF_C_TYPE_SINT64 || type == PROTOBUF_C_TYPE_FIXED64 ||
           type == PROTOBUF_C_TYPE_SFIXED64;
}

/* ---- schema ---- */

static json_t *one_of(const char *values)
{
    json_t *list = json_array();

    while (*values) {
        size_t size = strcspn(values, "|");

        (void)json_array_append_new(list, json_stringn(values, size));
        values += size + (values[size] == '|');
    }
    return list;
}

static void describe(json_t *schema, const char *text)
{
    (void)json_object_set_new(schema, "description", json_string(text));
}

static void set_digits(json_t *schema, int64_t min, int64_t max)
{
    char pattern[48];

    (void)snprintf(pattern, sizeof pattern, "^[0-9]{%lld,%lld}$", (long long)min, (long long)max);
    (void)json_object_set_new(schema, "pattern", json_string(pattern));
}

static int on_schema_rule(void *ctx, const struct mr_rule *rule)
{
    json_t *schema = ctx;
    char text[96];

    switch (rule->kind) {
    case MR_RULE_SNILS:
        set_digits(schema, 11, 11);
        describe(schema, "СНИЛС, check digits included");
        break;
    case MR_RULE_INN:
        set_digits(schema, 10, 12);
        describe(schema, "ИНН, check digits included");
        break;
    case MR_RULE_OGRN:
        set_digits(schema, 13, 15);
        describe(schema, "ОГРН, check digit included");
        break;
    case MR_RULE_OKTMO:
        set_digits(schema, 8, 11);
        describe(schema, "ОКТМО");
        break;
    case MR_RULE_DATE:
        (void)json_object_set_new(schema, "format", json_string("date"));
        break;
    case MR_RULE_ENUM:
        (void)json_object_set_new(schema, "enum", one_of(rule->text));
        break;
    case MR_RULE_CODELIST:
        (void)snprintf(text, sizeof text, "a code of the configured list %s", rule->text);
        describe(schema, text);
        break;
    case MR_RULE_MAX_LEN:
        (void)json_object_set_new(schema, "maxLength", json_integer(rule->max));
        break;
    case MR_RULE_RANGE:
        (void)json_object_set_new(schema, "minimum", json_integer(rule->min));
        (void)json_object_set_new(schema, "maximum", json_integer(rule->max));
        break;
    case MR_RULE_PERSON_ID:
        (void)json_object_set_new(schema, "pattern", json_string("^[0-9a-f]{32}$"));
        break;
    case MR_RULE_DIGITS:
        set_digits(schema, rule->min, rule->max);
        break;
    case MR_RULE_NOT_AFTER:
        (void)snprintf(text, sizeof text, "not after %s", rule->text);
        describe(schema, text);
        break;
    case MR_RULE_NOT_MORE:
        (void)snprintf(text, sizeof text, "not more than %s", rule->text);
        describe(schema, text);
        break;
    case MR_RULE_HOURS:
        describe(schema, "hours by law: ПК from 16, ПП from 250");
        break;
    case MR_RULE_REQUIRED:
    case MR_RULE_BYTES:
        break;
    }
    return 0;
}

static json_t *message_schema(const struct place *place);

static json_t *type_schema(const struct place *place, const ProtobufCFieldDescriptor *field)
{
    struct place inner = place_of(place, field);

    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return message_schema(&inner);
    case PROTOBUF_C_TYPE_STRING:
        return json_pack("{s:s}", "type", "string");
    case PROTOBUF_C_TYPE_BYTES:
        return json_pack("{s:s, s:s}", "type", "string", "contentEncoding", "base64");
    case PROTOBUF_C_TYPE_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    default:
        return is_64_bit(field->type) ? json_pack("{s:[s,s]}", "type", "string", "integer")
                                      : json_pack("{s:s}", "type", "integer");
    }
}

static json_t *field_schema(const struct place *place, const ProtobufCFieldDescriptor *field)
{
    json_t *schema = type_schema(place, field);

    each_rule(place, field->name, on_schema_rule, schema);
    return field->label == PROTOBUF_C_LABEL_REPEATED
                   ? json_pack("{s:s, s:o}", "type", "array", "items", schema)
                   : schema;
}

static json_t *message_schema(const struct place *place)
{
    json_t *properties = json_object(), *required = json_array(), *schema;
    char name[MR_JSON_NAME_MAX];

    for (unsigned i = 0; i < place->message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &place->message->fields[i];

        (void)json_object_set_new(properties, mr_json_name(field->name, name), field_schema(place, field));
        if (is_needed(place, field->name))
            (void)json_array_append_new(required, json_string(name));
    }
    schema = json_pack(
            "{s:s, s:o, s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
    if (json_array_size(required) > 0)
        (void)json_object_set(schema, "required", required);
    json_decref(required);
    return schema;
}

json_t *mr_json_schema(const ProtobufCMessageDescriptor *message)
{
    const struct place place = {.message = message};
    json_t *schema = message_schema(&place);

    if (schema)
        (void)json_object_set_new(
                schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    return schema;
}

/* ---- example ---- */

struct example {
    const struct mr_json_codes *codes;
    json_t *value; /* of the field at work; NULL: no rule has given one */
};

static void give(struct example *e, json_t *value)
{
    json_decref(e->value);
    e->value = value;
}

static int on_example_rule(void *ctx, const struct mr_rule *rule)
{
    static const struct {
        enum mr_rule_kind kind;
        const char *value;
    } texts[] = {{MR_RULE_SNILS, "11223344595"}, {MR_RULE_OGRN, "1022400001007"}, {MR_RULE_OKTMO, "04701000"},
            {MR_RULE_DATE, "2026-09-01"}};
    struct example *e = ctx;

    for (size_t i = 0; i < MR_COUNT(texts); i++)
        if (texts[i].kind == rule->kind)
            give(e, json_string(texts[i].value));
    if (rule->kind == MR_RULE_ENUM)
        give(e, json_stringn(rule->text, strcspn(rule->text, "|")));
    if (rule->kind == MR_RULE_CODELIST)
        give(e, json_string(e->codes->first(e->codes->ctx, rule->text)));
    if (rule->kind == MR_RULE_RANGE)
        give(e, json_integer(rule->min > 72 ? rule->min : rule->max < 72 ? rule->max : 72));
    if (rule->kind == MR_RULE_DIGITS)
        give(e, json_stringn("24000000", (size_t)rule->min));
    if (rule->kind == MR_RULE_BYTES) /* 32 bytes */
        give(e, json_string("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="));
    return 0;
}

static json_t *message_example(const struct place *place, const struct mr_json_codes *codes);

static json_t *plain_example(const ProtobufCFieldDescriptor *field)
{
    char text[64];

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        (void)snprintf(text, sizeof text, "example-%s", field->name);
        return json_string(text);
    case PROTOBUF_C_TYPE_BYTES:
        return json_string("AAEC");
    case PROTOBUF_C_TYPE_BOOL:
        return json_true();
    default:
        return is_64_bit(field->type) ? json_string("1") : json_integer(1);
    }
}

static json_t *field_example(
        const struct place *place, const ProtobufCFieldDescriptor *field, const struct mr_json_codes *codes)
{
    struct example e = {.codes = codes};
    struct place inner = place_of(place, field);

    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        e.value = message_example(&inner, codes);
    else
        each_rule(place, field->name, on_example_rule, &e);
    if (!e.value)
        e.value = plain_example(field);
    return field->label == PROTOBUF_C_LABEL_REPEATED ? json_pack("[o]", e.value) : e.value;
}

/* A person is named by something, though no single field of it must be there. */
static bool names_person(const struct place *place, const char *field)
{
    return strcmp(place->message->short_name, "Person") == 0 && strcmp(field, "snils") == 0;
}

static json_t *message_example(const struct place *place, const struct mr_json_codes *codes)
{
    json_t *example = json_object();
    char name[MR_JSON_NAME_MAX];

    for (unsigned i = 0; i < place->message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &place->message->fields[i];

        if (is_needed(place, field->name) || names_person(place, field->name))
            (void)json_object_set_new(
                    example, mr_json_name(field->name, name), field_example(place, field, codes));
    }
    return example;
}

json_t *mr_json_example(const ProtobufCMessageDescriptor *message, const struct mr_json_codes *codes)
{
    const struct place place = {.message = message};

    return message_example(&place, codes);
}
