#include "adapters/sdk/map.h"

#include <stdlib.h>

#include "adapters/sdk/map_diagnostics.h"

static int guess(const char *name, struct mr_slice content)
{
    return mr_diagnostics_matches(content, name) ? 90 : 0;
}

static int open_map(void **ret_ctx, const struct mr_config *config, struct mr_error *reterr)
{
    const struct mr_config_copmkp *own = config->adapters.copmkp;
    struct mr_diagnostics_map *map;

    if (!own)
        return mr_error_set(
                reterr, MR_ECONFIG, "adapters.copmkp", "add the section", "this adapter is not configured");
    map = malloc(sizeof *map);
    if (!map)
        return MR_ENOMEM;
    *map = (struct mr_diagnostics_map){.config = config, .speaker = mr_speaker_of(config, &own->link)};
    *ret_ctx = map;
    return 0;
}

const struct mr_mapper mr_copmkp_mapper = {
        .kind = "copmkp",
        .what = "результаты диагностик ЦОПМКП",
        .guess = guess,
        .open = open_map,
        .close = free,
        .map = mr_diagnostics_map,
};
