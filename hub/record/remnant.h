/*
 * What is left of a leaf when its term has passed: version, hub id, recorded time, registry version, sender
 * and type, canonically encoded. The hash of the leaf that stood there is in the tree alone. Any thread.
 */
#ifndef MR_HUB_RECORD_REMNANT_H
#define MR_HUB_RECORD_REMNANT_H

#include "proto/base/buf.h"
#include "store/record.h"

/* Into ret, which is reset first. MR_ECORRUPT: the leaf is none of ours. */
int mr_remnant(struct mr_buf *ret, const struct mr_record *record);

#endif
