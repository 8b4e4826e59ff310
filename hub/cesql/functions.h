/* The built-in functions (section 3.5), and those that cast (the specification's own test suite has them). */
#ifndef MR_CESQL_FUNCTIONS_H
#define MR_CESQL_FUNCTIONS_H

#include <locale.h>

#include "hub/cesql/cesql.h"

enum { CESQL_PARAMETERS_MAX = 3, CESQL_VARIADIC = UINT8_MAX };

/* One call: arguments are of the types that the function takes. */
struct cesql_call {
    const struct mr_cesql_value *arguments;
    size_t count;
    locale_t casing;
    struct mr_arena *arena;
    const char *what; /* for the function to set with a fault */
};

struct cesql_function {
    const char *name; /* upper case */
    uint8_t arguments_min;
    uint8_t arguments_max; /* CESQL_VARIADIC: no limit but that of nodes */
    bool any;              /* takes every type as it is */
    bool casing;           /* needs the locale */
    enum mr_cesql_type returns;
    enum mr_cesql_type parameters[CESQL_PARAMETERS_MAX]; /* the last one is that of all that follow */
    /* Sets *ret in any case (section 3.5.3). */
    enum mr_cesql_fault (*call)(struct cesql_call *call, struct mr_cesql_value *ret);
};

/* The function of this name, in any case, with so many arguments; NULL: none. */
const struct cesql_function *cesql_function_find(struct mr_slice name, size_t arguments);
/* Whether there is one of this name with another number of arguments. */
bool cesql_function_named(struct mr_slice name);
enum mr_cesql_type cesql_function_parameter(const struct cesql_function *function, size_t index);

#endif
