/*
 * The adapters' mappers in one table, so that `marshrut map check FILE` shows what a file would send without
 * running an adapter. Link mr_mappers.
 */
#ifndef MR_SDK_MAP_H
#define MR_SDK_MAP_H

#include "adapters/sdk/intake_file.h"

struct mr_mapper {
    const char *kind; /* "school" */
    const char *what; /* one line, Russian */
    /* How sure is it that this file is its own: 0 (no) to 100, by name and content. */
    int (*guess)(const char *name, struct mr_slice content);
    /* What map takes as ctx; borrows the configuration. */
    int (*open)(void **ret_ctx, const struct mr_config *config, struct mr_error *reterr);
    void (*close)(void *ctx); /* NULL is fine */
    mr_map_fn map;
};

/* Each is defined by its adapter; the table of them is adapters/mappers/mappers.c. */
extern const struct mr_mapper mr_school_mapper;
extern const struct mr_mapper mr_copmkp_mapper;
extern const struct mr_mapper mr_cnppm_mapper;

/* NULL at and after the end. */
const struct mr_mapper *mr_mapper_at(size_t index);
const struct mr_mapper *mr_mapper_by_kind(const char *kind);
/* The surest one; NULL when none knows the file. */
const struct mr_mapper *mr_mapper_guess(const char *name, struct mr_slice content);

#endif
