/* marshrut config plan | history | show. */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/config_action.h"
#include "hub/tool/input.h"
#include "hub/tool/pages.h"
#include "hub/tool/printable.h"
#include "hub/tool/render.h"

enum { VERSIONS_A_PAGE = 1000 };

static json_int_t number_of(const json_t *document, const char *key)
{
    return json_integer_value(json_object_get(document, key));
}

static const char *text_of(const json_t *document, const char *key)
{
    const char *text = json_string_value(json_object_get(document, key));

    return text ? text : "";
}

/* ---- plan ---- */

struct plan {
    json_t *changes;
    json_t *subscriptions;
    json_t *summary;
};

static int on_plan(void *ctx, json_t *document)
{
    struct plan *plan = ctx;

    if (json_object_get(document, "path"))
        return json_array_append(plan->changes, document);
    if (json_object_get(document, "subscription"))
        return json_array_append(plan->subscriptions, document);
    if (json_object_get(document, "looked"))
        plan->summary = json_incref(document);
    return 0;
}

static void print_change(const json_t *change)
{
    tool_say(stdout, "  %s %s", text_of(change, "change"), text_of(change, "path"));
    if (json_object_get(change, "from"))
        tool_say(stdout, ": %s -> %s", text_of(change, "from"), text_of(change, "to"));
    tool_say(stdout, "%s\n", json_is_true(json_object_get(change, "restart")) ? " (needs a restart)" : "");
}

static void print_numbers(const char *word, json_int_t count, const json_t *examples)
{
    json_t *number;
    size_t i;

    tool_say(stdout, ", %s %" JSON_INTEGER_FORMAT, word, count);
    json_array_foreach (examples, i, number)
        tool_say(stdout, "%s%" JSON_INTEGER_FORMAT, i ? ", " : " (", json_integer_value(number));
    if (i > 0)
        tool_say(stdout, "%s)", count > (json_int_t)i ? " ..." : "");
}

static void print_subscription(const json_t *row)
{
    const char *state = text_of(row, "state");

    tool_say(stdout, "  %s%s%s: %" JSON_INTEGER_FORMAT " before, %" JSON_INTEGER_FORMAT " after",
            text_of(row, "subscription"), strcmp(state, "kept") == 0 ? "" : ", ",
            strcmp(state, "kept") == 0 ? "" : state, number_of(row, "before"), number_of(row, "after"));
    print_numbers("gained", number_of(row, "gained"), json_object_get(row, "gained_at"));
    print_numbers("lost", number_of(row, "lost"), json_object_get(row, "lost_at"));
    tool_say(stdout, "\n");
}

static void print_plan(const struct plan *plan)
{
    const json_t *summary = plan->summary;
    json_t *item;
    size_t i;

    tool_say(stdout, "against version %" JSON_INTEGER_FORMAT ": %zu keys differ\n",
            number_of(summary, "version"), json_array_size(plan->changes));
    json_array_foreach (plan->changes, i, item)
        print_change(item);
    if (number_of(summary, "looked") == 0 && number_of(summary, "unreadable") == 0)
        tool_say(stdout, "no events in that time\n");
    else
        tool_say(stdout,
                "events %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT ": %" JSON_INTEGER_FORMAT
                " matched anew, %" JSON_INTEGER_FORMAT " cannot be read\n",
                number_of(summary, "first"), number_of(summary, "last"), number_of(summary, "looked"),
                number_of(summary, "unreadable"));
    json_array_foreach (plan->subscriptions, i, item)
        print_subscription(item);
    tool_say(stdout,
            "  %" JSON_INTEGER_FORMAT
            " subscriptions get what they got; wanted by nobody: %" JSON_INTEGER_FORMAT
            " before, %" JSON_INTEGER_FORMAT " after\n",
            number_of(summary, "same"), number_of(summary, "unwanted_before"),
            number_of(summary, "unwanted_after"));
    if (number_of(summary, "restart") > 0)
        tool_say(stdout, "%" JSON_INTEGER_FORMAT " keys hold only after a restart of the hub\n",
                number_of(summary, "restart"));
}

static void show_plan(const struct tool *tool, const struct plan *plan)
{
    json_t *document;

    if (!tool->json) {
        print_plan(plan);
        return;
    }
    document = json_deep_copy(plan->summary);
    (void)json_object_set(document, "keys", plan->changes);
    (void)json_object_set(document, "subscriptions", plan->subscriptions);
    tool_render(tool, stdout, document);
    json_decref(document);
}

/* What the method takes: a number, or a time. */
static void put_bound(json_t *arguments, const char *number, const char *time, const char *text)
{
    if (text[strspn(text, "0123456789")] == 0 && text[0])
        (void)json_object_set_new(arguments, number, json_integer(strtoll(text, NULL, 10)));
    else
        (void)json_object_set_new(arguments, time, json_string(text));
}

/* --from and --to; the file, if one is named, in *file. */
static int plan_options(int argc, char **argv, json_t *arguments, const char **file)
{
    static const struct option options[] = {
            {"from", required_argument, NULL, 'f'}, {"to", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'f')
            put_bound(arguments, "first", "from", optarg);
        else if (option == 't')
            put_bound(arguments, "last", "to", optarg);
        else
            return tool_usage(&tool_config_command, "unknown option");
    }
    if (argc - optind > 1)
        return tool_usage(&tool_config_command, "'plan' takes one file");
    if (optind < argc)
        *file = argv[optind];
    return 0;
}

static bool of_adapters(const json_t *changes)
{
    const json_t *change;
    size_t i;

    json_array_foreach (changes, i, change)
        if (strncmp(text_of(change, "path"), "adapters", 8) == 0)
            return true;
    return false;
}

int tool_config_ask_plan(struct tool *tool, json_t *arguments, bool quiet, struct tool_config_planned *ret)
{
    struct plan plan = {.changes = json_array(), .subscriptions = json_array()};
    struct mr_error error = {0};
    int r = tool_ask(tool, "config.plan", arguments, on_plan, &plan, &error);

    if (r == 0 && !plan.summary)
        r = mr_error_set(&error, MR_EMALFORMED, "config.plan", "report it", "the answer has no end");
    if (r < 0) {
        r = tool_fail(tool, &error);
    } else {
        ret->restart = (uint64_t)number_of(plan.summary, "restart");
        ret->adapters = of_adapters(plan.changes);
        if (!quiet)
            show_plan(tool, &plan);
    }
    json_decref(plan.changes);
    json_decref(plan.subscriptions);
    json_decref(plan.summary);
    return r;
}

int tool_config_put_text(
        json_t *arguments, const struct mr_buf *text, const char *name, struct mr_error *error)
{
    if (json_object_set_new(arguments, "text", json_stringn((const char *)text->data, text->size)) != 0)
        return mr_error_set(error, MR_ECONFIG, name, "save it as UTF-8", "the file is no text");
    (void)json_object_set_new(arguments, "name", json_string(name));
    return 0;
}

int tool_config_plan(struct tool *tool, int argc, char **argv)
{
    const char *file = tool->config_path;
    json_t *arguments = json_object();
    struct mr_buf text = MR_BUF_INIT;
    struct tool_config_planned planned;
    struct mr_error error = {0};
    int r = plan_options(argc, argv, arguments, &file);

    if (r == 0) {
        r = tool_read_input(file, TOOL_INPUT_CONFIG, MR_CONFIG_BYTES_MAX, &text, &error);
        if (r == 0)
            r = tool_config_put_text(arguments, &text, file, &error);
        r = r < 0 ? tool_fail(tool, &error)
                  : tool_config_ask_plan(tool, json_incref(arguments), false, &planned);
    }
    json_decref(arguments);
    mr_buf_fini(&text);
    return r;
}

/* ---- history, show ---- */

static void print_version(const json_t *version)
{
    bool began = json_object_get(version, "first") != NULL;

    tool_say(stdout, "%4" JSON_INTEGER_FORMAT "  %s", number_of(version, "version"),
            began ? text_of(version, "recorded") : "no event yet");
    if (began)
        tool_say(stdout, "  from number %" JSON_INTEGER_FORMAT " on", number_of(version, "first"));
    tool_say(stdout, "  %.12s", text_of(version, "digest"));
    if (json_object_get(version, "by"))
        tool_say(stdout, "  applied by %s", text_of(version, "by"));
    tool_say(stdout, "%s\n", json_is_true(json_object_get(version, "in_force")) ? "  in force" : "");
}

int tool_config_history(struct tool *tool, int argc, char **argv)
{
    static const char *const lists[] = {"versions", NULL};
    json_t *document, *version;
    int code = 0;
    size_t i;

    (void)argv;
    if (argc > 1)
        return tool_usage(&tool_config_command, "'history' takes nothing");
    document = tool_pages_ask(tool, "config.history", json_object(), VERSIONS_A_PAGE, lists, &code);
    if (!document)
        return code;
    if (tool->json)
        tool_render(tool, stdout, document);
    else
        json_array_foreach (json_object_get(document, "versions"), i, version)
            print_version(version);
    json_decref(document);
    return 0;
}

static int on_text(void *ctx, json_t *document)
{
    struct mr_buf *text = ctx;

    mr_buf_put_str(text, text_of(document, "text"));
    return mr_buf_failed(text) ? MR_ENOMEM : 0;
}

int tool_config_ask_text(struct tool *tool, json_t *arguments, struct mr_buf *ret)
{
    struct mr_error error = {0};
    int r = tool_ask(tool, "config.show", arguments, on_text, ret, &error);

    return r < 0 ? tool_fail(tool, &error) : 0;
}

int tool_config_version(const char *action, int count, char **texts, json_t *arguments)
{
    if (count != 1 || !texts[0][0] || texts[0][strspn(texts[0], "0123456789")])
        return tool_usage(&tool_config_command, "'%s' takes the number of a version", action);
    (void)json_object_set_new(arguments, "version", json_integer(strtoll(texts[0], NULL, 10)));
    return 0;
}

int tool_config_show(struct tool *tool, int argc, char **argv)
{
    struct mr_buf text = MR_BUF_INIT;
    json_t *arguments = json_object(), *document;
    int r = argc > 1 ? tool_config_version("show", argc - 1, argv + 1, arguments) : 0;

    if (r == 0)
        r = tool_config_ask_text(tool, json_incref(arguments), &text);
    if (r == 0 && tool->json) {
        document = json_pack("{s:s}", "text", mr_buf_str(&text));
        tool_render(tool, stdout, document);
        json_decref(document);
    } else if (r == 0) {
        (void)fwrite(text.data, 1, text.size, stdout);
    }
    json_decref(arguments);
    mr_buf_fini(&text);
    return r;
}
