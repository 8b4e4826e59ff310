#include "adapters/sdk/file_alert.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/alert/configured.h"
#include "proto/base/logfmt.h"

enum { LOOK_MS = 5000, WHAT_BYTES = 96 };

struct mr_file_alert {
    uv_timer_t timer;
    const struct mr_config_alerts *config;
    const char *system;
    struct mr_alert_sender *sender;
    struct mr_hourly hourly;
    struct mr_alarm alarm;
    uint64_t refused;
};

static void look(struct mr_file_alert *alert)
{
    struct mr_alarm_now now = mr_alarm_now_of(alert->config, mr_clock_system());
    uint64_t hour = mr_hourly_look(&alert->hourly, alert->refused, now.monotonic_us);
    uint32_t threshold = *alert->config->refused_per_hour;
    enum mr_alarm_step step = mr_alarm_look(&alert->alarm, threshold > 0 && hour >= threshold, &now);
    char what[WHAT_BYTES];

    if (step == MR_ALARM_NOTHING)
        return;
    (void)snprintf(what, sizeof what, "%llu files were refused within an hour", (unsigned long long)hour);
    mr_alert_tell(alert->sender, step, &alert->alarm, &now, "files-refused", alert->system, what,
            "the report beside each file in rejected/ says what is wrong with it");
}

static void on_timer(uv_timer_t *timer)
{
    look(timer->data);
}

struct mr_file_alert *mr_file_alert_open(
        uv_loop_t *loop, const struct mr_config *config, const struct mr_config_system *system)
{
    struct mr_file_alert *alert;
    struct mr_error error = {0};
    int r;

    if (!config->alerts || !system || !(alert = calloc(1, sizeof *alert)))
        return NULL;
    alert->config = config->alerts;
    alert->system = system->name;
    r = mr_alert_sender_configured(&alert->sender, loop, config->alerts, system->source, &error);
    if (r < 0) {
        mr_warn("alert.off", "what", error.what, "where", error.where, "cure",
                "let this adapter's user read it; until then nobody is told of refused files");
        free(alert);
        return NULL;
    }
    (void)uv_timer_init(loop, &alert->timer);
    alert->timer.data = alert;
    (void)uv_timer_start(&alert->timer, on_timer, LOOK_MS, LOOK_MS);
    return alert;
}

void mr_file_alert_refused(struct mr_file_alert *alert)
{
    if (!alert)
        return;
    alert->refused++;
    look(alert);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void mr_file_alert_close(struct mr_file_alert *alert)
{
    if (!alert)
        return;
    mr_alert_sender_close(alert->sender);
    uv_close((uv_handle_t *)&alert->timer, on_closed);
}
