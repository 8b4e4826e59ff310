/*
 * Files of schools to events: staff list and organisation list (CSV), OneRoster 1.2 (zip). docs/adapters.md
 * has the columns. The folder is the ОГРН that a file speaks for; rows about another organisation are
 * refused.
 */
#ifndef MR_SCHOOL_MAP_SCHOOL_H
#define MR_SCHOOL_MAP_SCHOOL_H

#include "adapters/sdk/intake_file.h"
#include "adapters/sdk/table.h"
#include "adapters/sdk/zip_read.h"

struct mr_school_map {
    const struct mr_config *config;
    char *source; /* of the school system */
    uint32_t full_list_end_percent_max;
};

int mr_school_map_open(struct mr_school_map **ret, const struct mr_config *config, struct mr_error *reterr);
void mr_school_map_close(struct mr_school_map *map);

/* A mr_map_fn; ctx is a struct mr_school_map. */
int mr_school_map(void *ctx, const char *folder, const char *name, struct mr_slice content,
        struct mr_row_sink *sink, struct mr_error *reterr);
int mr_school_guess(const char *name, struct mr_slice content);

/* Which columns the fields of these events come from, for reports. */
extern const struct mr_field_column mr_school_columns[];

#endif
