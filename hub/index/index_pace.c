#include "hub/index/index_pace.h"

#define US(ms) ((int64_t)(ms)*1000)

/* By what came since the look before: the first of a burst after a pause is not heavy. */
static void look(struct mr_index_pace *pace, int64_t now_us, uint64_t head)
{
    size_t newest = (pace->count + MR_INDEX_PACE_LOOKS - 1) % MR_INDEX_PACE_LOOKS;
    int64_t since_us = now_us - pace->looks[newest].at_us;

    if (pace->count > 0 && since_us < US(MR_INDEX_PACE_LOOK_MS))
        return;
    pace->heavy = pace->count > 0 && (double)(head - pace->looks[newest].head) * 1e6 >
                                             (double)MR_INDEX_PACE_HEAVY_PER_S * (double)since_us;
    pace->looks[pace->count % MR_INDEX_PACE_LOOKS].at_us = now_us;
    pace->looks[pace->count++ % MR_INDEX_PACE_LOOKS].head = head;
}

/* Came after `through` and long ago? What was there at the first look may be as old as you like. */
static bool is_late(const struct mr_index_pace *pace, int64_t now_us, uint64_t through)
{
    size_t kept = pace->count < MR_INDEX_PACE_LOOKS ? pace->count : MR_INDEX_PACE_LOOKS;

    for (size_t i = 0; i < kept; i++)
        if (pace->looks[i].head > through && pace->looks[i].at_us <= now_us - US(MR_INDEX_PACE_LATE_MS))
            return true;
    return false;
}

bool mr_index_pace_waits(
        struct mr_index_pace *pace, int64_t now_us, uint64_t head, uint64_t through, uint64_t lag_max)
{
    look(pace, now_us, head);
    return pace->heavy && head - through < lag_max / 2 && !is_late(pace, now_us, through);
}
