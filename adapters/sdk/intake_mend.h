/*
 * Which event a row of a file is sent instead of: the last one of the same kind about the same person (by the
 * sender's own id of them, else by name) that the hub has put aside, or has not answered yet. Said with the
 * attribute `mends`, a hint: when that one does not wait the hub takes no notice. Rows of the outbox: "mr.k"
 * + keyed digest -> id of the event, only until it is stored; "mr.m" + id -> id that it mends, so that a file
 * that is read again says the same.
 */
#ifndef MR_SDK_INTAKE_MEND_H
#define MR_SDK_INTAKE_MEND_H

#include "adapters/sdk/adapter.h"

enum { MR_MEND_KEY_BYTES = 16, MR_MEND_ID_BYTES = 16 };

/* n: which one of its type in the row. false: the payload is about nobody who can be told. */
bool mr_mend_key(struct mr_adapter *adapter, const struct mr_attributes *attributes,
        const ProtobufCMessage *payload, uint32_t n, uint8_t ret[static MR_MEND_KEY_BYTES]);
/* 1: ret is the id that the event mends; 0: none. */
int mr_mend_look(struct mr_outbox_txn *txn, const uint8_t key[static MR_MEND_KEY_BYTES],
        const uint8_t id[static MR_MEND_ID_BYTES], uint8_t ret[static MR_MEND_ID_BYTES]);
/* The hub's word on the event. */
int mr_mend_outcome(struct mr_outbox_txn *txn, const uint8_t key[static MR_MEND_KEY_BYTES],
        const uint8_t id[static MR_MEND_ID_BYTES], const struct mr_outcome *outcome);
/* Somebody is erased: nothing is kept that could lead to them. What waits is then not mended by itself. */
int mr_mend_forget(struct mr_outbox_txn *txn);

#endif
