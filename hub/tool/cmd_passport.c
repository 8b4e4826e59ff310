#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"
#include "proto/base/list.h"

/* Options of an action become the method's arguments; N: a whole number, T: text, F: a file whose name and
 * digest go in. */
struct option_row {
    const char *name; /* without the dashes; '-' becomes '_' in the argument */
    char kind;
    bool needed;
};

static const struct action {
    const char *name;
    const char *method;
    const char *positional;       /* argument that stands without an option; NULL: none */
    struct option_row options[8]; /* the first without a name ends them */
} actions[] = {
        {"show", "passport.show", NULL, {{"as-of", 'N', false}, {"at", 'T', false}}},
        {"explain", "passport.explain", "cell",
                {{"as-of", 'N', false}, {"at", 'T', false}, {"after", 'N', false}, {"limit", 'N', false}}},
        {"export", "passport.export", "format",
                {{"as-of", 'N', false}, {"at", 'T', false}, {"out", 'O', false}}},
        {"diff", "passport.diff", NULL,
                {{"from", 'N', false}, {"from-at", 'T', false}, {"from-version", 'N', false},
                        {"to", 'N', false}, {"to-at", 'T', false}, {"to-version", 'N', false}}},
        {"workflow", "passport.workflow", NULL, {{NULL}}},
        {"version", "passport.version", NULL, {{"version", 'N', false}, {"out", 'O', false}}},
        {"set", "passport.set", "cell",
                {{"value", 'T', true}, {"basis", 'T', true}, {"file", 'F', false}, {"section", 'N', false},
                        {"oktmo", 'T', false}, {"unit", 'T', false}}},
        {"override", "passport.override", "cell",
                {{"value", 'T', true}, {"reason", 'T', true}, {"file", 'F', false}, {"section", 'N', false},
                        {"oktmo", 'T', false}}},
        {"copied", "passport.copied", NULL, {{"cell", 'T', false}, {"section", 'N', false}}},
        {"submit", "passport.submit", NULL, {{"note", 'T', false}}},
        {"approve", "passport.approve", NULL, {{"order-number", 'T', false}, {"order-date", 'T', false}}},
        {"handback", "passport.handback", NULL, {{"reason", 'T', true}}},
        {"send", "passport.send", NULL,
                {{"letter-number", 'T', true}, {"letter-date", 'T', true}, {"channel", 'T', false}}},
        {"answer", "passport.answer", "answer",
                {{"letter-number", 'T', false}, {"letter-date", 'T', false}, {"reason", 'T', false}}},
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < MR_COUNT(actions); i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}

static const struct option_row *find_option(const struct action *action, const char *name)
{
    for (size_t i = 0; i < MR_COUNT(action->options) && action->options[i].name; i++)
        if (strcmp(action->options[i].name, name) == 0)
            return &action->options[i];
    return NULL;
}

static void set_argument(json_t *arguments, const char *option, json_t *value)
{
    char name[32];

    (void)snprintf(name, sizeof name, "%s", option);
    for (char *p = name; *p; p++)
        if (*p == '-')
            *p = '_';
    (void)json_object_set_new(arguments, name, value);
}

/* Name (without folders) and SHA-256 of a file that proves a value. */
static int set_file(json_t *arguments, const char *path)
{
    crypto_hash_sha256_state state;
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[2 * crypto_hash_sha256_BYTES + 1];
    unsigned char chunk[65536];
    FILE *file = fopen(path, "re");
    const char *slash = strrchr(path, '/');
    size_t n;

    if (!file)
        return mr_err_from_errno(errno);
    (void)crypto_hash_sha256_init(&state);
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
        (void)crypto_hash_sha256_update(&state, chunk, n);
    n = ferror(file) != 0;
    (void)fclose(file);
    if (n)
        return MR_EIO;
    (void)crypto_hash_sha256_final(&state, digest);
    (void)sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    (void)json_object_set_new(arguments, "file_name", json_string(slash ? slash + 1 : path));
    (void)json_object_set_new(arguments, "file_sha256", json_string(hex));
    return 0;
}

static int set_option(
        const struct option_row *option, const char *text, json_t *arguments, const char **ret_out)
{
    char *end;
    long long number;

    switch (option->kind) {
    case 'N':
        errno = 0;
        number = strtoll(text, &end, 10);
        if (*end || end == text || number < 0 || errno == ERANGE)
            return tool_usage(&tool_passport, "--%s takes a whole number, not '%s'", option->name, text);
        set_argument(arguments, option->name, json_integer(number));
        return 0;
    case 'F':
        if (set_file(arguments, text) < 0)
            return tool_usage(&tool_passport, "cannot read the file '%s'", text);
        return 0;
    case 'O':
        *ret_out = text;
        return 0;
    default:
        set_argument(arguments, option->name, json_string(text));
        return 0;
    }
}

/* 0, or an exit code after saying what is wrong. */
static int take_arguments(
        const struct action *action, int argc, char **argv, json_t *arguments, const char **ret_out)
{
    const char *positional = action->positional;

    for (int i = 0; i < argc; i++) {
        const struct option_row *option =
                strncmp(argv[i], "--", 2) == 0 ? find_option(action, argv[i] + 2) : NULL;
        int r;

        if (option && i + 1 < argc) {
            r = set_option(option, argv[++i], arguments, ret_out);
            if (r != 0)
                return r;
        } else if (!option && positional && argv[i][0] != '-') {
            set_argument(arguments, positional, json_string(argv[i]));
            positional = NULL;
        } else {
            return tool_usage(&tool_passport, "unexpected '%s' for %s", argv[i], action->name);
        }
    }
    if (positional)
        return tool_usage(&tool_passport, "%s needs: %s", action->name, positional);
    for (size_t i = 0; i < MR_COUNT(action->options) && action->options[i].name; i++) {
        char name[32];
        const struct option_row *option = &action->options[i];

        (void)snprintf(name, sizeof name, "%s", option->name);
        for (char *p = name; *p; p++)
            *p = *p == '-' ? '_' : *p;
        if (option->needed && !json_object_get(arguments, name))
            return tool_usage(&tool_passport, "%s needs --%s", action->name, option->name);
    }
    return 0;
}

/* The bytes of an answer that is a file; NULL: it is none. free() it. */
static unsigned char *bytes_of(const json_t *document, size_t *ret_size)
{
    const char *plain = json_string_value(json_object_get(document, "document"));
    const char *text = json_string_value(json_object_get(document, "base64"));
    size_t size = plain ? strlen(plain) : text ? strlen(text) : 0;
    unsigned char *bytes = plain || text ? malloc(size + 1) : NULL;

    *ret_size = size;
    if (bytes && plain)
        memcpy(bytes, plain, size);
    else if (bytes && sodium_base642bin(bytes, size + 1, text, size, NULL, ret_size, NULL,
                              sodium_base64_VARIANT_ORIGINAL) != 0)
        *ret_size = 0;
    return bytes;
}

static int write_file(const struct tool *tool, const json_t *document, const char *path)
{
    size_t size = 0;
    unsigned char *bytes = bytes_of(document, &size);
    FILE *out = path ? fopen(path, "we") : stdout;
    bool ok = bytes && out && fwrite(bytes, 1, size, out) == size;

    if (path && out)
        ok = fclose(out) == 0 && ok;
    free(bytes);
    if (!ok) {
        struct mr_error error = {0};

        (void)mr_error_set(&error, MR_EIO, path ? path : "standard output", "choose another file with --out",
                "cannot write the file");
        return tool_fail(tool, &error);
    }
    if (path && !tool->json)
        (void)printf("%s: %zu bytes\n", path, size);
    return 0;
}

static int passport_run(struct tool *tool, int argc, char **argv)
{
    const struct action *action = argc >= 2 ? find_action(argv[1]) : NULL;
    json_t *arguments;
    const char *out = NULL;
    json_t *document;
    int code;

    if (!action)
        return tool_usage(&tool_passport, "say what to do");
    arguments = json_object();
    code = take_arguments(action, argc - 2, argv + 2, arguments, &out);
    if (code != 0) {
        json_decref(arguments);
        return code;
    }
    document = tool_ask_one(tool, action->method, arguments, &code);
    if (!document)
        return code;
    if (json_object_get(document, "base64") || json_object_get(document, "document"))
        code = write_file(tool, document, out);
    else
        tool_render(tool, stdout, document);
    json_decref(document);
    return code;
}

const struct tool_command tool_passport = {
        .name = "passport",
        .usage = "ACTION ...",
        .summary = "the region's passport: figures, what they rest on, its way",
        .help = "  show [--as-of N|--at TIME]               all cells as of a log number, or before a "
                "moment\n"
                "  explain CELL [--after N] [--limit N]     rule, version and events behind a cell\n"
                "  diff [--from N|--from-at TIME|--from-version V] [--to N|--to-at TIME|--to-version V]\n"
                "                                           what differs; without --to from what is now\n"
                "  workflow                                 how far it has come, and what can be done now\n"
                "  version [--version V] [--out FILE]       a submitted version, byte for byte\n"
                "  export json|csv|xlsx [--out FILE]        as a file\n"
                "  set CELL --value V --basis TEXT [--file FILE]       a value that has no events\n"
                "  override CELL --value V --reason TEXT [--file FILE] a person's value instead of the "
                "computed one\n"
                "  copied --cell CELL|--section N           typed into the personal cabinet by hand\n"
                "  submit [--note TEXT]                     ЦНППМ says that it is complete\n"
                "  approve [--order-number N --order-date D]           the ministry approves (утверждён)\n"
                "  handback --reason TEXT                   the ministry hands it back\n"
                "  send --letter-number N --letter-date D   recorded as sent to the federal operator\n"
                "  answer agreed|returned [--reason TEXT]   the federal operator's answer (согласован)\n"
                "Acting needs a running hub and --as OPERATOR with the right role; each step is an event in "
                "the log.\n",
        .run = passport_run,
};
