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

int tool_usage(const struct tool_command *command, const char *format, ...)
{
    va_list args;

    (void)fprintf(stderr, "marshrut %s: ", command->name);
    va_start(args, format);
    say(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "\nusage: marshrut [-c FILE] %s %s\n", command->name, command->usage);
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
