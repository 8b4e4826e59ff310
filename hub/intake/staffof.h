/*
 * Whose staff the persons of an event are: text "system=ogrn,ogrn;system=ogrn", sealed in the event's first
 * slot (field 5). Built by the resolver, read at delivery, so that "its own staff" is decided once, in log
 * order.
 */
#ifndef MR_HUB_INTAKE_STAFFOF_H
#define MR_HUB_INTAKE_STAFFOF_H

#include <stddef.h>

#include "proto/base/buf.h"
#include "store/keyring.h"

enum { MR_STAFFOF_SYSTEMS_MAX = 64 };

/* Appends the active ones of count employments, sorted in place, each (system, org) once. Text without NUL.
 */
void mr_staffof_put(struct mr_buf *out, struct mr_employment *employments, size_t count);

/* The organisations of one system, "ogrn,ogrn"; empty when there are none. Borrows from text. */
struct mr_slice mr_staffof_of(const char *text, const char *system);

#endif
