/* The temporary folder of a benchmark. Blocking; any thread. */
#ifndef MR_HUB_TOOL_BENCH_FOLDER_H
#define MR_HUB_TOOL_BENCH_FOLDER_H

#include <stddef.h>

#include "proto/base/err.h"

/* Makes one below `above`; "" in ret on failure. */
int bench_folder_make(char *ret, size_t size, const char *above, struct mr_error *reterr);
/* With all that is in it. "" is fine. */
void bench_folder_remove(const char *dir);

#endif
