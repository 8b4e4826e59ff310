/*
 * xAPI 1.0.3 statements of a learning environment to course events. Sources: xAPI specification 1.0.3, parts
 * 2 and 3; docs/adapters.md for what we make of a statement. A statement is known by its id: the same again
 * is fine, the same id with other content is a conflict; what was seen is kept as keyed digests for
 * MR_XAPI_KEPT_DAYS.
 */
#ifndef MR_CNPPM_XAPI_H
#define MR_CNPPM_XAPI_H

#include "adapters/sdk/post.h"
#include "adapters/sdk/speaker.h"
#include "proto/base/clock.h"

enum { MR_XAPI_KEPT_DAYS = 90 };
#define MR_XAPI_KEY_PREFIX "xapi:" /* + 16 bytes of id -> 16 bytes of digest, 4 bytes of day (big-endian) */

struct mr_xapi {
    struct mr_speaker speaker;
    const struct mr_clock *clock;
};

/* One item of `post`, begun and ended here; its first reported id is the statement's. statement is not
 * changed. */
void mr_xapi_statement(const struct mr_xapi *xapi, json_t *statement, struct mr_post *post);

#endif
