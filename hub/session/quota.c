#include "hub/session/quota.h"

enum { SECOND_US = 1000 * 1000 };

static int64_t paid(int64_t paid_us, int64_t now_us)
{
    return paid_us < now_us - SECOND_US ? now_us - SECOND_US : paid_us;
}

static int64_t cost_us(uint64_t count, uint32_t per_s)
{
    return per_s ? (int64_t)(count * SECOND_US / per_s) : 0;
}

uint32_t mr_quota_ask(struct mr_quota *quota, int64_t now_us, uint64_t events, uint32_t events_per_s,
        uint64_t bytes, uint32_t bytes_per_s)
{
    int64_t events_us = paid(quota->events_paid_us, now_us), bytes_us = paid(quota->bytes_paid_us, now_us);
    int64_t until_us = now_us;

    if (events_per_s && events_us > until_us)
        until_us = events_us;
    if (bytes_per_s && bytes_us > until_us)
        until_us = bytes_us;
    if (until_us > now_us)
        return (uint32_t)((until_us - now_us) / 1000 + 1);
    quota->events_paid_us = events_us + cost_us(events, events_per_s);
    quota->bytes_paid_us = bytes_us + cost_us(bytes, bytes_per_s);
    return 0;
}
