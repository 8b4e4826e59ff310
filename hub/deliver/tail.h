/*
 * The end of the log, as delivery looks at it: each new record once for all subscriptions that have caught up
 * (decision 18), which get the numbers that they want. Who is behind, or cannot take more, reads by itself up
 * to where the tail has come, and then joins it. Loop thread.
 */
#ifndef MR_HUB_DELIVER_TAIL_H
#define MR_HUB_DELIVER_TAIL_H

#include "hub/deliver/fresh.h"
#include "hub/deliver/wanted.h"
#include "proto/base/clock.h"

struct mr_tail {
    const struct mr_clock *clock;
    uint64_t through;          /* every record up to here has been looked at, or nobody waited for it */
    struct mr_wanted **joined; /* by id of subscription; NULL: not here */
    size_t joined_count;
    uint32_t looks;
    struct mr_fresh fresh; /* what may be had without the log */
    bool listened;         /* what comes is kept there */
};

/* What comes behind number `through` is looked at. 0 or MR_ENOMEM. */
int mr_tail_init(struct mr_tail *tail, const struct mr_clock *clock, uint64_t through);
void mr_tail_fini(struct mr_tail *tail);

/*
 * Looks at new records, at most `budget`, and stops where somebody who was empty before has no more room: he
 * may take them off and have the next. Who still has no room then has to leave. true: there are more.
 */
bool mr_tail_look(
        struct mr_tail *tail, struct mr_log_reader *reader, struct mr_record_view *view, size_t budget);

/* A record at the end of the log into the view: from memory, or as mr_log_read(). *stays: its slices live
 * until the next look. */
int mr_tail_read(struct mr_tail *tail, struct mr_log_reader *reader, uint64_t number,
        struct mr_record_view *view, bool *stays);
/*
 * Frees an intake that is answered. Its records are kept before, when it is durable and somebody is here who
 * may want them (fresh.h). Also of a tail that was never begun, or is over.
 */
void mr_tail_settle(struct mr_tail *tail, struct mr_intake *intake);
/*
 * What is in memory is needed from `next` on, by those who can have it from there. listened: somebody is here
 * for whom what comes is to be kept. In so many milliseconds some of it is too old to stay (fresh.h), and
 * this is to be asked again; 0: nothing is in memory.
 */
unsigned mr_tail_rest(struct mr_tail *tail, bool listened, uint64_t next);

/* Records in the log may have become less (expired, emptied): none is read from memory any more. Also of a
 * tail that was never begun, or is over. */
void mr_tail_forget(struct mr_tail *tail);

/* It has nothing left, and has seen everything up to `through`. It stays where it is until it leaves. */
void mr_tail_join(struct mr_tail *tail, struct mr_wanted *wanted);
void mr_tail_leave(struct mr_tail *tail, struct mr_wanted *wanted); /* also one that is not here */

#endif
