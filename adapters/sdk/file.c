#include "adapters/sdk/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/wire/wire.h"

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r;

    if (fd < 0)
        return mr_err_from_errno(errno);
    r = fsync(fd) == 0 ? 0 : mr_err_from_errno(errno);
    (void)close(fd);
    return r;
}

static bool is_empty(const char *dir)
{
    DIR *handle = opendir(dir);
    int entries = 0;

    while (handle && entries <= 2 && readdir(handle))
        entries++;
    if (handle)
        (void)closedir(handle);
    return handle && entries <= 2;
}

/* One whose parent may not be read is somebody else's to care for. */
static int sync_name(const char *path)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int r;

    (void)snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - path) : 0, path);
    r = sync_dir(parent[0] ? parent : slash ? "/" : ".");
    return r == MR_EDENIED ? 0 : r;
}

/* Its name is durable before anything is put in it: whoever was killed before that has left it empty. */
static int make_dir(const char *path)
{
    if (mkdir(path, 0700) == 0)
        return sync_name(path);
    if (errno != EEXIST)
        return mr_err_from_errno(errno);
    return is_empty(path) ? sync_name(path) : 0;
}

int mr_file_make_dirs(const char *dir)
{
    char path[PATH_MAX];
    size_t len = strlen(dir);

    if (len == 0 || len >= sizeof path)
        return MR_EINVAL;
    memcpy(path, dir, len + 1);
    for (char *p = path + 1;; p++) {
        char c = *p;
        int r;

        if (c != '/' && c != 0)
            continue;
        *p = 0;
        r = make_dir(path);
        *p = c;
        if (r < 0 || c == 0)
            return r;
    }
}

static int write_all(int fd, struct mr_slice content)
{
    while (content.size > 0) {
        ssize_t n = write(fd, content.data, content.size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mr_err_from_errno(errno);
        content.data += n;
        content.size -= (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : mr_err_from_errno(errno);
}

int mr_file_write(const char *dir, const char *name, struct mr_slice content, unsigned mode)
{
    char path[PATH_MAX], temp[PATH_MAX];
    int fd, r;

    /* The temporary name is short and fixed by the process: a name of 255 bytes leaves no room for a suffix.
     */
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path ||
            snprintf(temp, sizeof temp, "%s/.mr-%d.tmp", dir, (int)getpid()) >= (int)sizeof temp)
        return MR_EINVAL;
    fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return mr_err_from_errno(errno);
    r = fchmod(fd, mode) == 0 ? write_all(fd, content) : mr_err_from_errno(errno);
    (void)close(fd);
    if (r == 0 && rename(temp, path) != 0)
        r = mr_err_from_errno(errno);
    if (r == 0)
        return sync_dir(dir);
    (void)unlink(temp);
    return r;
}

static int read_all(int fd, size_t size_max, struct mr_buf *out)
{
    struct stat st;
    size_t total = 0;

    if (fstat(fd, &st) != 0)
        return mr_err_from_errno(errno);
    if (!S_ISREG(st.st_mode))
        return MR_EINVAL;
    if ((uint64_t)st.st_size > size_max)
        return MR_ETOOBIG;
    for (;;) {
        size_t want = (size_t)st.st_size > total ? (size_t)st.st_size - total + 1 : 4096;
        uint8_t *room = mr_buf_reserve(out, want);
        ssize_t n;

        if (!room)
            return MR_ENOMEM;
        n = read(fd, room, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mr_err_from_errno(errno);
        if (n == 0)
            return 0;
        out->size += (size_t)n;
        total += (size_t)n;
        if (total > size_max)
            return MR_ETOOBIG;
    }
}

int mr_file_read(const char *path, size_t size_max, struct mr_buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int r;

    if (fd < 0)
        return mr_err_from_errno(errno);
    r = read_all(fd, size_max, out);
    (void)close(fd);
    return r;
}

static int copy_bytes(int from, int to)
{
    uint8_t piece[16384];
    ssize_t n;

    while ((n = read(from, piece, sizeof piece)) != 0) {
        if (n < 0 && errno != EINTR)
            return mr_err_from_errno(errno);
        for (ssize_t done = 0; done < n;) {
            ssize_t put = write(to, piece + done, (size_t)(n - done));

            if (put < 0 && errno != EINTR)
                return mr_err_from_errno(errno);
            done += put > 0 ? put : 0;
        }
    }
    return fsync(to) == 0 ? 0 : mr_err_from_errno(errno);
}

static int copy_file(int from, const char *to_dir, const char *to, unsigned mode)
{
    char temp[PATH_MAX];
    int fd, r;

    if (snprintf(temp, sizeof temp, "%s/.mr-%d.tmp", to_dir, (int)getpid()) >= (int)sizeof temp)
        return MR_EINVAL;
    fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return mr_err_from_errno(errno);
    r = fchmod(fd, mode) == 0 ? copy_bytes(from, fd) : mr_err_from_errno(errno);
    (void)close(fd);
    if (r == 0 && rename(temp, to) != 0)
        r = mr_err_from_errno(errno);
    if (r < 0)
        (void)unlink(temp);
    return r;
}

/* Another's file may be renamed where it lies, but keeps its mode: that one is copied. */
static int move_open(int fd, const char *from, const char *to_dir, const char *to, unsigned mode)
{
    struct stat st;
    int r;

    if (fstat(fd, &st) != 0)
        return mr_err_from_errno(errno);
    if (!S_ISREG(st.st_mode))
        return MR_EINVAL;
    if (fchmod(fd, mode) == 0 && futimens(fd, NULL) == 0 && rename(from, to) == 0)
        return 0;
    r = copy_file(fd, to_dir, to, mode);
    if (r == 0 && unlink(from) != 0)
        r = mr_err_from_errno(errno);
    return r;
}

int mr_file_move(const char *from, const char *to_dir, const char *to_name, unsigned mode)
{
    char to[PATH_MAX];
    int fd, r;

    if (snprintf(to, sizeof to, "%s/%s", to_dir, to_name) >= (int)sizeof to)
        return MR_EINVAL;
    fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return mr_err_from_errno(errno);
    r = move_open(fd, from, to_dir, to, mode);
    (void)close(fd);
    return r < 0 ? r : sync_dir(to_dir);
}

int mr_file_destroy(const char *path)
{
    static const uint8_t zeros[256];
    struct stat st;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return errno == ENOENT ? 0 : mr_err_from_errno(errno);
    if (fstat(fd, &st) == 0) {
        for (off_t at = 0; at < st.st_size; at += (off_t)sizeof zeros) {
            size_t n = (size_t)(st.st_size - at);

            if (pwrite(fd, zeros, n < sizeof zeros ? n : sizeof zeros, at) < 0)
                break;
        }
        (void)fsync(fd);
    }
    (void)close(fd);
    return unlink(path) == 0 ? 0 : mr_err_from_errno(errno);
}

int mr_file_remove(const char *dir, const char *name)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return MR_EINVAL;
    if (unlink(path) != 0)
        return errno == ENOENT ? 0 : mr_err_from_errno(errno);
    return sync_dir(dir);
}

bool mr_file_exists(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    return snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path && lstat(path, &st) == 0;
}

bool mr_file_name_ok(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > NAME_MAX || name[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == '/' || name[i] == '\\')
            return false;
    return mr_utf8_valid(mr_slice_str(name));
}
