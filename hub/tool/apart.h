/*
 * Where the tool may write: not among the files that are the hub's own. Blocking; no state; any thread.
 */
#ifndef MR_HUB_TOOL_APART_H
#define MR_HUB_TOOL_APART_H

#include "proto/config/config.h"

/*
 * Is dir, which need not be there, outside of hub.store and hub.root_key, whatever links lead to it?
 * MR_EEXISTS with what to do when it is not.
 */
int tool_apart(const struct mr_config *config, const char *dir, struct mr_error *reterr);

#endif
