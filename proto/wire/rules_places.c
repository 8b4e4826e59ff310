#include "proto/wire/rules_places.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/err.h"
#include "proto/wire/field_named.h"

/* A hash by the address of the descriptor, far from full. */
enum { BUCKETS = 256 };

struct mr_rule_places {
    struct mr_rule_plan plans[BUCKETS]; /* set NULL: free */
    struct mr_rule_place *all;
};

void mr_rule_place_find(
        const ProtobufCMessageDescriptor *message, const struct mr_rule *rule, struct mr_rule_place *ret)
{
    const char *name = rule->field, *dot = strchr(name, '.');

    *ret = (struct mr_rule_place){0};
    if (dot) {
        ret->step = mr_field_named(message, name, (size_t)(dot - name));
        if (!ret->step)
            return;
        message = ret->step->descriptor;
        name = dot + 1;
    }
    ret->field = mr_field_named(message, name, strlen(name));
    ret->text = !ret->step && ret->field && ret->field->type == PROTOBUF_C_TYPE_STRING &&
                ret->field->label == PROTOBUF_C_LABEL_NONE &&
                !(ret->field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF);
    if (rule->text)
        ret->other = mr_field_named(message, rule->text, strlen(rule->text));
}

static size_t bucket_of(const ProtobufCMessageDescriptor *message)
{
    return (size_t)((uintptr_t)message * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

static bool has_inner(const ProtobufCMessageDescriptor *message)
{
    for (unsigned i = 0; i < message->n_fields; i++)
        if (message->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            return true;
    return false;
}

static void add_set(struct mr_rule_places *places, const struct mr_rule_set *set, struct mr_rule_place *at)
{
    size_t bucket = bucket_of(set->message);

    while (places->plans[bucket].set)
        bucket = (bucket + 1) % BUCKETS;
    places->plans[bucket] =
            (struct mr_rule_plan){.set = set, .has_inner = has_inner(set->message), .places = at};
    for (size_t i = 0; i < set->rule_count; i++)
        mr_rule_place_find(set->message, &set->rules[i], &at[i]);
}

int mr_rule_places_new(struct mr_rule_places **ret)
{
    struct mr_rule_places *places = calloc(1, sizeof *places);
    const struct mr_rule_set *set;
    size_t rules = 0, sets;

    if (!places)
        return MR_ENOMEM;
    for (sets = 0; (set = mr_rules_set_at(sets)) != NULL; sets++)
        rules += set->rule_count;
    assert(sets < BUCKETS / 2);
    places->all = calloc(rules, sizeof *places->all);
    if (!places->all) {
        free(places);
        return MR_ENOMEM;
    }
    rules = 0;
    for (size_t i = 0; i < sets; i++) {
        set = mr_rules_set_at(i);
        add_set(places, set, places->all + rules);
        rules += set->rule_count;
    }
    *ret = places;
    return 0;
}

void mr_rule_places_free(struct mr_rule_places *places)
{
    if (!places)
        return;
    free(places->all);
    free(places);
}

const struct mr_rule_plan *mr_rule_places_of(
        const struct mr_rule_places *places, const ProtobufCMessageDescriptor *message)
{
    size_t bucket = bucket_of(message);

    while (places->plans[bucket].set && places->plans[bucket].set->message != message)
        bucket = (bucket + 1) % BUCKETS;
    return places->plans[bucket].set ? &places->plans[bucket] : NULL;
}
