/*
 * Names of what people get back: "<name>.<20261122T101500.123Z><suffix>". A mended file that is dropped again
 * under such a name gives names made from the first one, however many rounds it takes.
 */
#ifndef MR_SDK_INTAKE_NAME_H
#define MR_SDK_INTAKE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MR_OUTPUT_NAME_MAX = 200 };

/* Below MR_OUTPUT_NAME_MAX bytes: the name is cut between letters; suffix is at most 32 bytes. */
void mr_intake_output_name(
        char out[static MR_OUTPUT_NAME_MAX], const char *name, int64_t time_us, const char *suffix);
/* Bytes of name before our own ".<time>.rejected.csv" and ".<time>.refused.*", however often they stand
 * there. */
size_t mr_intake_stem(const char *name);
/* Does it have such an ending, so that it mends what was given back? */
bool mr_intake_mends(const char *name);
/* ".refused.csv" with the ending of name. */
void mr_intake_refused_suffix(char out[static 32], const char *name);

#endif
