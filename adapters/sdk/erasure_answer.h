/* The answer to a notice of erasure: nms.erasure.acknowledged.v1 through the outbox. */
#ifndef MR_SDK_ERASURE_ANSWER_H
#define MR_SDK_ERASURE_ANSWER_H

#include "adapters/sdk/adapter.h"

#define MR_TYPE_NOTICE "hub.erasure.notice.v1"

/* The same bytes again for the same request but for the files: the hub takes the first one. */
int mr_erasure_answer(struct mr_outbox_txn *txn, const struct mr_config *config,
        const struct mr_config_system *system, const Nms__Event__V1__HubErasureNotice *notice,
        uint32_t files);

#endif
