#include "hub/keep/backup_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/sha256.h"

enum { CHUNK_BYTES = 1 << 18, MIB = 1 << 20 };

static int system_error(struct mr_error *reterr, const char *path, const char *what)
{
    int saved = errno;

    return mr_error_set(reterr, mr_err_from_errno(saved), path,
            saved == ENOSPC ? "make room on the disk" : "check the path, the disk and its owner", "%s: %s",
            what, strerror(saved));
}

int backup_path(const char *dir, const char *name, char out[static BACKUP_PATH_MAX], struct mr_error *reterr)
{
    if (snprintf(out, BACKUP_PATH_MAX, "%s/%s", dir, name) < BACKUP_PATH_MAX)
        return 0;
    return mr_error_set(reterr, MR_EINVAL, dir, "use a shorter path", "the path is too long");
}

/* ---- folders ---- */

bool backup_is_empty(const char *dir)
{
    DIR *folder = opendir(dir);
    struct dirent *entry;
    bool empty = true;

    if (!folder)
        return errno == ENOENT;
    while (empty && (entry = readdir(folder)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    (void)closedir(folder);
    return empty;
}

int backup_make_empty(const char *dir, struct mr_error *reterr)
{
    if (!backup_is_empty(dir))
        return mr_error_set(reterr, MR_EEXISTS, dir, "give a new folder, or remove what is in this one",
                "the folder is not empty");
    return mr_folder_make(dir, reterr);
}

static int sync_folder_of(const char *path)
{
    char folder[BACKUP_PATH_MAX];
    char *slash;

    (void)snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    return mr_folder_sync(slash ? folder : ".");
}

/* ---- writing ---- */

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int finish(int fd, const char *path, bool good, struct mr_error *reterr)
{
    int r = 0;

    if (!good || fsync(fd) < 0)
        r = system_error(reterr, path, "cannot be written");
    if (close(fd) < 0 && r == 0)
        r = system_error(reterr, path, "cannot be closed");
    if (r == 0 && (r = sync_folder_of(path)) < 0)
        mr_error_set(reterr, r, path, "check the disk", "its folder cannot be synced");
    if (r < 0)
        (void)unlink(path);
    return r;
}

static int create(const char *path, struct mr_error *reterr)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    return fd < 0 ? system_error(reterr, path, "cannot be made") : fd;
}

int backup_write(const char *path, struct mr_slice bytes, struct mr_error *reterr)
{
    int fd = create(path, reterr);

    return fd < 0 ? fd : finish(fd, path, write_all(fd, bytes.data, bytes.size) == 0, reterr);
}

/* What a reader gets piece by piece. */
typedef int (*piece_fn)(void *ctx, const uint8_t *data, size_t size);

static void go_on(struct backup_pace *pace, size_t size)
{
    if (!pace)
        return;
    pace->done += size;
    if (pace->done >= MIB)
        mr_tick(pace->tick, pace->what, pace->done / MIB, pace->total / MIB);
}

static int read_pieces(
        const char *path, piece_fn fn, void *ctx, struct backup_pace *pace, struct mr_error *reterr)
{
    uint8_t *chunk = malloc(CHUNK_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = 0;
    int r = chunk ? 0 : MR_ENOMEM;

    if (r == 0 && fd < 0)
        r = system_error(reterr, path, "cannot be opened");
    while (r == 0 && (n = read(fd, chunk, CHUNK_BYTES)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        r = n < 0 ? system_error(reterr, path, "cannot be read") : fn(ctx, chunk, (size_t)n);
        if (r == 0)
            go_on(pace, (size_t)n);
    }
    if (fd >= 0)
        (void)close(fd);
    free(chunk);
    return r;
}

struct copying {
    int fd;
    const char *to;
    struct mr_error *reterr;
};

static int copy_piece(void *ctx, const uint8_t *data, size_t size)
{
    struct copying *copying = ctx;

    return write_all(copying->fd, data, size) < 0
                   ? system_error(copying->reterr, copying->to, "cannot be written")
                   : 0;
}

int backup_copy(const char *from, const char *to, struct backup_pace *pace, struct mr_error *reterr)
{
    struct copying copying = {.to = to, .reterr = reterr};
    int r;

    copying.fd = create(to, reterr);
    if (copying.fd < 0)
        return copying.fd;
    r = read_pieces(from, copy_piece, &copying, pace, reterr);
    if (r == 0)
        return finish(copying.fd, to, true, reterr);
    (void)close(copying.fd);
    (void)unlink(to);
    return r;
}

/* ---- reading ---- */

static int keep_piece(void *ctx, const uint8_t *data, size_t size)
{
    struct mr_buf *buf = ctx;

    mr_buf_put(buf, data, size);
    return mr_buf_failed(buf) ? MR_ENOMEM : buf->size > BACKUP_SMALL_FILE_MAX ? MR_ETOOBIG : 0;
}

int backup_read(const char *path, struct mr_buf *ret, struct mr_error *reterr)
{
    int r = read_pieces(path, keep_piece, ret, NULL, reterr);

    return r == MR_ETOOBIG ? mr_error_set(reterr, r, path, "", "the file is too large") : r;
}

struct digesting {
    struct mr_sha256_state state;
    uint64_t bytes;
};

static int digest_piece(void *ctx, const uint8_t *data, size_t size)
{
    struct digesting *digesting = ctx;

    mr_sha256_put(&digesting->state, mr_slice(data, size));
    digesting->bytes += size;
    return 0;
}

/* Not out of the page cache, where it may be better than on the disk. */
static void forget_cached(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    (void)close(fd);
}

int backup_digest(const char *path, uint64_t *ret_bytes, uint8_t ret[static 32], struct backup_pace *pace,
        struct mr_error *reterr)
{
    struct digesting digesting = {.bytes = 0};
    int r;

    forget_cached(path);
    mr_sha256_init(&digesting.state);
    r = read_pieces(path, digest_piece, &digesting, pace, reterr);
    mr_sha256_final(&digesting.state, ret);
    *ret_bytes = digesting.bytes;
    return r;
}

int backup_add(struct mr_backup *backup, const char *dir, const char *name, struct backup_pace *pace,
        struct mr_error *reterr)
{
    struct mr_backup_file *files = realloc(backup->files, (backup->files_count + 1) * sizeof *files);
    char path[BACKUP_PATH_MAX];
    struct mr_backup_file *file;
    int r;

    if (!files)
        return MR_ENOMEM;
    backup->files = files;
    file = &files[backup->files_count];
    if (snprintf(file->path, sizeof file->path, "%s", name) >= MR_BACKUP_PATH_MAX)
        return MR_EINVAL;
    r = backup_path(dir, name, path, reterr);
    if (r == 0)
        r = backup_digest(path, &file->bytes, file->sha256, pace, reterr);
    if (r == 0)
        backup->files_count++;
    return r;
}

void mr_backup_fini(struct mr_backup *backup)
{
    free(backup->files);
    *backup = (struct mr_backup){0};
}
