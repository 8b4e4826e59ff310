#include "hub/keep/backup_last.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 4096, TEXT_BYTES_MAX = 128 };

static int write_beside(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t size = strlen(text);
    int r;

    if (fd < 0)
        return -1;
    r = write(fd, text, size) == (ssize_t)size && fsync(fd) == 0 ? 0 : -1;
    return close(fd) == 0 ? r : -1;
}

int mr_backup_last_write(const char *store, uint32_t generation, const char *made, struct mr_error *reterr)
{
    char path[PATH_BYTES_MAX], beside[PATH_BYTES_MAX], text[TEXT_BYTES_MAX];

    (void)snprintf(text, sizeof text, "generation=%" PRIu32 "\nmade=%s\n", generation, made);
    if (snprintf(path, sizeof path, "%s/backup.last", store) >= (int)sizeof path ||
            snprintf(beside, sizeof beside, "%s/.backup.last.new", store) >= (int)sizeof beside)
        return mr_error_set(reterr, MR_ECONFIG, "hub.store", "use a shorter path", "the path is too long");
    if (write_beside(beside, text) < 0 || rename(beside, path) < 0)
        return mr_error_set(reterr, mr_err_from_errno(errno), path,
                "run backup as the hub's user; status says backup_needed until it is noted",
                "the backup is whole, but cannot be noted: %s", strerror(errno));
    return 0;
}

uint32_t mr_backup_last_generation(const char *store)
{
    char path[PATH_BYTES_MAX], text[TEXT_BYTES_MAX] = "";
    uint32_t generation = 0;
    ssize_t n;
    int fd;

    if (snprintf(path, sizeof path, "%s/backup.last", store) >= (int)sizeof path)
        return 0;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    n = read(fd, text, sizeof text - 1);
    (void)close(fd);
    return n > 0 && sscanf(text, "generation=%" SCNu32, &generation) == 1 ? generation : 0;
}

bool mr_backup_is_needed(const char *store, uint32_t generation)
{
    uint32_t last = mr_backup_last_generation(store);

    return last == 0 || generation > last;
}
