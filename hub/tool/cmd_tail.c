#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hub/tool/ask.h"
#include "hub/tool/printable.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"
#include "proto/base/nearest.h"
#include "proto/wire/registry.h"

enum { PAGE = 500, FOLLOW_INTERVAL_MS = 200 };

struct tail {
    struct tool *tool;
    json_int_t from; /* next number to ask for */
    const char *type;
    bool follow;
    json_int_t seen; /* documents of the last page */
    json_int_t head;
};

static void print_line(const json_t *event)
{
    const json_t *data = json_object_get(event, "data");
    char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;
    const char *recorded = json_string_value(json_object_get(event, "recorded"));
    const char *type = json_string_value(json_object_get(event, "type"));
    const char *system = json_string_value(json_object_get(event, "system"));

    (void)printf("%8" JSON_INTEGER_FORMAT "  ", json_integer_value(json_object_get(event, "number")));
    tool_put_padded(stdout, recorded ? recorded : "", 0);
    (void)fputs("  ", stdout);
    tool_put_padded(stdout, system ? system : "", 10);
    (void)fputc(' ', stdout);
    tool_put_padded(stdout, type ? type : "", 36);
    tool_say(stdout, " %s\n", text ? text : "");
    free(text);
}

static int on_document(void *ctx, json_t *document)
{
    struct tail *tail = ctx;
    const json_t *next = json_object_get(document, "next");

    if (next) { /* the page's last document says where to go on */
        tail->from = json_integer_value(next);
        tail->head = json_integer_value(json_object_get(document, "head"));
        return 0;
    }
    tail->seen++;
    if (tail->tool->json)
        tool_render(tail->tool, stdout, document);
    else
        print_line(document);
    return ferror(stdout) ? 1 : 0;
}

static int ask_page(struct tail *tail, struct mr_error *error)
{
    json_t *arguments = json_pack("{s:I, s:i}", "from", tail->from, "limit", PAGE);

    if (tail->type)
        (void)json_object_set_new(arguments, "type", json_string(tail->type));
    tail->seen = 0;
    return tool_ask(tail->tool, "log.tail", arguments, on_document, tail, error);
}

static int follow(struct tail *tail)
{
    const struct timespec pause = {.tv_nsec = FOLLOW_INTERVAL_MS * 1000000L};
    struct mr_error error = {0};
    int r = 0;

    while (!tool_interrupted()) {
        r = ask_page(tail, &error);
        if (r != 0)
            break;
        if (tail->from <= tail->head)
            continue;
        if (!tail->follow)
            break;
        (void)fflush(stdout);
        (void)nanosleep(&pause, NULL);
    }
    return r < 0 && !tool_interrupted() ? tool_fail(tail->tool, &error) : 0;
}

/* A type that does not exist would only ever print nothing. A prefix may be of types to come. */
static int check_type(const char *type, struct mr_error *error)
{
    const char *nearest = "";
    size_t best = SIZE_MAX;
    size_t size = strlen(type);
    char cure[256];

    if ((size > 0 && type[size - 1] == '.') || mr_registry_find(type, size))
        return 0;
    for (size_t i = 0; size <= MR_NEAREST_TEXT_MAX && i < mr_registry_count(); i++) {
        const char *name = mr_registry_at(i)->name;
        size_t d = mr_text_distance(type, name);

        if (strncmp(name, type, size) == 0 && name[size] == '.') {
            (void)snprintf(cure, sizeof cure, "'%s.', with the dot, is all that begin so", type);
            return mr_error_set(error, MR_EINVAL, "--type", cure, "no event type '%s'", type);
        }
        if (d < best) {
            best = d;
            nearest = name;
        }
    }
    (void)snprintf(cure, sizeof cure, "the nearest is '%s'; a TYPE that ends in '.' is a prefix", nearest);
    return mr_error_set(error, MR_EINVAL, "--type", nearest[0] ? cure : "give a type of at most 128 bytes",
            "no event type '%.64s'", type);
}

static int tail_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"from", required_argument, NULL, 'n'},
            {"type", required_argument, NULL, 't'}, {"follow", no_argument, NULL, 'f'}, {NULL, 0, NULL, 0}};
    struct tail tail = {.tool = tool, .from = 1};
    struct mr_error error = {0};
    char *end;
    int option;

    while ((option = getopt_long(argc, argv, "n:t:f", options, NULL)) != -1) {
        if (option == 'n') {
            errno = 0;
            tail.from = strtoll(optarg, &end, 10);
            if (*end || tail.from < 1 || errno == ERANGE)
                return tool_usage(&tool_tail, "--from takes a log number from 1 on, not '%s'", optarg);
        } else if (option == 't') {
            tail.type = optarg;
        } else if (option == 'f') {
            tail.follow = true;
        } else {
            return tool_usage(&tool_tail, "unknown option");
        }
    }
    if (optind != argc)
        return tool_usage(&tool_tail, "unexpected '%s'", argv[optind]);
    if (tail.type && check_type(tail.type, &error) < 0)
        return tool_fail(tool, &error);
    if (!tool_config(tool))
        return mr_err_exit(MR_ECONFIG);
    tool_catch_signals();
    return follow(&tail);
}

const struct tool_command tool_tail = {
        .name = "tail",
        .usage = "[--from N] [--type TYPE] [-f]",
        .summary = "print the log's events, one a line",
        .help = "  --from N     begin at log number N (default 1)\n"
                "  --type TYPE  only this type; a TYPE that ends in '.' is a prefix\n"
                "  -f, --follow go on waiting for new ones until Ctrl-C; without it, ends at the head\n"
                "  --json       one JSON document a line\n"
                "Personal values are never shown here.\n",
        .run = tail_run,
};
