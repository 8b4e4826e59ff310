/* The table of field rules. Static and constant, any thread. Used by rules.c; open to tests and
 * documentation. */
#ifndef MR_WIRE_RULES_TABLE_H
#define MR_WIRE_RULES_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/wire/rules.h"

/* All kinds but REQUIRED pass an absent field ("", 0, no message, oneof not set). On repeated strings: each
 * of them. */
enum mr_rule_kind {
    MR_RULE_REQUIRED,
    MR_RULE_SNILS, /* 11 digits, else refused; wrong check digits as the row says */
    MR_RULE_INN,
    MR_RULE_OGRN,
    MR_RULE_OKTMO,
    MR_RULE_DATE,      /* YYYY-MM-DD */
    MR_RULE_ENUM,      /* text: the values, "PK|PP" */
    MR_RULE_CODELIST,  /* text: name of the configured list */
    MR_RULE_MAX_LEN,   /* max: characters (Unicode code points) */
    MR_RULE_RANGE,     /* min to max, integers */
    MR_RULE_PERSON_ID, /* 32 lower-case hex digits */
    MR_RULE_DIGITS,    /* min to max digits */
    MR_RULE_NOT_AFTER, /* text: field of the same message with the later date */
    MR_RULE_NOT_MORE,  /* text: integer field of the same message that bounds this one, when it is given */
    MR_RULE_BYTES,     /* bytes of length min to max */
    MR_RULE_HOURS, /* hours of a programme by law (order of 01.07.2013 № 499, п. 12); text: field with PK or
                      PP */
};

struct mr_rule {
    const char *field; /* name; "person.family_name" reaches into a single sub-message */
    enum mr_rule_kind kind;
    enum mr_rule_severity severity;
    const char *text;
    int64_t min, max;
};

/* The rules of one message, wherever it occurs. */
struct mr_rule_set {
    const ProtobufCMessageDescriptor *message;
    const struct mr_rule *rules;
    size_t rule_count;
};

/* NULL at and after the end. */
const struct mr_rule_set *mr_rules_set_at(size_t index);
/* NULL when the message has no rules. */
const struct mr_rule_set *mr_rules_set_find(const ProtobufCMessageDescriptor *message);

#endif
