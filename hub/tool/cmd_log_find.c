/* marshrut log find: records by any of their keys. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/log_tiles.h"
#include "hub/tool/person_option.h"
#include "hub/tool/printable.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"
#include "proto/base/list.h"

enum { PAGE = 500, PERSON_PAGE = 200, LINE_BYTES = 64 };

struct find {
    struct tool *tool;
    json_t *arguments;
    bool person, count, newest;
    json_int_t least;      /* of --number, --after; 0: not said */
    int identifiers;       /* that name the person */
    bool nobody;           /* the identifier leads to nobody */
    char line[LINE_BYTES]; /* of standard input */
    json_int_t limit;      /* how many to show; 0: all */
    json_int_t found, next;
};

/* ---- what comes back ---- */

static void print_record(struct find *find, const json_t *record)
{
    const char *recorded = json_string_value(json_object_get(record, "recorded"));
    const char *type = json_string_value(json_object_get(record, "type"));
    const char *system = json_string_value(json_object_get(record, "system"));

    if (find->tool->json) {
        tool_render(find->tool, stdout, record);
        return;
    }
    (void)printf("%8" JSON_INTEGER_FORMAT "  ", json_integer_value(json_object_get(record, "number")));
    tool_put_padded(stdout, recorded ? recorded : "", 0);
    (void)fputs("  ", stdout);
    tool_put_padded(stdout, system ? system : "", 10);
    tool_say(stdout, " %s%s\n", type ? type : "",
            json_is_true(json_object_get(record, "sealed")) ? " (sealed)" : "");
}

static int on_document(void *ctx, json_t *document)
{
    struct find *find = ctx;
    const json_t *next = json_object_get(document, "next");
    json_t *record;
    size_t i;

    if (!next) {
        print_record(find, document);
        return ferror(stdout) ? 1 : 0;
    }
    json_array_foreach (json_object_get(document, "matches"), i, record)
        print_record(find, record);
    find->nobody = json_is_false(json_object_get(document, "known"));
    find->found += json_integer_value(json_object_get(document, "found"));
    find->next = json_integer_value(next);
    return ferror(stdout) ? 1 : 0;
}

static json_int_t page_of(const struct find *find)
{
    json_int_t page = find->person ? PERSON_PAGE : PAGE;

    return find->limit && find->limit - find->found < page ? find->limit - find->found : page;
}

static void print_end(const struct find *find)
{
    if (find->tool->json)
        (void)printf("{\"found\":%" JSON_INTEGER_FORMAT ",\"next\":%" JSON_INTEGER_FORMAT "}\n", find->found,
                find->next);
    else if (find->count)
        (void)printf("%" JSON_INTEGER_FORMAT "\n", find->found);
    else if (find->next && find->newest)
        (void)printf("there may be more: go on with --number %" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT
                     "\n",
                find->least ? find->least : 1, find->next);
    else if (find->next)
        (void)printf("there may be more: go on with --after %" JSON_INTEGER_FORMAT "\n", find->next - 1);
    else if (find->found == 0)
        (void)puts(find->nobody ? "nobody is known by that" : "none");
}

static int ask_all(struct find *find)
{
    const char *method = find->person ? "log.find-person" : "log.find";
    struct mr_error error = {0};
    int r;

    do {
        if (find->next)
            (void)json_object_set_new(find->arguments, "first", json_integer(find->next));
        (void)json_object_set_new(find->arguments, "limit", json_integer(page_of(find)));
        find->next = 0;
        r = tool_ask(find->tool, method, json_incref(find->arguments), on_document, find, &error);
    } while (r == 0 && find->next && (find->count || !find->limit || find->found < find->limit));
    if (r < 0)
        return tool_fail(find->tool, &error);
    print_end(find);
    return 0;
}

/* ---- what is asked ---- */

static const struct option options[] = {{"type", required_argument, NULL, 't'},
        {"system", required_argument, NULL, 's'}, {"org", required_argument, NULL, 'o'},
        {"correlation", required_argument, NULL, 'r'}, {"id", required_argument, NULL, 'i'},
        {"from", required_argument, NULL, 'f'}, {"to", required_argument, NULL, 'u'},
        {"number", required_argument, NULL, 'n'}, {"after", required_argument, NULL, 'a'},
        {"limit", required_argument, NULL, 'l'}, {"count", no_argument, NULL, 'c'},
        {"newest", no_argument, NULL, 'N'}, {"person", required_argument, NULL, 'p'},
        {"snils", required_argument, NULL, 'S'}, {"local", required_argument, NULL, 'L'},
        {"case", required_argument, NULL, 'C'}, {NULL, 0, NULL, 0}};

static const struct {
    int option;
    const char *argument;
    bool person;
} texts[] = {{'t', "type", false}, {'s', "system", false}, {'o', "organisation", false},
        {'r', "correlation", false}, {'i', "id", false}, {'f', "from", false}, {'u', "to", false},
        {'p', "person", true}, {'C', "case", false}};

static int number_of(const char *text, char **end, json_int_t *ret)
{
    errno = 0;
    *ret = strtoll(text, end, 10);
    return *end == text || *ret < 0 || errno == ERANGE ? MR_EINVAL : 0;
}

static int usage(const char *what, const char *value)
{
    return tool_usage(&tool_log, "find: %s, not '%s'", what, value);
}

/* "A-B", "A-" or "A". */
static int take_range(struct find *find, const char *text)
{
    json_int_t first, last;
    char *end;

    if (number_of(text, &end, &first) < 0 || first < 1)
        return usage("--number takes A, A- or A-B, from 1 on", text);
    last = first;
    if (*end == '-' && end[1] == '\0') {
        last = 0;
        end++;
    } else if (*end == '-') {
        if (number_of(end + 1, &end, &last) < 0 || last < first)
            return usage("--number takes A, A- or A-B", text);
    }
    if (*end)
        return usage("--number takes A, A- or A-B", text);
    find->least = first;
    (void)json_object_set_new(find->arguments, "least", json_integer(first));
    if (last)
        (void)json_object_set_new(find->arguments, "last", json_integer(last));
    return 0;
}

static int take_number(struct find *find, int option, const char *text)
{
    json_int_t number;
    char *end;

    if (number_of(text, &end, &number) < 0 || *end || (option == 'l' && number < 1))
        return usage(option == 'l' ? "--limit takes a number from 1 on" : "--after takes a log number", text);
    if (option == 'l')
        find->limit = number;
    else {
        find->least = number + 1 > find->least ? number + 1 : find->least;
        (void)json_object_set_new(find->arguments, "after", json_integer(number));
    }
    return 0;
}

/* "-": from standard input, so that the number is in no history and in no list of processes. */
static int take_snils(struct find *find, const char *text)
{
    find->person = true;
    find->identifiers++;
    if (strcmp(text, "-") == 0) {
        if (!fgets(find->line, sizeof find->line, stdin))
            return tool_usage(&tool_log, "find: --snils -: standard input is empty");
        find->line[strcspn(find->line, "\r\n")] = '\0';
        text = find->line;
    }
    (void)json_object_set_new(find->arguments, "snils", json_string(text));
    return 0;
}

/* "SYSTEM:ID" */
static int take_local(struct find *find, const char *text)
{
    const char *colon = strchr(text, ':');

    if (!colon || colon == text || !colon[1])
        return tool_usage(&tool_log, "find: --local takes SYSTEM:ID");
    find->person = true;
    find->identifiers++;
    (void)json_object_set_new(find->arguments, "local_system", json_stringn(text, (size_t)(colon - text)));
    (void)json_object_set_new(find->arguments, "local", json_string(colon + 1));
    return 0;
}

static int take_option(struct find *find, int option, const char *text)
{
    for (size_t i = 0; i < MR_COUNT(texts); i++)
        if (texts[i].option == option) {
            find->person |= texts[i].person;
            find->identifiers += texts[i].person;
            (void)json_object_set_new(find->arguments, texts[i].argument, json_string(text));
            return 0;
        }
    switch (option) {
    case 'n':
        return take_range(find, text);
    case 'a':
    case 'l':
        return take_number(find, option, text);
    case 'c':
        find->count = true;
        (void)json_object_set_new(find->arguments, "count", json_true());
        return 0;
    case 'N':
        find->newest = true;
        (void)json_object_set_new(find->arguments, "order", json_string("newest"));
        return 0;
    case 'S':
        return take_snils(find, text);
    case 'L':
        return take_local(find, text);
    default:
        return tool_usage(&tool_log, "find: unknown option");
    }
}

int tool_log_find(struct tool *tool, int argc, char **argv)
{
    struct find find = {.tool = tool, .arguments = json_object(), .limit = 100};
    int option, code = 0;

    optind = 0;
    while (code == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
        code = take_option(&find, option, optarg);
    if (code == 0 && optind != argc)
        code = tool_usage(&tool_log, "find: unexpected '%s'", argv[optind]);
    if (code == 0 && find.identifiers > 1)
        code = tool_usage(&tool_log, "find: " TOOL_PERSON_ONE);
    if (code == 0 && json_object_get(find.arguments, "person") && tool_person_wrong(find.arguments))
        code = tool_usage(&tool_log, "find: --person: %s", tool_person_wrong(find.arguments));
    if (code == 0 && json_object_size(find.arguments) == 0)
        code = tool_usage(&tool_log, "find: say what to look for");
    if (code == 0)
        code = tool_config(tool) ? ask_all(&find) : mr_err_exit(MR_ECONFIG);
    json_decref(find.arguments);
    return code;
}
