/*
 * Field rules: what a payload must hold to be admitted, from one table (rules_table.c), checked without
 * knowing types.
 *
 * Two severities (decisions, "Words"): what is missing or malformed is refused and stays with the sender; a
 * СНИЛС with wrong check digits, a value outside of a configured code list or a missing baseline is
 * quarantined. No text made here ever holds a value of the payload: field paths, codes and cures are free of
 * personal data.
 */
#ifndef MR_WIRE_RULES_H
#define MR_WIRE_RULES_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

enum mr_rule_severity {
    MR_RULE_QUARANTINE = 1,
    MR_RULE_REFUSE = 2,
};

/* A violation; a value, owned by the caller. */
struct mr_rule_violation {
    char field[96]; /* path from the payload, "person.snils", "steps[2].form" */
    enum mr_rule_severity severity;
    const char *code; /* static, see mr_rules_check */
    char cure[160];   /* what the sender should do, English, UTF-8 */
};

/* The code lists of the configuration that is in force. known must be safe on the thread that checks. */
struct mr_codelists {
    bool (*known)(void *ctx, const char *list, const char *value);
    void *ctx;
};

/*
 * Checks a payload of nms.event.v1 with all its sub-messages. Strings must be valid UTF-8 already.
 * lists may be NULL: code lists are then not looked at. ret may be NULL.
 * 0 = fine; 1 = ret is filled: the first violation that refuses, or else the first that quarantines.
 * Codes: field-missing, snils-format, snils-checkdigit, inn-wrong, ogrn-wrong, oktmo-format, date-format,
 * date-order, value-unknown (a list fixed by the schema), code-unknown (a configured list), too-long,
 * out-of-range, person-id-format, digits-format, bytes-length, hours-below-minimum. Any thread; no
 * allocation.
 */
int mr_rules_check(
        const ProtobufCMessage *payload, const struct mr_codelists *lists, struct mr_rule_violation *ret);

/* Where the fields of the rules are, for who checks many payloads. 0 or MR_ENOMEM. */
struct mr_rule_places;
int mr_rule_places_new(struct mr_rule_places **ret);
void mr_rule_places_free(struct mr_rule_places *places);

/* The same, a third of the time. places may be NULL. */
int mr_rules_check_at(const struct mr_rule_places *places, const ProtobufCMessage *payload,
        const struct mr_codelists *lists, struct mr_rule_violation *ret);

#endif
