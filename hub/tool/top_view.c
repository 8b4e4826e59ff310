#include "hub/tool/top_view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/base/err.h"

enum { RATE_BYTES = 24, AGE_BYTES = 24, BOUNDS_MAX = 32 };

struct picture {
    struct top_view *view;
    const json_t *before; /* NULL: no rates */
    const json_t *now;
    double seconds; /* between the two */
    int64_t now_us;
    int status;
};

/* ---- values ---- */

static int64_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static const json_t *part(const json_t *document, const char *key)
{
    return document ? json_object_get(document, key) : NULL;
}

/* The row of a list that has this name; NULL. */
static const json_t *row_of(const json_t *document, const char *list, const char *name)
{
    size_t i;
    json_t *row;

    json_array_foreach (part(document, list), i, row)
        if (strcmp(text_of(row, "name"), name) == 0)
            return row;
    return NULL;
}

static bool time_of(const json_t *object, const char *key, int64_t *ret_us)
{
    const char *text = text_of(object, key);

    return text[0] && mr_time_parse(text, strlen(text), ret_us) == 0;
}

/* How much a counter grew in a second. */
static const char *rate(const struct picture *p, const json_t *before, const json_t *now, const char *key,
        char out[static RATE_BYTES])
{
    double more = (double)(number_of(now, key) - number_of(before, key));

    if (!before || more < 0)
        (void)snprintf(out, RATE_BYTES, "-");
    else
        (void)snprintf(out, RATE_BYTES, more / p->seconds < 99.95 ? "%.1f" : "%.0f", more / p->seconds);
    return out;
}

static const char *age_of(double seconds, char out[static AGE_BYTES])
{
    static const struct {
        double from, unit;
        const char *name;
    } units[] = {{172800, 86400, "d"}, {7200, 3600, "h"}, {120, 60, "min"}, {0, 1, "s"}};
    size_t i = 0;

    while (seconds < units[i].from && units[i].from > 0)
        i++;
    (void)snprintf(out, AGE_BYTES, "%.0f %s", seconds > 0 ? seconds / units[i].unit : 0, units[i].name);
    return out;
}

static const char *age(
        const struct picture *p, const json_t *object, const char *key, char out[static AGE_BYTES])
{
    int64_t us;

    if (!time_of(object, key, &us)) {
        (void)snprintf(out, AGE_BYTES, "-");
        return out;
    }
    return age_of((double)(p->now_us - us) / 1e6, out);
}

/* ---- lines ---- */

static void line(struct picture *p, enum top_kind kind, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
static void line(struct picture *p, enum top_kind kind, const char *format, ...)
{
    struct top_view *view = p->view;
    va_list args;

    if (view->count == view->capacity) {
        size_t capacity = view->capacity ? view->capacity * 2 : 64;
        struct top_line *lines = realloc(view->lines, capacity * sizeof *lines);

        if (!lines) {
            p->status = MR_ENOMEM;
            return;
        }
        view->lines = lines;
        view->capacity = capacity;
    }
    view->lines[view->count].kind = kind;
    va_start(args, format);
    (void)vsnprintf(view->lines[view->count].text, TOP_LINE_BYTES, format, args);
    va_end(args);
    view->count++;
}

/* Commits between the two answers, or since the start: how long they took, and the bound that 99 of 100 kept.
 */
static void commit_line(struct picture *p)
{
    const json_t *now = part(p->now, "commit_times"), *before = part(p->before, "commit_times");
    const json_t *counts = part(now, "counts"), *bounds = part(now, "bounds_us");
    int64_t within[BOUNDS_MAX] = {0}, all = 0, sum = 0;
    size_t size = json_array_size(counts), i = 0;
    char per_s[RATE_BYTES], p99[RATE_BYTES] = "more";
    double us = (double)(number_of(now, "total_us") - number_of(before, "total_us"));

    for (i = 0; i < size && i < BOUNDS_MAX; i++) {
        within[i] = json_integer_value(json_array_get(counts, i)) -
                    json_integer_value(json_array_get(part(before, "counts"), i));
        all += within[i];
    }
    for (i = 0; i < size && i < BOUNDS_MAX; i++)
        if ((sum += within[i]) * 100 >= all * 99)
            break;
    if (i < json_array_size(bounds))
        (void)snprintf(
                p99, sizeof p99, "%g ms", (double)json_integer_value(json_array_get(bounds, i)) / 1000);
    (void)rate(p, p->before, p->now, "commits", per_s);
    if (all > 0)
        line(p, TOP_PLAIN, "commits   %s/s, mean %.2f ms, 99 of 100 within %s; %" PRId64 " jobs wait", per_s,
                us / (double)all / 1000, p99, number_of(p->now, "waiting"));
    else
        line(p, TOP_PLAIN, "commits   %s/s; %" PRId64 " jobs wait", per_s, number_of(p->now, "waiting"));
}

static void store_lines(struct picture *p)
{
    const json_t *index = part(p->now, "index"), *space = part(p->now, "space"),
                 *scrub = part(p->now, "scrub");
    int64_t head = number_of(p->now, "head"), behind = head - number_of(p->now, "signed");
    int64_t damaged = number_of(scrub, "damaged") + number_of(scrub, "damaged_last");
    char per_s[RATE_BYTES];
    bool read_only = is_true(p->now, "read_only");

    line(p, TOP_PLAIN, "log       %" PRId64 " events, %s/s; %" PRId64 " not signed yet", head,
            rate(p, p->before, p->now, "head", per_s), behind > 0 ? behind : 0);
    commit_line(p);
    line(p, TOP_PLAIN, "index     %" PRId64 " events behind (%.1f s), views %" PRId64,
            number_of(index, "lag_events"), json_number_value(json_object_get(index, "lag_seconds")),
            number_of(index, "views_lag_events"));
    line(p, read_only || is_true(space, "low") ? TOP_BAD : TOP_PLAIN, "disk      %" PRId64 " MiB free%s",
            number_of(space, "free_mb"), read_only ? "; READ-ONLY: no new events are taken" : "");
    if (damaged > 0)
        line(p, TOP_BAD, "scrub     %" PRId64 " damaged places: marshrut scrub", damaged);
}

static void alert_lines(struct picture *p)
{
    int64_t overdue = number_of(part(p->now, "erasure"), "overdue");
    char since[AGE_BYTES];
    size_t i;
    json_t *row;

    if (overdue > 0)
        line(p, TOP_BAD, "erasures  %" PRId64 " overdue: marshrut erase list", overdue);
    json_array_foreach (part(p->now, "alerts"), i, row) {
        const char *subject = text_of(row, "subject");

        line(p, TOP_BAD, "alert     %s%s%s, since %s", text_of(row, "condition"), subject[0] ? " " : "",
                subject, age(p, row, "since", since));
    }
}

static bool is_connected(const struct picture *p, const char *system)
{
    size_t i;
    json_t *row;

    json_array_foreach (part(p->now, "sessions"), i, row)
        if (strcmp(text_of(row, "system"), system) == 0 && !is_true(row, "admin"))
            return true;
    return false;
}

static void system_lines(struct picture *p)
{
    size_t i;
    json_t *row;

    line(p, TOP_HEAD, "%-24s %-9s %9s %9s %9s %9s %10s  %s", "SYSTEM", "CONNECTED", "STORED/S", "REPEAT/S",
            "QUARANT/S", "REFUSED/S", "QUARANTINE", "LAST EVENT");
    json_array_foreach (part(p->now, "systems"), i, row) {
        const json_t *before = row_of(p->before, "systems", text_of(row, "name"));
        bool here = is_connected(p, text_of(row, "name"));
        char stored[RATE_BYTES], repeated[RATE_BYTES], quarantined[RATE_BYTES], refused[RATE_BYTES];
        char last[AGE_BYTES];

        line(p, TOP_PLAIN, "%-24s %-9s %9s %9s %9s %9s %10" PRId64 "  %s", text_of(row, "name"),
                here ? "yes" : "no", rate(p, before, row, "stored", stored),
                rate(p, before, row, "duplicate", repeated), rate(p, before, row, "quarantined", quarantined),
                rate(p, before, row, "refused", refused), number_of(row, "quarantine_waiting"),
                age(p, row, "last_event", last));
    }
}

static void subscription_lines(struct picture *p)
{
    int64_t head = number_of(p->now, "head");
    size_t i;
    json_t *row;

    line(p, TOP_PLAIN, "%s", "");
    line(p, TOP_HEAD, "%-24s %-9s %9s %9s %9s %9s %10s  %s", "SUBSCRIPTION", "CONNECTED", "CURSOR/S",
            "BEHIND", "UNACKED", "PARKED", "RETRYING", "OLDEST WAITS");
    json_array_foreach (part(p->now, "subscriptions"), i, row) {
        const json_t *before = row_of(p->before, "subscriptions", text_of(row, "name"));
        int64_t parked = number_of(row, "parked"), waits_us;
        /* numbers, of which it need not want each; when nothing waits it is not behind */
        int64_t behind = time_of(row, "waiting_since", &waits_us) ? head - number_of(row, "cursor") : 0;
        char settled[RATE_BYTES], oldest[AGE_BYTES];

        line(p, parked > 0 ? TOP_BAD : TOP_PLAIN,
                "%-24s %-9s %9s %9" PRId64 " %9" PRId64 " %9" PRId64 " %10s  %s", text_of(row, "name"),
                is_true(row, "connected") ? "yes" : "no", rate(p, before, row, "cursor", settled), behind,
                number_of(row, "unacknowledged"), parked, is_true(row, "retrying") ? "yes" : "no",
                age(p, row, "waiting_since", oldest));
    }
}

/* Of the same run of the hub, and earlier. */
static void take_before(struct picture *p, const json_t *before)
{
    int64_t us;

    if (!before || number_of(before, "hub_epoch") != number_of(p->now, "hub_epoch") ||
            !time_of(before, "at", &us) || us >= p->now_us)
        return;
    p->before = before;
    p->seconds = (double)(p->now_us - us) / 1e6;
}

int top_view_make(struct top_view *view, const json_t *before, const json_t *now)
{
    struct picture p = {.view = view, .now = now};

    view->count = 0;
    (void)time_of(now, "at", &p.now_us);
    take_before(&p, before);
    line(&p, TOP_HEAD, "marshrut %s  %s  %.19sZ", text_of(now, "version"), text_of(now, "source"),
            text_of(now, "at"));
    store_lines(&p);
    alert_lines(&p);
    line(&p, TOP_PLAIN, "%s", "");
    view->fixed = view->count;
    system_lines(&p);
    subscription_lines(&p);
    return p.status;
}

void top_view_fini(struct top_view *view)
{
    free(view->lines);
    *view = (struct top_view){0};
}
