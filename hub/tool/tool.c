#include "hub/tool/tool.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub/tool/printable.h"

/* A signal handler has nothing else to write to. */
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void tool_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool tool_interrupted(void)
{
    return interrupted != 0;
}

__attribute__((format(printf, 2, 0))) static void say(FILE *out, const char *format, va_list args)
{
    char *text = NULL;

    if (vasprintf(&text, format, args) < 0)
        return; /* out of memory */
    tool_put(out, text);
    free(text);
}

void tool_say(FILE *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(out, format, args);
    va_end(args);
}

/* Texts quote file names and arguments, which need not be UTF-8. */
static json_t *json_text(const char *text)
{
    json_t *json = json_string(text);

    return json ? json : json_string("(not UTF-8)");
}

int tool_fail(const struct tool *tool, const struct mr_error *error)
{
    if (tool->json) {
        json_t *document = json_pack("{s:{s:s, s:o, s:o, s:o}}", "error", "code", mr_err_name(error->code),
                "what", json_text(error->what), "where", json_text(error->where), "cure",
                json_text(error->cure));

        if (document)
            (void)json_dumpf(document, stderr, JSON_COMPACT);
        (void)fputc('\n', stderr);
        json_decref(document);
        return mr_err_exit(error->code);
    }
    tool_say(stderr, "marshrut: %s%s%s\n", error->where, error->where[0] ? ": " : "",
            error->what[0] ? error->what : mr_err_text(error->code));
    if (error->cure[0])
        tool_say(stderr, "  what to do: %s\n", error->cure);
    return mr_err_exit(error->code);
}

/* Of the process, as its arguments are: a wrong call is found where nothing else of the tool is at hand. */
static bool usage_as_json;

void tool_usage_as_json(bool as_json)
{
    usage_as_json = as_json;
}

/* what is freed. */
static int wrong_call(char *what, const char *where, const char *cure)
{
    json_t *document = json_pack("{s:{s:s, s:o, s:s, s:s}}", "error", "code", "usage", "what",
            json_text(what ? what : "wrong usage"), "where", where, "cure", cure);

    if (document)
        (void)json_dumpf(document, stderr, JSON_COMPACT);
    (void)fputc('\n', stderr);
    json_decref(document);
    free(what);
    return TOOL_EXIT_USAGE;
}

int tool_usage(const struct tool_command *command, const char *format, ...)
{
    char *what = NULL, *cure = NULL, where[64];
    va_list args;
    int r;

    va_start(args, format);
    if (vasprintf(&what, format, args) < 0)
        what = NULL;
    va_end(args);
    if (!usage_as_json) {
        (void)fprintf(stderr, "marshrut %s: ", command->name);
        tool_put(stderr, what ? what : "wrong usage");
        (void)fprintf(stderr, "\nusage: marshrut [-c FILE] %s %s\n", command->name, command->usage);
        free(what);
        return TOOL_EXIT_USAGE;
    }
    (void)snprintf(where, sizeof where, "marshrut %s", command->name);
    if (asprintf(&cure, "usage: marshrut [-c FILE] %s %s", command->name, command->usage) < 0)
        cure = NULL;
    r = wrong_call(what, where, cure ? cure : "marshrut --help");
    free(cure);
    return r;
}

int tool_usage_general(const char *format, ...)
{
    char *what = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&what, format, args) < 0)
        what = NULL;
    va_end(args);
    if (usage_as_json)
        return wrong_call(what, "marshrut", "marshrut --help lists the commands");
    (void)fprintf(stderr, "marshrut: ");
    tool_put(stderr, what ? what : "wrong usage");
    (void)fputc('\n', stderr);
    free(what);
    return TOOL_EXIT_USAGE;
}

const struct mr_config *tool_config(struct tool *tool)
{
    struct mr_error error = {0};

    if (tool->config)
        return tool->config;
    if (mr_config_load(&tool->config, tool->config_path, &error) == 0)
        return tool->config;
    (void)tool_fail(tool, &error);
    return NULL;
}
