/* The mapper of ЦНППМ: routes, and diagnostics of its own in the form of ЦОПМКП. */
#ifndef MR_CNPPM_MAP_CNPPM_H
#define MR_CNPPM_MAP_CNPPM_H

#include "adapters/cnppm/map_routes.h"
#include "adapters/sdk/map_diagnostics.h"

struct mr_cnppm_map {
    struct mr_routes_map routes;
    struct mr_diagnostics_map diagnostics;
};

struct mr_cnppm_map mr_cnppm_map_of(const struct mr_config *config);
/* An mr_map_fn; ctx is a struct mr_cnppm_map. */
int mr_cnppm_map(void *ctx, const char *folder, const char *name, struct mr_slice content,
        struct mr_row_sink *sink, struct mr_error *reterr);

#endif
