#include "hub/tool/apart.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/list.h"

/* The real path of what is there of it, and behind that what is not. */
static int resolve(const char *dir, char ret[static PATH_MAX], struct mr_error *reterr)
{
    char there[PATH_MAX], real[PATH_MAX];
    size_t size = (size_t)snprintf(there, sizeof there, "%s%s", dir[0] == '/' ? "" : "./", dir);

    while (size < sizeof there && !realpath(there, real)) {
        char *slash = strrchr(there, '/');

        if ((errno != ENOENT && errno != ENOTDIR) || !slash || slash == there)
            return mr_error_set(reterr, mr_err_from_errno(errno), dir, "check the path and its owner",
                    "cannot be looked at: %s", strerror(errno));
        *slash = '\0';
        size = strlen(there);
    }
    if (size < sizeof there &&
            snprintf(ret, PATH_MAX, "%s%s", real, dir + size - (dir[0] == '/' ? 0 : 2)) < PATH_MAX)
        return 0;
    return mr_error_set(reterr, MR_EINVAL, dir, "use a shorter path", "the path is too long");
}

static bool is_within(const char *path, const char *folder)
{
    size_t size = strlen(folder);

    return strncmp(path, folder, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

int tool_apart(const struct mr_config *config, const char *dir, struct mr_error *reterr)
{
    const struct {
        const char *key, *folder;
    } own[] = {{"hub.store", config->hub.store}, {"hub.root_key", config->hub.root_key}};
    char path[PATH_MAX], folder[PATH_MAX];
    int r = resolve(dir, path, reterr);

    for (size_t i = 0; r == 0 && i < MR_COUNT(own); i++) {
        r = resolve(own[i].folder, folder, reterr);
        if (r == 0 && is_within(path, folder))
            r = mr_error_set(reterr, MR_EEXISTS, dir, "give a folder outside of hub.store and hub.root_key",
                    "this folder is within %s, where the hub alone writes", own[i].key);
    }
    return r;
}
