/*
 * marshrut config apply | rollback: check, plan, put the text into the hub's file, have the running hub take
 * it over. The file first: what a hub finds there at its start holds, so that a kill anywhere in between
 * leaves either the old version in force with the new one in the file, for the next start, or the new one in
 * both.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/sdk/file.h"
#include "hub/tool/ask.h"
#include "hub/tool/config_action.h"
#include "hub/tool/input.h"
#include "hub/tool/render.h"

struct applying {
    struct tool *tool;
    struct mr_buf text;  /* that is to hold */
    const char *name;    /* where it comes from, for messages */
    const char *restart; /* what to do when only a restart can bring it about */
    bool plan;           /* show it before */
    char file[PATH_MAX]; /* the hub's; absolute */
    struct mr_buf old;   /* what was in it */
    bool installed;      /* the file has the new text, which was not there before */
    struct tool_config_planned planned;
};

/* The hub reads at its start what the tool reads at -c, or nothing of this would last. */
static int find_file(struct applying *a)
{
    const char *path = a->tool->config_path, *of_hub;
    struct mr_error error = {0};
    json_t *document;
    int code = 0;

    if (!realpath(path, a->file)) {
        (void)mr_error_set(&error, MR_ENOTFOUND, path, "name the hub's file with -c", "no such file");
        return tool_fail(a->tool, &error);
    }
    document = tool_ask_one(a->tool, "config.history", json_pack("{s:i}", "limit", 1), &code);
    if (!document)
        return code;
    of_hub = json_string_value(json_object_get(document, "file"));
    if (of_hub && strcmp(of_hub, a->file) != 0) {
        (void)mr_error_set(&error, MR_ECONFIG, path, "name that one with -c: it will get the new text",
                "the hub was started with another file, %.160s", of_hub);
        code = tool_fail(a->tool, &error);
    }
    json_decref(document);
    return code;
}

/* As it will stand: with paths below the folder of the hub's file. */
static int check(struct applying *a)
{
    struct tool other = *a->tool;
    struct mr_error error = {0};
    char folder[PATH_MAX];
    int code;

    (void)snprintf(folder, sizeof folder, "%s", a->file);
    *strrchr(folder, '/') = 0;
    other.config = NULL;
    other.config_path = a->name;
    if (mr_config_parse(&other.config, mr_buf_slice(&a->text), a->name, folder, &error) < 0)
        return tool_fail(a->tool, &error);
    code = tool_config_check(&other, true);
    mr_config_free(other.config);
    return code;
}

static int plan(struct applying *a)
{
    struct mr_error error = {0};
    json_t *arguments = json_object();
    int code;

    if (tool_config_put_text(arguments, &a->text, a->name, &error) < 0) {
        json_decref(arguments);
        return tool_fail(a->tool, &error);
    }
    code = tool_config_ask_plan(a->tool, arguments, a->tool->json, &a->planned);
    if (code != 0 || a->planned.restart == 0)
        return code;
    (void)mr_error_set(&error, MR_ECONFIG, a->name, a->restart,
            "%llu of its keys cannot change while the hub runs: `marshrut config plan` names them",
            (unsigned long long)a->planned.restart);
    return tool_fail(a->tool, &error);
}

/* Mode and, as far as this user may, owner stay. */
static int put_into_file(const struct applying *a, const struct mr_buf *text)
{
    char folder[PATH_MAX];
    struct stat st;
    int r;

    (void)snprintf(folder, sizeof folder, "%s", a->file);
    *strrchr(folder, '/') = 0;
    if (stat(a->file, &st) != 0)
        return MR_ENOTFOUND;
    r = mr_file_write(folder, strrchr(a->file, '/') + 1, mr_buf_slice(text), st.st_mode & 07777);
    if (r == 0 && chown(a->file, st.st_uid, st.st_gid) != 0)
        return 0;
    return r;
}

static int install(struct applying *a)
{
    struct mr_error error = {0};
    int r = tool_read_input(a->file, TOOL_INPUT_CONFIG, MR_CONFIG_BYTES_MAX, &a->old, &error);

    if (r == 0 && mr_slice_equal(mr_buf_slice(&a->old), mr_buf_slice(&a->text)))
        return 0; /* it was changed in its place */
    if (r == 0 && (r = put_into_file(a, &a->text)) < 0)
        (void)mr_error_set(&error, r, a->file, "run it as a user who may: nothing has changed",
                "the hub's file cannot be written: %s", mr_err_text(r));
    if (r < 0)
        return tool_fail(a->tool, &error);
    a->installed = true;
    return 0;
}

static void print_applied(const struct applying *a, const json_t *document)
{
    if (a->tool->json) {
        tool_render(a->tool, stdout, document);
        return;
    }
    tool_say(stdout,
            "version %" JSON_INTEGER_FORMAT " holds from number %" JSON_INTEGER_FORMAT
            " on, and stands in %s\n",
            json_integer_value(json_object_get(document, "version")),
            json_integer_value(json_object_get(document, "number")), a->file);
    if (a->planned.adapters)
        tool_say(stdout, "adapters read it at their own start: restart those whose keys have changed\n");
}

static int ask_hub(struct applying *a)
{
    struct mr_error error = {0};
    json_t *arguments = json_object(), *document;
    int code = 0;

    if (tool_config_put_text(arguments, &a->text, a->name, &error) < 0) {
        json_decref(arguments);
        return tool_fail(a->tool, &error);
    }
    document = tool_ask_one(a->tool, "config.apply", arguments, &code);
    if (!document)
        return code;
    print_applied(a, document);
    json_decref(document);
    return 0;
}

/* Refused: the file says what holds. A hub that did not answer may have taken it over: then the text stays.
 */
static void take_back(const struct applying *a, int code)
{
    struct mr_error error = {0};

    if (code == mr_err_exit(MR_ECLOSED))
        tool_say(stderr, "the hub did not answer: %s has the new text, and its next start brings it about\n",
                a->file);
    else if (put_into_file(a, &a->old) < 0) {
        (void)mr_error_set(&error, MR_EIO, a->file, "write back what `marshrut config show` prints",
                "the hub's file has a text that the hub has refused");
        (void)tool_fail(a->tool, &error);
    }
}

static int apply(struct applying *a)
{
    int code = find_file(a);

    if (code == 0)
        code = check(a);
    if (code == 0 && a->plan)
        code = plan(a);
    if (code == 0)
        code = install(a);
    if (code != 0)
        return code;
    code = ask_hub(a);
    if (code != 0 && a->installed)
        take_back(a, code);
    return code;
}

static void fini(struct applying *a)
{
    mr_buf_fini(&a->text);
    mr_buf_fini(&a->old);
}

/* --no-plan; what is left in argv[optind]. */
static int read_options(struct applying *a, int argc, char **argv)
{
    static const struct option options[] = {{"no-plan", no_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
    int option;

    a->plan = true;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'n')
            return tool_usage(&tool_config_command, "unknown option");
        a->plan = false;
    }
    return 0;
}

int tool_config_apply(struct tool *tool, int argc, char **argv)
{
    struct applying a = {.tool = tool,
            .name = tool->config_path,
            .restart = "put it into the hub's file and restart the hub; or leave these keys as they are"};
    struct mr_error error = {0};
    int r = read_options(&a, argc, argv);

    if (r != 0)
        return r;
    if (argc - optind > 1)
        return tool_usage(&tool_config_command, "'apply' takes one file");
    if (optind < argc)
        a.name = argv[optind];
    r = tool_read_input(a.name, TOOL_INPUT_CONFIG, MR_CONFIG_BYTES_MAX, &a.text, &error);
    r = r < 0 ? tool_fail(tool, &error) : apply(&a);
    fini(&a);
    return r;
}

int tool_config_rollback(struct tool *tool, int argc, char **argv)
{
    struct applying a = {.tool = tool};
    json_t *arguments = json_object();
    char name[40], restart[160];
    int r = read_options(&a, argc, argv);

    if (r == 0)
        r = tool_config_version("rollback", argc - optind, argv + optind, arguments);
    if (r == 0) {
        (void)snprintf(name, sizeof name, "version-%.20s", argv[optind]);
        (void)snprintf(restart, sizeof restart,
                "save what `marshrut config show %.20s` prints, give these keys the values of now, apply "
                "that",
                argv[optind]);
        a.name = name;
        a.restart = restart;
        r = tool_config_ask_text(tool, json_incref(arguments), &a.text);
    }
    if (r == 0)
        r = apply(&a);
    json_decref(arguments);
    fini(&a);
    return r;
}
