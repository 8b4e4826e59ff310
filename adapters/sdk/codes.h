/* What a code list allows, for people. */
#ifndef MR_SDK_CODES_H
#define MR_SDK_CODES_H

#include "proto/config/config.h"

/* "допустимо: нет, первая, высшая", cut between titles; a text of its own for a list that is not there.
 * Returns out. */
char *mr_codes_cure(const struct mr_config *config, const char *list, char *out, size_t out_size);

#endif
