/*
 * `backup.last` in hub.store: of which root's generation the last backup of keys/ is, so that the hub can say
 * when an erasure has made it worthless. A note, nothing is lost with it: without one a backup is missed.
 */
#ifndef MR_HUB_KEEP_BACKUP_LAST_H
#define MR_HUB_KEEP_BACKUP_LAST_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/err.h"

/* made: RFC 3339. The file is replaced whole. */
int mr_backup_last_write(const char *store, uint32_t generation, const char *made, struct mr_error *reterr);
/* Any thread; a small file. 0: there is none, or it says nothing. */
uint32_t mr_backup_last_generation(const char *store);
/* There was none, or the root key is of a younger generation. */
bool mr_backup_is_needed(const char *store, uint32_t generation);

#endif
