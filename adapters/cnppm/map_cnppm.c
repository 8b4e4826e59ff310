#include "adapters/cnppm/map_cnppm.h"

#include <stdlib.h>

#include "adapters/sdk/map.h"

struct mr_cnppm_map mr_cnppm_map_of(const struct mr_config *config)
{
    struct mr_speaker speaker = mr_speaker_of(config, &config->adapters.cnppm->link);

    return (struct mr_cnppm_map){.routes = {config, speaker}, .diagnostics = {config, speaker}};
}

int mr_cnppm_map(void *ctx, const char *folder, const char *name, struct mr_slice content,
        struct mr_row_sink *sink, struct mr_error *reterr)
{
    struct mr_cnppm_map *map = ctx;

    if (mr_routes_matches(content, name))
        return mr_routes_map(&map->routes, folder, name, content, sink, reterr);
    return mr_diagnostics_map(&map->diagnostics, folder, name, content, sink, reterr);
}

/* A table of results is first of all the assessment centre's. */
static int guess(const char *name, struct mr_slice content)
{
    return mr_routes_matches(content, name) ? 90 : mr_diagnostics_matches(content, name) ? 50 : 0;
}

static int open_map(void **ret_ctx, const struct mr_config *config, struct mr_error *reterr)
{
    struct mr_cnppm_map *map;

    if (!config->adapters.cnppm)
        return mr_error_set(
                reterr, MR_ECONFIG, "adapters.cnppm", "add the section", "this adapter is not configured");
    map = malloc(sizeof *map);
    if (!map)
        return MR_ENOMEM;
    *map = mr_cnppm_map_of(config);
    *ret_ctx = map;
    return 0;
}

const struct mr_mapper mr_cnppm_mapper = {
        .kind = "cnppm",
        .what = "маршруты (ИОМ) и диагностики ЦНППМ",
        .guess = guess,
        .open = open_map,
        .close = free,
        .map = mr_cnppm_map,
};
