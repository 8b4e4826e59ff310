/* hub.status: the live state, as one JSON object (docs/protocol.md). Loop thread. */
#include "hub/hub.h"

#include "hub/audit/args.h"
#include "hub/keep/backup_last.h"
#include "proto/base/list.h"
#include "store/erasure.h"

static json_t *sessions_json(const struct mr_hub *hub)
{
    json_t *list = json_array();

    mr_list_foreach (it, &hub->sessions.list) {
        const struct mr_session *session = MR_CONTAINER(it, struct mr_session, link);

        (void)json_array_append_new(
                list, json_pack("{s:s, s:I, s:b, s:I}", "system", session->system->name, "session",
                              (json_int_t)session->id, "admin", (int)session->admin, "progress",
                              (json_int_t)session->progress));
    }
    return list;
}

/* What was sent since the start, by what became of it; and what the last look at the store says. */
static json_t *systems_json(const struct mr_hub *hub)
{
    const struct mr_config *config = hub->config;
    json_t *list = json_array();

    for (uint32_t i = 0; i < config->systems_count; i++) {
        const uint64_t *verdicts = hub->publish.producers[i].verdicts;
        uint16_t id = mr_names_id(hub->house.names, MR_NAME_SYSTEM, config->systems[i].name);
        const struct mr_survey_system *survey = mr_survey_of_system(&hub->survey, id, i);

        (void)json_array_append_new(
                list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "name", config->systems[i].name,
                              "stored", (json_int_t)verdicts[MR_VERDICT_STORED], "duplicate",
                              (json_int_t)verdicts[MR_VERDICT_DUPLICATE], "quarantined",
                              (json_int_t)verdicts[MR_VERDICT_QUARANTINED], "refused",
                              (json_int_t)verdicts[MR_VERDICT_REFUSED], "quarantine_waiting",
                              (json_int_t)(survey ? survey->quarantine_waiting : 0), "last_event",
                              survey && survey->last_us ? mr_time_json(survey->last_us) : json_null()));
    }
    return list;
}

static json_t *subscriptions_json(const struct mr_hub *hub)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < hub->deliver.feeds_count; i++) {
        const struct mr_feed *feed = hub->deliver.feeds[i];
        const struct mr_survey_subscription *survey = mr_survey_of_subscription(&hub->survey, feed->id, i);
        bool waits = survey && survey->oldest > feed->cursor;

        (void)json_array_append_new(list,
                json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:b, s:I, s:o}", "name", feed->subscription->name,
                        "system", feed->subscription->system, "connected", feed->session != NULL, "cursor",
                        (json_int_t)feed->cursor, "first", (json_int_t)feed->first, "unacknowledged",
                        (json_int_t)feed->sent_count, "retrying", (int)feed->waiting, "parked",
                        (json_int_t)(survey ? survey->parked : 0), "waiting_since",
                        waits ? mr_time_json(survey->oldest_us) : json_null()));
    }
    return list;
}

json_t *mr_hub_live(void *ctx)
{
    const struct mr_hub *hub = ctx;
    json_t *all = json_object();

    for (uint32_t i = 0; i < hub->deliver.feeds_count; i++) {
        const struct mr_feed *feed = hub->deliver.feeds[i];

        (void)json_object_set_new(all, feed->subscription->name,
                json_pack("{s:b, s:I, s:b}", "connected", feed->session != NULL, "sent_through",
                        (json_int_t)feed->sent_through, "retrying", (int)feed->waiting));
    }
    return all;
}

static json_t *counts_json(const struct mr_hub *hub)
{
    const struct mr_gateway_stats *s = &hub->gateway.stats;

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "frames", (json_int_t)s->frames, "malformed",
            (json_int_t)s->malformed, "too_big", (json_int_t)s->too_big, "nameless", (json_int_t)s->nameless,
            "unsent", (json_int_t)s->unsent, "admitted", (json_int_t)hub->zap.admitted, "refused_keys",
            (json_int_t)hub->zap.refused);
}

/* How far the derived data is behind; and how the index is made, for whoever wonders about its size. */
static json_t *index_json(const struct mr_hub *hub)
{
    struct mr_index_lag lag = {0};
    struct mr_index_usage usage = {0};

    (void)mr_indexer_lag(&hub->house, &lag);
    (void)mr_index_usage(hub->house.index, &usage);
    return json_pack("{s:I, s:f, s:I, s:I, s:I, s:I, s:I}", "lag_events", (json_int_t)lag.events,
            "lag_seconds", (double)lag.oldest_us / 1e6, "lag_events_max",
            (json_int_t)hub->config->hub.index_lag_max, "views_lag_events", (json_int_t)lag.view_events,
            "runs", (json_int_t)usage.runs, "entries", (json_int_t)usage.entries, "bytes",
            (json_int_t)usage.file_bytes);
}

static json_t *erasure_json(const struct mr_hub *hub)
{
    struct mr_eraser_status status = {0};

    mr_eraser_status(hub->eraser, &status);
    return json_pack("{s:i, s:i, s:i, s:i, s:s}", "requested", (int)status.requested, "running",
            (int)status.running, "overdue", (int)status.overdue, "unanswered", (int)status.unanswered,
            "waits_for", status.waits_for);
}

/* Of the root key: which one (the first is 1), whether there is no backup of keys/ that it opens, whether an
 * older one is still there, and what has a copy elsewhere. */
static json_t *root_key_json(const struct mr_hub *hub)
{
    struct mr_escrow escrow = mr_house_escrow(&hub->house);
    struct mr_erasure_status status = {0};
    int r = mr_keyring_erasure_status(hub->house.keyring, &status, NULL);

    return json_pack("{s:I, s:b, s:b, s:s, s:b, s:b}", "generation", (json_int_t)status.generation,
            "backup_needed", mr_backup_is_needed(hub->config->hub.store, status.generation), "old_one_there",
            (int)status.waiting, "state", r < 0 ? mr_err_name(r) : "ok", "escrow_root", escrow.root != NULL,
            "escrow_keys", escrow.keys != NULL);
}

static json_t *space_json(const struct mr_hub *hub)
{
    const int mib = 1 << 20;

    return json_pack("{s:I, s:I, s:b, s:b}", "free_mb", (json_int_t)(hub->room.free_bytes / mib),
            "watermark_mb", (json_int_t)*hub->config->hub.space_watermark_mb, "low", (int)hub->room.low,
            "ballast", (int)hub->room.ballast);
}

static json_t *segments_json(const struct mr_hub *hub)
{
    struct mr_compactor_stats s;

    mr_compactor_stats(hub->compactor, &s);
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "count", (json_int_t)s.segments, "records",
            (json_int_t)s.rolled, "expired", (json_int_t)s.expired, "stripped", (json_int_t)s.stripped,
            "bytes", (json_int_t)s.bytes);
}

/* Of the last run; null values before the first one. */
static json_t *retention_json(const struct mr_hub *hub)
{
    struct mr_compactor_stats s;

    mr_compactor_stats(hub->compactor, &s);
    return json_pack("{s:b, s:o, s:b, s:I, s:I, s:I}", "running", (int)s.running, "ended",
            mr_time_json(s.last.ended_us), "failed", s.last.status < 0, "expired", (json_int_t)s.last.expired,
            "held", (json_int_t)s.last.held, "waiting", (json_int_t)s.last.waiting);
}

static json_t *scrub_json(const struct mr_hub *hub)
{
    struct mr_scrubber_status s = {.at = ""};

    if (hub->scrubber)
        mr_scrubber_status(hub->scrubber, &s);
    return json_pack("{s:b, s:s, s:I, s:I, s:I, s:o}", "on", hub->scrubber != NULL, "at", s.at, "passes",
            (json_int_t)s.passes, "damaged", (json_int_t)s.damaged, "damaged_last",
            (json_int_t)s.damaged_last, "finished",
            s.finished_us ? mr_time_json(s.finished_us) : json_null());
}

/* How long commits took since the start: counts by upper bounds, the last one without. */
static json_t *commit_times_json(const struct mr_writer_stats *writer)
{
    static const int64_t bounds[MR_WRITER_COMMIT_BOUNDS] = MR_WRITER_COMMIT_US;
    json_t *bounds_us = json_array();
    json_t *counts = json_array();

    for (size_t i = 0; i <= MR_WRITER_COMMIT_BOUNDS; i++) {
        if (i < MR_WRITER_COMMIT_BOUNDS)
            (void)json_array_append_new(bounds_us, json_integer(bounds[i]));
        (void)json_array_append_new(counts, json_integer((json_int_t)writer->commits_within[i]));
    }
    return json_pack("{s:I, s:o, s:o}", "total_us", (json_int_t)writer->commit_us, "bounds_us", bounds_us,
            "counts", counts);
}

json_t *mr_hub_status(void *ctx)
{
    struct mr_hub *hub = ctx;
    struct mr_writer_stats writer;
    json_t *document;

    mr_writer_stats(hub->writer, &writer);
    document = json_pack(
            "{s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:I, s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}",
            "version", MR_VERSION, "source", hub->config->hub.source, "hub_epoch",
            (json_int_t)hub->sessions.hub_epoch, "head", (json_int_t)mr_log_head(hub->house.log), "indexed",
            (json_int_t)mr_index_through(hub->house.index), "index", index_json(hub), "root_key",
            root_key_json(hub), "signed", (json_int_t)mr_checkpointer_size(hub->checkpointer), "read_only",
            (int)hub->publish.read_only, "waiting", (json_int_t)writer.waiting, "unwritten",
            (json_int_t)hub->jobs.open, "commits", (json_int_t)writer.commits, "last_commit_us",
            (json_int_t)writer.last_commit_us, "sessions", sessions_json(hub), "subscriptions",
            subscriptions_json(hub), "erasure", erasure_json(hub), "counts", counts_json(hub));
    (void)json_object_set_new(document, "at", mr_time_json(mr_clock_wall_us(hub->house.clock)));
    (void)json_object_set_new(document, "config", json_integer((json_int_t)hub->house.config_version));
    (void)json_object_set_new(document, "commit_times", commit_times_json(&writer));
    (void)json_object_set_new(document, "systems", systems_json(hub));
    (void)json_object_set_new(document, "alerts", mr_alerts_json(&hub->alerts));
    (void)json_object_set_new(document, "space", space_json(hub));
    (void)json_object_set_new(document, "scrub", scrub_json(hub));
    (void)json_object_set_new(document, "segments", segments_json(hub));
    (void)json_object_set_new(document, "retention", retention_json(hub));
    return document;
}
