/*
 * A version of the configuration as it is in force: immutable, held by whoever reads it, gone with the last
 * holder (ADR 0020).
 */
#ifndef MR_HUB_EDITION_H
#define MR_HUB_EDITION_H

#include "hub/house.h"

/*
 * Reads a text that is to follow the running configuration, as the hub's own file would be: MR_ECONFIG with
 * the place and a cure, whatever is wrong. What may not change while the hub runs is another question
 * (mr_config_live()). name: the file's, for messages. The caller frees.
 */
int mr_edition_read(struct mr_config **ret, const struct mr_config *running, struct mr_slice text,
        const char *name, struct mr_error *reterr);

#endif
