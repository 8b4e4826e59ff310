/*
 * What is durably known of a file: rows in the outbox, under the keyed digest of its folder and content. No
 * name, no value. Keys "mr.f" + id (the file), "mr.l" + id + place (a row with verdicts to come, or bad
 * ones) and "mr.q" + log number (what the hub quarantined, so that a repeat of it is known to wait still);
 * adapters do not use keys that begin with "mr.".
 */
#ifndef MR_SDK_INTAKE_STATE_H
#define MR_SDK_INTAKE_STATE_H

#include "adapters/sdk/adapter.h"

enum { MR_INTAKE_ID_BYTES = 16 };

enum mr_intake_phase {
    MR_INTAKE_READING = 1, /* its events are in the outbox; verdicts are to come */
    MR_INTAKE_CLOSING = 2, /* receipt and report are durable; the file itself is to go */
    MR_INTAKE_DONE = 3,
};

struct mr_intake_state {
    enum mr_intake_phase phase;
    int64_t started_us; /* first reading: the time of its events */
    int64_t read_us;    /* this reading: names and texts of what people get back */
    uint32_t read, accepted, repeated, quarantined, refused; /* rows */
    uint32_t pending;                                        /* rows without their verdict */
    uint32_t implied, implied_bad;                           /* events that stand for no row */
};

/* Worse ones are greater. */
enum mr_intake_verdict { MR_ROW_REPEATED = 1, MR_ROW_ACCEPTED, MR_ROW_QUARANTINED, MR_ROW_REFUSED };

/* place: table of the file in the upper 6 bits, line in the lower 26. */
struct mr_intake_row {
    uint32_t place;
    uint32_t pending;
    enum mr_intake_verdict verdict;
    char code[40], field[64];
    bool again; /* the hub holds the very same back since an earlier file */
};

/* 0 or MR_ENOTFOUND. */
int mr_intake_state_get(struct mr_outbox_txn *txn, const uint8_t id[static 16], struct mr_intake_state *ret);
int mr_intake_state_put(
        struct mr_outbox_txn *txn, const uint8_t id[static 16], const struct mr_intake_state *state);

int mr_intake_row_put(
        struct mr_outbox_txn *txn, const uint8_t id[static 16], const struct mr_intake_row *row);
/* A repeat of what was destroyed on a person's request (verdict code "erased"; field: number of the request,
 * or empty): nothing to mend, and to be told. */
bool mr_intake_row_erased(const struct mr_intake_row *row);
/* The bad rows, and those of erased persons, ascending by place; the caller frees *ret. */
int mr_intake_rows_bad(struct mr_outbox_txn *txn, const uint8_t id[static 16], struct mr_intake_row **ret,
        size_t *ret_count);
int mr_intake_rows_clear(struct mr_outbox_txn *txn, const uint8_t id[static 16]);

/* One verdict on one event. *ret_complete: it was the last one of the file. */
int mr_intake_state_outcome(struct mr_outbox_txn *txn, const uint8_t id[static 16], uint32_t place,
        const struct mr_outcome *outcome, bool *ret_complete);
/* Adds a row without pending events to the counters. */
void mr_intake_state_count(struct mr_intake_state *state, enum mr_intake_verdict verdict);

#endif
