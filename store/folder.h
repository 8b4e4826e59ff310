/* Folders whose names outlive power loss. Blocking file I/O; any thread. */
#ifndef MR_STORE_FOLDER_H
#define MR_STORE_FOLDER_H

#include "proto/base/err.h"

/* Makes the names in the folder durable: a file's fsync keeps its bytes, not its name. */
int mr_folder_sync(const char *path);

/*
 * Makes the folder (0700) where there is none, and its name durable in the folder above in any case: whoever
 * made it may have been killed before that. The folder above must be there.
 */
int mr_folder_make(const char *path, struct mr_error *reterr);

#endif
