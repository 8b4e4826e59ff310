#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int mr_folder_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = 0;

    if (fd < 0)
        return mr_err_from_errno(errno);
    if (fsync(fd) < 0)
        r = mr_err_from_errno(errno);
    close(fd);
    return r;
}

static int sync_above(const char *path)
{
    char above[PATH_MAX];
    int n = snprintf(above, sizeof above, "%s/..", path);

    return n > 0 && n < PATH_MAX ? mr_folder_sync(above) : MR_EINVAL;
}

int mr_folder_make(const char *path, struct mr_error *reterr)
{
    int r;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return mr_error_set(reterr, mr_err_from_errno(errno), path,
                "create the folder above it, with rights for the hub", "the folder cannot be created: %s",
                strerror(errno));
    r = sync_above(path);
    if (r < 0)
        return mr_error_set(
                reterr, r, path, "check the disk and the rights", "the folder's name cannot be made durable");
    return 0;
}
