#include "hub/watch/metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "hub/keep/backup_last.h"
#include "hub/watch/exposition.h"
#include "hub/hub.h"
#include "store/erasure.h"

enum { US_IN_S = 1000000 };

/* One look at everything that has one value. */
struct look {
    double up, ready, head, index_lag, index_lag_s, views_lag, unsigned_events, checkpoint_behind_s;
    double waiting, read_only, commits, commits_failed, sessions, free_bytes, watermark_bytes, ballast;
    double scrub_damaged, scrub_damaged_last, scrub_passes, segments, erasures_requested, erasures_running;
    double alerts;
    double erasures_overdue, erasures_unanswered, backup_needed, frames, frames_refused, frames_unsent,
            keys_refused, rss_bytes;
};

#define GAUGE(member, name, help)                                                                            \
    {                                                                                                        \
        "marshrut_" name, "gauge", help, offsetof(struct look, member)                                       \
    }
#define COUNT(member, name, help)                                                                            \
    {                                                                                                        \
        "marshrut_" name "_total", "counter", help, offsetof(struct look, member)                            \
    }

static const struct {
    const char *name, *type, *help;
    size_t at;
} rows[] = {
        GAUGE(up, "alive", "1: the writer gets on; 0: a commit hangs."),
        GAUGE(ready, "ready", "1: events are taken."),
        GAUGE(read_only, "read_only", "1: no new events are taken for want of space."),
        GAUGE(head, "log_head", "Number of the newest event."),
        GAUGE(index_lag, "index_lag_events", "Events that are not in the index yet."),
        GAUGE(index_lag_s, "index_lag_seconds", "Age of the oldest of these."),
        GAUGE(views_lag, "views_lag_events", "Events that are not in the views of the passport yet."),
        GAUGE(unsigned_events, "checkpoint_behind_events", "Events that no signed checkpoint covers yet."),
        GAUGE(checkpoint_behind_s, "checkpoint_behind_seconds", "For how long there have been such events."),
        GAUGE(waiting, "writer_waiting", "Jobs that wait for a commit."),
        COUNT(commits, "commits", "Commits of the log."),
        COUNT(commits_failed, "commits_without_space", "Attempts to commit that found no room."),
        GAUGE(sessions, "sessions", "Connected sessions, those of the tool included."),
        GAUGE(free_bytes, "disk_free_bytes", "Free on the file system of hub.store."),
        GAUGE(watermark_bytes, "disk_watermark_bytes", "Below it the hub is read-only."),
        GAUGE(ballast, "ballast", "1: the ballast file is there."),
        GAUGE(scrub_damaged, "scrub_damaged", "Damaged places that this pass of the scrub has found."),
        GAUGE(scrub_damaged_last, "scrub_damaged_last_pass", "... that the last finished one found."),
        COUNT(scrub_passes, "scrub_passes", "Finished passes of the scrub."),
        GAUGE(segments, "log_segments", "Closed segments of the log."),
        GAUGE(erasures_requested, "erasures_requested", "Erasures that wait for a second operator."),
        GAUGE(erasures_running, "erasures_running", "Erasures approved and not completed."),
        GAUGE(erasures_overdue, "erasures_overdue", "Erasures whose legal term has passed."),
        GAUGE(erasures_unanswered, "erasures_unanswered", "Notices of erasure that no system has answered."),
        GAUGE(backup_needed, "backup_needed", "1: there is no backup of keys/ that the root key opens."),
        COUNT(frames, "frames", "Frames received."),
        COUNT(frames_refused, "frames_refused", "Bytes that were no frame, too big, or nobody's."),
        COUNT(frames_unsent, "frames_unsent",
                "Frames that could not be sent: the peer was gone or did not read."),
        COUNT(keys_refused, "keys_refused", "Connections with a key that is not configured."),
        GAUGE(alerts, "alerts", "Conditions of `alerts` that last now."),
        GAUGE(rss_bytes, "resident_memory_bytes",
                "Resident memory of the hub, mapped pages of the store included."),
};

static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void look_at_store(struct mr_hub *hub, struct look *look)
{
    uint64_t head = mr_log_head(hub->house.log);
    uint64_t signed_size = mr_checkpointer_size(hub->checkpointer);
    struct mr_scrubber_status scrub = {0};
    struct mr_compactor_stats compactor;
    struct mr_index_lag lag = {0};

    (void)mr_indexer_lag(&hub->house, &lag);
    if (hub->scrubber)
        mr_scrubber_status(hub->scrubber, &scrub);
    mr_compactor_stats(hub->compactor, &compactor);
    look->head = (double)head;
    look->index_lag = (double)lag.events;
    look->index_lag_s = (double)lag.oldest_us / US_IN_S;
    look->views_lag = (double)lag.view_events;
    look->unsigned_events = head > signed_size ? (double)(head - signed_size) : 0;
    look->checkpoint_behind_s = (double)mr_face_unsigned_us(&hub->face) / US_IN_S;
    look->scrub_damaged = (double)scrub.damaged;
    look->scrub_damaged_last = (double)scrub.damaged_last;
    look->scrub_passes = (double)scrub.passes;
    look->segments = (double)compactor.segments;
}

static void look_at_erasures(struct mr_hub *hub, struct look *look)
{
    struct mr_eraser_status erasures = {0};
    struct mr_erasure_status keys = {0};

    if (mr_keyring_erasure_status(hub->house.keyring, &keys, NULL) == 0)
        look->backup_needed = mr_backup_is_needed(hub->config->hub.store, keys.generation);
    mr_eraser_status(hub->eraser, &erasures);
    look->erasures_requested = erasures.requested;
    look->erasures_running = erasures.running;
    look->erasures_overdue = erasures.overdue;
    look->erasures_unanswered = erasures.unanswered;
}

static void look_at_hub(struct mr_hub *hub, const struct mr_writer_stats *writer, struct look *look)
{
    const struct mr_gateway_stats *gateway = &hub->gateway.stats;

    look->up = mr_pulse_beats(&hub->pulse);
    look->ready = mr_face_not_ready(hub) == NULL;
    look->read_only = hub->publish.read_only;
    look->waiting = (double)writer->waiting;
    look->commits = (double)writer->commits;
    look->commits_failed = (double)(writer->attempts - writer->commits);
    look->sessions = (double)mr_sessions_count(&hub->sessions);
    look->free_bytes = (double)hub->room.free_bytes;
    look->watermark_bytes = (double)*hub->config->hub.space_watermark_mb * (1 << 20);
    look->ballast = hub->room.ballast;
    look->frames = (double)gateway->frames;
    look->frames_refused = (double)(gateway->malformed + gateway->too_big + gateway->nameless);
    look->frames_unsent = (double)gateway->unsent;
    look->keys_refused = (double)hub->zap.refused;
    look->alerts = (double)mr_alerts_count(&hub->alerts);
    look->rss_bytes = resident_bytes();
}

static void write_commit_times(struct mr_buf *out, const struct mr_writer_stats *writer)
{
    static const int64_t bounds[MR_WRITER_COMMIT_BOUNDS] = MR_WRITER_COMMIT_US;
    static const char name[] = "marshrut_commit_seconds";
    uint64_t sum = 0;

    mr_exposition_family(out, name, "histogram", "How long commits of the log took.");
    for (size_t i = 0; i <= MR_WRITER_COMMIT_BOUNDS; i++) {
        char bound[32] = "+Inf";
        const struct mr_label le = {"le", bound};

        if (i < MR_WRITER_COMMIT_BOUNDS)
            (void)snprintf(bound, sizeof bound, "%g", (double)bounds[i] / US_IN_S);
        sum += writer->commits_within[i];
        mr_exposition_sample(out, "marshrut_commit_seconds_bucket", &le, 1, (double)sum);
    }
    mr_exposition_sample(out, "marshrut_commit_seconds_sum", NULL, 0, (double)writer->commit_us / US_IN_S);
    mr_exposition_sample(out, "marshrut_commit_seconds_count", NULL, 0, (double)sum);
}

static void write_systems(struct mr_hub *hub, struct mr_buf *out)
{
    static const char *const verdicts[] = {[MR_VERDICT_STORED] = "stored",
            [MR_VERDICT_DUPLICATE] = "duplicate",
            [MR_VERDICT_QUARANTINED] = "quarantined",
            [MR_VERDICT_REFUSED] = "refused"};

    mr_exposition_family(
            out, "marshrut_events_total", "counter", "Events that a system sent, by what became of them.");
    for (uint32_t i = 0; i < hub->config->systems_count; i++)
        for (size_t j = MR_VERDICT_STORED; j < MR_COUNT(verdicts); j++) {
            const struct mr_label labels[] = {
                    {"system", hub->config->systems[i].name}, {"verdict", verdicts[j]}};

            mr_exposition_sample(out, "marshrut_events_total", labels, MR_COUNT(labels),
                    (double)hub->publish.producers[i].verdicts[j]);
        }
}

static void write_quarantine(struct mr_hub *hub, struct mr_buf *out)
{
    mr_exposition_family(
            out, "marshrut_quarantine_waiting", "gauge", "Events of a system that wait for correction.");
    for (uint32_t i = 0; i < hub->config->systems_count; i++) {
        const char *name = hub->config->systems[i].name;
        const struct mr_label label = {"system", name};
        const struct mr_survey_system *survey =
                mr_survey_of_system(&hub->survey, mr_names_id(hub->house.names, MR_NAME_SYSTEM, name), i);

        mr_exposition_sample(out, "marshrut_quarantine_waiting", &label, 1,
                survey ? (double)survey->quarantine_waiting : 0);
    }
}

static double cursor_of(const struct mr_feed *feed, const struct mr_survey_subscription *survey)
{
    (void)survey;
    return (double)feed->cursor;
}

static double unacknowledged_of(const struct mr_feed *feed, const struct mr_survey_subscription *survey)
{
    (void)survey;
    return (double)feed->sent_count;
}

static double connected_of(const struct mr_feed *feed, const struct mr_survey_subscription *survey)
{
    (void)survey;
    return feed->session != NULL;
}

static double parked_of(const struct mr_feed *feed, const struct mr_survey_subscription *survey)
{
    (void)survey;
    return (double)feed->parkings;
}

static double retrying_of(const struct mr_feed *feed, const struct mr_survey_subscription *survey)
{
    (void)survey;
    return feed->waiting;
}

static double parked_now_of(const struct mr_feed *feed, const struct mr_survey_subscription *survey)
{
    (void)feed;
    return survey ? (double)survey->parked : 0;
}

static double waiting_of(const struct mr_feed *feed, const struct mr_survey_subscription *survey)
{
    const struct mr_clock *clock = feed->deliver->house->clock;

    if (!survey || survey->oldest <= feed->cursor)
        return 0;
    return (double)(mr_clock_wall_us(clock) - survey->oldest_us) / US_IN_S;
}

static void write_subscriptions(struct mr_hub *hub, struct mr_buf *out)
{
    static const struct {
        const char *name, *type, *help;
        double (*value)(const struct mr_feed *feed, const struct mr_survey_subscription *survey);
    } families[] = {
            {"marshrut_subscription_cursor", "gauge", "Everything wanted up to this number is settled.",
                    cursor_of},
            {"marshrut_subscription_unacknowledged", "gauge", "Sent, and not settled.", unacknowledged_of},
            {"marshrut_subscription_connected", "gauge", "1: somebody has subscribed.", connected_of},
            {"marshrut_subscription_parked_total", "counter", "Events parked: the receiver failed for good.",
                    parked_of},
            {"marshrut_subscription_retrying", "gauge", "1: waits before it sends a failed event again.",
                    retrying_of},
            {"marshrut_subscription_parked", "gauge", "Events that are parked now.", parked_now_of},
            {"marshrut_subscription_waiting_seconds", "gauge",
                    "Age of the oldest event that waits to be taken.", waiting_of},
    };

    for (size_t i = 0; i < MR_COUNT(families); i++) {
        mr_exposition_family(out, families[i].name, families[i].type, families[i].help);
        for (uint32_t j = 0; j < hub->deliver.feeds_count; j++) {
            const struct mr_feed *feed = hub->deliver.feeds[j];
            const struct mr_survey_subscription *survey =
                    mr_survey_of_subscription(&hub->survey, feed->id, j);
            const struct mr_label labels[] = {
                    {"subscription", feed->subscription->name}, {"system", feed->subscription->system}};

            mr_exposition_sample(
                    out, families[i].name, labels, MR_COUNT(labels), families[i].value(feed, survey));
        }
    }
}

void mr_metrics_write(struct mr_hub *hub, struct mr_buf *out)
{
    const struct mr_label version = {"version", MR_VERSION};
    struct mr_writer_stats writer;
    struct look look = {0};

    mr_writer_stats(hub->writer, &writer);
    look_at_store(hub, &look);
    look_at_erasures(hub, &look);
    look_at_hub(hub, &writer, &look);
    mr_exposition_family(out, "marshrut_build_info", "gauge", "Always 1.");
    mr_exposition_sample(out, "marshrut_build_info", &version, 1, 1);
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        const void *value = (const char *)&look + rows[i].at;

        mr_exposition_family(out, rows[i].name, rows[i].type, rows[i].help);
        mr_exposition_sample(out, rows[i].name, NULL, 0, *(const double *)value);
    }
    write_commit_times(out, &writer);
    write_systems(hub, out);
    write_quarantine(hub, out);
    write_subscriptions(hub, out);
}
