/*
 * An event about persons for a receiver that may have all of it: as it was received, with the hub's id in
 * each Person block and as the subject. The bytes are copied around what changes; nothing is decoded.
 */
#ifndef MR_HUB_DELIVER_WHOLE_H
#define MR_HUB_DELIVER_WHOLE_H

#include "hub/record/seal.h"

/*
 * Appends the CloudEvent; staffof: the attribute of that name, left out when empty. What mr_event_reencode()
 * would make of it, but that what stands in another order stays in it. 0, MR_ENOMEM; MR_ETOOBIG: too many
 * attributes; MR_ECORRUPT: the blocks are not where they were. After a failure out is as before.
 */
int mr_whole_put(struct mr_buf *out, const struct mr_unsealed *unsealed, struct mr_slice staffof);

#endif
