#include "hub/alert/alerts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/edition/edition.h"
#include "hub/hub.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"

enum { NAME_BYTES = 64, MS_IN_HOUR = 3600 * 1000 };

/* Found again by name: the configuration may change while the hub runs. */
struct mr_alert_system {
    char name[NAME_BYTES];
    bool known; /* has been here */
    bool here;  /* in this look */
    int64_t here_us;
    struct mr_hourly quarantined, refused;
    struct mr_alarm alarms[MR_ALERT_SYSTEM_CONDITIONS];
};

struct mr_alert_subscription {
    char name[NAME_BYTES];
    struct mr_hourly parked;
    struct mr_alarm alarms[MR_ALERT_SUBSCRIPTION_CONDITIONS];
};

/* ---- telling ---- */

static void tell(struct mr_alerts *alerts, enum mr_alarm_step step,
        const struct mr_alert_condition *condition, const struct mr_alarm *alarm, const char *subject,
        const void *figures)
{
    char what[MR_ALERT_WHAT_BYTES] = "";

    (void)condition->holds(figures, alerts->config, what);
    mr_alert_tell(alerts->sender, step, alarm, &alerts->now, condition->name, subject, what, condition->cure);
}

/* All conditions of one table for one subject. */
static void look_at_all(struct mr_alerts *alerts, const struct mr_alert_condition *conditions, size_t count,
        struct mr_alarm *alarms, const char *subject, const void *figures)
{
    for (size_t i = 0; i < count; i++) {
        bool holds = conditions[i].holds(figures, alerts->config, NULL);
        enum mr_alarm_step step = mr_alarm_look(&alarms[i], holds, &alerts->now);

        if (step != MR_ALARM_NOTHING)
            tell(alerts, step, &conditions[i], &alarms[i], subject, figures);
    }
}

/* ---- figures ---- */

static void look_at_hub(struct mr_alerts *alerts)
{
    struct mr_hub *hub = alerts->hub;
    struct mr_scrubber_status scrub = {0};
    struct mr_eraser_status erasures = {0};
    struct mr_index_lag lag = {0};

    (void)mr_indexer_lag(&hub->house, &lag);
    if (hub->scrubber)
        mr_scrubber_status(hub->scrubber, &scrub);
    mr_eraser_status(hub->eraser, &erasures);
    const struct mr_alert_of_hub figures = {.read_only = hub->publish.read_only,
            .stalled = !mr_pulse_beats(&hub->pulse),
            .free_bytes = hub->room.free_bytes,
            .unsigned_us = mr_face_unsigned_us(&hub->face),
            .index_us = lag.oldest_us,
            .damaged = scrub.damaged > scrub.damaged_last ? scrub.damaged : scrub.damaged_last,
            .erasures_overdue = erasures.overdue,
            .differences = alerts->balance.differences};

    look_at_all(alerts, mr_alert_hub_conditions, MR_ALERT_HUB_CONDITIONS, alerts->alarms, "", &figures);
}

static uint32_t silent_hours(const struct mr_config_alerts *config, const char *system)
{
    for (uint32_t i = 0; i < config->silent_count; i++)
        if (strcmp(config->silent[i].system, system) == 0)
            return config->silent[i].hours;
    return 0;
}

/* Since its newest event; when there is none, since the hub began to look. */
static int64_t silent_us(const struct mr_alerts *alerts, const struct mr_survey_system *survey)
{
    if (survey && survey->last_us > 0)
        return alerts->now.wall_us - survey->last_us;
    return alerts->now.monotonic_us - alerts->opened_us;
}

static void look_at_system(struct mr_alerts *alerts, uint32_t i)
{
    struct mr_hub *hub = alerts->hub;
    struct mr_alert_system *system = &alerts->systems[i];
    const struct mr_producer *producer = &hub->publish.producers[i];
    const struct mr_survey_system *survey =
            mr_survey_of_system(&hub->survey, mr_names_id(hub->house.names, MR_NAME_SYSTEM, system->name), i);
    struct mr_alert_of_system figures = {.silent_us = silent_us(alerts, survey),
            .silent_hours = silent_hours(alerts->config, system->name),
            .quarantine_waiting = survey ? survey->quarantine_waiting : 0};

    system->known |= system->here || producer->epoch != 0;
    if (system->here)
        system->here_us = alerts->now.monotonic_us;
    figures.known = system->known;
    figures.away_us = alerts->now.monotonic_us - system->here_us;
    figures.quarantined = mr_hourly_look(
            &system->quarantined, producer->verdicts[MR_VERDICT_QUARANTINED], alerts->now.monotonic_us);
    figures.refused = mr_hourly_look(
            &system->refused, producer->verdicts[MR_VERDICT_REFUSED], alerts->now.monotonic_us);
    look_at_all(alerts, mr_alert_system_conditions, MR_ALERT_SYSTEM_CONDITIONS, system->alarms, system->name,
            &figures);
}

static void look_at_subscription(struct mr_alerts *alerts, uint32_t i)
{
    struct mr_alert_subscription *subscription = &alerts->subscriptions[i];
    const struct mr_feed *feed = alerts->hub->deliver.feeds[i];
    const struct mr_survey_subscription *survey =
            mr_survey_of_subscription(&alerts->hub->survey, feed->id, i);
    struct mr_alert_of_subscription figures = {
            .parked = mr_hourly_look(&subscription->parked, feed->parkings, alerts->now.monotonic_us)};

    if (survey) {
        figures.parked_now = survey->parked;
        figures.oldest = survey->oldest > feed->cursor ? survey->oldest : 0; /* settled since the look */
        figures.oldest_us = alerts->now.wall_us - survey->oldest_us;
    }
    look_at_all(alerts, mr_alert_subscription_conditions, MR_ALERT_SUBSCRIPTION_CONDITIONS,
            subscription->alarms, subscription->name, &figures);
}

/* ---- who is there ---- */

static void keep_name(char *out, const char *name)
{
    (void)snprintf(out, NAME_BYTES, "%s", name);
}

static bool systems_fit(const struct mr_alerts *alerts, const struct mr_config *config)
{
    for (uint32_t i = 0; i < config->systems_count; i++)
        if (i >= alerts->systems_count || strcmp(alerts->systems[i].name, config->systems[i].name) != 0)
            return false;
    return alerts->systems_count == config->systems_count;
}

/* One row a configured system, in its order; what is known of those that stay is kept. */
static int fit_systems(struct mr_alerts *alerts)
{
    const struct mr_config *config = alerts->hub->config;
    struct mr_alert_system *rows;

    if (systems_fit(alerts, config))
        return 0;
    rows = calloc(config->systems_count + 1, sizeof *rows);
    if (!rows)
        return MR_ENOMEM;
    for (uint32_t i = 0; i < config->systems_count; i++) {
        keep_name(rows[i].name, config->systems[i].name);
        rows[i].here_us = alerts->now.monotonic_us;
        for (uint32_t j = 0; j < alerts->systems_count; j++)
            if (strcmp(alerts->systems[j].name, rows[i].name) == 0)
                rows[i] = alerts->systems[j];
    }
    free(alerts->systems);
    alerts->systems = rows;
    alerts->systems_count = config->systems_count;
    return 0;
}

static bool subscriptions_fit(const struct mr_alerts *alerts, const struct mr_deliver *deliver)
{
    for (uint32_t i = 0; i < deliver->feeds_count; i++)
        if (i >= alerts->subscriptions_count ||
                strcmp(alerts->subscriptions[i].name, deliver->feeds[i]->subscription->name) != 0)
            return false;
    return alerts->subscriptions_count == deliver->feeds_count;
}

static int fit_subscriptions(struct mr_alerts *alerts)
{
    const struct mr_deliver *deliver = &alerts->hub->deliver;
    struct mr_alert_subscription *rows;

    if (subscriptions_fit(alerts, deliver))
        return 0;
    rows = calloc(deliver->feeds_count + 1, sizeof *rows);
    if (!rows)
        return MR_ENOMEM;
    for (uint32_t i = 0; i < deliver->feeds_count; i++) {
        keep_name(rows[i].name, deliver->feeds[i]->subscription->name);
        for (uint32_t j = 0; j < alerts->subscriptions_count; j++)
            if (strcmp(alerts->subscriptions[j].name, rows[i].name) == 0)
                rows[i] = alerts->subscriptions[j];
    }
    free(alerts->subscriptions);
    alerts->subscriptions = rows;
    alerts->subscriptions_count = deliver->feeds_count;
    return 0;
}

static struct mr_alert_system *system_of(struct mr_alerts *alerts, const struct mr_config_system *system)
{
    ptrdiff_t at =
            system - alerts->hub->config->systems; /* so it is, unless the session is of another version */

    if (at >= 0 && at < (ptrdiff_t)alerts->systems_count &&
            strcmp(alerts->systems[at].name, system->name) == 0)
        return &alerts->systems[at];
    for (uint32_t i = 0; i < alerts->systems_count; i++)
        if (strcmp(alerts->systems[i].name, system->name) == 0)
            return &alerts->systems[i];
    return NULL;
}

static void note_sessions(struct mr_alerts *alerts)
{
    for (uint32_t i = 0; i < alerts->systems_count; i++)
        alerts->systems[i].here = false;
    mr_list_foreach (it, &alerts->hub->sessions.list) {
        const struct mr_session *session = MR_CONTAINER(it, struct mr_session, link);
        struct mr_alert_system *system = session->admin ? NULL : system_of(alerts, session->system);

        if (system)
            system->here = true;
    }
}

void mr_alerts_look(struct mr_alerts *alerts)
{
    if (!alerts->config)
        return;
    alerts->now = mr_alarm_now_of(alerts->config, alerts->hub->house.clock);
    if (fit_systems(alerts) < 0 || fit_subscriptions(alerts) < 0)
        return; /* no memory now: the next look */
    note_sessions(alerts);
    look_at_hub(alerts);
    for (uint32_t i = 0; i < alerts->systems_count; i++)
        look_at_system(alerts, i);
    for (uint32_t i = 0; i < alerts->subscriptions_count; i++)
        look_at_subscription(alerts, i);
}

/* ---- what lasts ---- */

struct lasting {
    json_t *list; /* NULL: only counted */
    uint64_t count;
};

static void add_lasting(struct lasting *lasting, const struct mr_alert_condition *conditions, size_t count,
        const struct mr_alarm *alarms, const char *subject)
{
    for (size_t i = 0; i < count; i++) {
        if (!alarms[i].firing)
            continue;
        lasting->count++;
        if (lasting->list)
            (void)json_array_append_new(
                    lasting->list, json_pack("{s:s, s:s, s:o}", "condition", conditions[i].name, "subject",
                                           subject, "since", mr_time_json(alarms[i].since_us)));
    }
}

static void find_lasting(const struct mr_alerts *alerts, struct lasting *lasting)
{
    add_lasting(lasting, mr_alert_hub_conditions, MR_ALERT_HUB_CONDITIONS, alerts->alarms, "");
    for (uint32_t i = 0; i < alerts->systems_count; i++)
        add_lasting(lasting, mr_alert_system_conditions, MR_ALERT_SYSTEM_CONDITIONS,
                alerts->systems[i].alarms, alerts->systems[i].name);
    for (uint32_t i = 0; i < alerts->subscriptions_count; i++)
        add_lasting(lasting, mr_alert_subscription_conditions, MR_ALERT_SUBSCRIPTION_CONDITIONS,
                alerts->subscriptions[i].alarms, alerts->subscriptions[i].name);
}

json_t *mr_alerts_json(const struct mr_alerts *alerts)
{
    struct lasting lasting = {.list = json_array()};

    if (lasting.list)
        find_lasting(alerts, &lasting);
    return lasting.list;
}

uint64_t mr_alerts_count(const struct mr_alerts *alerts)
{
    struct lasting lasting = {0};

    find_lasting(alerts, &lasting);
    return lasting.count;
}

/* ---- open, change and close ---- */

static int take_ways(struct mr_alerts *alerts, struct mr_edition *edition, struct mr_error *reterr)
{
    const struct mr_config *config = edition->config;
    struct mr_alert_sender *sender;
    int r = mr_alert_sender_configured(
            &sender, &alerts->hub->loop, config->alerts, config->hub.source, reterr);

    if (r < 0)
        return r;
    mr_alert_sender_close(alerts->sender);
    mr_edition_drop(alerts->ways);
    alerts->sender = sender;
    alerts->ways = mr_edition_hold(edition);
    return 0;
}

static void forget(struct mr_alerts *alerts)
{
    alerts->config = NULL;
    mr_alert_sender_close(alerts->sender);
    mr_edition_drop(alerts->edition);
    mr_edition_drop(alerts->ways);
    alerts->sender = NULL;
    alerts->edition = alerts->ways = NULL;
    free(alerts->systems);
    free(alerts->subscriptions);
    alerts->systems = NULL;
    alerts->subscriptions = NULL;
    alerts->systems_count = alerts->subscriptions_count = 0;
    memset(alerts->alarms, 0, sizeof alerts->alarms);
}

/* The ways are there. */
static void take_terms(struct mr_alerts *alerts, struct mr_edition *edition)
{
    mr_edition_drop(alerts->edition);
    alerts->edition = mr_edition_hold(edition);
    if (!alerts->config)
        alerts->opened_us = mr_clock_monotonic_us(alerts->hub->house.clock);
    alerts->config = edition->config->alerts;
    mr_balance_watch_pause(&alerts->balance, (uint64_t)*alerts->config->balance_hours * MS_IN_HOUR);
}

int mr_alerts_open(struct mr_alerts *alerts, struct mr_hub *hub, struct mr_error *reterr)
{
    int r = 0;

    *alerts = (struct mr_alerts){.hub = hub};
    mr_balance_watch_open(&alerts->balance, &hub->loop, &hub->house, 0);
    if (!hub->config->alerts)
        return 0;
    r = take_ways(alerts, hub->house.edition, reterr);
    if (r == 0)
        take_terms(alerts, hub->house.edition);
    return r;
}

void mr_alerts_take(struct mr_alerts *alerts, struct mr_edition *edition)
{
    const struct mr_config_alerts *config = edition->config->alerts;
    struct mr_error error = {0};

    if (!alerts->balance.open) /* not open yet, or not any more */
        return;
    if (!config) {
        forget(alerts);
        mr_balance_watch_pause(&alerts->balance, 0);
        return;
    }
    if ((!alerts->sender || !mr_alert_ways_same(alerts->ways->config->alerts, config)) &&
            take_ways(alerts, edition, &error) < 0)
        mr_warn("alert.ways", "what", error.what, "where", error.where, "cure", error.cure);
    if (alerts->sender)
        take_terms(alerts, edition);
}

void mr_alerts_close(struct mr_alerts *alerts)
{
    mr_balance_watch_close(&alerts->balance);
    forget(alerts);
}
