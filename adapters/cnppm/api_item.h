/*
 * One JSON object of POST /api/routes or /api/diagnostics to events. Beside a few members of the envelope it
 * is the ProtoJSON of the event's message, so that the schema is the only list of fields. docs/adapters.md is
 * the contract.
 */
#ifndef MR_CNPPM_API_ITEM_H
#define MR_CNPPM_API_ITEM_H

#include "adapters/sdk/post.h"
#include "adapters/sdk/speaker.h"

enum mr_api_face { MR_API_ROUTES, MR_API_DIAGNOSTICS };

/* One item of `post`, begun and ended here. item is changed. */
void mr_api_item(enum mr_api_face face, const struct mr_speaker *speaker, json_t *item, struct mr_post *post);

#endif
