/*
 * mr-demo: the main job on a made-up region. Generates the region, starts hub, adapters and two outside
 * systems, feeds files and HTTP, waits until all has arrived, and shows balance and passport. `./run demo`
 * runs it; tests run it with
 * --kill.
 */
#include <argp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hub/tool/ask.h"
#include "hub/tool/render.h"
#include "tests/demo/crew.h"
#include "tests/demo/forget.h"
#include "tests/demo/journey.h"
#include "tests/support/tmpdir.h"

/* argp looks the name up in the whole process; hidden it would not be found. */
__attribute__((visibility("default"))) const char *argp_program_version = "mr-demo " MR_VERSION;

struct options {
    bool once;
    const char *dir;
    uint64_t seed;
    int orgs;
    int teachers;
    int kills;
};

static const struct argp_option option_table[] = {
        {"once", 'o', NULL, 0, "End when done, leaving nothing running", 0},
        {"dir", 'd', "DIR", 0, "Keep configuration, keys, stores and folders under DIR", 0},
        {"seed", 's', "N", 0, "Another made-up region (default 1)", 0},
        {"schools", 'S', "N", 0, "How many schools (default 40)", 0},
        {"teachers", 't', "N", 0, "How many teachers (default 2000)", 0},
        {"kill", 'k', "N", 0,
                "Meanwhile kill -9 the hub or an adapter N times, at moments that follow from the seed", 0},
        {0}};

static int number_of(struct argp_state *state, const char *text, int min, int max)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end || end == text || value < min || value > max)
        argp_error(state, "'%s' is not a number from %d to %d", text, min, max);
    return (int)value;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case 'o':
        options->once = true;
        return 0;
    case 'd':
        options->dir = arg;
        return 0;
    case 's':
        options->seed = (uint64_t)number_of(state, arg, 0, 1000000000);
        return 0;
    case 'S':
        options->orgs = number_of(state, arg, 3, 900);
        return 0;
    case 't':
        options->teachers = number_of(state, arg, 3, 90000);
        return 0;
    case 'k':
        options->kills = number_of(state, arg, 0, 1000);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int tick(void *ctx)
{
    int r = tool_interrupted() ? MR_ECLOSED : crew_tick(ctx);

    return r;
}

static bool quiet(void *ctx)
{
    const struct crew *crew = ctx;

    return crew->kills_left == 0;
}

static void show(struct tool *tool, const char *method, json_t *arguments)
{
    int exit_code;
    json_t *document = tool_ask_one(tool, method, arguments, &exit_code);

    if (document)
        tool_render(tool, stdout, document);
    json_decref(document);
}

/* The main figures: the first cells of each section. */
static void show_passport(struct tool *tool)
{
    int exit_code;
    json_t *passport = tool_ask_one(tool, "passport.show", json_object(), &exit_code);
    size_t i;
    json_t *section;

    json_array_foreach (json_object_get(passport, "sections"), i, section) {
        size_t j;
        json_t *cell;

        (void)printf("  %s\n", json_string_value(json_object_get(section, "title")));
        json_array_foreach (json_object_get(section, "cells"), j, cell) {
            const char *title = json_string_value(json_object_get(cell, "title"));
            const char *value = json_string_value(json_object_get(cell, "value"));

            if (j < 6)
                (void)printf("    %-8s %s\n", value ? value : "–", title ? title : "");
        }
    }
    json_decref(passport);
}

/* The console with a way in, and the API with a token: only while the hub stays up. */
static void show_console(const struct setup *setup)
{
    struct tool tool = {.config_path = setup->config, .operator_name = "smirnov"};
    int exit_code;
    json_t *invited =
            tool_ask_one(&tool, "account.invite", json_pack("{s:s}", "name", "smirnov"), &exit_code);
    json_t *issued = tool_ask_one(
            &tool, "token.new", json_pack("{s:s, s:s}", "name", "the demo", "scopes", "read"), &exit_code);
    const char *secret = json_string_value(json_object_get(invited, "secret"));
    const char *token = json_string_value(json_object_get(issued, "token"));

    if (secret)
        (void)printf("\nThe console (choose a password; the link is good once):\n"
                     "  http://127.0.0.1:%u/#invite=smirnov:%s\n",
                setup->http_port, secret);
    if (token)
        (void)printf("The API (docs/api.md), the deficits that came in:\n"
                     "  curl -H 'Authorization: Bearer %s' "
                     "'http://127.0.0.1:%u/api/v1/events?type=nms.deficit.&limit=5'\n",
                token, setup->http_port);
    json_decref(invited);
    json_decref(issued);
    mr_config_free(tool.config);
}

static void show_where_things_lie(const struct setup *setup, bool kept)
{
    if (!kept) {
        (void)printf("\nThe region's folder is removed now; --dir DIR keeps it, and marshrut -c "
                     "DIR/marshrut.yaml works on it.\n");
        return;
    }
    (void)printf(
            "\nWhere everything lies (%s)\n"
            "  marshrut.yaml   the configuration of hub and adapters\n"
            "  store/          the event log, keys, indexes, views\n"
            "  school/ copmkp/ cnppm/   watched folders: in, out, done (receipts), rejected (reports)\n"
            "  outside/        what the outside systems say; hub.log: the log lines of hub and adapters\n"
            "Try: build/release/bin/marshrut -c %s status | tail | where 24-000042 | balance | passport "
            "show\n",
            setup->dir, setup->config);
}

static int report(struct journey *journey, bool kept, struct mr_error *error)
{
    int r;

    (void)printf("\nBalance (сверка)\n");
    show(journey->tool, "balance", json_object());
    (void)printf("\nPassport (образец), main figures\n");
    show_passport(journey->tool);
    (void)printf("\nOne cell explained\n");
    show(journey->tool, "passport.explain", json_pack("{s:s, s:i}", "cell", "7.deficits.closed", "limit", 5));
    r = journey_check_passport(journey, error);
    if (r == 0)
        r = forget_somebody(journey, error);
    show_where_things_lie(journey->setup, kept);
    return r;
}

static int run_journey(
        const struct options *options, const struct setup *setup, struct crew *crew, struct mr_error *error)
{
    struct region *region = region_new(options->seed, options->orgs, options->teachers);
    struct tool tool = {.config_path = setup->config, .operator_name = "auditor"};
    struct journey journey = {region, setup, &tool, tick, quiet, crew};
    int r = region && tool_config(&tool) ? 0 : MR_ENOMEM;

    if (r == 0)
        r = journey_run(&journey, error);
    if (r == 0)
        r = report(&journey, options->dir || !options->once, error);
    mr_config_free(tool.config);
    region_free(region);
    return r;
}

static void stay(struct crew *crew)
{
    const struct timespec pause = {.tv_nsec = 200 * 1000000L};

    (void)printf("\nThe hub stays up; Ctrl-C ends it.\n");
    (void)fflush(stdout);
    while (tick(crew) == 0)
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

static int run(const struct options *options, const char *dir)
{
    struct mr_error error = {0};
    struct setup setup;
    struct crew crew = {0};
    struct tool tool = {0};
    int r;

    (void)printf("A made-up region: %d municipalities, %d schools, %d teachers (seed %llu), in %s\n",
            REGION_MUNICIPALITIES, options->orgs, options->teachers, (unsigned long long)options->seed, dir);
    r = setup_make(&setup, dir, &error);
    if (r == 0)
        r = crew_start(&crew, &setup, options->kills, options->seed, &error);
    if (r == 0)
        r = run_journey(options, &setup, &crew, &error);
    if (options->kills > 0)
        (void)printf("\nkilled -9 meanwhile: %d times\n", crew.kills_done);
    if (r == 0 && !options->once) {
        show_console(&setup);
        stay(&crew);
    }
    crew_stop(&crew);
    if (r == 0) {
        (void)printf("\ndemo: done, in balance\n");
        return 0;
    }
    if (error.code == 0)
        (void)mr_error_set(&error, r, "demo", "look at hub.log in the demo's folder", "%s",
                tool_interrupted() ? "interrupted" : mr_err_text(r));
    (void)tool_fail(&tool, &error);
    (void)printf("demo: FAILED (everything is kept in %s)\n", dir);
    return 1;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {option_table, parse_option, NULL,
            "The main job of Marshrut on a made-up region.", NULL, NULL, NULL};
    struct options options = {.seed = 1, .orgs = 40, .teachers = 2000};
    char *temp;
    int r;

    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0 || sodium_init() < 0)
        return 70;
    tool_catch_signals();
    if (options.dir)
        return run(&options, options.dir);
    temp = mr_tmpdir_new();
    r = run(&options, temp);
    if (r == 0)
        mr_tmpdir_free(temp);
    else
        free(temp);
    return r;
}
