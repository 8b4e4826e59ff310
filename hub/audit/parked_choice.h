/*
 * Which of the parked deliveries a question or an act is about: by number, subscription, type, reason, state
 * and age. Reads a snapshot of its own; any thread.
 */
#ifndef MR_HUB_AUDIT_PARKED_CHOICE_H
#define MR_HUB_AUDIT_PARKED_CHOICE_H

#include "hub/audit/method.h"
#include "hub/deliver/parked_row.h"

struct mr_parked_choice {
    const struct mr_method_call *call;
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_buf type;    /* of the event that fn is told of; empty: damaged */
    uint16_t subscription; /* 0: all */
    const char *wanted_type, *reason, *state;
    int64_t before_us; /* 0: whenever */
    uint64_t *numbers; /* ascending; none: all */
    size_t numbers_count;
    int (*fn)(void *ctx, uint16_t subscription, uint64_t number, const struct mr_parked_row *row);
    void *ctx;
};

/*
 * Reads `subscription`, `type` (one that ends in '.' is a beginning), `reason`, `before`, `numbers`. 0 or
 * MR_EINVAL and the like. Close it in any case.
 */
int mr_parked_choice_open(
        struct mr_parked_choice *choice, const struct mr_method_call *call, struct mr_error *reterr);
void mr_parked_choice_close(struct mr_parked_choice *choice);
/* Does it name anything but "all there is"? */
bool mr_parked_choice_narrow(const struct mr_parked_choice *choice);

/* In the order of subscription and number, until fn returns non-zero; returns that, or 0, or a failure. */
int mr_parked_choose(struct mr_parked_choice *choice);

/* The cursor of a subscription; 0 when it has none. */
uint64_t mr_parked_choice_cursor(struct mr_parked_choice *choice, uint16_t subscription);

#endif
