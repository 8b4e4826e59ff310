/* The keys of the file as libcyaml wants them: names, types and which ones must be there. */
#ifndef MR_CONFIG_SCHEMA_H
#define MR_CONFIG_SCHEMA_H

#include <cyaml/cyaml.h>

extern const cyaml_schema_value_t mr_config_schema; /* of struct mr_config, by pointer */

#endif
