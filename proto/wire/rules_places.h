/*
 * Where the fields of the rules (rules_table.h) are in their messages. The table names them, as people do;
 * who checks many payloads finds them once. Constant after new; any thread. For rules.c.
 */
#ifndef MR_WIRE_RULES_PLACES_H
#define MR_WIRE_RULES_PLACES_H

#include "proto/wire/rules_table.h"

/* Of one rule. */
struct mr_rule_place {
    const ProtobufCFieldDescriptor *step;  /* the sub-message that "person.snils" reaches into; NULL: none */
    const ProtobufCFieldDescriptor *field; /* NULL: the message has no such field */
    const ProtobufCFieldDescriptor *other; /* that `text` of the rule names; NULL: none */
    bool text;                             /* the field is of the message itself, one text in no oneof */
};

/* Of all rules of one message. */
struct mr_rule_plan {
    const struct mr_rule_set *set;
    bool has_inner;                     /* some field of it is a message */
    const struct mr_rule_place *places; /* set->rule_count of them */
};

/* By the names, for who checks seldom. */
void mr_rule_place_find(
        const ProtobufCMessageDescriptor *message, const struct mr_rule *rule, struct mr_rule_place *ret);

/* NULL: the table has no rules of such a message. */
const struct mr_rule_plan *mr_rule_places_of(
        const struct mr_rule_places *places, const ProtobufCMessageDescriptor *message);

#endif
