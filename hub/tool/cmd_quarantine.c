/* marshrut quarantine: the desk of what was taken and waits for correction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/input.h"
#include "hub/tool/pages.h"
#include "hub/tool/person_option.h"
#include "hub/tool/quarantine_words.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"
#include "proto/base/list.h"
#include "proto/wire/codec.h"
#include "proto/wire/json.h"

enum { EVENTS_A_PAGE = 500 };

/* A call as it was typed. */
struct call {
    struct tool *tool;
    json_t *arguments;
    json_t *numbers;
    json_t *proposals; /* of each number, when they are approved; 0: not given */
    const char *file;  /* of the whole event; NULL: none */
    bool russian;
    int code;                /* of the worst answer so far */
    json_int_t done, failed; /* of what was acted on */
};

enum {
    FILTERS = 1,
    NUMBERS = 2,
    CASE = 4,
    REASON = 8,
    LANG = 16,
    STATE = 32,
    CHANGE = 64,
    MAY_REASON = 128,
    PROPOSALS = 256 /* numbers are NUMBER:PROPOSAL */
};

static const struct {
    const char *option, *argument;
    int group;
} options[] = {{"--code", "code", FILTERS}, {"--system", "system", FILTERS}, {"--type", "type", FILTERS},
        {"--before", "before", FILTERS}, {"--case", "case", CASE},
        {"--reason", "reason", REASON | MAY_REASON}, {"--state", "state", STATE}, {"--lang", "lang", LANG}};

static bool take_option(struct call *call, int groups, int argc, char **argv, int *i)
{
    for (size_t k = 0; k < MR_COUNT(options); k++)
        if (strcmp(argv[*i], options[k].option) == 0 && (options[k].group & groups) && *i + 1 < argc) {
            tool_set_text(call->arguments, options[k].argument, argv[++*i]);
            return true;
        }
    return false;
}

/* Up to *end; 0: none. */
static long long log_number(const char *text, char **end)
{
    *end = (char *)text;
    return text[0] < '1' || text[0] > '9' ? 0 : strtoll(text, end, 10);
}

static bool take_number(struct call *call, int groups, const char *text)
{
    char *end;
    long long number = log_number(text, &end), proposal = 0;

    if ((groups & PROPOSALS) && number && *end == ':')
        proposal = log_number(end + 1, &end);
    if (!(groups & (NUMBERS | PROPOSALS)) || !number || *end)
        return false;
    (void)json_array_append_new(call->numbers, json_integer(number));
    (void)json_array_append_new(call->proposals, json_integer(proposal));
    return true;
}

/* --set FIELD=VALUE; a value of "-" is a line of standard input. */
static bool take_set(struct call *call, const char *text)
{
    const char *value = strchr(text, '=');
    json_t *set = json_object_get(call->arguments, "set");
    char path[256];

    if (!value || value == text || (size_t)(value - text) >= sizeof path)
        return false;
    memcpy(path, text, (size_t)(value - text));
    path[value - text] = '\0';
    if (!set) {
        set = json_object();
        (void)json_object_set_new(call->arguments, "set", set);
    }
    tool_set_text(set, path, value + 1);
    return true;
}

/* Of the change, or of the list; false: it is another word. */
static bool take_other(struct call *call, int groups, int argc, char **argv, int *i)
{
    if ((groups & CHANGE) && strcmp(argv[*i], "--set") == 0 && *i + 1 < argc)
        return take_set(call, argv[++*i]);
    if ((groups & CHANGE) && strcmp(argv[*i], "--file") == 0 && *i + 1 < argc) {
        call->file = argv[++*i];
        return true;
    }
    if ((groups & STATE) && strcmp(argv[*i], "--proposed") == 0)
        return json_object_set_new(call->arguments, "proposed", json_true()) == 0;
    return false;
}

/* 0, or an exit code after saying what is wrong. */
static int take_arguments(struct call *call, int groups, int argc, char **argv)
{
    const json_t *lang;

    for (int i = 2; i < argc; i++)
        if (!take_option(call, groups, argc, argv, &i) && !take_number(call, groups, argv[i]) &&
                !take_other(call, groups, argc, argv, &i))
            return tool_usage(&tool_quarantine, "unexpected '%s' for %s", argv[i], argv[1]);
    lang = json_object_get(call->arguments, "lang");
    if (lang && strcmp(json_string_value(lang), "ru") != 0 && strcmp(json_string_value(lang), "en") != 0)
        return tool_usage(&tool_quarantine, "--lang takes ru or en");
    call->russian = lang && strcmp(json_string_value(lang), "ru") == 0;
    (void)json_object_del(call->arguments, "lang");
    if ((groups & REASON) && !json_object_get(call->arguments, "reason"))
        return tool_usage(&tool_quarantine, "%s needs --reason", argv[1]);
    return 0;
}

/* For people: a table has no room for what is inside of a proposal. */
static void flatten(json_t *event)
{
    json_t *proposal = json_object_get(event, "proposal");

    if (!proposal)
        return;
    (void)json_object_set(event, "proposed_by", json_object_get(proposal, "by"));
    (void)json_object_set(event, "expires", json_object_get(proposal, "expires"));
    (void)json_object_set(event, "proposal", json_object_get(proposal, "event"));
}

/* Takes the reference; NULL: there is none, and that was said. */
static int show_answer(struct call *call, json_t *document)
{
    json_t *event;
    size_t i;

    if (!document)
        return call->code;
    json_array_foreach (json_object_get(document, "events"), i, event) {
        if (call->russian)
            tool_quarantine_russian(event);
        if (!call->tool->json)
            flatten(event);
    }
    if (call->russian)
        tool_quarantine_russian(document);
    tool_render(call->tool, stdout, document);
    json_decref(document);
    return 0;
}

static int ask_one(struct call *call, const char *method)
{
    return show_answer(call, tool_ask_one(call->tool, method, json_incref(call->arguments), &call->code));
}

static int one_number(struct call *call, const char *name)
{
    if (json_array_size(call->numbers) != 1)
        return tool_usage(&tool_quarantine, "%s needs one number", name);
    return json_object_set(call->arguments, "number", json_array_get(call->numbers, 0));
}

static int list(struct call *call, int argc, char **argv)
{
    static const char *const lists[] = {"events", NULL};
    int code = take_arguments(call, FILTERS | STATE | LANG, argc, argv);
    json_t *document;

    if (code)
        return code;
    document = tool_pages_ask(
            call->tool, "quarantine.list", json_incref(call->arguments), EVENTS_A_PAGE, lists, &call->code);
    if (document)
        (void)json_object_set_new(document, "count",
                json_integer((json_int_t)json_array_size(json_object_get(document, "events"))));
    return show_answer(call, document);
}

static int show(struct call *call, int argc, char **argv)
{
    int code = take_arguments(call, NUMBERS | CASE | REASON | LANG, argc, argv);

    if (code == 0)
        code = one_number(call, argv[1]);
    return code ? code : ask_one(call, "quarantine.show");
}

/* ---- another content ---- */

static int read_event(struct call *call)
{
    struct mr_buf text = MR_BUF_INIT;
    struct mr_error error = {0};
    json_t *event = NULL;
    int r = tool_read_input(call->file, TOOL_INPUT_EVENTS, 4 * MR_EVENT_BYTES_MAX, &text, &error);

    if (r == 0)
        event = mr_json_parse(mr_buf_slice(&text), call->file, &error);
    mr_buf_wipe(&text);
    if (!event)
        return tool_fail(call->tool, &error);
    return json_object_set_new(call->arguments, "event", event);
}

static int fix(struct call *call, int argc, char **argv)
{
    int code = take_arguments(call, NUMBERS | REASON | CHANGE, argc, argv);

    if (code == 0)
        code = one_number(call, argv[1]);
    if (code == 0 && !call->file == !json_object_get(call->arguments, "set"))
        code = tool_usage(&tool_quarantine, "fix needs --set FIELD=VALUE, or --file");
    if (code == 0 && call->file)
        code = read_event(call);
    return code ? code : ask_one(call, "quarantine.fix");
}

/* ---- one, several, or by filter ---- */

static int print_each(void *ctx, json_t *document)
{
    struct call *call = ctx;

    if (json_is_false(json_object_get(document, "done")))
        call->code = TOOL_EXIT_CHECK;
    if (json_object_get(document, "number")) {
        call->done += json_is_true(json_object_get(document, "done"));
        call->failed += json_is_false(json_object_get(document, "done"));
    }
    if (call->tool->json || json_object_get(document, "number"))
        tool_render(call->tool, stdout, document);
    if (!json_object_get(document, "number"))
        (void)json_object_set(call->arguments, "after", json_object_get(document, "next"));
    return 0;
}

static int ask_many(struct call *call, const char *method)
{
    struct mr_error error = {0};
    int r = tool_ask(call->tool, method, json_deep_copy(call->arguments), print_each, call, &error);

    if (r == 0)
        return 0;
    if (error.code == 0)
        (void)mr_error_set(&error, r, method, NULL, "%s", mr_err_text(r));
    return tool_fail(call->tool, &error);
}

/* As long as there are more than the hub does at once. */
static int by_filter(struct call *call, const char *method)
{
    int code = 0;

    do
        code = ask_many(call, method);
    while (code == 0 && json_integer_value(json_object_get(call->arguments, "after")) > 0);
    if (!call->tool->json)
        tool_say(stderr, "%" JSON_INTEGER_FORMAT " done, %" JSON_INTEGER_FORMAT " not done%s\n", call->done,
                call->failed, code ? ": these stay so, and the same again goes on with the rest" : "");
    return code;
}

/* A reason alone chooses nothing. */
static bool is_chosen(const struct call *call)
{
    size_t reasons = json_object_get(call->arguments, "reason") ? 1 : 0;

    return json_array_size(call->numbers) > 0 || json_object_size(call->arguments) > reasons;
}

/* 0, or a usage error: nobody approves what has no name. */
static int need_proposals(const struct call *call)
{
    json_t *proposal;
    size_t i;

    json_array_foreach (call->proposals, i, proposal) {
        long long number = json_integer_value(json_array_get(call->numbers, i));

        if (json_integer_value(proposal) == 0)
            return tool_usage(&tool_quarantine,
                    "approve needs the proposal that was looked at: say %lld:EVENT, as proposal.event of "
                    "'quarantine show %lld --reason CODE --case CODE' has it",
                    number, number);
    }
    return 0;
}

static int act(struct call *call, const char *method, int groups, int argc, char **argv)
{
    int code = take_arguments(call, groups, argc, argv);
    json_t *number;
    size_t i;

    if (code == 0 && (groups & PROPOSALS))
        code = need_proposals(call);
    if (code)
        return code;
    if (!tool_config(call->tool))
        return mr_err_exit(MR_ECONFIG);
    if (!is_chosen(call))
        return tool_usage(&tool_quarantine,
                groups & FILTERS ? "%s needs numbers or a filter" : "%s needs numbers", argv[1]);
    if (json_array_size(call->numbers) == 0)
        code = by_filter(call, method);
    json_array_foreach (call->numbers, i, number) {
        (void)json_object_set(call->arguments, "number", number);
        if (groups & PROPOSALS)
            (void)json_object_set(call->arguments, "proposal", json_array_get(call->proposals, i));
        code = code ? code : ask_many(call, method);
    }
    return code ? code : call->code;
}

static int release(struct call *call, int argc, char **argv)
{
    return act(call, "quarantine.release", FILTERS | NUMBERS | REASON, argc, argv);
}

static int discard(struct call *call, int argc, char **argv)
{
    return act(call, "quarantine.discard", FILTERS | NUMBERS | REASON, argc, argv);
}

static int reject(struct call *call, int argc, char **argv)
{
    return act(call, "quarantine.reject", FILTERS | NUMBERS | REASON, argc, argv);
}

static int approve(struct call *call, int argc, char **argv)
{
    return act(call, "quarantine.approve", PROPOSALS | MAY_REASON, argc, argv);
}

static const struct {
    const char *name;
    int (*run)(struct call *call, int argc, char **argv);
} actions[] = {{"list", list}, {"show", show}, {"release", release}, {"discard", discard}, {"fix", fix},
        {"approve", approve}, {"reject", reject}};

static int quarantine_run(struct tool *tool, int argc, char **argv)
{
    struct call call = {.tool = tool};
    size_t i = 0;
    int code;

    while (argc > 1 && i < MR_COUNT(actions) && strcmp(actions[i].name, argv[1]) != 0)
        i++;
    if (argc < 2 || i == MR_COUNT(actions))
        return tool_usage(&tool_quarantine, "say list, show, fix, approve, reject, release or discard");
    call.arguments = json_object();
    call.numbers = json_array();
    call.proposals = json_array();
    code = actions[i].run(&call, argc, argv);
    json_decref(call.arguments);
    json_decref(call.numbers);
    json_decref(call.proposals);
    return code;
}

const struct tool_command tool_quarantine = {
        .name = "quarantine",
        .usage = "list|show|fix|approve|reject|release|discard ...",
        .summary = "events that are in the log but wait for correction",
        .help = "They are kept under their number, delivered to nobody, and their sender need not send them "
                "again.\n\n"
                "  quarantine list [FILTER] [--state STATE] [--proposed] [--lang ru]\n"
                "                            each with its number, the field, the rule that it broke and "
                "what "
                "to do\n"
                "  quarantine show NUMBER --reason CODE --case CODE\n"
                "                            the event with its values; that you looked, and why (marshrut "
                "access\n"
                "                            reasons has the list), is an event\n"
                "  quarantine fix NUMBER --set FIELD=VALUE... --reason CODE\n"
                "  quarantine fix NUMBER --file FILE --reason CODE\n"
                "                            proposes another content: fields, or the whole event as "
                "CloudEvents JSON\n"
                "  quarantine approve NUMBER:PROPOSAL...\n"
                "                            takes it as it was proposed; needs another operator. PROPOSAL "
                "is\n"
                "                            proposal.event of show: another one by now is not approved "
                "(exit "
                "code 73)\n"
                "  quarantine reject NUMBER...|FILTER --reason CODE\n"
                "                            it is not taken, and goes on waiting as it was\n"
                "  quarantine release NUMBER...|FILTER --reason CODE\n"
                "                            takes it as it is, when the reason is gone: a code list was "
                "extended ...\n"
                "  quarantine discard NUMBER...|FILTER --reason CODE\n"
                "                            never takes it; its body is destroyed\n\n"
                "FILTER is one or more of --code CODE, --system NAME, --type TYPE (one that ends in '.' is a "
                "beginning)\nand --before TIME (put aside before: 2026-03-01, or with a time). STATE is "
                "waiting (if not given),\nreleased, discarded, replaced or all. --reason and --case are of "
                "latin letters, digits and - / . _: they\nare kept for good and name nobody. What waits "
                "behind "
                "an earlier event of the same person (code behind)\ngoes on by itself when that one is over. "
                "FIELD is as list shows it (person.snils, areas[0].level) or an attribute (time); VALUE - is "
                "a line "
                "of\nstandard input, an empty one takes the field out. A proposal that nobody approves in "
                "hub.correction_days is\nrejected by itself; list --proposed has those that wait.\n"
                "All but list need --as OPERATOR with the role pd-officer, cnppm or admin, show auditor "
                "too. Exit code 1:\nsome could not be released, approved, rejected or discarded.\n",
        .run = quarantine_run,
};
