/* What the log keeps of deliveries (decision 20); written here, read by balance and `where` too. */
#ifndef MR_HUB_DELIVER_DELIVER_ROWS_H
#define MR_HUB_DELIVER_DELIVER_ROWS_H

#include "hub/house.h"
#include "proto/base/buf.h"

enum {
    MR_DELIVER_REASON_MAX = 48,
    MR_CURSOR_KEY_BYTES = 2,
    MR_DELIVERY_KEY_BYTES = 10,
    MR_NACK_KEY_BYTES = 14
};

/* MR_LOG_CURSOR: u16 subscription */
struct mr_cursor_row {
    uint64_t cursor; /* every wanted number up to here is delivered, parked or suppressed */
    uint64_t first;  /* the balance of this subscription begins here */
};

/* MR_LOG_DELIVERY: u16 subscription, u64 from. Numbers that the subscription did not want are not counted. */
enum mr_delivery_outcome {
    MR_DELIVERY_TAKEN = 1,
    MR_DELIVERY_SUPPRESSED, /* erased or blocked before it could be delivered */
    MR_DELIVERY_EXPIRED,    /* older than the subscription wants it */
    MR_DELIVERY_DISCARDED,  /* parked, and then given up by an operator */
    MR_DELIVERY_OUTCOMES
};
const char *mr_delivery_outcome_name(enum mr_delivery_outcome outcome); /* "delivered", "suppressed" ... */
struct mr_delivery_row {
    enum mr_delivery_outcome outcome;
    uint64_t through;
    uint32_t count;  /* events of the range that this row settles */
    int64_t sent_us; /* of the first one */
    int64_t acked_us;
    uint32_t attempt; /* highest of the range */
    uint64_t session;
    uint32_t config; /* version under which it was delivered */
};

/* MR_LOG_NACK: u16 subscription, u64 number, u32 attempt. What is parked: hub/deliver/parked_row.h. */
struct mr_nack_row {
    int64_t at_us;
    uint32_t attempt;
    char reason[MR_DELIVER_REASON_MAX]; /* a code; whatever else a receiver sends is masked */
};

struct mr_slice mr_cursor_key(uint16_t sub, uint8_t out[static MR_CURSOR_KEY_BYTES]);
struct mr_slice mr_delivery_key(uint16_t sub, uint64_t number, uint8_t out[static MR_DELIVERY_KEY_BYTES]);
struct mr_slice mr_nack_key(
        uint16_t sub, uint64_t number, uint32_t attempt, uint8_t out[static MR_NACK_KEY_BYTES]);

/* Encoders append: 0 or MR_ENOMEM. Decoders: 0 or MR_ECORRUPT. */
int mr_cursor_row_encode(struct mr_buf *out, const struct mr_cursor_row *row);
int mr_cursor_row_decode(struct mr_cursor_row *ret, struct mr_slice value);
int mr_delivery_row_encode(struct mr_buf *out, const struct mr_delivery_row *row);
int mr_delivery_row_decode(struct mr_delivery_row *ret, struct mr_slice value);
int mr_nack_row_encode(struct mr_buf *out, const struct mr_nack_row *row);
int mr_nack_row_decode(struct mr_nack_row *ret, struct mr_slice value);

/* Keeps small letters, digits, '-', '.' and '_' of a receiver's reason, '?' for the rest; and for digits from
 * the fifth in a row on: no code has so many, the number of a person or of a document has. */
void mr_nack_reason(const char *text, char out[static MR_DELIVER_REASON_MAX]);

/* The cursor of every subscription of the configuration that has none: it begins at number `first`. */
int mr_deliver_rows_missing(struct mr_log_batch *batch, const struct mr_config *config,
        const struct mr_names *names, uint64_t first, bool *ret_any);

/* Gives every subscription that has none a cursor at the head, in one commit. Before the writer starts. */
int mr_deliver_rows_begin(const struct mr_house *house, struct mr_error *reterr);

#endif
