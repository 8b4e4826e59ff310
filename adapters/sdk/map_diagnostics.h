/*
 * Tables of diagnostic results to events (docs/adapters.md, "ЦОПМКП"): rows of one result become one event
 * with the scores of its areas, and an event for each deficit. Deficits that were sent are remembered as
 * keyed digests, so that a repeat diagnostic closes only what there was. Here and not in an adapter, because
 * ЦНППМ may send the same tables.
 */
#ifndef MR_SDK_MAP_DIAGNOSTICS_H
#define MR_SDK_MAP_DIAGNOSTICS_H

#include "adapters/sdk/intake_file.h"
#include "adapters/sdk/speaker.h"

struct mr_diagnostics_map {
    const struct mr_config *config; /* code lists */
    struct mr_speaker speaker;
};

/* An mr_map_fn; ctx is a struct mr_diagnostics_map. */
int mr_diagnostics_map(void *ctx, const char *folder, const char *name, struct mr_slice content,
        struct mr_row_sink *sink, struct mr_error *reterr);
bool mr_diagnostics_matches(struct mr_slice content, const char *name);

extern const struct mr_field_column mr_diagnostics_columns[]; /* for reports on the hub's word */

#endif
