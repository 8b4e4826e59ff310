#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hub/tool/tool.h"
#include "proto/base/list.h"
#include "proto/base/nearest.h"
#include "proto/wire/wire.h"
#include "store/kv_fatal.h"

static const struct tool_command *const commands[] = {
        &tool_up,
        &tool_publish,
        &tool_tail,
        &tool_where,
        &tool_balance,
        &tool_status,
        &tool_top,
        &tool_log,
        &tool_receipt,
        &tool_passport,
        &tool_quarantine,
        &tool_parked,
        &tool_replay,
        &tool_erase,
        &tool_retention,
        &tool_hold,
        &tool_scrub,
        &tool_backup,
        &tool_restore,
        &tool_escrow,
        &tool_rebuild,
        &tool_map,
        &tool_filter,
        &tool_keys,
        &tool_token,
        &tool_account,
        &tool_access,
        &tool_config_command,
        &tool_types,
        &tool_bench,
};

static void print_help(FILE *out)
{
    (void)fprintf(out, "usage: marshrut [-c FILE] [--json] [--as OPERATOR] COMMAND ...\n\ncommands:\n");
    for (size_t i = 0; i < MR_COUNT(commands); i++)
        (void)fprintf(out, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
    (void)fprintf(out, "\n  -c, --config FILE   configuration (default: $MARSHRUT_CONFIG, else "
                       "/etc/marshrut/marshrut.yaml)\n"
                       "      --as OPERATOR   who acts, of the configured operators\n"
                       "      --json          one JSON document a line, for machines\n"
                       "      --version       version\n"
                       "\nmarshrut help COMMAND (or COMMAND --help) tells more. Exit codes: 0 done, 1 a "
                       "check did not hold, 64 "
                       "wrong usage,\n"
                       "65 bad input, 66 not found, 69 not supported, 70 out of memory or a defect, 71 the "
                       "operating system,\n"
                       "73 already there, 74 cannot read or write, 75 try again (no hub, no space, no answer "
                       "in time),\n"
                       "76 stored data is damaged, 77 not allowed, 78 configuration.\n");
}

static void print_command_help(const struct tool_command *command)
{
    (void)printf("usage: marshrut [-c FILE] %s %s\n\n%s\n", command->name, command->usage, command->summary);
    if (command->help)
        (void)printf("\n%s", command->help);
}

static const struct tool_command *find(const char *name)
{
    for (size_t i = 0; i < MR_COUNT(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* The command that was meant: begins with what was typed, or differs in less than half of it. NULL: none. */
static const char *meant(const char *typed)
{
    enum { BEGINNING_MIN = 3, DISTANCE_MAX = 3 };
    size_t n = strlen(typed), least = n / 2 + 1 < DISTANCE_MAX ? n / 2 + 1 : DISTANCE_MAX;
    const char *best = NULL;

    for (size_t i = 0; i < MR_COUNT(commands); i++) {
        const char *name = commands[i]->name;
        size_t far = n >= BEGINNING_MIN && strncmp(name, typed, n) == 0 ? 0 : mr_text_distance(typed, name);

        if (far < least) {
            least = far;
            best = name;
        }
    }
    return best;
}

static int unknown_command(const struct tool *tool, const char *typed)
{
    const char *near = meant(typed);

    if (near)
        return tool_usage_general("no command '%s': did you mean '%s'?", typed, near);
    (void)tool_usage_general("no command '%s'", typed);
    if (!tool->json)
        print_help(stderr);
    return TOOL_EXIT_USAGE;
}

/* "help", "help CMD": the same as --help and CMD --help. */
static int help_on(const struct tool *tool, const char *name)
{
    const struct tool_command *command = name ? find(name) : NULL;

    if (name && !command)
        return unknown_command(tool, name);
    if (command)
        print_command_help(command);
    else
        print_help(stdout);
    return 0;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* Takes --json and --as out of a command's own arguments, so that they may stand behind it too. */
static int take_common(struct tool *tool, int argc, char **argv)
{
    int kept = 1;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            tool->json = true;
        else if (strcmp(argv[i], "--as") == 0 && i + 1 < argc)
            tool->operator_name = argv[++i];
        else
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    return kept;
}

/* getopt tells a wrong option by itself, but not as JSON. */
static void speak(const struct tool *tool)
{
    tool_usage_as_json(tool->json);
    opterr = !tool->json;
}

/* What stands before the command; --json counts wherever it stands. */
static int wrong_options(struct tool *tool, int argc, char **argv, const char *what)
{
    for (int i = 1; i < argc; i++)
        tool->json |= strcmp(argv[i], "--json") == 0;
    speak(tool);
    if (tool->json)
        return tool_usage_general("%s", what);
    print_help(stderr);
    return TOOL_EXIT_USAGE;
}

/* Questions are JSON. A condition that has no place in it would be left out, and more found, or released,
 * than was meant. NULL: none. */
static const char *not_utf8(int argc, char *const *argv)
{
    for (int i = 0; i < argc; i++)
        if (*argv[i] && !mr_utf8_valid(mr_slice_str(argv[i])))
            return argv[i];
    return NULL;
}

static int run_command(struct tool *tool, int argc, char **argv)
{
    const struct tool_command *command = find(argv[0]);
    const char *wrong = not_utf8(argc, argv);

    argc = take_common(tool, argc, argv);
    speak(tool);
    if (wrong)
        return tool_usage_general(
                "'%s' is not in UTF-8: write it so; a file of such a name has to be renamed", wrong);
    if (strcmp(argv[0], "help") == 0)
        return help_on(tool, argc > 1 ? argv[1] : NULL);
    if (!command)
        return unknown_command(tool, argv[0]);
    if (wants_help(argc, argv)) {
        print_command_help(command);
        return 0;
    }
    optind = 0; /* glibc: start anew */
    return command->run(tool, argc, argv);
}

static const char *default_config(void)
{
    const char *path = getenv("MARSHRUT_CONFIG");

    return path && *path ? path : "/etc/marshrut/marshrut.yaml";
}

/* -1: go on with the command at optind; else the exit code. */
static int take_options(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
            {"json", no_argument, NULL, 'j'}, {"as", required_argument, NULL, 'a'},
            {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "+c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            tool->config_path = optarg;
            break;
        case 'j':
            tool->json = true;
            break;
        case 'a':
            tool->operator_name = optarg;
            break;
        case 'h':
            print_help(stdout);
            return 0;
        case 'v':
            (void)printf("marshrut %s\n", MR_VERSION);
            return 0;
        default:
            return wrong_options(tool, argc, argv, "unknown option, or one without its value");
        }
    }
    return optind < argc ? -1 : wrong_options(tool, argc, argv, "say what to do");
}

int main(int argc, char **argv)
{
    struct tool tool = {
            .config_path = default_config(), .operator_name = "", .tty = isatty(STDOUT_FILENO) == 1};
    int r;

    if (sodium_init() < 0)
        return 70;
    mr_kv_fatal_install();
    r = take_options(&tool, argc, argv);
    if (r < 0)
        r = run_command(&tool, argc - optind, argv + optind);
    mr_config_free(tool.config);
    if (fflush(stdout) != 0 && r == 0)
        r = 74; /* what was printed did not get out */
    return r;
}
