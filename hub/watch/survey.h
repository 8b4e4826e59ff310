/*
 * What the state of the loop does not say and the store does: looked up from time to time on libuv's pool, so
 * that asking costs nothing. Figures are those of the last look, some seconds old. Loop thread, but for the
 * look itself.
 */
#ifndef MR_HUB_WATCH_SURVEY_H
#define MR_HUB_WATCH_SURVEY_H

#include <stdatomic.h>
#include <uv.h>

#include "hub/house.h"

struct mr_deliver;

enum { MR_SURVEY_PAUSE_MS = 5000 }; /* between two looks, and at least twenty times as long as one takes */

struct mr_survey_system {
    uint16_t id;                 /* as the log knows it */
    int64_t last_us;             /* recorded_us of its newest event in the index; 0: none */
    uint64_t quarantine_waiting; /* events that wait for correction */
};

struct mr_survey_subscription {
    uint16_t id;
    uint64_t oldest;   /* number of the oldest delivery that waits; 0: none */
    int64_t oldest_us; /* when it was recorded */
    uint64_t parked;   /* now */
};

struct mr_survey_figures {
    struct mr_survey_system *systems;
    uint32_t systems_count;
    struct mr_survey_subscription *subscriptions;
    uint32_t subscriptions_count;
    uint64_t looks; /* finished; 0: nothing is known yet */
};

struct mr_survey {
    const struct mr_house *house;
    const struct mr_deliver *deliver;
    uv_loop_t *loop;
    uv_timer_t timer;
    struct mr_survey_figures figures; /* of the last look */
    struct look *look;                /* that runs; NULL */
    _Atomic bool stopping;
    bool open;
};

/* MR_ENOMEM. The first look begins at once. */
int mr_survey_open(struct mr_survey *survey, uv_loop_t *loop, const struct mr_house *house,
        const struct mr_deliver *deliver, struct mr_error *reterr);
/* Ends the look that runs, turning the loop; the handle is closed, and the loop runs to its end after it. */
void mr_survey_close(struct mr_survey *survey);

/* What the last look says of one; NULL: it was not there then. hint: where it is likely to stand. */
const struct mr_survey_system *mr_survey_of_system(
        const struct mr_survey *survey, uint16_t id, uint32_t hint);
const struct mr_survey_subscription *mr_survey_of_subscription(
        const struct mr_survey *survey, uint16_t id, uint32_t hint);

#endif
