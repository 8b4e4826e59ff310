/* The keys of the file as libcyaml wants them: names, types and which ones must be there. */
#ifndef MR_CONFIG_SCHEMA_H
#define MR_CONFIG_SCHEMA_H

#include <cyaml/cyaml.h>

struct mr_config;

extern const cyaml_schema_value_t mr_config_schema; /* of struct mr_config, by pointer */

/* The whole configuration, defaults filled in, as YAML; the caller frees. 0 or MR_ENOMEM. */
int mr_config_print(const struct mr_config *config, char **ret, size_t *ret_size);

#endif
