/*
 * The desk's side of the balance: what waited for correction and what was parked, accounted for by what the
 * log says of it. Of each quarantined record there is a row with its ending; what it names (the newer record,
 * the hub's event) must be in the log, and each such event must have its row. Each delivery that the log says
 * was parked is still there, or has come to an end. One snapshot, one thread.
 */
#ifndef MR_HUB_AUDIT_BALANCE_DESK_H
#define MR_HUB_AUDIT_BALANCE_DESK_H

#include "hub/deliver/deliver_rows.h"
#include "hub/project/keymap.h"
#include "hub/record/opened.h"

/* Of one system: the records that waited for correction. */
struct mr_desk_in {
    uint64_t waiting, released, corrected, replaced, discarded;
    uint64_t rows;               /* of records of this system */
    uint64_t said, said_found;   /* endings that name an event of the hub; those whose event says the same */
    uint64_t newer, newer_found; /* endings that name a newer record; those records, of this system */
};

/* Of one subscription: what the log says was parked, each number once. */
struct mr_desk_out {
    uint64_t parked, still, settled[MR_DELIVERY_OUTCOMES], lost;
    uint64_t given_up; /* hub.delivery.discarded.v1 names so many */
};

struct mr_balance_desk {
    const struct mr_house *house;
    struct mr_log_reader *reader;
    struct mr_desk_in *in;   /* by id of the system */
    struct mr_desk_out *out; /* by id of the subscription */
    struct mr_keymap newer;  /* number and system of the newer records that endings name */
    struct mr_keymap parked; /* keys of deliveries */
    struct mr_buf type;      /* of the record that is looked at */
    struct mr_opened opened; /* the same */
    uint64_t unread;         /* events of the desk that have expired: what they said is not known */
    uint64_t contradicting;  /* events that say what no row has */
};

/* The reader is the caller's, with its snapshot. Fini of a zeroed one is fine. 0 or MR_ENOMEM. */
int mr_balance_desk_init(
        struct mr_balance_desk *desk, const struct mr_house *house, struct mr_log_reader *reader);
void mr_balance_desk_fini(struct mr_balance_desk *desk);

/* A row of MR_LOG_QUARANTINE. 0 or MR_ECORRUPT. */
int mr_balance_desk_row(struct mr_balance_desk *desk, struct mr_slice value);
/* Each record, ascending. 0 or a failure. */
int mr_balance_desk_record(struct mr_balance_desk *desk, const struct mr_record *record);
/* After the last one. parked: keys of the rows of what is parked now. 0 or a failure. */
int mr_balance_desk_end(struct mr_balance_desk *desk, const struct mr_keymap *parked);

#endif
