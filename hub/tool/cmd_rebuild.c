/* marshrut rebuild: index/ and views/ made again from the log. */
#include <string.h>

#include "hub/index/rebuild.h"
#include "hub/tool/progress.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"
#include "proto/base/list.h"

static int print(struct tool *tool, json_t *document, bool ok)
{
    tool_render(tool, stdout, document);
    json_decref(document);
    return ok ? 0 : TOOL_EXIT_CHECK;
}

static int check(struct tool *tool, const struct mr_config *config, struct mr_error *error)
{
    struct tool_progress progress = {0};
    const struct mr_tick tick = {tool_progress_tick, &progress};
    struct mr_rebuilt rebuilt;
    int r = mr_rebuild_check(config, &tick, &rebuilt, error);
    bool ok = rebuilt.index_same && rebuilt.views_same;

    tool_progress_end(&progress);
    if (r < 0)
        return r;
    return print(tool,
            json_pack("{s:b, s:I, s:{s:b, s:I, s:I}, s:{s:b, s:I, s:I}}", "ok", (int)ok, "through",
                    (json_int_t)rebuilt.through, "index", "same", (int)rebuilt.index_same, "entries",
                    (json_int_t)rebuilt.entries, "entries_again", (json_int_t)rebuilt.entries_again, "views",
                    "same", (int)rebuilt.views_same, "facts", (json_int_t)rebuilt.facts, "facts_again",
                    (json_int_t)rebuilt.facts_again),
            ok);
}

static int rebuild(
        struct tool *tool, const struct mr_config *config, enum mr_rebuild_what what, struct mr_error *error)
{
    struct tool_progress progress = {0};
    const struct mr_tick tick = {tool_progress_tick, &progress};
    struct mr_rebuilt rebuilt;
    int r = mr_rebuild(config, what, &tick, &rebuilt, error);

    tool_progress_end(&progress);
    return r < 0 ? r
                 : print(tool, json_pack("{s:b, s:I}", "ok", 1, "through", (json_int_t)rebuilt.through),
                           true);
}

/* False: not a call of ours. */
static bool take(int argc, char **argv, enum mr_rebuild_what *ret_what, bool *ret_check)
{
    static const struct {
        const char *name;
        enum mr_rebuild_what what;
    } words[] = {{"index", MR_REBUILD_INDEX}, {"views", MR_REBUILD_VIEWS}, {"all", MR_REBUILD_ALL}};
    bool known = true;

    *ret_what = MR_REBUILD_ALL;
    *ret_check = false;
    for (int i = 1; i < argc && known; i++) {
        known = strcmp(argv[i], "--check") == 0;
        *ret_check = *ret_check || known;
        for (size_t j = 0; j < MR_COUNT(words) && !known; j++)
            if (strcmp(argv[i], words[j].name) == 0) {
                *ret_what = words[j].what;
                known = true;
            }
    }
    return known && argc <= 3 && (argc > 1) && !(*ret_check && argc > 2);
}

static int rebuild_run(struct tool *tool, int argc, char **argv)
{
    const struct mr_config *config;
    struct mr_error error = {0};
    enum mr_rebuild_what what;
    bool checking;
    int r;

    if (!take(argc, argv, &what, &checking))
        return tool_usage(&tool_rebuild, "say what, or --check");
    if (!(config = tool_config(tool)))
        return mr_err_exit(MR_ECONFIG);
    r = checking ? check(tool, config, &error) : rebuild(tool, config, what, &error);
    if (r >= 0)
        return r;
    if (error.code == 0)
        (void)mr_error_set(&error, r, config->hub.store, "", "%s", mr_err_text(r));
    return tool_fail(tool, &error);
}

const struct tool_command tool_rebuild = {
        .name = "rebuild",
        .usage = "index | views | all | --check",
        .summary = "make index/ and views/ again from the log, or prove that they would be the same",
        .help = "index, views, all   with the hub stopped: removes what is there and builds it anew\n"
                "--check             with a hub or without: builds both in a folder beside, up to where the "
                "present ones\n"
                "                    are, compares every entry and fact, and removes it. Exit code 1: they "
                "differ. Facts\n"
                "                    of events whose person is blocked (an erasure waits) are not compared; "
                "\"blocked\" counts\n"
                "                    these events\n",
        .run = rebuild_run,
};
