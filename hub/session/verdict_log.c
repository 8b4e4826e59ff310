#include "hub/session/verdict_log.h"

#include "proto/base/logfmt.h"
#include "proto/wire/traceparent.h"

enum { US_IN_S = 1000000 };

static bool has_room(struct mr_verdict_log *log, int64_t monotonic_us)
{
    int64_t second = monotonic_us / US_IN_S;

    if (second != log->second) {
        if (log->left_out > 0)
            mr_warn("event.not-logged", "count", MR_N(log->left_out), "what",
                    "more events were refused or quarantined than are logged");
        *log = (struct mr_verdict_log){.second = second};
    }
    if (log->lines < MR_VERDICT_LOG_LINES_MAX) {
        log->lines++;
        return true;
    }
    log->left_out++;
    return false;
}

static void log_item(const struct mr_intake *intake, size_t i)
{
    const struct mr_intake_item *item = &intake->items[i];
    bool quarantined = item->verdict == MR_VERDICT_QUARANTINED;
    char trace[MR_TRACEPARENT_TEXT_MAX];
    bool traced = mr_traceparent_of_event(item->event, trace);

    mr_warn(quarantined ? "event.quarantined" : "event.refused", "system", intake->sender->name, "sequence",
            intake->by_tool ? NULL : MR_N(intake->first_sequence + i), "number",
            quarantined ? MR_N(item->number) : NULL, "code", item->text ? item->text->code : NULL, "field",
            item->text ? item->text->field : NULL, "traceparent", traced ? trace : NULL);
}

void mr_verdict_log(struct mr_verdict_log *log, const struct mr_intake *intake, int64_t monotonic_us)
{
    for (size_t i = 0; i < intake->count; i++) {
        enum mr_verdict verdict = intake->items[i].verdict;

        if ((verdict == MR_VERDICT_REFUSED || verdict == MR_VERDICT_QUARANTINED) &&
                has_room(log, monotonic_us))
            log_item(intake, i);
    }
}

void mr_verdict_log_unreadable(
        struct mr_verdict_log *log, const char *system, const char *code, int64_t monotonic_us)
{
    if (has_room(log, monotonic_us))
        mr_warn("event.refused", "system", system, "code", code);
}
