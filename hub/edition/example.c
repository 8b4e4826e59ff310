#include "hub/edition/example.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hub/intake/admit.h"
#include "hub/route/matcher.h"
#include "proto/wire/json.h"

enum { EVENT_FILE_BYTES_MAX = 4 * 1024 * 1024, READ_BYTES = 65536 };

struct examples {
    const struct mr_config *config;
    const char *file; /* the configuration's name */
    const struct mr_matcher *matcher;
    mr_example_fn failed;
    void *ctx;
};

static int read_file(const char *path, struct mr_buf *out, struct mr_error *reterr)
{
    FILE *file = fopen(path, "rbe");
    size_t got;
    int r = 0;

    if (!file)
        return mr_error_set(reterr, mr_err_from_errno(errno), path,
                "name a file with one event, CloudEvents JSON", "cannot read %.160s: %s", path,
                mr_err_text(mr_err_from_errno(errno)));
    do {
        uint8_t *room = mr_buf_reserve(out, READ_BYTES);

        got = room ? fread(room, 1, READ_BYTES, file) : 0;
        out->size += got;
    } while (got > 0 && out->size <= EVENT_FILE_BYTES_MAX);
    if (ferror(file))
        r = mr_error_set(reterr, MR_EIO, path, "", "cannot read the example");
    else if (out->size > EVENT_FILE_BYTES_MAX)
        r = mr_error_set(reterr, MR_ETOOBIG, path, "one event a file", "the example is too big");
    (void)fclose(file);
    return r < 0 ? r : (mr_buf_failed(out) ? MR_ENOMEM : 0);
}

/* Appends the serialized event. */
static int read_event(const char *path, struct mr_buf *out, struct mr_error *reterr)
{
    struct mr_buf text = MR_BUF_INIT;
    json_t *json = NULL;
    int r = read_file(path, &text, reterr);

    if (r == 0) {
        json = mr_json_parse(mr_buf_slice(&text), path, reterr);
        r = json ? mr_event_from_json(json, out, reterr) : MR_EINVAL;
    }
    json_decref(json);
    mr_buf_wipe(&text);
    return r;
}

/* ---- what came out ---- */

static bool is_wanted(const struct mr_config_test *test, const char *name)
{
    for (uint32_t i = 0; i < test->subscriptions_count; i++)
        if (strcmp(test->subscriptions[i], name) == 0)
            return true;
    return false;
}

/* Ids are places in the list, from 1: the matcher was made without a log. */
static const char *name_of(const struct examples *e, uint16_t id)
{
    return e->config->subscriptions[id - 1].name;
}

static bool has(const struct examples *e, const uint16_t *subs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name_of(e, subs[i]), name) == 0)
            return true;
    return false;
}

static void say(const struct examples *e, uint32_t index, const char *what, const char *cure)
{
    struct mr_error failure = {0};
    char path[48], where[192];

    (void)snprintf(path, sizeof path, "tests[%u]", (unsigned)index);
    mr_config_where(e->config, e->file, path, where, sizeof where);
    (void)mr_error_set(
            &failure, MR_ECONFIG, where, cure, "%s (%.48s): %s", path, e->config->tests[index].name, what);
    e->failed(e->ctx, &failure);
}

/* true: exactly those that the test names. */
static bool compare(const struct examples *e, uint32_t index, const uint16_t *subs, size_t count)
{
    const struct mr_config_test *test = &e->config->tests[index];
    struct mr_buf text = MR_BUF_INIT;
    bool good;

    for (uint32_t i = 0; i < test->subscriptions_count; i++)
        if (!has(e, subs, count, test->subscriptions[i]))
            mr_buf_printf(&text, "%s%s does not get it", text.size ? ", " : "", test->subscriptions[i]);
    for (size_t i = 0; i < count; i++)
        if (!is_wanted(test, name_of(e, subs[i])))
            mr_buf_printf(&text, "%s%s gets it", text.size ? ", " : "", name_of(e, subs[i]));
    good = text.size == 0;
    if (!good)
        say(e, index, mr_buf_str(&text) ? mr_buf_str(&text) : "others get it",
                "mend the filters, or name here who shall get it");
    mr_buf_fini(&text);
    return good;
}

/* ---- one test ---- */

static bool admitted(const struct examples *e, uint32_t index, struct mr_slice bytes, struct mr_arena *arena,
        struct mr_event *ret)
{
    const struct mr_config_test *test = &e->config->tests[index];
    const struct mr_admit admit = {.config = e->config,
            .sender = test->system ? mr_config_system(e->config, test->system) : NULL,
            .now_us = mr_clock_wall_us(mr_clock_system())};
    struct mr_decision decision;
    struct mr_error error = {0};
    bool decoded;
    int r;

    if (!test->system) { /* nobody says it: it is only matched */
        r = mr_event_decode(ret, bytes, arena, &error);
        if (r < 0)
            say(e, index, error.what, error.cure);
        return r == 0;
    }
    mr_decision_go(&decision);
    mr_admit_event(&admit, bytes, arena, ret, &decoded, &decision);
    if (decision.verdict == MR_VERDICT_STORED)
        return true;
    (void)mr_error_set(&error, MR_ECONFIG, "", decision.text.cure, "the hub would not release it: %s %s",
            decision.text.field, decision.text.reason);
    say(e, index, error.what, error.cure);
    return false;
}

static bool try_one(const struct examples *e, uint32_t index)
{
    const struct mr_config_test *test = &e->config->tests[index];
    const struct mr_match_context context = {(const char *const *)test->staff_of, test->staff_of_count};
    uint16_t subs[MR_RECORD_SUBS_MAX];
    struct mr_buf bytes = MR_BUF_INIT;
    struct mr_error error = {0};
    struct mr_arena arena;
    struct mr_event event;
    bool good = false;

    mr_arena_init(&arena, MR_ADMIT_ARENA_BYTES);
    if (read_event(test->event, &bytes, &error) < 0)
        say(e, index, error.what[0] ? error.what : "the example is no event", error.cure);
    else if (admitted(e, index, mr_buf_slice(&bytes), &arena, &event))
        good = compare(e, index, subs, mr_matcher_match(e->matcher, &event, test->system, &context, subs));
    mr_arena_fini(&arena);
    mr_buf_wipe(&bytes);
    return good;
}

int mr_examples_try(const struct mr_config *config, const char *file, mr_example_fn failed, void *ctx,
        struct mr_error *reterr)
{
    struct mr_matcher *matcher = NULL;
    struct examples e = {.config = config, .file = file, .failed = failed, .ctx = ctx};
    int r = config->tests_count > 0 ? mr_matcher_create(&matcher, config, NULL, reterr) : 0;
    int wrong = 0;

    e.matcher = matcher;
    for (uint32_t i = 0; r == 0 && i < config->tests_count; i++)
        wrong += !try_one(&e, i);
    mr_matcher_free(matcher);
    return r < 0 ? r : wrong;
}
