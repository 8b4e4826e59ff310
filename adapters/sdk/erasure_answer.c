#include "adapters/sdk/erasure_answer.h"

#include <stdio.h>

enum { ID_BYTES_MAX = 64 };

int mr_erasure_answer(struct mr_outbox_txn *txn, const struct mr_config *config,
        const struct mr_config_system *system, const Nms__Event__V1__HubErasureNotice *notice, uint32_t files)
{
    Nms__Event__V1__ErasureAcknowledged m = NMS__EVENT__V1__ERASURE_ACKNOWLEDGED__INIT;
    char id[ID_BYTES_MAX];
    struct mr_attributes attributes = {.id = id,
            .source = system->source,
            .type = "nms.erasure.acknowledged.v1",
            .regioncode = system->regions_count > 0 ? system->regions[0] : config->region};
    struct mr_buf event = MR_BUF_INIT;
    uint64_t sequence;
    int r;

    (void)snprintf(id, sizeof id, "erasure-%llu-acknowledged", (unsigned long long)notice->request);
    m.request = notice->request;
    m.outcome = (char *)"done";
    m.files = files;
    r = mr_event_encode(&event, &attributes, &m.base);
    if (r == 0)
        r = mr_outbox_add(txn, mr_buf_slice(&event), mr_slice(NULL, 0), &sequence);
    mr_buf_fini(&event);
    return r;
}
