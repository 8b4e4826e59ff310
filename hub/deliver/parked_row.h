/*
 * MR_LOG_PARKED: u16 subscription, u64 number (mr_delivery_key) -> an event that a receiver did not take, or
 * that waits behind one of its key. Written by delivery and by the desk; read by them, by balance, `where`
 * and retention. The row goes when the event is delivered, discarded or suppressed.
 */
#ifndef MR_HUB_DELIVER_PARKED_ROW_H
#define MR_HUB_DELIVER_PARKED_ROW_H

#include "hub/deliver/deliver_rows.h"
#include "hub/deliver/order.h"

enum mr_parked_state {
    MR_PARKED_FAILED = 1, /* waits for somebody to decide */
    MR_PARKED_BEHIND,     /* was not tried: an earlier one of its key is parked */
    MR_PARKED_RELEASED    /* is to be sent again */
};

struct mr_parked_row {
    enum mr_parked_state state;
    int64_t at_us;         /* of the last change */
    uint32_t attempt;      /* made so far */
    uint32_t attempts_max; /* released: at this one it is parked again */
    int64_t not_before_us; /* released: the receiver wants it no sooner */
    struct mr_order order;
    char reason[MR_DELIVER_REASON_MAX]; /* of the last attempt; "" for what waits behind */
};

const char *mr_parked_state_name(enum mr_parked_state state);

/* Appends: 0 or MR_ENOMEM. */
int mr_parked_row_encode(struct mr_buf *out, const struct mr_parked_row *row);
/* Reads the rows of stores from before there was a state, too: those failed, and their key is not known. 0 or
 * MR_ECORRUPT. */
int mr_parked_row_decode(struct mr_parked_row *ret, struct mr_slice value);

/* What is remembered of an attempt goes on in the row of what it led to. */
void mr_parked_row_failed(struct mr_parked_row *row, const struct mr_nack_row *nack);

#endif
