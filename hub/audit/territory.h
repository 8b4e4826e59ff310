/*
 * What an account is limited to: one organisation (ОГРН), or the organisations of one municipality or region
 * (ОКТМО: zeros at its end stand for all below it) as nms.org.upserted.v1 last said. Theirs is what says so
 * itself (orgid), whatever the answer: the search, the methods by number and the lists ask here, and a method
 * that is not marked `bounded` is not theirs at all (method.h). Any thread; resolved anew for each call.
 */
#ifndef MR_HUB_AUDIT_TERRITORY_H
#define MR_HUB_AUDIT_TERRITORY_H

#include <stdbool.h>

#include "hub/house.h"

enum { MR_OGRN_TEXT_MAX = 16, MR_OKTMO_TEXT_MAX = 12, MR_OKTMO_DIGITS = 8 };

struct mr_limits {
    char ogrn[MR_OGRN_TEXT_MAX];   /* "": not by organisation */
    char oktmo[MR_OKTMO_TEXT_MAX]; /* "": not by municipality; both "": nothing is theirs */
    bool of_operator;              /* of the configuration: the figures of the region are theirs too */
};

struct mr_territory {
    struct mr_limits limits;
    char (*orgs)[MR_OGRN_TEXT_MAX];
    size_t orgs_count;
};

/* What an operator of the configuration is limited to; false: to nothing, or there is none of the name. */
bool mr_limits_of_operator(const struct mr_config *config, const char *name, struct mr_limits *ret);

/* Looks the organisations up, and limits the house to them. 0, or as mr_search_run. fini in every case. */
int mr_territory_enter(struct mr_territory *territory, struct mr_house *house, const struct mr_limits *limits,
        struct mr_error *reterr);
/* The same of what asks: limits of an account (NULL: none), else those of the operator, if there are any. */
int mr_territory_of_call(struct mr_territory *territory, struct mr_house *house, const char *operator_name,
        const struct mr_limits *of_account, struct mr_error *reterr);
void mr_territory_fini(struct mr_territory *territory);

bool mr_territory_has_org(const struct mr_territory *territory, const char *ogrn); /* NULL: no organisation */
/* Is the record theirs? Opens it: 1, 0 (also of what cannot be opened any more), MR_ENOMEM. */
int mr_territory_has(
        const struct mr_territory *territory, const struct mr_house *house, const struct mr_record *record);
/* The same by its number; 0 when there is none. */
int mr_territory_has_number(
        const struct mr_territory *territory, const struct mr_house *house, uint64_t number);

#endif
