/* Tables of individual routes (ИОМ) to events: docs/adapters.md, "ЦНППМ", files. */
#ifndef MR_CNPPM_MAP_ROUTES_H
#define MR_CNPPM_MAP_ROUTES_H

#include "adapters/sdk/intake_file.h"
#include "adapters/sdk/speaker.h"

struct mr_routes_map {
    const struct mr_config *config;
    struct mr_speaker speaker;
};

/* An mr_map_fn; ctx is a struct mr_routes_map. */
int mr_routes_map(void *ctx, const char *folder, const char *name, struct mr_slice content,
        struct mr_row_sink *sink, struct mr_error *reterr);
bool mr_routes_matches(struct mr_slice content, const char *name);

#endif
