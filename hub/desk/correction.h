/*
 * What an operator changes in an event that waits for correction: fields by path and value, in its JSON form,
 * and which fields these were. Paths are as in the reasons of the quarantine: "person.snils",
 * "areas[2].area", or the name of an attribute ("time"); "data." before it says that the content is meant.
 * Pure; any thread. No value is in an error.
 */
#ifndef MR_HUB_DESK_CORRECTION_H
#define MR_HUB_DESK_CORRECTION_H

#include <jansson.h>

#include "proto/wire/codec.h"

/*
 * Sets one field; "" takes it out. event: a CloudEvents JSON object of a registered type. MR_EINVAL: no such
 * field, or it is not a single value, or what tells which event it is (id, source, type).
 */
int mr_correction_set(json_t *event, const char *path, const char *value, struct mr_error *reterr);

enum { MR_CORRECTION_FIELDS_MAX = 32 };
/*
 * Appends to ret (an array of texts) the paths in which the two differ; nothing when they are more than the
 * maximum: a whole new content. true: they differ.
 */
bool mr_correction_fields(json_t *before, json_t *after, json_t *ret);

/* Has it fields that this hub does not know? They would be lost on the way through JSON. */
bool mr_correction_loses(const struct mr_event *event);

#endif
