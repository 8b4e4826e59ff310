/*
 * An environment that was being made when the power failed. LMDB writes its two first meta pages without a
 * sync, so any part of them may be missing, and it takes such a file for no store. But they are made durable
 * before the first commit (mr_kv_open), so a file that is no longer than they are, and has none of a commit,
 * never held anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/kv_internal.h"
#include "store/kv_page.h"

enum { SECTOR = 512, FIRST_BYTES = PAGE_META_COUNT * 4096 };

/* Of a commit: a meta page that is whole and not the first. */
static bool has_commit(const uint8_t *bytes, size_t size)
{
    for (unsigned i = 0; i < PAGE_META_COUNT && size >= (i + 1) * (FIRST_BYTES / PAGE_META_COUNT); i++) {
        const uint8_t *page = bytes + (size_t)i * (FIRST_BYTES / PAGE_META_COUNT);
        struct page_meta meta;
        uint32_t page_bytes;

        if (page_meta_wrong(page, i, &page_bytes))
            continue;
        page_meta_parse(page, &meta);
        if (meta.txn > 0 || page_bytes != FIRST_BYTES / PAGE_META_COUNT)
            return true;
    }
    return false;
}

static bool is_whole(const uint8_t *bytes, size_t size)
{
    uint32_t page_bytes;

    return size == FIRST_BYTES && !page_meta_wrong(bytes, 0, &page_bytes) &&
           !page_meta_wrong(bytes + FIRST_BYTES / PAGE_META_COUNT, 1, &page_bytes);
}

int mr_kv_drop_unfinished(const char *dir, struct mr_error *reterr)
{
    uint8_t bytes[FIRST_BYTES];
    char *path = NULL;
    ssize_t n = 0;
    struct stat st = {0};
    int fd, r = 0;

    if (asprintf(&path, "%s/data.mdb", dir) < 0)
        return MR_ENOMEM;
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        r = errno == ENOENT ? MR_ENOTFOUND : mr_err_from_errno(errno);
    if (r == 0 && st.st_size > 0 && st.st_size <= FIRST_BYTES && st.st_size % SECTOR == 0)
        n = pread(fd, bytes, sizeof bytes, 0);
    if (n == st.st_size && n > 0 && !is_whole(bytes, (size_t)n) && !has_commit(bytes, (size_t)n) &&
            ftruncate(fd, 0) < 0)
        r = mr_err_from_errno(errno);
    if (fd >= 0)
        close(fd);
    free(path);
    if (r == MR_ENOTFOUND)
        return 0;
    return r < 0 ? mr_error_set(reterr, r, dir, "check the owner of the folder", "cannot read data.mdb") : 0;
}
