#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/fault.h"
#include "store/folder.h"
#include "store/kv_internal.h"

int mr_kv_system_error(struct mr_error *reterr, const char *path, const char *what)
{
    int saved = errno;

    return mr_error_set(reterr, mr_err_from_errno(saved), path,
            saved == ENOSPC ? "make room on the disk" : "check the disk and the folder's owner", "%s: %s",
            what, strerror(saved));
}

static bool is_full(const char *path)
{
    const uint64_t nearly_nothing = 256 * 1024;
    struct statvfs vfs;

    return statvfs(path, &vfs) == 0 && (uint64_t)vfs.f_bavail * vfs.f_frsize < nearly_nothing;
}

int mr_kv_copy_error(struct mr_kv *kv, int rc, const char *path, struct mr_error *reterr)
{
    int r = mr_kv_error(kv, rc);

    if (r == MR_EIO && is_full(path)) /* a short write, elsewhere than kv's own file */
        r = MR_ENOSPACE;
    return mr_error_set(reterr, r, path,
            r == MR_ENOSPACE         ? "make room on the disk"
            : rc == MDB_INCOMPATIBLE ? "use the program that wrote it"
                                     : "check the disk",
            "cannot copy the store: %s", mdb_strerror(rc));
}

static int sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    char *slash;

    (void)snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    return mr_folder_sync(slash ? folder : ".");
}

static int copy_to(struct mr_kv *kv, int fd, const char *path, struct mr_error *reterr)
{
    int rc = mdb_env_copyfd2(kv->env, fd, MDB_CP_COMPACT);

    if (rc)
        return mr_kv_copy_error(kv, rc, path, reterr);
    if (fsync(fd) < 0)
        return mr_kv_system_error(reterr, path, "cannot sync the copy");
    return 0;
}

static int copy(struct mr_kv *kv, const char *path, struct mr_error *reterr)
{
    int r = MR_FAULT("kv.copy");
    int fd;

    if (r < 0)
        return mr_error_set(reterr, r, path, "", "cannot copy the store");
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return mr_kv_system_error(reterr, path, "cannot create the copy");
    r = copy_to(kv, fd, path, reterr);
    if (close(fd) < 0 && r == 0)
        r = mr_kv_system_error(reterr, path, "cannot close the copy");
    if (r == 0 && (r = sync_folder_of(path)) < 0)
        mr_error_set(reterr, r, path, "check the disk", "cannot sync the folder of the copy");
    if (r < 0)
        (void)unlink(path);
    return r;
}

int mr_kv_copy(struct mr_kv *kv, const char *path, struct mr_error *reterr)
{
    struct mr_kv_pass pass;
    int r;

    mr_kv_gate_enter(&kv->gate, &pass, false);
    r = copy(kv, path, reterr);
    mr_kv_gate_leave(&kv->gate, &pass);
    return r;
}
