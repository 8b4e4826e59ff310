/*
 * Tells people what is the matter with the hub, its systems and subscriptions: looks once a second at what
 * the conditions of condition.h need, and gives what begins, lasts and ends to the ways of
 * proto/loop/alert_sender.h, and to the log. Without `alerts` in the configuration: off. Loop thread.
 */
#ifndef MR_HUB_ALERT_ALERTS_H
#define MR_HUB_ALERT_ALERTS_H

#include <jansson.h>

#include "hub/alert/balance_watch.h"
#include "hub/alert/condition.h"
#include "proto/alert/configured.h"

struct mr_edition;
struct mr_hub;
struct mr_alert_system;
struct mr_alert_subscription;

struct mr_alerts {
    struct mr_hub *hub;
    const struct mr_config_alerts *config; /* NULL: off */
    struct mr_edition *edition;            /* that has it; held */
    struct mr_alert_sender *sender;        /* NULL only when off */
    struct mr_edition *ways;               /* whose ways the sender has; held */
    struct mr_balance_watch balance;
    int64_t opened_us;
    struct mr_alarm_now now; /* of this look */
    struct mr_alarm alarms[MR_ALERT_HUB_CONDITIONS];
    struct mr_alert_system *systems;
    uint32_t systems_count;
    struct mr_alert_subscription *subscriptions;
    uint32_t subscriptions_count;
};

/* hub: its parts are open. MR_EDENIED, MR_ECONFIG ... when a secret's file cannot be read. */
int mr_alerts_open(struct mr_alerts *alerts, struct mr_hub *hub, struct mr_error *reterr);
void mr_alerts_look(struct mr_alerts *alerts); /* once a second */
/*
 * Those of another edition from now on. What lasts is not begun anew. When the ways to tell are others, what
 * waits for the old ones is lost (and logged); while the new ones cannot be had, the old ones stay.
 */
void mr_alerts_take(struct mr_alerts *alerts, struct mr_edition *edition);
/* Before the parts are closed; turns the loop, which runs to its end after it. */
void mr_alerts_close(struct mr_alerts *alerts);

json_t *mr_alerts_json(const struct mr_alerts *alerts);   /* what lasts now: condition, subject, since */
uint64_t mr_alerts_count(const struct mr_alerts *alerts); /* of them */

#endif
