#include "tests/crash/recorder/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { FDS_MAX = 65536 };

/* Of a descriptor below the folder. */
static struct {
    bool ours, dsync, folder;
    char end[128]; /* of its path */
} fds[FDS_MAX];

/* ---- open and close ---- */

static bool is_ours(int fd)
{
    return fd >= 0 && fd < FDS_MAX && fds[fd].ours;
}

static void took(int fd, const char *path, int flags, bool is_new)
{
    struct stat st;
    size_t n = strlen(path), room = sizeof fds[fd].end - 1;

    if (fd >= FDS_MAX)
        abort();
    fds[fd].ours = true;
    fds[fd].dsync = (flags & O_DSYNC) != 0;
    fds[fd].folder = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
    (void)snprintf(fds[fd].end, sizeof fds[fd].end, "%s", n > room ? path + n - room : path);
    if (is_new)
        recorder_add_name(TRACE_CREATE, recorder_inode(fd), path);
    else if (flags & O_TRUNC)
        recorder_add_size(TRACE_TRUNCATE, fd, 0);
}

static int open_at(int dirfd, const char *path, int flags, mode_t mode)
{
    struct stat st;
    bool ours = recorder_below(path), is_new;
    int error, fd;

    if (!ours)
        return (int)syscall(SYS_openat, dirfd, path, flags, mode);
    error = recorder_failure("open", path);
    if (error > 0) {
        errno = error;
        return -1;
    }
    recorder_lock();
    is_new = (flags & O_CREAT) && stat(path, &st) < 0;
    fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
    error = errno;
    if (fd >= 0)
        took(fd, path, flags, is_new);
    recorder_unlock();
    errno = error;
    return fd;
}

#define OPEN_MODE(flags, last)                                                                               \
    mode_t mode = 0;                                                                                         \
    va_list args;                                                                                            \
    va_start(args, last);                                                                                    \
    if ((flags) & (O_CREAT | __O_TMPFILE))                                                                   \
        mode = va_arg(args, mode_t);                                                                         \
    va_end(args)

EXPORT int open(const char *path, int flags, ...)
{
    OPEN_MODE(flags, flags);
    return open_at(AT_FDCWD, path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    OPEN_MODE(flags, flags);
    return open_at(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int dirfd, const char *path, int flags, ...)
{
    OPEN_MODE(flags, flags);
    return open_at(dirfd, path, flags, mode);
}

EXPORT int __open_2(const char *path, int flags);
EXPORT int __open_2(const char *path, int flags) /* what _FORTIFY_SOURCE makes of open() */
{
    return open_at(AT_FDCWD, path, flags, 0);
}

EXPORT int close(int fd)
{
    if (is_ours(fd))
        fds[fd].ours = false;
    return (int)syscall(SYS_close, fd);
}

/* ---- writing ---- */

static void add_written(int fd, off_t offset, const struct iovec *iov, int count, size_t size)
{
    struct trace_entry entry = {.op = TRACE_WRITE, .file = recorder_inode(fd)};

    for (int i = 0; i < count && size > 0; i++) {
        size_t n = iov[i].iov_len < size ? iov[i].iov_len : size;

        entry.offset = (uint64_t)offset;
        entry.length = (uint32_t)n;
        recorder_add(&entry, iov[i].iov_base);
        offset += (off_t)n;
        size -= n;
    }
}

/* offset -1: where the descriptor stands. */
static ssize_t write_vector(int fd, const struct iovec *iov, int count, off_t offset)
{
    off_t at = offset >= 0 ? offset : (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
    bool dsync = fds[fd].dsync;
    int error = recorder_failure(dsync ? "meta" : "write", fds[fd].end), saved;
    ssize_t n;

    if (error > 0) {
        errno = error;
        return -1;
    }
    recorder_lock();
    n = offset >= 0 ? syscall(SYS_pwritev, fd, iov, count, offset, 0) : syscall(SYS_writev, fd, iov, count);
    saved = errno;
    if (n > 0)
        add_written(fd, at, iov, count, (size_t)n);
    if (error == KILL_AFTER)
        recorder_die_locked();
    if (error == FAIL_AFTER) {
        recorder_add_size(TRACE_SYNC_LOST, fd, recorder_now());
        n = -1;
        saved = EIO;
    }
    if (n > 0 && dsync && !recorder_forgets_part())
        recorder_add(&(struct trace_entry){.op = TRACE_SYNC_PART,
                             .file = recorder_inode(fd),
                             .offset = (uint64_t)at,
                             .length = (uint32_t)n},
                NULL);
    recorder_unlock();
    errno = saved;
    return n;
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (!is_ours(fd))
        return syscall(SYS_pwrite64, fd, data, size, offset);
    return write_vector(fd, &(struct iovec){(void *)data, size}, 1, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return pwrite(fd, data, size, offset);
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
    if (!is_ours(fd))
        return syscall(SYS_write, fd, data, size);
    return write_vector(fd, &(struct iovec){(void *)data, size}, 1, -1);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int count)
{
    if (!is_ours(fd))
        return syscall(SYS_writev, fd, iov, count);
    return write_vector(fd, iov, count, -1);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
    if (!is_ours(fd))
        return syscall(SYS_pwritev, fd, iov, count, offset, 0);
    return write_vector(fd, iov, count, offset);
}

EXPORT int ftruncate(int fd, off_t size)
{
    int rc;

    if (!is_ours(fd))
        return (int)syscall(SYS_ftruncate, fd, size);
    recorder_lock();
    rc = (int)syscall(SYS_ftruncate, fd, size);
    if (rc == 0)
        recorder_add_size(TRACE_TRUNCATE, fd, (uint64_t)size);
    recorder_unlock();
    return rc;
}

EXPORT int ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}

EXPORT int truncate(const char *path, off_t size)
{
    struct stat st;
    int rc;

    if (!recorder_below(path))
        return (int)syscall(SYS_truncate, path, size);
    recorder_lock();
    rc = (int)syscall(SYS_truncate, path, size);
    if (rc == 0 && stat(path, &st) == 0)
        recorder_add(&(struct trace_entry){.op = TRACE_TRUNCATE, .file = st.st_ino, .offset = (uint64_t)size},
                NULL);
    recorder_unlock();
    return rc;
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t size)
{
    int rc;

    if (!is_ours(fd))
        return (int)syscall(SYS_fallocate, fd, mode, offset, size);
    recorder_lock();
    rc = (int)syscall(SYS_fallocate, fd, mode, offset, size);
    if (rc == 0 && mode == 0)
        recorder_add_size(TRACE_EXTEND, fd, (uint64_t)(offset + size));
    recorder_unlock();
    return rc;
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t size)
{
    return fallocate(fd, 0, offset, size) == 0 ? 0 : errno;
}

/* ---- syncing ---- */

static int sync_with(long number, int fd)
{
    uint64_t before = recorder_now();
    int error, rc;

    if (!is_ours(fd))
        return (int)syscall(number, fd);
    error = recorder_failure(fds[fd].folder ? "syncdir" : "sync", fds[fd].end);
    if (error > 0) {
        recorder_lock();
        recorder_add_size(TRACE_SYNC_LOST, fd, before);
        recorder_unlock();
        errno = error;
        return -1;
    }
    rc = (int)syscall(number, fd);
    recorder_lock();
    if (rc == 0 && error == KILL_AFTER)
        recorder_die_locked();
    if (rc == 0 && !recorder_forgets_sync())
        recorder_add_size(TRACE_SYNC, fd, before);
    recorder_unlock();
    return rc;
}

EXPORT int fsync(int fd)
{
    return sync_with(SYS_fsync, fd);
}

EXPORT int fdatasync(int fd)
{
    return sync_with(SYS_fdatasync, fd);
}

/* ---- names ---- */

EXPORT int mkdir(const char *path, mode_t mode)
{
    struct stat st;
    int rc, saved;

    if (!recorder_below(path))
        return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    recorder_lock();
    rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    saved = errno;
    if (rc == 0 && stat(path, &st) == 0)
        recorder_add_name(TRACE_MKDIR, st.st_ino, path);
    recorder_unlock();
    errno = saved;
    return rc;
}

static int rename_ours(const char *from, const char *to, int error)
{
    struct trace_entry entry = {.op = TRACE_RENAME};
    struct stat st;
    int rc;

    if (stat(from, &st) == 0) {
        entry.file = st.st_ino;
        recorder_split(from, &entry.folder, entry.name);
        recorder_split(to, &entry.folder2, entry.name2);
    }
    rc = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (rc == 0)
        recorder_add(&entry, NULL);
    if (rc == 0 && error == KILL_AFTER)
        recorder_die_locked();
    return rc;
}

EXPORT int rename(const char *from, const char *to)
{
    int error, rc, saved;

    if (!recorder_below(from) || !recorder_below(to))
        return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    error = recorder_failure("rename", to);
    if (error > 0) {
        errno = error;
        return -1;
    }
    recorder_lock();
    rc = rename_ours(from, to, error);
    saved = errno;
    recorder_unlock();
    errno = saved;
    return rc;
}

EXPORT int link(const char *from, const char *to)
{
    struct stat st;
    int rc, saved;

    if (!recorder_below(to))
        return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    recorder_lock();
    rc = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    saved = errno;
    if (rc == 0 && stat(to, &st) == 0)
        recorder_add_name(TRACE_LINK, st.st_ino, to);
    recorder_unlock();
    errno = saved;
    return rc;
}

static int unlink_at(const char *path, int flags)
{
    int rc, saved;

    if (!recorder_below(path))
        return (int)syscall(SYS_unlinkat, AT_FDCWD, path, flags);
    recorder_lock();
    rc = (int)syscall(SYS_unlinkat, AT_FDCWD, path, flags);
    saved = errno;
    if (rc == 0)
        recorder_add_name(TRACE_UNLINK, 0, path);
    recorder_unlock();
    errno = saved;
    return rc;
}

EXPORT int unlink(const char *path)
{
    return unlink_at(path, 0);
}

EXPORT int rmdir(const char *path)
{
    return unlink_at(path, AT_REMOVEDIR);
}

EXPORT int remove(const char *path)
{
    int rc = unlink_at(path, 0);

    return rc < 0 && errno == EISDIR ? unlink_at(path, AT_REMOVEDIR) : rc;
}

/* ---- the end ---- */

/* What ends the program at once, by a fault point or a failure, may not fall between a call and its entry. */
EXPORT int raise(int number)
{
    if (number == SIGKILL)
        recorder_die();
    return (int)syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), number);
}

EXPORT void _exit(int status)
{
    recorder_lock();
    for (;;)
        (void)syscall(SYS_exit_group, status);
}
