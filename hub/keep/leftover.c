#include "hub/keep/leftover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FOLDERS = 16 };

static bool path_of(const struct mr_config *config, const char *name, char out[static PATH_MAX])
{
    return snprintf(out, PATH_MAX, "%s/%s", config->hub.store, name) < PATH_MAX;
}

/* ---- a tree ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int mr_leftover_remove(const char *path, struct mr_error *reterr)
{
    if (nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return 0;
    return mr_error_set(reterr, mr_err_from_errno(errno), path, "check its owner, or remove it by hand",
            "it cannot be removed: %s", strerror(errno));
}

/* ---- restore ---- */

static bool is_empty(DIR *folder)
{
    struct dirent *entry;

    while ((entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return false;
    return true;
}

bool mr_leftover_restore(const struct mr_config *config)
{
    char beside[PATH_MAX], log[PATH_MAX];
    struct stat st;
    bool finished;
    DIR *folder;

    if (!path_of(config, MR_LEFTOVER_RESTORING, beside) || !path_of(config, "log", log))
        return false;
    folder = opendir(beside);
    if (!folder)
        return errno != ENOENT && stat(beside, &st) == 0;
    finished = is_empty(folder) && stat(log, &st) == 0;
    (void)closedir(folder);
    return !finished;
}

int mr_leftover_check(const struct mr_config *config, struct mr_error *reterr)
{
    if (!mr_leftover_restore(config))
        return 0;
    return mr_error_set(reterr, MR_ECORRUPT, config->hub.store, "run marshrut restore again: it begins anew",
            "a restore into this store was begun and did not end (restoring/ is there)");
}

/* ---- rebuild ---- */

static void clear_one(const struct mr_config *config, const char *name)
{
    char path[PATH_MAX];
    int fd = path_of(config, name, path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;

    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) /* else somebody works in it */
        (void)mr_leftover_remove(path, NULL);
    (void)close(fd);
}

void mr_leftover_clear(const struct mr_config *config)
{
    DIR *folder = opendir(config->hub.store);
    struct dirent *entry;

    if (!folder)
        return;
    while ((entry = readdir(folder)) != NULL)
        if (strncmp(entry->d_name, MR_LEFTOVER_REBUILD, strlen(MR_LEFTOVER_REBUILD)) == 0)
            clear_one(config, entry->d_name);
    (void)closedir(folder);
}

int mr_leftover_hold(const char *path, int *ret, struct mr_error *reterr)
{
    struct stat st;

    *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret >= 0 && flock(*ret, LOCK_EX | LOCK_NB) == 0 && stat(path, &st) == 0)
        return 0;
    if (*ret >= 0)
        (void)close(*ret);
    *ret = -1;
    return mr_error_set(reterr, MR_EAGAIN, path, "try again", "another process has just taken it away");
}
