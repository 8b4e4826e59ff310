/*
 * One condition of one subject over time: said once when it begins, again while it lasts, and once when it
 * has been over for a while. Pure functions.
 */
#ifndef MR_ALERT_ALARM_H
#define MR_ALERT_ALARM_H

#include <stdbool.h>
#include <stdint.h>

struct mr_alarm {
    bool firing;
    int64_t since_us; /* wall clock: when it began */
    int64_t on_us;    /* monotonic: when it was seen last */
    int64_t told_us;  /* monotonic */
};

enum mr_alarm_step { MR_ALARM_NOTHING, MR_ALARM_FIRING, MR_ALARM_LASTING, MR_ALARM_RESOLVED };

struct mr_alarm_now {
    int64_t wall_us;
    int64_t monotonic_us;
    int64_t repeat_us; /* 0: not again */
    int64_t settle_us;
};

enum mr_alarm_step mr_alarm_look(struct mr_alarm *alarm, bool on, const struct mr_alarm_now *now);
const char *mr_alarm_state(enum mr_alarm_step step); /* "firing", "lasting", "resolved" */

enum { MR_HOURLY_MINUTES = 60 };

/* What came in the last hour, of a counter that grows, by whole minutes. Zeroed at the start. */
struct mr_hourly {
    uint64_t counter;
    int64_t minute;
    uint32_t minutes[MR_HOURLY_MINUTES];
};

/* The counter now; one that is less than before has begun anew. Returns the sum. */
uint64_t mr_hourly_look(struct mr_hourly *hourly, uint64_t counter, int64_t monotonic_us);

#endif
