/*
 * The rules by which cells are made: id, version and the rule in one sentence (docs/passport.md tells more).
 * Whoever changes what a rule counts raises its version: it stands beside each figure, and a stored passport
 * that was made by another version says so when it is made again.
 */
#ifndef MR_HUB_PROJECT_RULES_H
#define MR_HUB_PROJECT_RULES_H

#include <stddef.h>

enum mr_rule_id {
    MR_RULE_STAFF_TOTAL,
    MR_RULE_STAFF_GROUP,
    MR_RULE_STAFF_BOTH,
    MR_RULE_STAFF_AGE,
    MR_RULE_STAFF_SERVICE,
    MR_RULE_STAFF_QUALIFICATION,
    MR_RULE_STAFF_MUNICIPALITY,
    MR_RULE_STAFF_ORGKIND,
    MR_RULE_PROGRAMMES,
    MR_RULE_PROGRAMME_HOURS,
    MR_RULE_ENROLLED,
    MR_RULE_FINISHED,
    MR_RULE_INVOLVED_TOTAL,
    MR_RULE_INVOLVED,
    MR_RULE_DEFICITS_IDENTIFIED,
    MR_RULE_DEFICITS_CLOSED,
    MR_RULE_DEFICITS_SHARE,
    MR_RULE_MEDIAN_ROUTE,
    MR_RULE_MEDIAN_COURSE,
    MR_RULE_MEDIAN_REDIAGNOSTIC,
    MR_RULE_MEDIAN_JOURNEY,
    MR_RULE_AKSAY_1,
    MR_RULE_AKSAY_3,
    MR_RULE_ENTERED,
    MR_RULES
};

struct mr_cell_rule {
    const char *id;
    unsigned version;
    const char *unit;
    const char *text;
};

const struct mr_cell_rule *mr_cell_rule(enum mr_rule_id id);

/* Why something is not counted: code and Russian words. */
const char *mr_miss_title(const char *code);

#endif
