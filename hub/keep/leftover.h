/*
 * What a command that was killed left in the store's folder: the copy that a restore puts in place at its
 * end (restoring/), and what a check of the indexes builds beside (rebuild-XXXXXX/). Any thread; keeps
 * nothing.
 */
#ifndef MR_HUB_KEEP_LEFTOVER_H
#define MR_HUB_KEEP_LEFTOVER_H

#include "proto/config/config.h"

#define MR_LEFTOVER_RESTORING "restoring"
#define MR_LEFTOVER_REBUILD   "rebuild-"

/*
 * Is a restore unfinished here? From its first step to its last there is the folder restoring/, and nobody
 * opens such a store, so that keys/ without log/ beside it is the restore's as well. An empty
 * restoring/ beside a log/ is all that is left of a finished one.
 */
bool mr_leftover_restore(const struct mr_config *config);

/* For whoever opens the store: MR_ECORRUPT when a restore is unfinished. */
int mr_leftover_check(const struct mr_config *config, struct mr_error *reterr);

/* Removes every rebuild-XXXXXX/ that nobody holds (mr_leftover_hold()). What cannot be removed stays for
 * the next time. */
void mr_leftover_clear(const struct mr_config *config);
/* While *ret is open, nobody clears the folder; close it. MR_EAGAIN: somebody just did. */
int mr_leftover_hold(const char *path, int *ret, struct mr_error *reterr);

/* The folder with all that is in it; links are not followed. 0 too when it is not there. */
int mr_leftover_remove(const char *path, struct mr_error *reterr);

#endif
