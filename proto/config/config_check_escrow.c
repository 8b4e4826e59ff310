#include <string.h>

#include "proto/base/list.h"
#include "proto/config/config_check.h"

/* Is path the folder, or below it? Texts: both are absolute. */
static bool is_within(const char *path, const char *folder)
{
    size_t size = strlen(folder);

    return strncmp(path, folder, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

static int fail(struct mr_config_yaml *yaml, const char *key, const char *path, struct mr_error *reterr)
{
    char where[192];

    mr_config_yaml_where(yaml, key, where, sizeof where);
    return mr_error_set(reterr, MR_ECONFIG, where,
            "another device, apart from store, from root_key and from the other escrow place",
            "%s: not a place apart: \"%.80s\"", key, path);
}

int mr_config_check_escrow(
        const struct mr_config *config, struct mr_config_yaml *yaml, struct mr_error *reterr)
{
    const struct mr_config_hub *hub = &config->hub;
    const struct mr_config_escrow *escrow = hub->escrow;
    const struct {
        const char *key;
        const char *path;
        const char *other;
    } places[] = {
            {"hub.escrow.root", escrow ? escrow->root : NULL, escrow ? escrow->keys : NULL},
            {"hub.escrow.keys", escrow ? escrow->keys : NULL, escrow ? escrow->root : NULL},
    };

    for (size_t i = 0; i < MR_COUNT(places); i++) {
        const char *path = places[i].path;

        if (path && (!*path || is_within(path, hub->store) || is_within(path, hub->root_key) ||
                            (places[i].other && is_within(path, places[i].other))))
            return fail(yaml, places[i].key, path, reterr);
    }
    return 0;
}
