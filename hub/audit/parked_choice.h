/*
 * Which of the parked deliveries a question or an act is about: by number, subscription, type, reason, state
 * and age. Reads a snapshot of its own; any thread.
 */
#ifndef MR_HUB_AUDIT_PARKED_CHOICE_H
#define MR_HUB_AUDIT_PARKED_CHOICE_H

#include "hub/audit/method.h"
#include "hub/deliver/parked_row.h"

enum { MR_PARKED_PLACE_BYTES = 32 };

/* Where a row lies, in the order in which they are told. */
struct mr_parked_place {
    uint16_t subscription; /* 0: before the first one */
    uint64_t number;
};
/* "s7n1042", as `after` of the next question has it; "" of the place before the first one. */
const char *mr_parked_place_text(const struct mr_parked_place *place, char ret[static MR_PARKED_PLACE_BYTES]);

struct mr_parked_choice {
    const struct mr_method_call *call;
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_buf type;    /* of the event that fn is told of; empty: damaged */
    uint16_t subscription; /* 0: all */
    const char *wanted_type, *reason, *state;
    int64_t before_us;            /* 0: whenever */
    struct mr_parked_place after; /* only those behind it */
    uint64_t *numbers;            /* ascending; none: all */
    size_t numbers_count;
    int (*fn)(void *ctx, uint16_t subscription, uint64_t number, const struct mr_parked_row *row);
    void *ctx;
};

/*
 * Reads `subscription`, `type` (one that ends in '.' is a beginning), `reason`, `before`, `numbers`, `after`.
 * 0 or MR_EINVAL and the like. Close it in any case.
 */
int mr_parked_choice_open(
        struct mr_parked_choice *choice, const struct mr_method_call *call, struct mr_error *reterr);
void mr_parked_choice_close(struct mr_parked_choice *choice);
/* Does it name anything but "all there is"? */
bool mr_parked_choice_narrow(const struct mr_parked_choice *choice);

/* In the order of subscription and number, from behind `after` on, until fn returns non-zero; returns that,
 * or 0, or a failure. */
int mr_parked_choose(struct mr_parked_choice *choice);

/* The cursor of a subscription; 0 when it has none. */
uint64_t mr_parked_choice_cursor(struct mr_parked_choice *choice, uint16_t subscription);

#endif
