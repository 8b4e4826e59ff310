#include "hub/tool/bin_dir.h"

#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

#include "proto/base/err.h"

int tool_bin_dir(char ret[static PATH_MAX])
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (n < 0)
        return MR_ESYSTEM;
    self[n] = 0;
    (void)snprintf(ret, PATH_MAX, "%s", dirname(self));
    return 0;
}
