/* Which of the events that were put aside are meant: by number, or by what is known of them. */
#ifndef MR_HUB_AUDIT_QUARANTINE_CHOICE_H
#define MR_HUB_AUDIT_QUARANTINE_CHOICE_H

#include "hub/audit/method.h"
#include "hub/intake/prepare.h"

struct mr_quarantine_choice {
    const struct mr_house *house;
    const char *state;                /* "waiting", ..., "all" */
    const char *code, *system, *type; /* "": any; a type that ends in '.' is a beginning */
    int64_t before_us;                /* put aside before; 0: any */
    uint64_t number, behind;          /* 0: any; behind: and those with greater numbers only */
    bool untyped; /* what they are of is not read from the log, unless it is chosen by it */
};
/* Arguments state, code, system, type, before, number. */
int mr_quarantine_choice_read(
        struct mr_quarantine_choice *ret, const struct mr_method_call *call, struct mr_error *reterr);
/* Is it a filter, or does it mean everything? */
bool mr_quarantine_choice_narrow(const struct mr_quarantine_choice *choice);

/* Ascending, until fn returns non-zero. */
typedef int (*mr_quarantine_fn)(
        void *ctx, uint64_t number, const struct mr_quarantine_row *row, const char *type);
int mr_quarantine_each(const struct mr_quarantine_choice *choice, mr_quarantine_fn fn, void *ctx);

#endif
