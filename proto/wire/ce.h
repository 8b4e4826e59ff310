/*
 * CloudEvents 1.0 over HTTP: structured, batch and binary mode of one request to JSON objects. Source:
 * CloudEvents HTTP protocol binding 1.0.2. Pure functions, any thread.
 */
#ifndef MR_WIRE_CE_H
#define MR_WIRE_CE_H

#include <jansson.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"

/* Looks up a request header; NULL when absent. */
typedef const char *(*mr_ce_header_fn)(void *ctx, const char *name);

/*
 * The request's events: an object, or an array of them. New reference; NULL and reterr: MR_EUNSUPPORTED
 * (content type: 415), MR_EMALFORMED, MR_EINVAL.
 */
json_t *mr_ce_read(mr_ce_header_fn header, void *ctx, struct mr_slice body, struct mr_error *reterr);

#endif
