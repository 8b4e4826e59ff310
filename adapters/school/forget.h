/*
 * What the school adapter remembers of a person from list to list (rows "s." of the outbox, keyed digests
 * only) goes when the person is forgotten: a later list that has the person is a list that has somebody new.
 */
#ifndef MR_SCHOOL_FORGET_H
#define MR_SCHOOL_FORGET_H

#include "adapters/sdk/adapter.h"

int mr_school_forget(struct mr_outbox_txn *txn, const Nms__Event__V1__HubErasureNotice *notice);

#endif
