#include "hub/keep/scrubber.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"
#include "store/log_segment.h"

enum { PLACE_BYTES_MAX = 128, STEP_MS = 10000, STEP_ROWS_MIN = 200, ROWS_A_RECORD = 4, FAILED_PAUSES = 30 };

enum unit { UNIT_LOG, UNIT_SEGMENTS, UNIT_KEYS, UNIT_INDEX, UNIT_VIEWS, UNITS };
static const char *const unit_names[UNITS] = {"log", "log/segments", "keys", "index", "views"};

struct mr_scrubber {
    struct mr_house *house;
    struct mr_scrubber_options options;
    enum unit unit;
    uint64_t segment; /* first number of the next one to look at */
    struct mr_scrub_place place;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool stopping;
    struct mr_scrubber_status status;
};

struct mr_scrubber_options mr_scrubber_pace(const struct mr_house *house, uint32_t days)
{
    uint64_t steps = (uint64_t)days * 24 * 3600 * 1000 / STEP_MS;
    uint64_t rows = mr_log_head(house->log) * ROWS_A_RECORD / steps + 1;

    return (struct mr_scrubber_options){.rows_a_step = rows < STEP_ROWS_MIN ? STEP_ROWS_MIN
                                                       : rows > UINT32_MAX  ? UINT32_MAX
                                                                            : (uint32_t)rows,
            .pause_ms = STEP_MS};
}

/* ---- the place ---- */

static bool place_path(const struct mr_scrubber *s, const char *suffix, char out[static PATH_MAX])
{
    return snprintf(out, PATH_MAX, "%s/scrub.place%s", s->house->config->hub.store, suffix) < PATH_MAX;
}

/* Of keys that are no numbers only the table is told: they may stand for a person. */
static void save_place(const struct mr_scrubber *s)
{
    bool numbered = s->unit <= UNIT_SEGMENTS && s->place.key_size == 8;
    char path[PATH_MAX], beside[PATH_MAX], text[PLACE_BYTES_MAX];
    int n = snprintf(text, sizeof text, "%d %" PRIu64 " %s %" PRIu64 "\n", (int)s->unit, s->segment,
            s->place.table[0] ? s->place.table : "-", numbered ? mr_get_be64(s->place.key) : 0);
    ssize_t written;
    int fd;

    if (!place_path(s, "", path) || !place_path(s, ".new", beside) ||
            (fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
        return; /* then the next start begins anew; so it does when the power fails, and the file is empty */
    written = write(fd, text, (size_t)n);
    if (close(fd) < 0 || written != n || rename(beside, path) < 0)
        (void)unlink(beside);
}

static void load_place(struct mr_scrubber *s)
{
    char path[PATH_MAX], table[sizeof s->place.table];
    uint64_t segment, number;
    int unit, n;
    FILE *file = place_path(s, "", path) ? fopen(path, "re") : NULL;

    if (!file)
        return;
    n = fscanf(file, "%d %" SCNu64 " %31s %" SCNu64, &unit, &segment, table, &number);
    (void)fclose(file);
    if (n != 4 || unit < 0 || unit >= UNITS)
        return;
    s->unit = (enum unit)unit;
    s->segment = segment;
    if (strcmp(table, "-") == 0)
        return;
    (void)snprintf(s->place.table, sizeof s->place.table, "%s", table);
    if (number > 0) {
        mr_put_be64(s->place.key, number);
        s->place.key_size = 8;
    }
}

/* ---- a step ---- */

static void on_finding(void *ctx, const struct mr_scrub_finding *finding)
{
    struct mr_scrubber *s = ctx;

    mr_err("scrub.damaged", "environment", finding->environment, "table", finding->table, "first",
            finding->first ? MR_N(finding->first) : NULL, "last", finding->last ? MR_N(finding->last) : NULL,
            "page", finding->page ? MR_N(finding->page) : NULL, "what", finding->what, "cure", finding->cure);
    pthread_mutex_lock(&s->lock);
    s->status.damaged++;
    pthread_mutex_unlock(&s->lock);
}

struct next_segment {
    uint64_t from;
    struct mr_log_segment segment;
};

static int on_segment(void *ctx, const struct mr_log_segment *segment)
{
    struct next_segment *next = ctx;

    if (segment->first < next->from)
        return 0;
    next->segment = *segment;
    return 1;
}

/* 1: there is one from s->segment on. */
static int find_segment(struct mr_scrubber *s, char path[static PATH_MAX])
{
    struct next_segment next = {.from = s->segment};
    struct mr_log_reader *reader;
    int r = mr_log_reader_open(s->house->log, &reader);

    if (r < 0)
        return r;
    r = mr_log_segments(reader, on_segment, &next);
    mr_log_reader_close(reader);
    if (r == 1) {
        s->segment = next.segment.first;
        if (snprintf(path, PATH_MAX, "%s/log/segments/%020" PRIu64 "-%" PRIu32, s->house->config->hub.store,
                    next.segment.first, next.segment.generation) >= PATH_MAX)
            return MR_EINVAL;
    }
    return r;
}

static int scrub_some(struct mr_scrubber *s, struct mr_scrub_options *options, struct mr_scrub_counts *counts)
{
    struct mr_error error = {0};
    int r;

    options->fn = on_finding;
    options->ctx = s;
    r = mr_scrub_some(options, &s->place, s->options.rows_a_step, counts, &error);
    if (r < 0 && r != MR_ENOTFOUND)
        mr_err("scrub.failed", "environment", options->environment, "what", error.what, "where", error.where,
                "cure", error.cure);
    return r;
}

/* 1: there is more of this unit. */
static int one_unit(struct mr_scrubber *s, struct mr_scrub_counts *counts)
{
    struct mr_house *house = s->house;
    char path[PATH_MAX];
    struct mr_scrub_options options = {
            .environment = unit_names[s->unit], .dir = path, .keyring = house->keyring};
    int r;

    (void)snprintf(path, sizeof path, "%s/%s", house->config->hub.store, unit_names[s->unit]);
    switch (s->unit) {
    case UNIT_LOG:
        options.kv = mr_log_kv(house->log);
        break;
    case UNIT_KEYS:
        options.kv = mr_keyring_kv(house->keyring);
        break;
    case UNIT_INDEX:
        options.kv = mr_index_kv(house->index);
        break;
    case UNIT_VIEWS:
        options.kv = mr_view_kv(house->view);
        break;
    default:
        if ((r = find_segment(s, path)) != 1)
            return r;
        options.environment = "log";
        options.tree = mr_log_kv(house->log);
        r = scrub_some(s, &options, counts);
        if (r == 0 || r == MR_ENOTFOUND) { /* done, or replaced: the next one */
            s->segment++;
            s->place = (struct mr_scrub_place){0};
            r = 1;
        }
        return r;
    }
    return scrub_some(s, &options, counts);
}

static void next_unit(struct mr_scrubber *s)
{
    s->place = (struct mr_scrub_place){0};
    s->segment = 0;
    s->unit = (enum unit)((s->unit + 1) % UNITS);
    if (s->unit != UNIT_LOG)
        return;
    s->status.passes++;
    s->status.finished_us = mr_clock_wall_us(s->house->clock);
    s->status.damaged_last = s->status.damaged;
    s->status.damaged = 0;
    s->status.rows = 0;
}

/* False: it failed, and is tried again later. */
static bool step(struct mr_scrubber *s)
{
    struct mr_scrub_counts counts = {0};
    int r = one_unit(s, &counts);

    pthread_mutex_lock(&s->lock);
    s->status.rows += counts.rows;
    if (r == 0 || r == MR_ENOTFOUND || r == MR_ECORRUPT)
        next_unit(s);
    s->status.at = unit_names[s->unit];
    pthread_mutex_unlock(&s->lock);
    save_place(s);
    return r >= 0 || r == MR_ENOTFOUND || r == MR_ECORRUPT;
}

/* ---- the thread ---- */

/* False: it is being stopped. */
static bool pause_between(struct mr_scrubber *s, uint64_t ms)
{
    struct timespec until;
    bool go_on;
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping && rc == 0)
        rc = pthread_cond_timedwait(&s->wake, &s->lock, &until);
    go_on = !s->stopping;
    pthread_mutex_unlock(&s->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct mr_scrubber *s = arg;
    uint64_t pause = s->options.pause_ms;

    while (pause_between(s, pause))
        pause = step(s) ? s->options.pause_ms : (uint64_t)s->options.pause_ms * FAILED_PAUSES;
    return NULL;
}

static int init_sync(struct mr_scrubber *s)
{
    pthread_condattr_t attr;
    int rc = pthread_mutex_init(&s->lock, NULL);

    if (rc == 0 && (rc = pthread_condattr_init(&attr)) == 0) {
        rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        if (rc == 0)
            rc = pthread_cond_init(&s->wake, &attr);
        pthread_condattr_destroy(&attr);
    }
    return rc ? mr_err_from_errno(rc) : 0;
}

int mr_scrubber_start(struct mr_scrubber **ret, struct mr_house *house,
        const struct mr_scrubber_options *options, struct mr_error *reterr)
{
    struct mr_scrubber *s = calloc(1, sizeof *s);
    int r;

    if (!s)
        return MR_ENOMEM;
    s->house = house;
    s->options = *options;
    load_place(s);
    s->status.at = unit_names[s->unit];
    r = init_sync(s);
    if (r == 0 && pthread_create(&s->thread, NULL, run, s) != 0)
        r = MR_ESYSTEM;
    if (r < 0) {
        free(s);
        return mr_error_set(reterr, r, "scrubber", "", "cannot start: %s", mr_err_text(r));
    }
    *ret = s;
    return 0;
}

void mr_scrubber_stop(struct mr_scrubber *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void mr_scrubber_status(struct mr_scrubber *s, struct mr_scrubber_status *ret)
{
    pthread_mutex_lock(&s->lock);
    *ret = s->status;
    pthread_mutex_unlock(&s->lock);
}
