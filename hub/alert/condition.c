#include "hub/alert/condition.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { US_IN_S = 1000000, S_IN_HOUR = 3600 };

static void say(char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(char *what, const char *format, ...)
{
    va_list args;

    if (!what)
        return;
    va_start(args, format);
    (void)vsnprintf(what, MR_ALERT_WHAT_BYTES, format, args);
    va_end(args);
}

static long long seconds(int64_t us)
{
    return us / US_IN_S;
}

/* threshold 0: never. */
static bool lasts(int64_t us, uint32_t threshold_s)
{
    return threshold_s > 0 && seconds(us) >= threshold_s;
}

static bool reaches(uint64_t count, uint32_t threshold)
{
    return threshold > 0 && count >= threshold;
}

/* ---- the hub ---- */

static bool read_only(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_hub *f = figures;

    (void)config;
    say(what, "%s: %" PRIu64 " MiB are free on the file system of hub.store",
            f->read_only ? "no new events are taken" : "events are taken", f->free_bytes >> 20);
    return f->read_only;
}

static bool writer_stalled(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_hub *f = figures;

    (void)config;
    say(what, "%s", f->stalled ? "a commit of the log does not end" : "commits end");
    return f->stalled;
}

static bool disk_low(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_hub *f = figures;

    say(what, "%" PRIu64 " MiB are free on the file system of hub.store, the threshold is %" PRIu32,
            f->free_bytes >> 20, *config->disk_free_mb);
    return f->free_bytes >> 20 < *config->disk_free_mb;
}

static bool not_signed(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_hub *f = figures;

    say(what, "for %lld s not all of the log has been signed", seconds(f->unsigned_us));
    return lasts(f->unsigned_us, *config->checkpoint_seconds);
}

static bool index_behind(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_hub *f = figures;

    say(what, "the index is %lld s behind the log", seconds(f->index_us));
    return lasts(f->index_us, *config->index_seconds);
}

static bool damaged(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_hub *f = figures;

    (void)config;
    say(what, "the scrub has found %" PRIu64 " damaged places in the store", f->damaged);
    return f->damaged > 0;
}

static bool erasure_overdue(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_hub *f = figures;

    (void)config;
    say(what, "%" PRIu32 " erasures are past their legal term", f->erasures_overdue);
    return f->erasures_overdue > 0;
}

static bool balance(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_hub *f = figures;

    (void)config;
    say(what, "%" PRIu64 " sums of the balance do not hold", f->differences);
    return f->differences > 0;
}

const struct mr_alert_condition mr_alert_hub_conditions[MR_ALERT_HUB_CONDITIONS] = {
        {"read-only", read_only, "make room on that file system, never in the store; it goes on by itself"},
        {"writer-stalled", writer_stalled, "look at the disk and the kernel's log"},
        {"disk-low", disk_low, "make room on that file system, never in the store"},
        {"not-signed", not_signed, "look at the hub's log and at the disk of hub.root_key"},
        {"index-behind", index_behind, "is there an index.failed in the hub's log? is the disk slow?"},
        {"damaged", damaged, "marshrut scrub says where, and what to do"},
        {"erasure-overdue", erasure_overdue, "marshrut erase list says which, and what they wait for"},
        {"balance", balance, "marshrut balance says which; keep its answer"},
};

/* ---- a system ---- */

static bool system_away(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_system *f = figures;

    say(what, "not connected for %lld s", seconds(f->away_us));
    return f->known && lasts(f->away_us, *config->away_seconds);
}

static bool system_silent(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_system *f = figures;

    (void)config;
    say(what, "no event for %lld h, the threshold is %" PRIu32, seconds(f->silent_us) / S_IN_HOUR,
            f->silent_hours);
    return f->silent_hours > 0 && seconds(f->silent_us) >= (long long)f->silent_hours * S_IN_HOUR;
}

static bool quarantine_growing(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_system *f = figures;

    say(what, "%" PRIu64 " events were quarantined within an hour; %" PRIu64 " wait for correction",
            f->quarantined, f->quarantine_waiting);
    return reaches(f->quarantined, *config->quarantined_per_hour);
}

static bool events_refused(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_system *f = figures;

    say(what, "%" PRIu64 " events were refused within an hour", f->refused);
    return reaches(f->refused, *config->refused_per_hour);
}

const struct mr_alert_condition mr_alert_system_conditions[MR_ALERT_SYSTEM_CONDITIONS] = {
        {"system-away", system_away, "does its adapter run, and reach the hub? its log says why (link.down)"},
        {"system-silent", system_silent, "has it nothing to say, or does its source not deliver?"},
        {"quarantine-growing", quarantine_growing, "marshrut quarantine list says what is wrong with them"},
        {"events-refused", events_refused, "the sender's log and reports say what is wrong with them"},
};

/* ---- a subscription ---- */

static bool delivery_waiting(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_subscription *f = figures;

    if (f->oldest > 0)
        say(what, "event %" PRIu64 " has waited for %lld s to be taken", f->oldest, seconds(f->oldest_us));
    else
        say(what, "nothing waits");
    return f->oldest > 0 && lasts(f->oldest_us, *config->waiting_seconds);
}

static bool delivery_parked(const void *figures, const struct mr_config_alerts *config, char *what)
{
    const struct mr_alert_of_subscription *f = figures;

    say(what, "%" PRIu64 " events were parked within an hour; %" PRIu64 " are parked now", f->parked,
            f->parked_now);
    return reaches(f->parked, *config->parked_per_hour);
}

const struct mr_alert_condition mr_alert_subscription_conditions[MR_ALERT_SUBSCRIPTION_CONDITIONS] = {
        {"delivery-waiting", delivery_waiting, "is the receiver connected (marshrut status)? see its log"},
        {"delivery-parked", delivery_parked, "marshrut where NUMBER'S ID and the receiver's log say why"},
};
