/*
 * The file as a tree of YAML nodes with their places: checks what libcyaml does not (aliases, depth, NUL, a
 * second document) or says without the exact place (unknown, repeated and missing keys), and finds the line
 * of a path.
 */
#ifndef MR_CONFIG_YAML_H
#define MR_CONFIG_YAML_H

#include <cyaml/cyaml.h>
#include <yaml.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"

enum { MR_CONFIG_DEPTH_MAX = 32 };

struct mr_config_yaml {
    const char *name; /* of the file, for messages; borrowed */
    yaml_document_t document;
};

int mr_config_yaml_init(
        struct mr_config_yaml *yaml, struct mr_slice text, const char *name, struct mr_error *reterr);
void mr_config_yaml_fini(struct mr_config_yaml *yaml);

/* Every key of every mapping is of the schema, there once, and no required one is missing. 0 or MR_ECONFIG.
 */
int mr_config_yaml_keys(
        struct mr_config_yaml *yaml, const cyaml_schema_value_t *schema, struct mr_error *reterr);

/* "file:line:column" of the node at a path like "systems[1].publish[0]", or of the nearest one above it. */
void mr_config_yaml_where(struct mr_config_yaml *yaml, const char *path, char *out, size_t out_size);

#endif
