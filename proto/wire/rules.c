#include "proto/wire/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/wire/ident.h"
#include "proto/wire/rules_places.h"

struct check {
    const struct mr_rule_places *places; /* NULL: fields are found by name */
    const struct mr_codelists *lists;
    struct mr_rule_violation *ret;
    bool found;
};

/* From the payload's root to the message that is checked: written out only when something is wrong. */
struct path {
    const struct path *up; /* NULL: the root */
    const char *field;
    int index; /* < 0: not repeated */
};

/* A field of a message, with where it is. */
struct place {
    const ProtobufCMessage *message;
    const ProtobufCFieldDescriptor *field;
    const ProtobufCFieldDescriptor *other; /* that the rule's text names, in the same message; NULL: none */
    const struct path *path;               /* to the message that has the rule */
    const struct mr_rule *rule;
};

static bool refused(const struct check *check)
{
    return check->found && check->ret->severity == MR_RULE_REFUSE;
}

/* "steps[2].form" */
static void write_path(const struct path *path, char *to, size_t size)
{
    size_t used;

    if (path->up)
        write_path(path->up, to, size);
    used = strlen(to);
    if (used > 0)
        used += (size_t)snprintf(to + used, size - used, ".");
    if (used + 1 >= size)
        return;
    if (path->index < 0)
        (void)snprintf(to + used, size - used, "%s", path->field);
    else
        (void)snprintf(to + used, size - used, "%s[%d]", path->field, path->index);
}

/* Keeps the first violation of the highest severity. index < 0: the field as a whole. */
__attribute__((format(printf, 6, 7))) static void violate(struct check *check, const struct place *place,
        int index, enum mr_rule_severity severity, const char *code, const char *cure, ...)
{
    const struct path at = {place->path, place->rule->field, index};
    struct mr_rule_violation *ret = check->ret;
    va_list args;

    if (check->found && ret->severity >= severity)
        return;
    check->found = true;
    ret->severity = severity;
    ret->code = code;
    ret->field[0] = 0;
    write_path(&at, ret->field, sizeof(ret->field));
    va_start(args, cure);
    vsnprintf(ret->cure, sizeof(ret->cure), cure, args);
    va_end(args);
}

static const void *member(const ProtobufCMessage *message, size_t offset)
{
    return (const char *)message + offset;
}

static size_t repeated_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return *(const size_t *)member(message, field->quantifier_offset);
}

static bool in_oneof(const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

static bool oneof_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return *(const uint32_t *)member(message, field->quantifier_offset) == field->id;
}

/* False when the field is of no integer type. */
static bool integer(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, int64_t *ret)
{
    const void *value = member(message, field->offset);
    uint64_t big;

    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
        *ret = *(const int32_t *)value;
        return true;
    case PROTOBUF_C_TYPE_UINT32:
        *ret = *(const uint32_t *)value;
        return true;
    case PROTOBUF_C_TYPE_INT64:
        *ret = *(const int64_t *)value;
        return true;
    case PROTOBUF_C_TYPE_UINT64:
        big = *(const uint64_t *)value;
        *ret = big > INT64_MAX ? INT64_MAX : (int64_t)big;
        return true;
    default:
        return false;
    }
}

static bool present(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    int64_t number;

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return repeated_count(message, field) > 0;
    if (in_oneof(field) && !oneof_set(message, field))
        return false;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(char *const *)member(message, field->offset);

        return text && *text;
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(ProtobufCMessage *const *)member(message, field->offset) != NULL;
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)member(message, field->offset))->len > 0;
    default:
        return in_oneof(field) || !integer(message, field, &number) || number != 0;
    }
}

/* The other field of the rule, a single string; "" when absent. */
static const char *other_string(const struct place *place)
{
    const ProtobufCFieldDescriptor *field = place->other;

    if (!field || field->type != PROTOBUF_C_TYPE_STRING || !present(place->message, field))
        return "";
    return *(char *const *)member(place->message, field->offset);
}

/* More than max characters? Not when it has no more bytes than that. */
static bool longer(const char *utf8, size_t max)
{
    size_t bytes = strlen(utf8), count = 0;

    if (bytes <= max)
        return false;
    for (size_t i = 0; i < bytes; i++)
        count += ((unsigned char)utf8[i] & 0xc0) != 0x80;
    return count > max;
}

/* Whether value is one of "a|b|c". */
static bool one_of(const char *values, const char *value)
{
    while (*values) {
        const char *at = value;

        for (; *at && *values == *at && *values != '|'; at++)
            values++;
        if (*at == 0 && (*values == 0 || *values == '|'))
            return true;
        while (*values && *values++ != '|')
            ;
    }
    return false;
}

static bool person_id_ok(const char *text)
{
    return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

static bool digits_ok(const char *text, int64_t min, int64_t max)
{
    size_t len = strlen(text);

    return len >= (size_t)min && len <= (size_t)max && mr_ident_digits(text, len);
}

static void check_snils(struct check *check, const struct place *place, int index, const char *value)
{
    if (!mr_ident_digits(value, 11))
        violate(check, place, index, MR_RULE_REFUSE, "snils-format", "send 11 digits without separators");
    else if (!mr_ident_snils_ok(value))
        violate(check, place, index, place->rule->severity, "snils-checkdigit",
                "compare with the certificate: the check digits do not fit");
}

static void check_order(struct check *check, const struct place *place, const char *value)
{
    const char *later = other_string(place);

    if (mr_ident_date_ok(value) && mr_ident_date_ok(later) && strcmp(value, later) > 0)
        violate(check, place, -1, place->rule->severity, "date-order", "must not be after %s",
                place->rule->text);
}

/* Identifiers and dates. False when the kind is another. */
static bool check_ident(struct check *check, const struct place *place, int index, const char *value)
{
    enum mr_rule_severity severity = place->rule->severity;

    switch (place->rule->kind) {
    case MR_RULE_SNILS:
        check_snils(check, place, index, value);
        return true;
    case MR_RULE_INN:
        if (!mr_ident_inn_ok(value))
            violate(check, place, index, severity, "inn-wrong",
                    "send 10 or 12 digits with right check digits");
        return true;
    case MR_RULE_OGRN:
        if (!mr_ident_ogrn_ok(value))
            violate(check, place, index, severity, "ogrn-wrong",
                    "send 13 or 15 digits with a right check digit");
        return true;
    case MR_RULE_OKTMO:
        if (!mr_ident_oktmo_ok(value))
            violate(check, place, index, severity, "oktmo-format", "send 8 or 11 digits");
        return true;
    case MR_RULE_DATE:
        if (!mr_ident_date_ok(value))
            violate(check, place, index, severity, "date-format",
                    "send a calendar date as YYYY-MM-DD, 1900 to 2100");
        return true;
    case MR_RULE_PERSON_ID:
        if (!person_id_ok(value))
            violate(check, place, index, severity, "person-id-format",
                    "send 32 lower-case hex digits, or leave it empty");
        return true;
    case MR_RULE_NOT_AFTER:
        check_order(check, place, value);
        return true;
    default:
        return false;
    }
}

static void check_string(struct check *check, const struct place *place, int index, const char *value)
{
    const struct mr_rule *rule = place->rule;

    if (check_ident(check, place, index, value))
        return;
    switch (rule->kind) {
    case MR_RULE_ENUM:
        if (!one_of(rule->text, value))
            violate(check, place, index, rule->severity, "value-unknown", "send one of %s", rule->text);
        break;
    case MR_RULE_CODELIST:
        if (check->lists && !check->lists->known(check->lists->ctx, rule->text, value))
            violate(check, place, index, rule->severity, "code-unknown",
                    "send a value of the code list \"%s\", or have it added to the configuration",
                    rule->text);
        break;
    case MR_RULE_MAX_LEN:
        if (longer(value, (size_t)rule->max))
            violate(check, place, index, rule->severity, "too-long", "send at most %lld characters",
                    (long long)rule->max);
        break;
    case MR_RULE_DIGITS:
        if (!digits_ok(value, rule->min, rule->max))
            violate(check, place, index, rule->severity, "digits-format", "send %lld to %lld digits",
                    (long long)rule->min, (long long)rule->max);
        break;
    default:
        break;
    }
}

static void check_bound(struct check *check, const struct place *place, int64_t value)
{
    const ProtobufCMessage *message = place->message;
    const ProtobufCFieldDescriptor *field = place->other;
    int64_t bound;

    if (field && present(message, field) && integer(message, field, &bound) && value > bound)
        violate(check, place, -1, place->rule->severity, "out-of-range", "must not be more than %s",
                place->rule->text);
}

static void check_integer(struct check *check, const struct place *place, int64_t value)
{
    const struct mr_rule *rule = place->rule;

    if (rule->kind == MR_RULE_RANGE && (value < rule->min || value > rule->max)) {
        violate(check, place, -1, rule->severity, "out-of-range", "send %lld to %lld", (long long)rule->min,
                (long long)rule->max);
    } else if (rule->kind == MR_RULE_NOT_MORE) {
        check_bound(check, place, value);
    } else if (rule->kind == MR_RULE_HOURS) {
        int64_t least = strcmp(other_string(place), "PP") == 0 ? 250 : 16;

        if (value < least)
            violate(check, place, -1, rule->severity, "hours-below-minimum",
                    "a programme of this kind has at least %lld hours", (long long)least);
    }
}

static void check_value(struct check *check, const struct place *place)
{
    const ProtobufCFieldDescriptor *field = place->field;
    const void *value = member(place->message, field->offset);
    const struct mr_rule *rule = place->rule;
    int64_t number;

    if (field->type == PROTOBUF_C_TYPE_STRING && field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = repeated_count(place->message, field);

        for (size_t i = 0; i < count; i++)
            check_string(check, place, (int)i, (*(char **const *)value)[i]);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        check_string(check, place, -1, *(char *const *)value);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        int64_t len = (int64_t)((const ProtobufCBinaryData *)value)->len;

        if (rule->kind == MR_RULE_BYTES && (len < rule->min || len > rule->max))
            violate(check, place, -1, rule->severity, "bytes-length", "send %lld bytes",
                    (long long)rule->min);
    } else if (integer(place->message, field, &number)) {
        check_integer(check, place, number);
    }
}

static void check_place(struct check *check, const struct place *place, bool there)
{
    if (there && place->rule->kind != MR_RULE_REQUIRED)
        check_value(check, place);
    else if (!there && place->rule->kind == MR_RULE_REQUIRED)
        violate(check, place, -1, place->rule->severity, "field-missing", "fill the field");
}

static void check_rule(struct check *check, const ProtobufCMessage *message, const struct path *path,
        const struct mr_rule *rule, const struct mr_rule_place *at)
{
    struct place place = {message, at->field, at->other, path, rule};
    bool there = !at->step || present(message, at->step);

    if (at->step && there)
        place.message = *(ProtobufCMessage *const *)member(message, at->step->offset);
    check_place(check, &place, there && at->field && present(place.message, at->field));
}

/* As check_rule(), of a text: most rules are. */
static void check_text(struct check *check, const ProtobufCMessage *message, const struct path *path,
        const struct mr_rule *rule, const struct mr_rule_place *at)
{
    const struct place place = {message, at->field, at->other, path, rule};
    const char *text = *(char *const *)member(message, at->field->offset);
    bool there = text && *text;

    if (there && rule->kind != MR_RULE_REQUIRED)
        check_string(check, &place, -1, text);
    else if (!there)
        check_place(check, &place, false);
}

static void check_message(struct check *check, const ProtobufCMessage *message, const struct path *path);

/* All messages of one field; the schemas have no recursion (registry_test). */
static void check_field(struct check *check, const ProtobufCMessage *message, const struct path *path,
        const ProtobufCFieldDescriptor *field)
{
    const void *value = member(message, field->offset);
    struct path below = {path, field->name, -1};

    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        check_message(check, *(ProtobufCMessage *const *)value, &below);
        return;
    }
    for (size_t i = 0; i < repeated_count(message, field) && !refused(check); i++) {
        below.index = (int)i;
        check_message(check, (*(ProtobufCMessage * *const *)value)[i], &below);
    }
}

static void check_inner(struct check *check, const ProtobufCMessage *message, const struct path *path)
{
    for (unsigned i = 0; i < message->descriptor->n_fields && !refused(check); i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];

        if (field->type == PROTOBUF_C_TYPE_MESSAGE && present(message, field))
            check_field(check, message, path, field);
    }
}

static void check_message(struct check *check, const ProtobufCMessage *message, const struct path *path)
{
    const struct mr_rule_plan *plan =
            check->places ? mr_rule_places_of(check->places, message->descriptor) : NULL;
    const struct mr_rule_set *set = plan ? plan->set : mr_rules_set_find(message->descriptor);
    const struct mr_rule_place *at;
    struct mr_rule_place found;

    for (size_t i = 0; set && i < set->rule_count && !refused(check); i++) {
        if (!plan)
            mr_rule_place_find(message->descriptor, &set->rules[i], &found);
        at = plan ? &plan->places[i] : &found;
        (at->text ? check_text : check_rule)(check, message, path, &set->rules[i], at);
    }
    if (!plan || plan->has_inner)
        check_inner(check, message, path);
}

int mr_rules_check_at(const struct mr_rule_places *places, const ProtobufCMessage *payload,
        const struct mr_codelists *lists, struct mr_rule_violation *ret)
{
    struct mr_rule_violation unwanted;
    struct check check = {places, lists, ret ? ret : &unwanted, false};

    check_message(&check, payload, NULL);
    return check.found ? 1 : 0;
}

int mr_rules_check(
        const ProtobufCMessage *payload, const struct mr_codelists *lists, struct mr_rule_violation *ret)
{
    return mr_rules_check_at(NULL, payload, lists, ret);
}
