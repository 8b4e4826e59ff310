/*
 * CloudEvents 1.0 over HTTP: structured, batch and binary mode of one request to JSON objects, and the checks
 * that are the portal adapter's own. Source: CloudEvents HTTP protocol binding 1.0.2.
 */
#ifndef MR_PORTAL_CE_H
#define MR_PORTAL_CE_H

#include "adapters/sdk/post.h"
#include "proto/config/config.h"

/* Looks up a request header; NULL when absent. */
typedef const char *(*mr_ce_header_fn)(void *ctx, const char *name);

/*
 * The request's events: an object, or an array of them. New reference; NULL and reterr: MR_EUNSUPPORTED
 * (content type: 415), MR_EMALFORMED, MR_EINVAL.
 */
json_t *mr_ce_read(mr_ce_header_fn header, void *ctx, struct mr_slice body, struct mr_error *reterr);

/* One event of a request or of the feed as an item of `post`, begun and ended here. */
void mr_ce_item(const struct mr_config_system *system, json_t *event, struct mr_post *post);

#endif
