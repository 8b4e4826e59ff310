/* Casts between the three types (section 3.7). Pure; any thread. */
#ifndef MR_CESQL_CAST_H
#define MR_CESQL_CAST_H

#include "hub/cesql/cesql.h"

struct mr_cesql_value cesql_zero(enum mr_cesql_type type); /* section 3.1 */
struct mr_cesql_value cesql_boolean(bool boolean);
struct mr_cesql_value cesql_integer(int32_t integer);
struct mr_cesql_value cesql_string(struct mr_slice string);

/* MR_CESQL_OK; MR_CESQL_CAST, and *value is the zero value; MR_CESQL_GENERIC: no room in the arena. */
enum mr_cesql_fault cesql_cast(struct mr_cesql_value *value, enum mr_cesql_type type, struct mr_arena *arena);

#endif
