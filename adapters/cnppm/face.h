/* The HTTP face of ЦНППМ: docs/adapters.md. Loop thread. */
#ifndef MR_CNPPM_FACE_H
#define MR_CNPPM_FACE_H

#include "adapters/cnppm/xapi.h"
#include "adapters/sdk/adapter.h"
#include "proto/loop/http_server.h"

struct mr_cnppm_face {
    struct mr_adapter *adapter;
    struct mr_xapi xapi;
};

/* on_request of the server; ctx is the face. */
void mr_cnppm_face_request(void *ctx, const struct mr_http_request *request);

/* The answer to a batch of statements: 200 with their ids, or 400 or 409 with a result for each. */
void mr_cnppm_face_answer_statements(const struct mr_post *post, struct mr_http_exchange *exchange);

/* Forgets the digests of statements older than MR_XAPI_KEPT_DAYS: at start and once a day. */
int mr_cnppm_face_forget(struct mr_cnppm_face *face);

#endif
