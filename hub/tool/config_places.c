/* Folders and files that the configuration names and that somebody else has to bring. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "hub/tool/config_action.h"
#include "proto/base/list.h"

struct place {
    const char *key;  /* of the configuration */
    const char *path; /* NULL: not configured */
    const char *cure;
};

/* Only what is not there is told: whoever checks may be another user, who cannot look into it. */
static void look(const struct tool *tool, const struct place *place,
        void (*warn)(void *ctx, const struct mr_error *warning), void *ctx)
{
    struct mr_error error = {0};
    char where[192];
    struct stat st;

    if (!place->path || stat(place->path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR))
        return;
    mr_config_where(tool->config, tool->config_path, place->key, where, sizeof where);
    (void)mr_error_set(
            &error, MR_ENOTFOUND, where, place->cure, "%s: %.160s is not here", place->key, place->path);
    warn(ctx, &error);
}

void tool_config_places(
        const struct tool *tool, void (*warn)(void *ctx, const struct mr_error *warning), void *ctx)
{
    static const char mount[] = "mount the device, or make the folder: an erasure waits for it";
    static const char token[] = "on another machine? Then this is right; else write the token into the file";
    const struct mr_config *config = tool->config;
    const struct mr_config_escrow *escrow = config->hub.escrow;
    const struct mr_config_adapters *a = &config->adapters;
    const struct place places[] = {
            {"hub.escrow.root", escrow ? escrow->root : NULL, mount},
            {"hub.escrow.keys", escrow ? escrow->keys : NULL, mount},
            {"adapters.cnppm.token_file", a->cnppm ? a->cnppm->token_file : NULL, token},
            {"adapters.portal.token_file", a->portal ? a->portal->token_file : NULL, token},
    };

    for (size_t i = 0; i < MR_COUNT(places); i++)
        look(tool, &places[i], warn, ctx);
}
