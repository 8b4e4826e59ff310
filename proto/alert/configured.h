/* The ways to tell alerts, as `alerts` of the configuration has them; and its terms. Loop thread. */
#ifndef MR_ALERT_CONFIGURED_H
#define MR_ALERT_CONFIGURED_H

#include <stdbool.h>

#include "proto/alert/alarm.h"
#include "proto/base/clock.h"
#include "proto/config/config.h"
#include "proto/loop/alert_sender.h"

/* Reads the secrets. from: who tells, as config borrowed until close. MR_EDENIED, MR_EINVAL ... with the
 * secret's file in where. */
int mr_alert_sender_configured(struct mr_alert_sender **ret, uv_loop_t *loop,
        const struct mr_config_alerts *config, const char *from, struct mr_error *reterr);

/* Would its secrets be read? 0, or as mr_alert_sender_configured(). Any thread. */
int mr_alert_secrets_readable(const struct mr_config_alerts *config, struct mr_error *reterr);
/* Are the ways the same, whatever the terms are? What lies in a secret's file is not looked at. */
bool mr_alert_ways_same(const struct mr_config_alerts *a, const struct mr_config_alerts *b);

struct mr_alarm_now mr_alarm_now_of(const struct mr_config_alerts *config, const struct mr_clock *clock);

/* One line in the log, and to all ways. step: not MR_ALARM_NOTHING. */
void mr_alert_tell(struct mr_alert_sender *sender, enum mr_alarm_step step, const struct mr_alarm *alarm,
        const struct mr_alarm_now *now, const char *condition, const char *subject, const char *what,
        const char *cure);

#endif
