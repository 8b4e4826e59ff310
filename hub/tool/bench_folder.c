#include "hub/tool/bench_folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WALK_FDS = 8 };

int bench_folder_make(char *ret, size_t size, const char *above, struct mr_error *reterr)
{
    int r = 0;

    if (snprintf(ret, size, "%s/marshrut-bench-XXXXXX", above) >= (int)size)
        r = mr_error_set(reterr, MR_EINVAL, above, "use a shorter path", "the path is too long");
    else if (!mkdtemp(ret))
        r = mr_error_set(reterr, mr_err_from_errno(errno), above,
                "give a folder that may be written to: --dir", "cannot make a folder in it: %s",
                strerror(errno));
    if (r < 0)
        ret[0] = 0;
    return r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void bench_folder_remove(const char *dir)
{
    if (dir[0])
        (void)nftw(dir, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS);
}
