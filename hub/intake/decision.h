/* What becomes of one event, and the words for it. Words are plain English and never hold a value of the
 * event. */
#ifndef MR_HUB_INTAKE_DECISION_H
#define MR_HUB_INTAKE_DECISION_H

#include "hub/intake/prepare.h"

struct mr_decision {
    enum mr_verdict verdict; /* MR_VERDICT_STORED: nothing speaks against it so far */
    struct mr_verdict_text text;
};

/* Sets the verdict with its words, each cut to its room between letters. NULL is "". */
void mr_decide(struct mr_decision *ret, enum mr_verdict verdict, const char *code, const char *field,
        const char *reason, const char *cure);

/* Nothing speaks against it, and nothing is said. Of the words only the first letters are cleared: this is
 * done with every event, and mr_decide() writes all of them. */
static inline void mr_decision_go(struct mr_decision *ret)
{
    ret->verdict = MR_VERDICT_STORED;
    ret->text.code[0] = ret->text.field[0] = ret->text.reason[0] = ret->text.cure[0] = 0;
}

#endif
