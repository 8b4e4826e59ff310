/*
 * A library to preload (LD_PRELOAD) into the real hub: it stands between the program and the system's file
 * calls, keeps a trace of what happens below one folder, and makes chosen calls fail. By environment:
 *
 *   MR_RECORD_BELOW=DIR          the folder; nothing else is looked at
 *   MR_RECORD=FILE               the trace (tests/crash/replay/trace.h); absent: none is kept
 *   MR_RECORD_FORGET=sync|part   a mutant: the marks of fsync and fdatasync, or of O_DSYNC writes, are left
 * out MR_RECORD_FAIL=call:end:n:times:errno from the n-th such call on a path that ends so (counted from 1),
 * `times` of them fail: EIO, ENOSPC, KILL (SIGKILL before the call), or LOST (SIGKILL after it, before its
 * mark: the bytes are written, not yet durable). Calls: write, meta (through O_DSYNC), sync, syncdir, rename,
 * open
 *
 * Every call goes to the kernel directly, so nothing here depends on what else is preloaded. Entries are in
 * the order in which the calls returned. Not for programs under ThreadSanitizer, which has to see the calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/crash/replay/trace.h"

#define EXPORT __attribute__((visibility("default")))

enum { FDS_MAX = 65536, KILL_BEFORE = -1, KILL_AFTER = -2 };

/* Process-wide as the file calls are. */
static struct {
    pthread_once_t once;
    pthread_mutex_t lock; /* one entry at a time */
    char below[PATH_MAX];
    size_t below_size;
    struct trace_head *head; /* NULL: no trace */
    bool forget_sync, forget_part;
    char fail_call[16], fail_end[128];
    unsigned fail_nth, fail_times, fail_seen;
    int fail_how; /* errno, or KILL_... */
} self = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

/* Of a descriptor below the folder. */
static struct {
    bool ours, dsync, folder;
    char end[128]; /* of its path */
} fds[FDS_MAX];

/* ---- what is asked for ---- */

static void parse_fail(const char *spec)
{
    static const struct {
        const char *name;
        int how;
    } hows[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"KILL", KILL_BEFORE}, {"LOST", KILL_AFTER}};
    char how[16];

    if (!spec)
        return;
    if (sscanf(spec, "%15[^:]:%127[^:]:%u:%u:%15s", self.fail_call, self.fail_end, &self.fail_nth,
                &self.fail_times, how) == 5)
        for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++)
            if (strcmp(how, hows[i].name) == 0)
                self.fail_how = hows[i].how;
    if (!self.fail_how)
        abort();
}

static void map_trace(const char *path)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);

    if (fd < 0)
        abort();
    self.head = mmap(NULL, TRACE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)syscall(SYS_close, fd);
    if (self.head == MAP_FAILED || self.head->magic != TRACE_MAGIC)
        abort();
}

static void init(void)
{
    const char *below = getenv("MR_RECORD_BELOW"), *trace = getenv("MR_RECORD"),
               *forget = getenv("MR_RECORD_FORGET");

    if (!below)
        return;
    (void)snprintf(self.below, sizeof self.below, "%s/", below);
    self.below_size = strlen(self.below);
    self.forget_sync = forget && strcmp(forget, "sync") == 0;
    self.forget_part = forget && strcmp(forget, "part") == 0;
    parse_fail(getenv("MR_RECORD_FAIL"));
    if (trace)
        map_trace(trace);
}

static bool below(const char *path)
{
    (void)pthread_once(&self.once, init);
    return self.below_size > 0 && strncmp(path, self.below, self.below_size) == 0;
}

static bool ends_so(const char *path)
{
    size_t n = strlen(path), end = strlen(self.fail_end);

    return n >= end && strcmp(path + n - end, self.fail_end) == 0;
}

/* 0: it may go on; an errno: it fails; KILL_AFTER: die once it is done. */
static int asked_to_fail(const char *call, const char *path)
{
    unsigned nth;

    if (!self.fail_how || strcmp(call, self.fail_call) != 0 || !ends_so(path))
        return 0;
    nth = __atomic_add_fetch(&self.fail_seen, 1, __ATOMIC_SEQ_CST);
    if (nth < self.fail_nth || nth >= self.fail_nth + self.fail_times)
        return 0;
    if (self.fail_how == KILL_BEFORE)
        (void)raise(SIGKILL);
    return self.fail_how;
}

/* ---- entries ---- */

static void add(struct trace_entry *entry, const void *data)
{
    struct trace_head *head = self.head;
    size_t data_size = entry->op == TRACE_WRITE ? entry->length : 0;
    uint64_t end;

    if (!head)
        return;
    entry->size = (uint32_t)((sizeof *entry + data_size + 7) & ~(size_t)7);
    (void)pthread_mutex_lock(&self.lock);
    end = atomic_load(&head->end);
    if (end + entry->size > TRACE_BYTES)
        abort();
    memcpy((uint8_t *)head + end, entry, sizeof *entry);
    if (data_size > 0)
        memcpy((uint8_t *)head + end + sizeof *entry, data, data_size);
    atomic_store(&head->end, end + entry->size);
    atomic_store(&head->count, atomic_load(&head->count) + 1);
    (void)pthread_mutex_unlock(&self.lock);
}

static uint64_t now(void)
{
    return self.head ? atomic_load(&self.head->count) : 0;
}

static uint64_t inode_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* Folder and last name of a path. */
static void split(const char *path, uint64_t *ret_folder, char name[static TRACE_NAME_MAX])
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    struct stat st;

    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    *ret_folder = stat(folder, &st) == 0 ? st.st_ino : 0;
    (void)snprintf(name, TRACE_NAME_MAX, "%s", slash + 1);
}

static void add_name(enum trace_op op, uint64_t file, const char *path)
{
    struct trace_entry entry = {.op = op, .file = file};

    split(path, &entry.folder, entry.name);
    add(&entry, NULL);
}

static void add_size(enum trace_op op, int fd, uint64_t size)
{
    add(&(struct trace_entry){.op = op, .file = inode_of(fd), .offset = size}, NULL);
}

__attribute__((constructor)) static void begin(void)
{
    (void)pthread_once(&self.once, init);
    add(&(struct trace_entry){.op = TRACE_START}, NULL);
}

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
        add_name(TRACE_CREATE, inode_of(fd), path);
    else if (flags & O_TRUNC)
        add_size(TRACE_TRUNCATE, fd, 0);
}

static int open_at(int dirfd, const char *path, int flags, mode_t mode)
{
    struct stat st;
    bool ours = below(path), is_new;
    int error, fd;

    if (!ours)
        return (int)syscall(SYS_openat, dirfd, path, flags, mode);
    is_new = (flags & O_CREAT) && stat(path, &st) < 0;
    error = asked_to_fail("open", path);
    if (error > 0) {
        errno = error;
        return -1;
    }
    fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
    if (fd >= 0)
        took(fd, path, flags, is_new);
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
    struct trace_entry entry = {.op = TRACE_WRITE, .file = inode_of(fd)};

    for (int i = 0; i < count && size > 0; i++) {
        size_t n = iov[i].iov_len < size ? iov[i].iov_len : size;

        entry.offset = (uint64_t)offset;
        entry.length = (uint32_t)n;
        add(&entry, iov[i].iov_base);
        offset += (off_t)n;
        size -= n;
    }
}

/* offset -1: where the descriptor stands. */
static ssize_t write_vector(int fd, const struct iovec *iov, int count, off_t offset)
{
    off_t at = offset >= 0 ? offset : (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
    bool dsync = fds[fd].dsync;
    int error = asked_to_fail(dsync ? "meta" : "write", fds[fd].end);
    ssize_t n;

    if (error > 0) {
        errno = error;
        return -1;
    }
    n = offset >= 0 ? syscall(SYS_pwritev, fd, iov, count, offset, 0) : syscall(SYS_writev, fd, iov, count);
    if (n <= 0)
        return n;
    add_written(fd, at, iov, count, (size_t)n);
    if (error == KILL_AFTER)
        (void)raise(SIGKILL);
    if (dsync && !self.forget_part)
        add(&(struct trace_entry){.op = TRACE_SYNC_PART,
                    .file = inode_of(fd),
                    .offset = (uint64_t)at,
                    .length = (uint32_t)n},
                NULL);
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
    int rc = (int)syscall(SYS_ftruncate, fd, size);

    if (rc == 0 && is_ours(fd))
        add_size(TRACE_TRUNCATE, fd, (uint64_t)size);
    return rc;
}

EXPORT int ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}

EXPORT int truncate(const char *path, off_t size)
{
    int rc = (int)syscall(SYS_truncate, path, size);
    struct stat st;

    if (rc == 0 && below(path) && stat(path, &st) == 0)
        add(&(struct trace_entry){.op = TRACE_TRUNCATE, .file = st.st_ino, .offset = (uint64_t)size}, NULL);
    return rc;
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t size)
{
    int rc = syscall(SYS_fallocate, fd, 0, offset, size) == 0 ? 0 : errno;

    if (rc == 0 && is_ours(fd))
        add_size(TRACE_EXTEND, fd, (uint64_t)(offset + size));
    return rc;
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t size)
{
    int rc = (int)syscall(SYS_fallocate, fd, mode, offset, size);

    if (rc == 0 && mode == 0 && is_ours(fd))
        add_size(TRACE_EXTEND, fd, (uint64_t)(offset + size));
    return rc;
}

/* ---- syncing ---- */

static int sync_with(long number, int fd)
{
    uint64_t before = now();
    int error, rc;

    if (!is_ours(fd))
        return (int)syscall(number, fd);
    error = asked_to_fail(fds[fd].folder ? "syncdir" : "sync", fds[fd].end);
    if (error > 0) {
        errno = error;
        return -1;
    }
    rc = (int)syscall(number, fd);
    if (rc == 0 && error == KILL_AFTER)
        (void)raise(SIGKILL);
    if (rc == 0 && !self.forget_sync)
        add_size(TRACE_SYNC, fd, before);
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
    int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    struct stat st;

    if (rc == 0 && below(path) && stat(path, &st) == 0)
        add_name(TRACE_MKDIR, st.st_ino, path);
    return rc;
}

EXPORT int rename(const char *from, const char *to)
{
    struct trace_entry entry = {.op = TRACE_RENAME};
    bool ours = below(from) && below(to);
    struct stat st;
    int error = ours ? asked_to_fail("rename", to) : 0, rc;

    if (error > 0) {
        errno = error;
        return -1;
    }
    if (ours && stat(from, &st) == 0) {
        entry.file = st.st_ino;
        split(from, &entry.folder, entry.name);
        split(to, &entry.folder2, entry.name2);
    }
    rc = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (rc == 0 && ours)
        add(&entry, NULL);
    if (rc == 0 && error == KILL_AFTER)
        (void)raise(SIGKILL);
    return rc;
}

static int unlink_at(const char *path, int flags)
{
    int rc = (int)syscall(SYS_unlinkat, AT_FDCWD, path, flags);

    if (rc == 0 && below(path))
        add_name(TRACE_UNLINK, 0, path);
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
