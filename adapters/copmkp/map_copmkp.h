/* The mapper of ЦОПМКП for the table of adapters/sdk/map.h. */
#ifndef MR_COPMKP_MAP_COPMKP_H
#define MR_COPMKP_MAP_COPMKP_H

#include "adapters/sdk/map.h"

extern const struct mr_mapper mr_mapper_copmkp;

#endif
