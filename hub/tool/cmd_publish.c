#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/input.h"
#include "hub/tool/receipt_file.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"
#include "proto/base/buf.h"
#include "proto/base/bytes.h"
#include "proto/wire/frame.h"
#include "proto/wire/json.h"

/* The rest of a frame is for the question around the events; one event larger than that cannot be asked. */
enum {
    CHUNK_EVENTS = 200,
    CHUNK_BYTES = 512 * 1024,
    ITEM_BYTES_MAX = MR_FRAME_BYTES_MAX - 4096,
    INPUT_BYTES_MAX = 256 * 1024 * 1024,
    AGAIN_MS = 30000
};

struct publish {
    struct tool *tool;
    const char *name;   /* of the input, for messages */
    const char *system; /* --system; NULL: by each event's source */
    bool dry;           /* --dry-run: nothing is stored */
    bool met;           /* a hub was there */
    const char *chunk_system;
    json_t *chunk; /* events waiting to be sent, all of one system */
    size_t chunk_bytes;
    long long positions[CHUNK_EVENTS]; /* of each in the input, from 1 */
    long long position;
    long long stored;  /* now or before */
    long long waiting; /* in the log, now or since before; corrected first */
    long long refused;
    const char *receipts;  /* --receipt DIR; NULL: none */
    struct mr_buf numbers; /* u64 each: of which there will be receipts */
};

/* Why an item is refused here, before the hub sees it. Said in full at each place: nothing is left over from
 * another item. */
struct refusal {
    const char *code;
    const char *field;
    const char *reason;
    const char *cure;
};

/* ---- one item's outcome ---- */

/* Of what was only tried: who would get it. */
static void print_subscriptions(const json_t *names)
{
    json_t *name;
    size_t i;

    if (names)
        (void)printf(json_array_size(names) > 0 ? ", for" : ", for nobody");
    json_array_foreach (names, i, name)
        tool_say(stdout, " %s", json_string_value(name));
}

static long long *count_of(struct publish *publish, const json_t *result)
{
    const char *verdict = json_string_value(json_object_get(result, "verdict"));
    const char *code = json_string_value(json_object_get(result, "code"));

    verdict = verdict ? verdict : "";
    if (strcmp(verdict, "quarantined") == 0 || (code && strcmp(code, "quarantined-waiting") == 0))
        return &publish->waiting;
    return strcmp(verdict, "stored") == 0 || strcmp(verdict, "duplicate") == 0 ? &publish->stored
                                                                               : &publish->refused;
}

/* A sentence that goes on. */
static int without_point(const char *sentence)
{
    size_t size = strlen(sentence);

    return (int)(size - (size > 0 && sentence[size - 1] == '.'));
}

static void print_result(struct publish *publish, json_t *result, long long position)
{
    const char *verdict = json_string_value(json_object_get(result, "verdict"));
    const char *texts[4] = {"code", "field", "reason", "cure"};

    (void)json_object_set_new(result, "item", json_integer(position));
    if (publish->dry)
        (void)json_object_set_new(result, "dry_run", json_true());
    if (publish->receipts && json_object_get(result, "number"))
        mr_buf_put_be64(&publish->numbers, (uint64_t)json_integer_value(json_object_get(result, "number")));
    *count_of(publish, result) += 1;
    if (publish->tool->json) {
        tool_render(publish->tool, stdout, result);
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        const char *text = json_string_value(json_object_get(result, texts[i]));

        texts[i] = text ? text : "";
    }
    tool_say(stdout, "%lld: %s%s", position, publish->dry ? "would be " : "", verdict ? verdict : "?");
    if (json_object_get(result, "number"))
        (void)printf(" %" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(result, "number")));
    if (texts[0][0])
        tool_say(stdout, " (%s%s%s): %.*s; %s", texts[0], texts[1][0] ? ", " : "", texts[1],
                without_point(texts[2]), texts[2], texts[3]);
    print_subscriptions(json_object_get(result, "subscriptions"));
    (void)printf("\n");
}

static int on_results(void *ctx, json_t *document)
{
    struct publish *publish = ctx;
    const json_t *results = json_object_get(document, "results");
    size_t n = json_array_size(publish->chunk);

    if (json_array_size(results) != n)
        return MR_EMALFORMED;
    for (size_t i = 0; i < n; i++)
        print_result(publish, json_array_get(results, i), publish->positions[i]);
    return 0;
}

/* ---- sending ---- */

static int flush_chunk(struct publish *publish, struct mr_error *error)
{
    json_t *arguments;
    int r;

    if (!publish->chunk)
        return 0;
    arguments = json_pack("{s:s, s:O, s:b}", "system", publish->chunk_system, "events", publish->chunk,
            "dry_run", (int)publish->dry);
    r = arguments ? tool_ask_again(publish->tool, "publish", arguments, AGAIN_MS, &publish->met, on_results,
                            publish, error)
                  : MR_ENOMEM;
    json_decref(arguments);
    if (r == MR_ETIMEOUT)
        (void)mr_error_set(error, r, publish->name,
                "look at the hub's log, then publish the same again: what it took is told as a duplicate",
                "the hub runs but does not answer");
    if (r < 0)
        return r; /* the chunk stays: its first position is told */
    json_decref(publish->chunk);
    publish->chunk = NULL;
    publish->chunk_bytes = 0;
    return 0;
}

/* The chunk before it is sent first, so that the verdicts come in the input's order. */
static int refuse(struct publish *publish, struct refusal why, struct mr_error *error)
{
    int r = flush_chunk(publish, error);
    json_t *result = r == 0 ? json_pack("{s:s, s:s}", "verdict", "refused", "code", why.code) : NULL;

    if (!result)
        return r < 0 ? r : MR_ENOMEM;
    (void)json_object_set_new(result, "field", json_string(why.field));
    (void)json_object_set_new(result, "reason", json_string(why.reason));
    (void)json_object_set_new(result, "cure", json_string(why.cure));
    print_result(publish, result, publish->position);
    json_decref(result);
    return 0;
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
static int add_event(struct publish *publish, json_t *event, struct mr_error *error)
{
    const char *system = system_of(publish, event);
    size_t bytes = json_dumpb(event, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
    int r = 0;

    if (bytes > ITEM_BYTES_MAX || !system) {
        json_decref(event);
        if (system)
            return refuse(publish,
                    (struct refusal){"event-too-big", "", "the event is larger than a frame of the bus",
                            "send it smaller: the hub takes events of at most 49152 bytes"},
                    error);
        return refuse(publish,
                (struct refusal){"malformed", "source", "no configured system has this source",
                        "use the source of a configured system, or say --system NAME"},
                error);
    }
    if (publish->chunk &&
            (strcmp(system, publish->chunk_system) != 0 || publish->chunk_bytes + bytes > CHUNK_BYTES ||
                    json_array_size(publish->chunk) >= CHUNK_EVENTS))
        r = flush_chunk(publish, error);
    if (r == 0 && !publish->chunk) {
        publish->chunk = json_array();
        publish->chunk_system = system;
    }
    if (r < 0) {
        json_decref(event);
        return r;
    }
    publish->positions[json_array_size(publish->chunk)] = publish->position;
    publish->chunk_bytes += bytes + 1;
    return json_array_append_new(publish->chunk, event) == 0 ? 0 : MR_ENOMEM;
}

static int add_line(struct publish *publish, struct mr_slice line, struct mr_error *error)
{
    struct mr_error why = {0};
    json_t *event = mr_json_parse(line, publish->name, &why);

    return event ? add_event(publish, event, error)
                 : refuse(publish, (struct refusal){"malformed", why.where, why.what, why.cure}, error);
}

static bool is_blank(struct mr_slice line)
{
    size_t i = 0;

    while (i < line.size && strchr(" \t\r", line.data[i]) && line.data[i])
        i++;
    return i == line.size;
}

static int add_lines(struct publish *publish, struct mr_slice text, struct mr_error *error)
{
    size_t at = 0;
    int r = 0;

    while (at < text.size && r == 0) {
        const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
        size_t size = end ? (size_t)(end - text.data) - at : text.size - at;
        struct mr_slice line = mr_slice(text.data + at, size);

        publish->position++;
        if (!is_blank(line))
            r = add_line(publish, line, error);
        at += size + 1;
    }
    return r;
}

static int add_array(struct publish *publish, const json_t *array, struct mr_error *error)
{
    int r = 0;

    for (size_t i = 0; i < json_array_size(array) && r == 0; i++) {
        publish->position++;
        r = add_event(publish, json_incref(json_array_get(array, i)), error);
    }
    return r;
}

/* One object, an array, or lines of objects. */
static int add_input(struct publish *publish, struct mr_slice text, struct mr_error *error)
{
    json_t *whole = mr_json_parse(text, publish->name, NULL);
    int r;

    if (json_is_array(whole)) {
        r = add_array(publish, whole, error);
        json_decref(whole);
    } else if (whole) {
        publish->position = 1;
        r = add_event(publish, whole, error);
    } else {
        r = add_lines(publish, text, error);
    }
    if (r == 0)
        r = flush_chunk(publish, error);
    return r;
}

/* The run ends here; what was answered before is printed already. */
static int fail(struct publish *publish, int r, struct mr_error *error)
{
    if (error->code != r)
        (void)mr_error_set(error, r, publish->name, "", "%s", mr_err_text(r));
    (void)fflush(stdout);
    r = tool_fail(publish->tool, error);
    if (!publish->tool->json && publish->chunk && publish->met)
        (void)fprintf(stderr,
                "  item %lld and those behind it have no answer; what is published again is not "
                "taken twice\n",
                publish->positions[0]);
    json_decref(publish->chunk);
    return r;
}

/* One file an event that has a number. The events are taken, whatever happens here. */
static int save_receipts(struct publish *publish)
{
    struct mr_error error = {0};
    int r = mr_buf_failed(&publish->numbers) ? MR_ENOMEM : 0;

    for (size_t at = 0; r == 0 && at < publish->numbers.size; at += sizeof(uint64_t)) {
        uint64_t number = mr_get_be64(publish->numbers.data + at);

        r = tool_receipt_save(publish->tool, number, TOOL_RECEIPT_WAIT_MS, publish->receipts, &error);
        if (r < 0 && !publish->tool->json)
            (void)fprintf(stderr,
                    "marshrut publish: no receipt of %llu and those behind it yet; the events are taken: ask "
                    "with marshrut receipt NUMBER\n",
                    (unsigned long long)number);
    }
    if (r < 0 && error.code == 0)
        (void)mr_error_set(&error, r, publish->receipts, "", "%s", mr_err_text(r));
    return r < 0 ? tool_fail(publish->tool, &error) : 0;
}

static void print_counts(const struct publish *publish)
{
    if (publish->dry)
        (void)printf("%lld would be stored or are already, %lld would wait for correction, %lld would be "
                     "refused; nothing was stored\n",
                publish->stored, publish->waiting, publish->refused);
    else
        (void)printf("%lld stored now or before, %lld waiting for correction, %lld refused\n",
                publish->stored, publish->waiting, publish->refused);
}

static int publish_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"system", required_argument, NULL, 's'},
            {"receipt", required_argument, NULL, 'r'}, {"dry-run", no_argument, NULL, 'n'},
            {NULL, 0, NULL, 0}};
    struct publish publish = {.tool = tool};
    struct mr_buf input = MR_BUF_INIT;
    struct mr_error error = {0};
    int option;
    int r;

    while ((option = getopt_long(argc, argv, "s:", options, NULL)) != -1) {
        if (option == 's')
            publish.system = optarg;
        else if (option == 'r')
            publish.receipts = optarg;
        else if (option == 'n')
            publish.dry = true;
        else
            return tool_usage(&tool_publish, "unknown option");
    }
    if (optind + 1 < argc)
        return tool_usage(&tool_publish, "give one file");
    if (publish.dry && publish.receipts)
        return tool_usage(&tool_publish, "a dry run stores nothing: there is no receipt of it");
    if (!tool_config(tool))
        return mr_err_exit(MR_ECONFIG);
    if (publish.system && !mr_config_system(tool->config, publish.system)) {
        (void)mr_error_set(&error, MR_EINVAL, "--system", "name one below `systems` of the configuration",
                "no system '%.64s' is configured", publish.system);
        return tool_fail(tool, &error);
    }
    publish.name = optind < argc ? argv[optind] : "-";
    r = tool_read_input(publish.name, TOOL_INPUT_EVENTS, INPUT_BYTES_MAX, &input, &error);
    if (r == 0)
        r = add_input(&publish, mr_buf_slice(&input), &error);
    mr_buf_wipe(&input);
    r = r < 0 ? fail(&publish, r, &error) : 0;
    if (r == 0 && !tool->json && publish.position > 1)
        print_counts(&publish);
    if (r == 0)
        r = save_receipts(&publish);
    mr_buf_fini(&publish.numbers);
    if (r != 0)
        return r;
    return publish.waiting + publish.refused > 0 ? TOOL_EXIT_CHECK : 0;
}

const struct tool_command tool_publish = {
        .name = "publish",
        .usage = "[--system NAME] [--receipt DIR | --dry-run] [FILE]",
        .summary = "publish CloudEvents from a file or standard input",
        .help = "FILE holds CloudEvents JSON: one object, an array, or one object a line; - or nothing is "
                "standard input.\n"
                "Prints for each item: stored and its log number; duplicate and the first one's number; "
                "quarantined: in the\n"
                "log under its number, but it waits for correction and nobody gets it (marshrut quarantine); "
                "or refused: not\n"
                "taken, its sender has to mend it. With the code, the field, the reason and what to do. A "
                "repeat of what\n"
                "waits is a duplicate with the code quarantined-waiting, and counts as waiting. Each "
                "acknowledged item is\n"
                "on disk.\n"
                "  --system NAME  speak as this configured system; otherwise the one whose source the event "
                "carries\n"
                "  --receipt DIR  for each item with a number its receipt, DIR/NUMBER.receipt: marshrut "
                "receipt verify\n"
                "  --dry-run      says what would become of each and who would get it, and stores nothing; "
                "what events\n"
                "                 mean for each other is seen within 200 of them\n"
                "Needs a running hub; one that is started anew meanwhile is waited for, 30 s. Exit code 1 "
                "when an "
                "item waits\n"
                "for correction or was refused, 75 when no hub is there or it has no space: publish the same "
                "again later.\n",
        .run = publish_run,
};
