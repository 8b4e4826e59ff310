#include "tests/demo/journey.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hub/tool/ask.h"
#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "tests/demo/files.h"
#include "tests/demo/post.h"

enum { STEP_TIMEOUT_S = 150, POLL_MS = 100, XAPI_BATCH = 50 };

typedef bool (*teacher_is_fn)(const struct region_teacher *teacher);

static bool everybody(const struct region_teacher *t)
{
    (void)t;
    return true;
}
static bool is_diagnosed(const struct region_teacher *t)
{
    return t->diagnosed;
}
static bool has_deficit(const struct region_teacher *t)
{
    return t->deficit;
}
static bool has_finished(const struct region_teacher *t)
{
    return t->course_finished;
}
static bool told_by_three(const struct region_teacher *t)
{
    return t->course_by_three;
}
static bool is_rediagnosed(const struct region_teacher *t)
{
    return t->rediagnosed;
}
static bool has_closed(const struct region_teacher *t)
{
    return t->deficit_closed;
}
static bool in_contest(const struct region_teacher *t)
{
    return t->contest;
}

static json_int_t count(const struct region *region, teacher_is_fn is)
{
    json_int_t n = 0;

    for (int i = 0; i < region->teachers_count; i++)
        n += is(&region->teachers[i]);
    return n;
}

/* ---- what each step feeds in ---- */

static int path_of(const struct journey *journey, const char *rest, char out[static 400])
{
    return snprintf(out, 400, "%s/%s", journey->setup->dir, rest) < 400 ? 0 : MR_ETOOBIG;
}

static int feed_orgs(struct journey *journey)
{
    char path[400];
    int r = path_of(journey, "school/in", path);

    return r ? r : files_write_orgs(journey->region, path);
}

static int feed_staff(struct journey *journey)
{
    char path[400];
    int r = path_of(journey, "school/in", path);

    return r ? r : files_write_staff(journey->region, path);
}

static int feed_diagnostics(struct journey *journey)
{
    char path[400];
    int r = path_of(journey, "copmkp/in", path);

    return r ? r : files_write_diagnostics(journey->region, path);
}

static int feed_rediagnostics(struct journey *journey)
{
    char path[400];
    int r = path_of(journey, "copmkp/in", path);

    return r ? r : files_write_rediagnostics(journey->region, path);
}

/* The portal's counterpart serves what stands in this file; it only grows. */
static int append_feed(struct journey *journey, struct mr_buf *lines)
{
    char path[400];
    int fd;
    int r = path_of(journey, "outside/feed.jsonl", path);

    if (r < 0 || mr_buf_failed(lines))
        return MR_ENOMEM;
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, lines->data, lines->size) != (ssize_t)lines->size)
        r = MR_EIO;
    if (fd >= 0)
        (void)close(fd);
    mr_buf_fini(lines);
    return r;
}

static int feed_programmes(struct journey *journey)
{
    struct mr_buf lines = MR_BUF_INIT;

    files_feed_programmes(journey->region, &lines);
    return append_feed(journey, &lines);
}

static int feed_contests(struct journey *journey)
{
    struct mr_buf lines = MR_BUF_INIT;

    files_feed_contests(journey->region, &lines);
    return append_feed(journey, &lines);
}

static int post(
        struct journey *journey, const char *path, const char *extra_header, const struct mr_buf *body)
{
    struct post_request request = {.port = journey->setup->cnppm_port,
            .path = path,
            .token = journey->setup->cnppm_token,
            .header = extra_header,
            .body = mr_buf_slice(body),
            .tick = journey->tick,
            .tick_ctx = journey->ctx};

    return post_until_taken(&request);
}

static int feed_routes(struct journey *journey)
{
    int r = 0;

    for (int i = 0; i < journey->region->teachers_count && r == 0; i++) {
        struct mr_buf body = MR_BUF_INIT;

        if (!journey->region->teachers[i].deficit)
            continue;
        files_route_json(journey->region, i, &body);
        r = post(journey, "/api/routes", NULL, &body);
        mr_buf_fini(&body);
    }
    return r;
}

static int feed_courses(struct journey *journey)
{
    struct mr_buf lines = MR_BUF_INIT;
    int from = 0;
    int r;

    files_feed_courses(journey->region, &lines);
    r = append_feed(journey, &lines);
    while (r == 0 && from < journey->region->teachers_count) {
        struct mr_buf body = MR_BUF_INIT;

        from = files_xapi_json(journey->region, from, XAPI_BATCH, &body);
        if (body.size > 2)
            r = post(journey, "/xAPI/statements", "X-Experience-API-Version: 1.0.3", &body);
        mr_buf_fini(&body);
    }
    return r;
}

/* ---- the steps ---- */

struct expect {
    const char *type;
    teacher_is_fn is[2]; /* the sum of both */
};

static const struct step {
    const char *title;
    int (*feed)(struct journey *journey);
    struct expect expect[4];
} steps[] = {
        {"schools register organisations", feed_orgs, {{0}}},
        {"schools send their staff lists", feed_staff, {{"nms.employment.started.v1", {everybody}}}},
        {"the portal lists programmes", feed_programmes, {{0}}},
        {"the assessment centre diagnoses", feed_diagnostics,
                {{"nms.diagnostic.completed.v1", {is_diagnosed}},
                        {"nms.deficit.identified.v1", {has_deficit}}}},
        {"ЦНППМ assigns routes (ИОМ)", feed_routes, {{"nms.route.assigned.v1", {has_deficit}}}},
        {"courses: enrolled, finished, documents", feed_courses,
                {{"nms.course.enrolled.v1", {has_deficit}},
                        {"nms.course.finished.v1", {has_finished, told_by_three}},
                        {"nms.document.issued.v1", {has_finished}}}},
        {"the assessment centre diagnoses again", feed_rediagnostics,
                {{"nms.rediagnostic.completed.v1", {is_rediagnosed}},
                        {"nms.deficit.closed.v1", {has_closed}}}},
        {"contests", feed_contests, {{"nms.contest.participated.v1", {in_contest}}}},
};

static json_int_t expected(const struct journey *journey, const struct expect *expect)
{
    json_int_t n = 0;

    for (size_t i = 0; i < MR_COUNT(expect->is) && expect->is[i]; i++)
        n += count(journey->region, expect->is[i]);
    return n;
}

/* Log counts by type; NULL while the hub is away (killed, starting). */
static json_t *log_counts(struct journey *journey)
{
    int exit_code;

    if (!tool_hub_runs(journey->tool))
        return NULL;
    return tool_ask_one(journey->tool, "log.count", json_pack("{s:s}", "by", "type"), &exit_code);
}

static json_int_t count_of(const json_t *counts, const char *type)
{
    size_t i;
    json_t *row;

    json_array_foreach (json_object_get(counts, "counts"), i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));

        if (name && strcmp(name, type) == 0)
            return json_integer_value(json_object_get(row, "count"));
    }
    return 0;
}

/* 1: all there; 0: not yet; negative: more than there can be. */
static int compare(
        const struct journey *journey, const json_t *counts, const struct step *step, struct mr_error *reterr)
{
    int done = 1;

    for (size_t i = 0; i < MR_COUNT(step->expect) && step->expect[i].type; i++) {
        json_int_t want = expected(journey, &step->expect[i]);
        json_int_t have = count_of(counts, step->expect[i].type);

        if (have > want)
            return mr_error_set(reterr, MR_ECORRUPT, step->expect[i].type, NULL,
                    "%lld in the log, %lld were sent: something is there twice", (long long)have,
                    (long long)want);
        if (have < want)
            done = 0;
    }
    if (step->feed == feed_orgs && count_of(counts, "nms.org.upserted.v1") < journey->region->orgs_count)
        done = 0;
    if (step->feed == feed_programmes && count_of(counts, "nms.programme.listed.v1") < REGION_PROGRAMMES)
        done = 0;
    return done;
}

static int64_t now_us(void)
{
    return mr_clock_monotonic_us(mr_clock_system());
}

static int pause_a_little(struct journey *journey)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL); /* between two looks at the condition */
    return journey->tick(journey->ctx);
}

static int wait_for(struct journey *journey, const struct step *step, struct mr_error *reterr)
{
    int64_t until = now_us() + STEP_TIMEOUT_S * 1000000LL;
    int r = 0;

    while (r == 0) {
        json_t *counts = log_counts(journey);

        r = counts ? compare(journey, counts, step, reterr) : 0;
        json_decref(counts);
        if (r == 0)
            r = pause_a_little(journey);
        if (r == 0 && now_us() > until)
            r = mr_error_set(reterr, MR_ETIMEOUT, step->title, "look at hub.log in the demo's folder",
                    "not everything arrived within %d s", STEP_TIMEOUT_S);
    }
    return r < 0 ? r : 0;
}

static bool balance_is_settled(const json_t *balance, bool *ret_ok)
{
    const json_t *out = json_object_get(balance, "out");
    size_t i;
    json_t *line;

    *ret_ok = json_is_true(json_object_get(balance, "ok"));
    json_array_foreach (out, i, line) {
        if (json_integer_value(json_object_get(line, "waiting")) > 0)
            return false;
    }
    return json_array_size(out) > 0;
}

/* Everything delivered, and both identities hold. */
static int wait_for_balance(struct journey *journey, struct mr_error *reterr)
{
    int64_t until = now_us() + STEP_TIMEOUT_S * 1000000LL;
    bool ok = false;

    for (;;) {
        int exit_code = 0;
        json_t *balance = tool_hub_runs(journey->tool)
                                  ? tool_ask_one(journey->tool, "balance", json_object(), &exit_code)
                                  : NULL;
        bool settled = balance && balance_is_settled(balance, &ok);
        int r;

        json_decref(balance);
        if (settled && ok && journey->quiet(journey->ctx))
            return 0;
        r = pause_a_little(journey);
        if (r < 0)
            return r;
        if (now_us() > until)
            return mr_error_set(reterr, MR_ETIMEOUT, "balance", "run: marshrut balance",
                    settled ? "the balance does not add up" : "deliveries still wait");
    }
}

/* ЦНППМ submits, the ministry approves and sends; the portal gets each step. */
static int send_passport(struct journey *journey, struct mr_error *reterr)
{
    static const struct {
        const char *operator_name, *method, *arguments;
    } acts[] = {
            {"orlova", "passport.submit", "{}"},
            {"belov", "passport.approve", "{\"order_number\":\"12\",\"order_date\":\"2026-11-20\"}"},
            {"belov", "passport.send", "{\"letter_number\":\"34\",\"letter_date\":\"2026-11-21\"}"},
    };
    const char *before = journey->tool->operator_name;
    int r = 0;

    for (size_t i = 0; i < MR_COUNT(acts) && r == 0; i++) {
        int exit_code = 0;
        json_t *answer;

        journey->tool->operator_name = acts[i].operator_name;
        answer = tool_ask_one(
                journey->tool, acts[i].method, json_loads(acts[i].arguments, 0, NULL), &exit_code);
        if (!answer)
            r = mr_error_set(reterr, MR_EINVAL, acts[i].method, "", "the step of the passport was not taken");
        json_decref(answer);
    }
    journey->tool->operator_name = before;
    return r;
}

static int timed(struct journey *journey, size_t number, const char *title,
        int (*run)(struct journey *journey, const struct step *step, struct mr_error *reterr),
        const struct step *step, struct mr_error *reterr)
{
    int64_t began = now_us();
    int r;

    (void)printf("[%zu/%zu] %s ...", number, MR_COUNT(steps) + 2, title);
    (void)fflush(stdout);
    r = run(journey, step, reterr);
    (void)printf(r == 0 ? " %.1f s\n" : " failed after %.1f s\n", (double)(now_us() - began) / 1e6);
    return r;
}

static int run_step(struct journey *journey, const struct step *step, struct mr_error *reterr)
{
    int r = step->feed(journey);

    if (r < 0)
        return mr_error_set(reterr, r, step->title, NULL, "could not feed it in: %s", mr_err_text(r));
    return wait_for(journey, step, reterr);
}

static int run_balance(struct journey *journey, const struct step *step, struct mr_error *reterr)
{
    (void)step;
    return wait_for_balance(journey, reterr);
}

static int run_passport(struct journey *journey, const struct step *step, struct mr_error *reterr)
{
    int r = send_passport(journey, reterr);

    (void)step;
    return r < 0 ? r : wait_for_balance(journey, reterr);
}

int journey_run(struct journey *journey, struct mr_error *reterr)
{
    size_t n = MR_COUNT(steps);
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++)
        r = timed(journey, i + 1, steps[i].title, run_step, &steps[i], reterr);
    if (r == 0)
        r = timed(journey, n + 1, "everything delivered and in balance", run_balance, NULL, reterr);
    if (r == 0)
        r = timed(journey, n + 2, "the passport: submitted, approved, sent to the portal", run_passport, NULL,
                reterr);
    return r;
}

/* ---- the passport against the region ---- */

static const struct {
    const char *cell;
    teacher_is_fn is;
} cells[] = {
        {"1.total", everybody},
        {"5.route", has_deficit},
        {"5.contest", in_contest},
        {"7.deficits.identified", has_deficit},
        {"7.deficits.closed", has_closed},
        {"2.finished", has_finished},
};

static const char *cell_value(const json_t *passport, const char *code)
{
    const json_t *sections = json_object_get(passport, "sections");
    size_t i;
    json_t *section;

    json_array_foreach (sections, i, section) {
        size_t j;
        json_t *cell;

        json_array_foreach (json_object_get(section, "cells"), j, cell) {
            const char *name = json_string_value(json_object_get(cell, "cell"));

            if (name && strcmp(name, code) == 0)
                return json_string_value(json_object_get(cell, "value"));
        }
    }
    return NULL;
}

int journey_check_passport(struct journey *journey, struct mr_error *reterr)
{
    int exit_code = 0;
    json_t *passport = tool_ask_one(journey->tool, "passport.show", json_object(), &exit_code);
    int r = passport ? 0 : MR_ENOTFOUND;

    for (size_t i = 0; i < MR_COUNT(cells) && r == 0; i++) {
        const char *value = cell_value(passport, cells[i].cell);
        char want[24];

        (void)snprintf(want, sizeof want, "%lld", (long long)count(journey->region, cells[i].is));
        if (!value || strcmp(value, want) != 0)
            r = mr_error_set(reterr, MR_ECORRUPT, cells[i].cell, "run: marshrut passport explain CELL",
                    "the passport says %s, the region has %s", value ? value : "nothing", want);
    }
    json_decref(passport);
    return r;
}
