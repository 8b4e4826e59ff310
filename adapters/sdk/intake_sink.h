/*
 * The sink that puts a file's events into the outbox, with a row of state for each row of the file, all in
 * the one transaction that the mapper runs in: a kill leaves the whole file in the outbox, or nothing of it.
 */
#ifndef MR_SDK_INTAKE_SINK_H
#define MR_SDK_INTAKE_SINK_H

#include "adapters/sdk/intake_file.h"
#include "adapters/sdk/intake_mend.h"
#include "adapters/sdk/intake_state.h"
#include "adapters/sdk/seen.h"
#include "proto/wire/registry.h"

enum { MR_INTAKE_ROW_TYPES_MAX = 8 };

/* Mark, file, place; and of an event whose row can mend another one, the key of that and the event's id. */
enum {
    MR_INTAKE_REF_BYTES = 1 + 16 + 4,
    MR_INTAKE_REF_MENDING_BYTES = MR_INTAKE_REF_BYTES + MR_MEND_KEY_BYTES + MR_MEND_ID_BYTES
};

struct mr_intake_sink {
    struct mr_row_sink sink;
    struct mr_adapter *adapter;
    const uint8_t *id;
    struct mr_intake_state state;
    char time[32];
    uint32_t table;
    uint32_t line;   /* of the current row; 0: none yet */
    uint32_t events; /* of the current row */
    struct {
        const struct mr_event_type *type;
        uint32_t count;
    } types[MR_INTAKE_ROW_TYPES_MAX]; /* the same by their types; up to one without */
    uint32_t sent;                    /* those of them that no row before has said */
    bool problem;
    uint32_t implied; /* events that stand for no row */
    struct mr_buf bytes;
    struct mr_seen seen;     /* contents of events of this file */
    struct mr_buf questions; /* lines for the note that asks for confirmation */
    int error;               /* first failure; the transaction must not be committed */
};

/* state: zero but for started_us. */
void mr_intake_sink_init(struct mr_intake_sink *sink, struct mr_adapter *adapter, struct mr_outbox_txn *txn,
        const uint8_t id[static 16], int64_t started_us, bool confirmed);
void mr_intake_sink_fini(struct mr_intake_sink *sink);
/* After the mapper: counts the last row and writes the file's state. */
int mr_intake_sink_end(struct mr_intake_sink *sink);

/* The reference that outcomes come back with. false: no event of a file. */
bool mr_intake_ref_parse(struct mr_slice ref, uint8_t ret_id[static 16], uint32_t *ret_place);

#endif
