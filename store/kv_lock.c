/*
 * The lock file of an environment, with blocks under all of it. LMDB makes it by ftruncate and maps it: on a
 * full disk the first touch of a page that has no block is SIGBUS, without a word.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/kv_internal.h"

enum { STAT_BLOCK_BYTES = 512, READER_BYTES = 64, HEAD_BYTES = 192 };

/* As large as LMDB makes it, which takes the number of readers from the size. */
enum { LOCK_BYTES = (MR_KV_READERS_MAX - 1) * READER_BYTES + HEAD_BYTES };

/* fallocate, not posix_fallocate: that writes into a file that others have mapped where there is no such
 * call. */
static int allocate(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return errno;
    if (st.st_size >= LOCK_BYTES && (int64_t)st.st_blocks * STAT_BLOCK_BYTES >= LOCK_BYTES)
        return 0;
    return fallocate(fd, 0, 0, LOCK_BYTES) < 0 ? errno : 0;
}

int mr_kv_lock_allocate(const char *dir, struct mr_error *reterr)
{
    char *path = NULL;
    int fd, saved;

    if (asprintf(&path, "%s/lock.mdb", dir) < 0)
        return MR_ENOMEM;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(path);
    saved = fd < 0 ? errno : allocate(fd);
    if (fd >= 0)
        close(fd);
    if (saved != ENOSPC && saved != EDQUOT)
        return 0; /* what else is wrong with it LMDB says */
    return mr_error_set(
            reterr, MR_ENOSPACE, dir, "make room on the disk", "no room for lock.mdb: %s", strerror(saved));
}
