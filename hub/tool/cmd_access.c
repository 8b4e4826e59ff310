/* marshrut access list | look | reasons: who looked at whom and why; looking, with a reason and a case. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/render.h"
#include "proto/base/list.h"

struct word {
    int option;
    const char *argument;
    bool number;
};

/* false: no whole number. */
static bool set(json_t *arguments, const struct word *word, const char *text)
{
    long long number;
    char *end;

    if (!word->number)
        return json_object_set_new(arguments, word->argument, json_string(text)) == 0;
    errno = 0;
    number = strtoll(text, &end, 10);
    return !errno && end != text && !*end && number > 0 &&
           json_object_set_new(arguments, word->argument, json_integer(number)) == 0;
}

/* The options into arguments; false: not these, or a wrong value. */
static bool read_options(int argc, char **argv, const struct option *options, const struct word *words,
        size_t count, json_t *arguments)
{
    bool good = true;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        bool known = false;

        for (size_t i = 0; i < count; i++)
            if (words[i].option == option)
                known = set(arguments, &words[i], optarg);
        good = good && known;
    }
    return good;
}

static int list(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"who", required_argument, NULL, 'w'},
            {"case", required_argument, NULL, 'c'}, {"reason", required_argument, NULL, 'r'},
            {"record", required_argument, NULL, 'n'}, {"from", required_argument, NULL, 'f'},
            {"to", required_argument, NULL, 't'}, {"before", required_argument, NULL, 'b'},
            {"limit", required_argument, NULL, 'l'}, {NULL, 0, NULL, 0}};
    static const struct word words[] = {{'w', "who", false}, {'c', "case", false}, {'r', "reason", false},
            {'n', "record", true}, {'f', "from", false}, {'t', "to", false}, {'b', "before", true},
            {'l', "limit", true}};
    json_t *arguments = json_object();

    if (read_options(argc, argv, options, words, MR_COUNT(words), arguments) && optind == argc)
        return tool_ask_and_render(tool, "access.list", arguments);
    json_decref(arguments);
    return tool_usage(&tool_access,
            "list takes --who NAME, --case CASE, --reason CODE, --record NUMBER, --from TIME, --to TIME, "
            "--before NUMBER, --limit N");
}

static int look(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"case", required_argument, NULL, 'c'},
            {"reason", required_argument, NULL, 'r'}, {NULL, 0, NULL, 0}};
    static const struct word words[] = {{'c', "case", false}, {'r', "reason", false}};
    static const struct word number = {0, "number", true};
    json_t *arguments = json_object();

    if (read_options(argc, argv, options, words, MR_COUNT(words), arguments) && optind == argc - 1 &&
            set(arguments, &number, argv[optind]) && json_object_size(arguments) == 3)
        return tool_ask_and_render(tool, "access.look", arguments);
    json_decref(arguments);
    return tool_usage(&tool_access, "look takes a log number, --reason CODE and --case CASE");
}

static int access_run(struct tool *tool, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "list") == 0)
        return list(tool, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "look") == 0)
        return look(tool, argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[1], "reasons") == 0)
        return tool_ask_and_render(tool, "access.reasons", json_object());
    return tool_usage(&tool_access, "say 'list', 'look NUMBER' or 'reasons'");
}

const struct tool_command tool_access = {
        .name = "access",
        .usage =
                "list [--who NAME] [--case CASE] [--reason CODE] [--record NUMBER] [--from TIME]\n"
                "       [--to TIME] [--before NUMBER] [--limit N] | look NUMBER --reason CODE --case CASE |\n"
                "       reasons",
        .summary = "who looked at whom and why; looking at the values of an event",
        .help = "Values of persons are sealed, and nobody sees them without saying why. Each look is an "
                "event\n"
                "before its answer is shown.\n\n"
                "list      the journal of access, newest first: who, in which role, why, in which case, at\n"
                "          which record. It names no person: marshrut log find --snils - leads to the "
                "records\n"
                "          of one, --record to who looked at it\n"
                "look      one event with its values: with a reason of the list and the number of a case\n"
                "          (latin letters, digits and - / . _; no names)\n"
                "reasons   the list: code list access_reason of the configuration, or the hub's own\n\n"
                "By an operator with the role auditor or pd-officer (--as). look needs a running hub\n",
        .run = access_run,
};
