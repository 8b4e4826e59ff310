/* An intake on the writer thread: its records and rows, in one commit. */
#ifndef MR_HUB_INTAKE_PREPARE_WRITE_H
#define MR_HUB_INTAKE_PREPARE_WRITE_H

#include "hub/intake/prepare.h"

/* One record of an intake: where it lies in intake->records, and which item it is of. */
struct mr_intake_span {
    size_t offset;
    size_t size;
    uint64_t number;
    int64_t recorded_us;
    uint8_t leaf_hash[32];
    bool hash_later; /* it is not there yet: hub/intake/prepare_leaves.h */
    size_t item;
    uint8_t item_key[MR_PERSON_ID_BYTES]; /* of a quarantined one */
    uint64_t replaces;                    /* number of the quarantined record that this one mends; 0: none */
    uint64_t place;                       /* in the order of its key, of one that mends; 0: its number */
    uint64_t behind;                      /* number of the record that it waits behind; 0: none */
};

/* The writer job's fill. May be called again: it reads the intake only. */
int mr_intake_fill(struct mr_writer_job *job, struct mr_log_batch *batch);

/* The next running number of MR_LOG_INTAKE. */
int mr_intake_next(struct mr_log *log, uint64_t *ret);

#endif
