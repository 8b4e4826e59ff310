/*
 * How much a system may publish a second, on average: what it sends is allowed while it is not ahead of its
 * rate, with one second's worth at once after a pause. What goes beyond waits; nothing is thrown away. Pure.
 */
#ifndef MR_HUB_SESSION_QUOTA_H
#define MR_HUB_SESSION_QUOTA_H

#include <stdint.h>

/* Zeroed at first: nothing has been sent. */
struct mr_quota {
    int64_t events_paid_us; /* up to this moment the rate is used up */
    int64_t bytes_paid_us;
};

/*
 * 0: it may pass, and is counted. Else ms until it may, and it is not counted. A rate of 0 is none. now_us:
 * monotonic. A batch larger than a second's worth may pass too: the next one waits for it.
 */
uint32_t mr_quota_ask(struct mr_quota *quota, int64_t now_us, uint64_t events, uint32_t events_per_s,
        uint64_t bytes, uint32_t bytes_per_s);

#endif
