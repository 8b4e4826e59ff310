#include <stdio.h>
#include <string.h>

#include "hub/edition/example.h"
#include "hub/route/filter.h"
#include "hub/route/matcher.h"
#include "hub/deliver/minimise.h"
#include "hub/session/rights.h"
#include "hub/tool/config_action.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"
#include "proto/base/list.h"
#include "proto/loop/curvekey.h"

/* One secret key file of this configuration and the public key that it must belong to. */
struct key_file {
    const char *path; /* of the key in the configuration */
    const char *file;
    const char *public_key;
};

enum { KEY_FILES = 5 };

static const char *public_key_of(const struct mr_config *config, const struct mr_config_link *link)
{
    return mr_config_system(config, link->system)->public_key; /* the load checked that it is there */
}

static size_t key_files(const struct mr_config *config, struct key_file out[static KEY_FILES])
{
    const struct mr_config_adapters *a = &config->adapters;
    const struct {
        const char *path;
        const struct mr_config_link *link;
    } links[] = {{"adapters.school.secret_key_file", a->school ? &a->school->link : NULL},
            {"adapters.copmkp.secret_key_file", a->copmkp ? &a->copmkp->link : NULL},
            {"adapters.cnppm.secret_key_file", a->cnppm ? &a->cnppm->link : NULL},
            {"adapters.portal.secret_key_file", a->portal ? &a->portal->link : NULL}};
    size_t n = 0;

    out[n++] = (struct key_file){"hub.secret_key_file", config->hub.secret_key_file, config->hub.public_key};
    for (size_t i = 0; i < MR_COUNT(links); i++)
        if (links[i].link)
            out[n++] = (struct key_file){
                    links[i].path, links[i].link->secret_key_file, public_key_of(config, links[i].link)};
    return n;
}

/* 0, MR_ENOTFOUND (a warning), or MR_ECONFIG. */
static int check_key(const struct tool *tool, const struct key_file *key, struct mr_error *error)
{
    struct mr_curvekey pair;
    char secret[MR_CURVEKEY_TEXT_MAX];
    char where[192];
    int r = mr_config_read_key(key->file, true, secret, error);

    mr_config_where(tool->config, tool->config_path, key->path, where, sizeof where);
    if (r == MR_ENOTFOUND)
        return mr_error_set(error, r, where,
                "on another machine? Then this is right; else `marshrut keys new`", "%s: %.160s is not here",
                key->path, key->file);
    if (r < 0) {
        char what[sizeof error->what], cure[sizeof error->cure];

        (void)snprintf(what, sizeof what, "%s", error->what);
        (void)snprintf(cure, sizeof cure, "%s", error->cure);
        return mr_error_set(error, MR_ECONFIG, where, cure, "%s: %.120s: %s", key->path, key->file, what);
    }
    if (mr_curvekey_from_secret(&pair, secret) < 0 || strcmp(pair.public_key, key->public_key) != 0)
        r = mr_error_set(error, MR_ECONFIG, where,
                "set the public_key to what stands in the .pub file beside it, or name the right file",
                "%s: %.120s does not belong to the public_key", key->path, key->file);
    explicit_bzero(secret, sizeof secret);
    mr_curvekey_wipe(&pair);
    return r;
}

struct warnings {
    const struct tool *tool;
    json_t *list;
};

static void warn(void *ctx, const struct mr_error *warning)
{
    const struct warnings *warnings = ctx;

    if (warnings->tool->json)
        (void)json_array_append_new(warnings->list, json_pack("{s:s, s:s, s:s}", "what", warning->what,
                                                            "where", warning->where, "cure", warning->cure));
    else
        tool_say(stderr, "warning: %s: %s\n  what to do: %s\n", warning->where, warning->what, warning->cure);
}

/* Every key is looked at; the exit code is that of the first error. */
static int check_keys(const struct tool *tool, struct warnings *warnings)
{
    struct key_file keys[KEY_FILES];
    size_t n = key_files(tool->config, keys);
    int code = 0;

    for (size_t i = 0; i < n; i++) {
        struct mr_error error = {0};
        int r = check_key(tool, &keys[i], &error);

        if (r == MR_ENOTFOUND)
            warn(warnings, &error);
        else if (r < 0)
            code = tool_fail(tool, &error);
    }
    return code;
}

/* Tests that do not hold: said, or listed for the document. */
static void on_failed_test(void *ctx, const struct mr_error *failure)
{
    const struct warnings *failed = ctx;

    if (failed->tool->json)
        (void)json_array_append_new(failed->list, json_pack("{s:s, s:s, s:s}", "what", failure->what, "where",
                                                          failure->where, "cure", failure->cure));
    else
        tool_say(stderr, "test: %s: %s\n  what to do: %s\n", failure->where, failure->what, failure->cure);
}

static void say_many(unsigned count, const char *noun)
{
    tool_say(stdout, ", %u %s%s", count, noun, count == 1 ? "" : "s");
}

static void print_summary(const struct tool *tool, json_t *warnings, json_t *failed)
{
    const struct mr_config *config = tool->config;
    unsigned tests = config->tests_count;
    size_t wrong = json_array_size(failed);
    json_t *document;

    if (!tool->json) {
        tool_say(stdout, "%s: in order: region %s", tool->config_path, config->region);
        say_many(config->systems_count, "system");
        say_many(mr_config_subscriptions_configured(config), "subscription");
        say_many(config->operators_count, "operator");
        if (tests > 0)
            say_many(tests, "test");
        tool_say(stdout, "%s\n", tests == 0 ? "" : tests == 1 ? " holds" : " hold");
        return;
    }
    document = json_pack("{s:b, s:i, s:i, s:O, s:i, s:O}", "ok", wrong == 0, "systems",
            (int)config->systems_count, "subscriptions", (int)mr_config_subscriptions_configured(config),
            "warnings", warnings, "tests", (int)tests, "failed", failed);
    tool_render(tool, stdout, document);
    json_decref(document);
}

/* What a load does not see, and the filters with their examples. The exit code. */
static int check_rules(const struct tool *tool, struct warnings *warnings, struct warnings *failed)
{
    const struct mr_config *config = tool->config;
    struct mr_error error = {0};
    int wrong;

    if (mr_rights_check(config, tool->config_path, &error) < 0 ||
            mr_filters_check(config, tool->config_path, warn, warnings, &error) < 0 ||
            mr_minimise_check(config, tool->config_path, &error) < 0 ||
            mr_matcher_check(config, tool->config_path, &error) < 0)
        return tool_fail(tool, &error);
    wrong = mr_examples_try(config, tool->config_path, on_failed_test, failed, &error);
    if (wrong < 0)
        return tool_fail(tool, &error);
    return wrong > 0 ? TOOL_EXIT_CHECK : 0;
}

/* quiet: without the summary, when all is well. */
static int check(struct tool *tool, bool quiet)
{
    const struct mr_config *config = tool_config(tool);
    struct warnings warnings = {.tool = tool}, failed = {.tool = tool};
    int code, keys;

    if (!config)
        return mr_err_exit(MR_ECONFIG);
    warnings.list = json_array();
    failed.list = json_array();
    code = check_rules(tool, &warnings, &failed);
    if (code == 0 || code == TOOL_EXIT_CHECK) {
        keys = check_keys(tool, &warnings);
        mr_rights_terms(config, tool->config_path, warn, &warnings);
        tool_config_places(tool, warn, &warnings);
        if (keys == 0 && !quiet && (code == 0 || tool->json))
            print_summary(tool, warnings.list, failed.list);
        code = keys ? keys : code;
    }
    json_decref(warnings.list);
    json_decref(failed.list);
    return code;
}

int tool_config_check(struct tool *tool, bool quiet)
{
    return check(tool, quiet);
}

static int run_check(struct tool *tool, int argc, char **argv)
{
    if (argc > 2)
        return tool_usage(&tool_config_command, "'check' takes one file");
    if (argc == 2)
        tool->config_path = argv[1];
    return check(tool, false);
}

static const struct {
    const char *name;
    int (*run)(struct tool *tool, int argc, char **argv);
    bool asks; /* the hub that the file at -c leads to */
} actions[] = {{"check", run_check, false}, {"plan", tool_config_plan, true},
        {"apply", tool_config_apply, true}, {"history", tool_config_history, true},
        {"show", tool_config_show, true}, {"rollback", tool_config_rollback, true}};

static int config_run(struct tool *tool, int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < MR_COUNT(actions); i++) {
        if (strcmp(argv[1], actions[i].name) != 0)
            continue;
        if (actions[i].asks && !tool_config(tool))
            return mr_err_exit(MR_ECONFIG);
        return actions[i].run(tool, argc - 1, argv + 1);
    }
    return tool_usage(&tool_config_command, "say 'check', 'plan', 'apply', 'history', 'show' or 'rollback'");
}

const struct tool_command tool_config_command = {
        .name = "config",
        .usage = "check [FILE] | plan [FILE] [--from N|TIME] [--to N|TIME] | apply [FILE] [--no-plan] |\n"
                 "       history | show [VERSION] | rollback VERSION [--no-plan]",
        .summary = "check a configuration, plan and apply a change of it, go back to an older one",
        .help = "check    reads the file as hub and adapters do, and says with file, line and column what is "
                "wrong\n"
                "         and how to mend it. Key files that are here must be readable, for their owner "
                "alone, "
                "and\n"
                "         belong to the public keys; those that are not here are warned of, and so are "
                "subscriptions\n"
                "         that can never get an event. The example events of the section `tests` must go to "
                "exactly\n"
                "         the subscriptions that are named with them. Exit code 78 when something is wrong, "
                "1 "
                "when a\n"
                "         test does not hold\n"
                "plan     what the file would change: its keys that differ from what the hub runs with, and "
                "where the\n"
                "         events of the last day (or from --from to --to: numbers or times) would go that "
                "went\n"
                "         elsewhere, or that would not go where they went; nothing is changed by it\n"
                "apply    checks the file, shows the plan, puts the text into the hub's file (at -c) and has "
                "the\n"
                "         running hub take it over, from one number on; by an operator with the role admin. "
                "What\n"
                "         was made at the start, such as hub.listen, cannot change so: it is refused by "
                "name\n"
                "history  every version that the log has, with the number of its first event\n"
                "show     the text of a version; without a number of the one in force\n"
                "rollback applies the text of an older version, as a new one\n",
        .run = config_run,
};
