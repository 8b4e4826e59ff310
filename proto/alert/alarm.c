#include "proto/alert/alarm.h"

#include <string.h>

enum { US_IN_MINUTE = 60 * 1000000 };

enum mr_alarm_step mr_alarm_look(struct mr_alarm *alarm, bool on, const struct mr_alarm_now *now)
{
    if (on)
        alarm->on_us = now->monotonic_us;
    if (on && !alarm->firing) {
        *alarm = (struct mr_alarm){true, now->wall_us, now->monotonic_us, now->monotonic_us};
        return MR_ALARM_FIRING;
    }
    if (!alarm->firing)
        return MR_ALARM_NOTHING;
    if (!on && now->monotonic_us - alarm->on_us >= now->settle_us) {
        alarm->firing = false;
        return MR_ALARM_RESOLVED;
    }
    if (on && now->repeat_us > 0 && now->monotonic_us - alarm->told_us >= now->repeat_us) {
        alarm->told_us = now->monotonic_us;
        return MR_ALARM_LASTING;
    }
    return MR_ALARM_NOTHING;
}

const char *mr_alarm_state(enum mr_alarm_step step)
{
    static const char *const names[] = {[MR_ALARM_NOTHING] = "",
            [MR_ALARM_FIRING] = "firing",
            [MR_ALARM_LASTING] = "lasting",
            [MR_ALARM_RESOLVED] = "resolved"};

    return names[step];
}

uint64_t mr_hourly_look(struct mr_hourly *hourly, uint64_t counter, int64_t monotonic_us)
{
    int64_t minute = monotonic_us / US_IN_MINUTE;
    int64_t passed = minute - hourly->minute;
    uint64_t more = counter >= hourly->counter ? counter - hourly->counter : counter;
    uint32_t *place = &hourly->minutes[minute % MR_HOURLY_MINUTES];
    uint64_t sum = 0;

    if (passed >= MR_HOURLY_MINUTES)
        memset(hourly->minutes, 0, sizeof hourly->minutes);
    for (int64_t m = hourly->minute + 1; passed < MR_HOURLY_MINUTES && m <= minute; m++)
        hourly->minutes[m % MR_HOURLY_MINUTES] = 0;
    hourly->minute = minute;
    hourly->counter = counter;
    *place = more < UINT32_MAX - *place ? *place + (uint32_t)more : UINT32_MAX;
    for (int i = 0; i < MR_HOURLY_MINUTES; i++)
        sum += hourly->minutes[i];
    return sum;
}
