#include "tests/support/tmpdir.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *mr_tmpdir_new(void)
{
    const char *base = getenv("TMPDIR");
    char *dir = NULL;

    if (asprintf(&dir, "%s/mr-test-XXXXXX", base && *base ? base : "/tmp") < 0 || !mkdtemp(dir)) {
        perror("mr_tmpdir_new");
        abort();
    }
    return dir;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path);
    return 0;
}

void mr_tmpdir_free(char *dir)
{
    if (!dir)
        return;
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(dir);
}

const char *mr_tmpdir_path(const char *dir, const char *name)
{
    static _Thread_local char ring[8][PATH_MAX];
    static _Thread_local unsigned turn;
    char *out = ring[turn++ % 8];

    (void)snprintf(out, PATH_MAX, "%s/%s", dir, name);
    return out;
}
