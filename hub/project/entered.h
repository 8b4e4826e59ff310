/*
 * The form's cells that people enter (`passport.cells` of the configuration): no other one can be entered, so
 * that a typing error makes no figure that nobody sees. Any thread; nothing is allocated.
 */
#ifndef MR_HUB_PROJECT_ENTERED_H
#define MR_HUB_PROJECT_ENTERED_H

#include "hub/project/cells.h"

/* What is meant by a code: of the whole region, or of one municipality. */
struct mr_entered {
    const struct mr_config_cell *cell; /* of the configuration */
    char oktmo[9];                     /* "": of the whole region */
};

/* NULL: there is none. */
const struct mr_config_cell *mr_entered_find(const struct mr_config_passport *form, const char *code);

/* `code` is one of the configuration, or with a point and an ОКТМО of 8 digits behind it, as the passport
 * shows those of a municipality; `oktmo` is said apart, or "". MR_EINVAL, which names the nearest code. */
int mr_entered_read(const struct mr_config_passport *form, const char *code, const char *oktmo,
        struct mr_entered *ret, struct mr_error *reterr);

#endif
