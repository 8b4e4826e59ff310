#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"
#include "proto/base/buf.h"
#include "proto/wire/json.h"

enum {
    CHUNK_EVENTS = 200,
    CHUNK_BYTES = 512 * 1024,
    READ_BYTES = 65536,
    INPUT_BYTES_MAX = 256 * 1024 * 1024
};

struct publish {
    struct tool *tool;
    const char *name;   /* of the input, for messages */
    const char *system; /* --system; NULL: by each event's source */
    const char *chunk_system;
    json_t *chunk; /* events waiting to be sent, all of one system */
    size_t chunk_bytes;
    long long chunk_first; /* position of the first one in the input, from 1 */
    long long position;
    long long taken;
    long long not_taken;
    int exit_code;
};

/* ---- input ---- */

static int read_all(FILE *in, struct mr_buf *out)
{
    for (;;) {
        uint8_t *room = mr_buf_reserve(out, READ_BYTES);
        size_t n = room ? fread(room, 1, READ_BYTES, in) : 0;

        if (!room)
            return MR_ENOMEM;
        if (n == 0)
            return ferror(in) ? MR_EIO : 0;
        out->size += n;
        if (out->size > INPUT_BYTES_MAX)
            return MR_ETOOBIG;
    }
}

static int read_input(const char *name, struct mr_buf *out, struct mr_error *error)
{
    FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    int r;

    if (!in)
        return mr_error_set(error, MR_ENOTFOUND, name,
                "give a file of CloudEvents JSON, or - for standard input", "cannot open the file");
    r = read_all(in, out);
    if (in != stdin)
        (void)fclose(in);
    return r < 0 ? mr_error_set(
                           error, r, name, "split the input", "cannot read the input: %s", mr_err_text(r))
                 : 0;
}

/* ---- one item's outcome ---- */

static void print_result(struct publish *publish, json_t *result, long long position)
{
    const char *verdict = json_string_value(json_object_get(result, "verdict"));
    bool taken = verdict && (strcmp(verdict, "stored") == 0 || strcmp(verdict, "duplicate") == 0);
    const char *texts[4] = {"code", "field", "reason", "cure"};

    (void)json_object_set_new(result, "item", json_integer(position));
    *(taken ? &publish->taken : &publish->not_taken) += 1;
    if (publish->tool->json) {
        tool_render(publish->tool, stdout, result);
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        const char *text = json_string_value(json_object_get(result, texts[i]));

        texts[i] = text ? text : "";
    }
    (void)printf("%lld: %s", position, verdict ? verdict : "?");
    if (json_object_get(result, "number"))
        (void)printf(" %" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(result, "number")));
    if (texts[0][0])
        (void)printf(" (%s%s%s): %s; %s", texts[0], texts[1][0] ? ", " : "", texts[1], texts[2], texts[3]);
    (void)printf("\n");
}

/* Refused here, before the hub saw it: it could not be read. */
static void print_unreadable(struct publish *publish, const struct mr_error *error)
{
    json_t *result = json_pack("{s:s, s:s, s:s, s:s, s:s}", "verdict", "refused", "code", "malformed",
            "field", error->where, "reason", error->what, "cure", error->cure);

    print_result(publish, result, publish->position);
    json_decref(result);
}

static int on_results(void *ctx, json_t *document)
{
    struct publish *publish = ctx;
    size_t i;
    json_t *result;

    json_array_foreach (json_object_get(document, "results"), i, result)
        print_result(publish, result, publish->chunk_first + (long long)i);
    return 0;
}

/* ---- sending ---- */

static int flush_chunk(struct publish *publish, struct mr_error *error)
{
    json_t *arguments;
    int r;

    if (!publish->chunk)
        return 0;
    arguments = json_pack("{s:s, s:o}", "system", publish->chunk_system, "events", publish->chunk);
    publish->chunk = NULL;
    publish->chunk_bytes = 0;
    r = tool_ask(publish->tool, "publish", arguments, on_results, publish, error);
    return r;
}

/* The configured system that the event's source belongs to. NULL: none. */
static const char *system_of(const struct publish *publish, const json_t *event)
{
    const struct mr_config *config = publish->tool->config;
    const char *source = json_string_value(json_object_get(event, "source"));

    if (publish->system)
        return publish->system;
    for (uint32_t i = 0; source && i < config->systems_count; i++) {
        size_t n = strlen(config->systems[i].source);

        if (strncmp(source, config->systems[i].source, n) == 0 &&
                (source[n] == 0 || strchr(":/#", source[n])))
            return config->systems[i].name;
    }
    return NULL;
}

/* Takes the reference. */
static int add_event(struct publish *publish, json_t *event, size_t bytes, struct mr_error *error)
{
    const char *system = system_of(publish, event);
    int r = 0;

    if (!system) {
        (void)mr_error_set(error, MR_EINVAL, "source",
                "use the source of a configured system, or say --system NAME",
                "no configured system has this source");
        print_unreadable(publish, error);
        json_decref(event);
        return flush_chunk(publish, error);
    }
    if (publish->chunk &&
            (strcmp(system, publish->chunk_system) != 0 || publish->chunk_bytes + bytes > CHUNK_BYTES ||
                    json_array_size(publish->chunk) >= CHUNK_EVENTS))
        r = flush_chunk(publish, error);
    if (!publish->chunk) {
        publish->chunk = json_array();
        publish->chunk_first = publish->position;
        publish->chunk_system = system;
    }
    publish->chunk_bytes += bytes;
    (void)json_array_append_new(publish->chunk, event);
    return r;
}

/* What cannot be read ends the chunk, so that positions within it stay without gaps. */
static int add_unreadable(struct publish *publish, const struct mr_error *why, struct mr_error *error)
{
    int r = flush_chunk(publish, error);

    print_unreadable(publish, why);
    return r;
}

static int add_lines(struct publish *publish, struct mr_slice text, struct mr_error *error)
{
    size_t at = 0;
    int r = 0;

    while (at < text.size && r == 0) {
        const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
        size_t size = end ? (size_t)(end - text.data) - at : text.size - at;
        struct mr_error why = {0};
        json_t *event;

        publish->position++;
        if (size > 0 && strspn((const char *)text.data + at, " \t\r") < size) {
            event = mr_json_parse(mr_slice(text.data + at, size), publish->name, &why);
            r = event ? add_event(publish, event, size, error) : add_unreadable(publish, &why, error);
        }
        at += size + 1;
    }
    return r;
}

static int add_array(struct publish *publish, json_t *array, size_t bytes, struct mr_error *error)
{
    size_t n = json_array_size(array);
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        publish->position++;
        r = add_event(publish, json_incref(json_array_get(array, i)), bytes / n + 1, error);
    }
    return r;
}

/* One object, an array, or lines of objects. */
static int add_input(struct publish *publish, struct mr_slice text, struct mr_error *error)
{
    struct mr_error why = {0};
    json_t *whole = mr_json_parse(text, publish->name, &why);
    int r;

    if (json_is_array(whole)) {
        r = add_array(publish, whole, text.size, error);
        json_decref(whole);
    } else if (whole) {
        publish->position = 1;
        r = add_event(publish, whole, text.size, error);
    } else {
        r = add_lines(publish, text, error);
    }
    if (r == 0)
        r = flush_chunk(publish, error);
    json_decref(publish->chunk);
    return r;
}

static int publish_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"system", required_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
    struct publish publish = {.tool = tool};
    struct mr_buf input = MR_BUF_INIT;
    struct mr_error error = {0};
    int option;
    int r;

    while ((option = getopt_long(argc, argv, "s:", options, NULL)) != -1) {
        if (option != 's')
            return tool_usage(&tool_publish, "unknown option");
        publish.system = optarg;
    }
    if (optind + 1 < argc)
        return tool_usage(&tool_publish, "give one file");
    if (!tool_config(tool))
        return mr_err_exit(MR_ECONFIG);
    publish.name = optind < argc ? argv[optind] : "-";
    r = read_input(publish.name, &input, &error);
    if (r == 0)
        r = add_input(&publish, mr_buf_slice(&input), &error);
    mr_buf_wipe(&input);
    if (r < 0) {
        if (error.code == 0)
            (void)mr_error_set(&error, r, publish.name, "", "%s", mr_err_text(r));
        return tool_fail(tool, &error);
    }
    if (!tool->json && publish.position > 1)
        (void)printf("%lld taken, %lld not taken\n", publish.taken, publish.not_taken);
    return publish.not_taken > 0 ? TOOL_EXIT_CHECK : 0;
}

const struct tool_command tool_publish = {
        .name = "publish",
        .usage = "[--system NAME] [FILE]",
        .summary = "publish CloudEvents from a file or standard input",
        .help = "FILE holds CloudEvents JSON: one object, an array, or one object a line; - or nothing is "
                "standard input.\n"
                "Prints for each item: stored and its log number, duplicate and the first one's number, "
                "quarantined or\n"
                "refused with the code, the field, the reason and what to do. Each acknowledged item is on "
                "disk.\n"
                "  --system NAME  speak as this configured system; otherwise the one whose source the event "
                "carries\n"
                "Needs a running hub. Exit code 1 when an item was quarantined or refused.\n",
        .run = publish_run,
};
