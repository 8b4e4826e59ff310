/* Where the programs of this release lie: beside the running one. */
#ifndef MR_HUB_TOOL_BIN_DIR_H
#define MR_HUB_TOOL_BIN_DIR_H

#include <limits.h>

/* 0 or MR_ESYSTEM. */
int tool_bin_dir(char ret[static PATH_MAX]);

#endif
