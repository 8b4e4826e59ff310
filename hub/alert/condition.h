/*
 * What is worth telling people, as a table: of the hub itself, of a system, of a subscription. Each looks at
 * figures and thresholds and says in a line what is the matter. Lines name configured names and numbers,
 * nothing of an event. Pure functions.
 */
#ifndef MR_HUB_ALERT_CONDITION_H
#define MR_HUB_ALERT_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/config/config.h"

struct mr_alert_of_hub {
    bool read_only;
    bool stalled; /* a commit hangs */
    uint64_t free_bytes;
    int64_t unsigned_us; /* for how long not everything has been signed */
    int64_t index_us;    /* age of the oldest event that is not in the index */
    uint64_t damaged;    /* places that the scrub has found */
    uint32_t erasures_overdue;
    uint64_t differences; /* of the last balance */
};

struct mr_alert_of_system {
    bool known;            /* has published or been here */
    int64_t away_us;       /* without a session */
    int64_t silent_us;     /* without an event */
    uint32_t silent_hours; /* threshold; 0: none */
    uint64_t quarantined;  /* in the last hour, as the next */
    uint64_t refused;
    uint64_t quarantine_waiting;
};

struct mr_alert_of_subscription {
    uint64_t oldest;   /* that waits; 0: none */
    int64_t oldest_us; /* its age */
    uint64_t parked;   /* in the last hour */
    uint64_t parked_now;
};

enum {
    MR_ALERT_WHAT_BYTES = 160, /* room for a line */
    MR_ALERT_HUB_CONDITIONS = 8,
    MR_ALERT_SYSTEM_CONDITIONS = 4,
    MR_ALERT_SUBSCRIPTION_CONDITIONS = 2
};

/* One row of a table. figures: one of the above, by table. what: NULL, or gets the line, which says also that
 * it does not hold. */
struct mr_alert_condition {
    const char *name;
    bool (*holds)(const void *figures, const struct mr_config_alerts *config, char *what);
    const char *cure;
};
extern const struct mr_alert_condition mr_alert_hub_conditions[MR_ALERT_HUB_CONDITIONS];
extern const struct mr_alert_condition mr_alert_system_conditions[MR_ALERT_SYSTEM_CONDITIONS];
extern const struct mr_alert_condition mr_alert_subscription_conditions[MR_ALERT_SUBSCRIPTION_CONDITIONS];

#endif
