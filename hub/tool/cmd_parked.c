/* marshrut parked: deliveries that receivers did not take, and what becomes of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/pages.h"
#include "hub/tool/person_option.h"
#include "hub/tool/progress.h"
#include "hub/tool/render.h"
#include "proto/base/list.h"

enum { ROWS_A_PAGE = 1000 };

static const struct {
    const char *option, *argument;
    bool acts_only;
} options[] = {{"--subscription", "subscription", false}, {"--type", "type", false},
        {"--reason", "reason", false}, {"--before", "before", false}, {"--case", "case", true}};

static const struct action {
    const char *name, *method, *done; /* done: what the answer counts; NULL: it only reads */
    bool lists;
} actions[] = {{"list", "parked.list", NULL, true}, {"show", "parked.show", NULL},
        {"retry", "parked.retry", "released"}, {"release", "parked.release", "released"},
        {"discard", "parked.discard", "discarded"}};

static bool take_option(const struct action *action, json_t *arguments, int argc, char **argv, int *i)
{
    if (action->done && strcmp(argv[*i], "--all") == 0)
        return json_object_set_new(arguments, "all", json_true()) == 0;
    if (!action->done && strcmp(argv[*i], "--state") == 0 && *i + 1 < argc) {
        tool_set_text(arguments, "state", argv[++*i]);
        return true;
    }
    for (size_t k = 0; k < MR_COUNT(options); k++) {
        if (strcmp(argv[*i], options[k].option) == 0 && *i + 1 < argc &&
                (action->done || !options[k].acts_only)) {
            tool_set_text(arguments, options[k].argument, argv[++*i]);
            return true;
        }
    }
    return false;
}

/* 0, or an exit code after saying what is wrong. */
static int take_arguments(const struct action *action, json_t *arguments, int argc, char **argv)
{
    json_t *numbers = json_array();

    for (int i = 2; i < argc; i++) {
        char *end = NULL;
        long long number;

        if (take_option(action, arguments, argc, argv, &i))
            continue;
        number = strtoll(argv[i], &end, 10);
        if (argv[i][0] < '1' || argv[i][0] > '9' || *end) {
            json_decref(numbers);
            return tool_usage(
                    &tool_parked, "unexpected '%s' for %s: log numbers and filters", argv[i], argv[1]);
        }
        (void)json_array_append_new(numbers, json_integer(number));
    }
    if (json_array_size(numbers) > 0)
        (void)json_object_set(arguments, "numbers", numbers);
    json_decref(numbers);
    if (action->done && json_object_size(arguments) == (json_object_get(arguments, "case") != NULL))
        return tool_usage(&tool_parked, "%s needs numbers, a filter or --all", action->name);
    if (strcmp(action->name, "discard") == 0 && !json_object_get(arguments, "case"))
        return tool_usage(&tool_parked, "discard needs --case: why they are given up");
    if (strcmp(action->name, "show") == 0 && json_array_size(json_object_get(arguments, "numbers")) != 1)
        return tool_usage(&tool_parked, "show needs one number");
    return 0;
}

struct sums {
    json_int_t done, not_now;
};

static void add_up(struct sums *sums, const json_t *document, const char *done)
{
    sums->done += json_integer_value(json_object_get(document, done));
    sums->not_now += json_integer_value(json_object_get(document, "not_now"));
}

static int keep(void *ctx, json_t *document)
{
    json_t **kept = ctx;

    json_decref(*kept);
    *kept = json_incref(document);
    return 0;
}

/* Each answer is a commit of the hub's: what it counts stays done, whatever becomes of the next one. */
static int fail(const struct tool *tool, const struct action *action, const struct sums *sums,
        const char *where, int r, struct mr_error *error)
{
    if (error->code == 0)
        (void)mr_error_set(error, r, where, NULL, "%s", mr_err_text(r));
    if (sums->done > 0 && !tool->json)
        tool_say(stderr,
                "%" JSON_INTEGER_FORMAT " are %s and stay so; the same again goes on with the rest\n",
                sums->done, action->done);
    return tool_fail(tool, error);
}

static void show_sums(
        struct tool *tool, const struct action *action, const struct sums *sums, bool more, json_t *document)
{
    (void)json_object_set_new(document, action->done, json_integer(sums->done));
    (void)json_object_set_new(document, "not_now", json_integer(sums->not_now));
    (void)json_object_del(document, "next");
    (void)json_object_set_new(document, "more", json_boolean(more));
    tool_render(tool, stdout, document);
}

/* An act takes so many at once: asked on from there, so that none is taken twice by one command. */
static int act(struct tool *tool, const struct action *action, json_t *arguments)
{
    struct tool_progress progress = {0};
    struct mr_error error = {0};
    struct sums sums = {0};
    json_t *document = NULL;
    bool more = true;
    int r = 0;

    while (r == 0 && more && !(document && tool_interrupted())) {
        r = tool_ask(tool, action->method, json_deep_copy(arguments), keep, &document, &error);
        if (r == 0) {
            add_up(&sums, document, action->done);
            (void)json_object_set(arguments, "after", json_object_get(document, "next"));
            more = tool_pages_more(document);
        } else if (r == MR_ENOTFOUND && document) { /* the rest is gone meanwhile */
            r = 0;
            more = false;
        }
        if (more)
            tool_progress_show(&progress, action->method, (uint64_t)sums.done, 0);
    }
    tool_progress_end(&progress);
    if (r == 0)
        show_sums(tool, action, &sums, more, document);
    else
        r = fail(tool, action, &sums, action->method, r, &error);
    json_decref(document);
    return r;
}

/* Takes the reference to arguments. */
static json_t *list(struct tool *tool, const struct action *action, json_t *arguments, int *ret_exit)
{
    static const char *const lists[] = {"parked", NULL};
    json_t *document = tool_pages_ask(tool, action->method, arguments, ROWS_A_PAGE, lists, ret_exit);

    if (document)
        (void)json_object_set_new(document, "more", json_false());
    return document;
}

static int parked_run(struct tool *tool, int argc, char **argv)
{
    json_t *arguments, *document;
    size_t i = 0;
    int code = 0;

    while (argc > 1 && i < MR_COUNT(actions) && strcmp(actions[i].name, argv[1]) != 0)
        i++;
    if (argc < 2 || i == MR_COUNT(actions))
        return tool_usage(&tool_parked, "say list, show, retry, release or discard");
    arguments = json_object();
    code = take_arguments(&actions[i], arguments, argc, argv);
    if (code != 0) {
        json_decref(arguments);
        return code;
    }
    if (actions[i].done) {
        code = tool_config(tool) ? act(tool, &actions[i], arguments) : mr_err_exit(MR_ECONFIG);
        json_decref(arguments);
        return code;
    }
    document = actions[i].lists ? list(tool, &actions[i], arguments, &code)
                                : tool_ask_one(tool, actions[i].method, arguments, &code);
    if (!document)
        return code;
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

const struct tool_command tool_parked = {
        .name = "parked",
        .usage = "list|show|retry|release|discard [NUMBER ...] [--subscription S] [--type T] [--reason CODE] "
                 "...",
        .summary = "deliveries that a receiver did not take, and what waits behind them",
        .help = "  parked list [--state failed|behind|released]\n"
                "  parked show NUMBER        the attempts, the event, what waits behind it\n"
                "  parked retry WHICH        one more attempt; parked again when that fails\n"
                "  parked release WHICH      as many attempts as the subscription allows\n"
                "  parked discard WHICH --case CODE\n"
                "                            the receiver does not get them any more; they stay in the "
                "log\n\n"
                "WHICH: log numbers, or filters, or --all. Filters: --subscription NAME, --type TYPE (one "
                "that "
                "ends\nin '.' is a beginning), --reason CODE, --before TIME (parked before it). retry, "
                "release and\ndiscard are for what has failed, by an operator with the role pd-officer, "
                "cnppm or admin\n(--as NAME); one who is limited to a territory acts on what is theirs. Each "
                "thousand of them is\nan event. What waits behind is of the same person or organisation and "
                "follows in its order by\n"
                "itself.\n--case is a reference that names nobody: latin letters, digits and - / . _\n",
        .run = parked_run,
};
