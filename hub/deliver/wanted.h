/* Which numbers a subscription wants next: from the index as far as it is built, then from the heads of the
 * log; a delivery that has caught up is given them (hub/deliver/tail.h). */
#ifndef MR_HUB_DELIVER_WANTED_H
#define MR_HUB_DELIVER_WANTED_H

#include "hub/house.h"

struct mr_tail;

enum { MR_WANTED_AHEAD = 128 };

struct mr_wanted {
    uint16_t sub;
    uint64_t scanned; /* every wanted number up to here was given out or is in `ahead` */
    uint64_t ahead[MR_WANTED_AHEAD];
    size_t at;
    size_t count;
    struct mr_tail *tail; /* that it may join, and reads no further than; NULL: it reads to the head */
    bool joined;
    uint32_t empty_at_look; /* of the tail: the last one that found nothing in `ahead` */
};

void mr_wanted_start(struct mr_wanted *wanted, uint16_t sub, uint64_t after);
void mr_wanted_restart(struct mr_wanted *wanted, uint64_t after); /* of the same tail, which it leaves */

/*
 * The next wanted number, not taken off yet; 0: none up to the head. *budget: most log records to look at;
 * when it comes down to 0 there may be more. view: scratch memory. One that has nothing left joins its tail.
 */
uint64_t mr_wanted_peek(struct mr_wanted *wanted, const struct mr_house *house, struct mr_log_reader *reader,
        struct mr_record_view *view, size_t *budget);
void mr_wanted_take(struct mr_wanted *wanted);
/* Nothing before this number is still to be given out. */
uint64_t mr_wanted_next(const struct mr_wanted *wanted);

/* First number recorded at or after a time; head + 1 when there is none. */
uint64_t mr_wanted_from_time(struct mr_log_reader *reader, struct mr_record_view *view, int64_t time_us);

#endif
