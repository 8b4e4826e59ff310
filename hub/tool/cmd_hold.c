/* marshrut hold place | list | release: what retention may not take away. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/pages.h"
#include "hub/tool/person_option.h"
#include "hub/tool/render.h"

enum { HOLDS_A_PAGE = 1000 };

/* "7" or "7-90". */
static bool read_numbers(const char *text, json_t *arguments)
{
    char *end;
    long long from, to;

    errno = 0;
    from = to = strtoll(text, &end, 10);
    if (*end == '-')
        to = strtoll(end + 1, &end, 10);
    if (errno || *end || from < 1 || to < from)
        return false;
    (void)json_object_set_new(arguments, "from", json_integer(from));
    (void)json_object_set_new(arguments, "to", json_integer(to));
    return true;
}

/* Takes the options that name a person out of argv. */
static bool take_person(json_t *arguments, int *argc, char **argv)
{
    int kept = 1;

    for (int i = 1; i < *argc; i++)
        if (!tool_person_option(arguments, *argc, argv, &i))
            argv[kept++] = argv[i];
    argv[kept] = NULL;
    if (kept == *argc)
        return false;
    *argc = kept;
    return true;
}

/* Frees the arguments. */
static int wrong_person(json_t *arguments)
{
    const char *wrong = tool_person_wrong(arguments);

    json_decref(arguments);
    return tool_usage(&tool_hold, "%s", wrong);
}

static int place(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"numbers", required_argument, NULL, 'n'},
            {"type", required_argument, NULL, 't'}, {"case", required_argument, NULL, 'c'},
            {NULL, 0, NULL, 0}};
    json_t *arguments = json_object();
    bool person = take_person(arguments, &argc, argv), good = true;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'n')
            good = good && read_numbers(optarg, arguments);
        else if (option == 't')
            (void)json_object_set_new(arguments, "type", json_string(optarg));
        else if (option == 'c')
            tool_set_text(arguments, "case", optarg);
        else
            good = false;
    }
    if (good && optind == argc && json_object_get(arguments, "case") && !tool_person_wrong(arguments))
        return tool_ask_and_render(tool, person ? "hold.person.place" : "hold.place", arguments);
    if (tool_person_wrong(arguments))
        return wrong_person(arguments);
    json_decref(arguments);
    return tool_usage(&tool_hold, "place takes --numbers A-B, --type TYPE or a person, and --case CODE");
}

static int release(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"case", required_argument, NULL, 'c'}, {NULL, 0, NULL, 0}};
    json_t *arguments = json_object();
    bool person = take_person(arguments, &argc, argv);
    const char *reference = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'c')
            break;
        reference = optarg;
    }
    if (tool_person_wrong(arguments))
        return wrong_person(arguments);
    if (option != -1 || optind + 1 != argc || !reference) {
        json_decref(arguments);
        return tool_usage(&tool_hold, "release takes the id of a hold, --case CODE, and the person it is on");
    }
    (void)json_object_set_new(arguments, "hold", json_string(argv[optind]));
    (void)json_object_set_new(arguments, "case", json_string(reference));
    return tool_ask_and_render(tool, person ? "hold.person.release" : "hold.release", arguments);
}

static int list(struct tool *tool)
{
    static const char *const lists[] = {"holds", NULL};
    int code = 0;
    json_t *document = tool_pages_ask(tool, "hold.list", json_object(), HOLDS_A_PAGE, lists, &code);

    if (!document)
        return code;
    (void)json_object_set_new(
            document, "count", json_integer((json_int_t)json_array_size(json_object_get(document, "holds"))));
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

static int hold_run(struct tool *tool, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "place") == 0)
        return place(tool, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "release") == 0)
        return release(tool, argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return list(tool);
    return tool_usage(&tool_hold, "say 'place', 'list' or 'release'");
}

const struct tool_command tool_hold = {
        .name = "hold",
        .usage = "place (--numbers A-B | --type TYPE | PERSON) --case CODE | list | release ID [PERSON] "
                 "--case "
                 "CODE",
        .summary = "legal hold: what retention and erasure may not take away",
        .help = "place     from now on nothing of it expires: log numbers A to B, or events of a type (one "
                "that\n"
                "          ends in '.' is a beginning). Prints the id of the hold\n"
                "list      the holds there are\n"
                "release   takes a hold away; one on a person needs the person again\n"
                "PERSON    --snils N, --local SYSTEM ID or --person ID: an erasure of this person is "
                "refused. "
                "By a\n"
                "          pd-officer. \"-\" reads a value from standard input; here --case is sealed\n"
                "--case    number of the case: latin letters, digits and - / . _; kept for good, so it "
                "names\n"
                "          nobody. By an operator with the role pd-officer or admin; each is an event\n",
        .run = hold_run,
};
