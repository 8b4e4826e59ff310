/* marshrut scrub: everything that is stored is read and checked. */
#include <stdlib.h>
#include <string.h>

#include "hub/keep/repair.h"
#include "hub/keep/scrub_house.h"
#include "hub/tool/progress.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"

static void on_finding(void *ctx, const struct mr_scrub_finding *finding)
{
    json_t *one = json_pack("{s:s, s:s, s:s, s:s}", "environment", finding->environment, "table",
            finding->table, "what", finding->what, "cure", finding->cure);

    if (finding->page)
        (void)json_object_set_new(one, "page", json_integer((json_int_t)finding->page));
    if (finding->first)
        (void)json_object_set_new(one, "first", json_integer((json_int_t)finding->first));
    if (finding->last)
        (void)json_object_set_new(one, "last", json_integer((json_int_t)finding->last));
    (void)json_array_append_new(ctx, one);
}

static int scrub(struct tool *tool, const struct mr_config *config)
{
    struct mr_error error = {0};
    struct mr_scrub_house house;
    json_t *findings = json_array();
    json_t *document;
    struct tool_progress progress = {0};
    const struct mr_tick tick = {tool_progress_tick, &progress};
    int r = mr_scrub_house(config, on_finding, findings, &tick, &house, &error);

    tool_progress_end(&progress);
    if (r < 0) {
        json_decref(findings);
        if (error.code == 0)
            (void)mr_error_set(&error, r, config->hub.store, "", "%s", mr_err_text(r));
        return tool_fail(tool, &error);
    }
    document = json_pack("{s:b, s:I, s:I, s:I, s:b, s:o}", "ok", house.counts.findings == 0, "records",
            (json_int_t)house.counts.records, "rows", (json_int_t)house.counts.rows, "pages",
            (json_int_t)house.counts.pages, "keys_opened", (int)house.keys_opened, "findings", findings);
    tool_render(tool, stdout, document);
    json_decref(document);
    return house.counts.findings == 0 ? 0 : TOOL_EXIT_CHECK;
}

static void on_backup_finding(void *ctx, const struct mr_scrub_finding *finding)
{
    const struct tool *tool = ctx;

    if (!tool->json)
        tool_say(stderr, "marshrut: %s/%s: %s\n", finding->environment, finding->table, finding->what);
}

static int repair(struct tool *tool, const struct mr_config *config, const char *dir)
{
    struct mr_error error = {0};
    struct mr_repaired repaired;
    json_t *document;
    int r = mr_repair_from(config, dir, &repaired, on_backup_finding, tool, &error);

    if (r < 0) {
        if (error.code == 0)
            (void)mr_error_set(&error, r, dir, "", "%s", mr_err_text(r));
        return tool_fail(tool, &error);
    }
    document = json_pack("{s:b, s:I, s:I, s:I}", "ok", repaired.left == 0, "damaged",
            (json_int_t)repaired.damaged, "mended", (json_int_t)repaired.mended, "left",
            (json_int_t)repaired.left);
    if (repaired.left > 0)
        (void)json_object_set_new(document, "first_left", json_integer((json_int_t)repaired.first_left));
    tool_render(tool, stdout, document);
    json_decref(document);
    return repaired.left == 0 ? 0 : TOOL_EXIT_CHECK;
}

static int scrub_run(struct tool *tool, int argc, char **argv)
{
    bool repairing = argc == 3 && strcmp(argv[1], "--repair-from") == 0;
    const struct mr_config *config;

    if (argc != 1 && !repairing)
        return tool_usage(&tool_scrub, "takes nothing, or --repair-from and a backup");
    config = tool_config(tool);
    if (!config)
        return mr_err_exit(MR_ECONFIG);
    return repairing ? repair(tool, config, argv[2]) : scrub(tool, config);
}

const struct tool_command tool_scrub = {
        .name = "scrub",
        .usage = "[--repair-from BACKUP]",
        .summary = "read and check everything that is stored",
        .help = "Every page, row and record of log/, keys/, index/ and views/: checksums, the tree and its "
                "checkpoints,\n"
                "rows of keys/ against their keys, log.key, log.checkpoint and the root key. Damage is named "
                "and isolated;\n"
                "the rest is read all the same. Changes nothing; with a running hub or without. Exit code 1: "
                "something was\n"
                "found; each finding says what to do. keys_opened false: no root key here, or keys/ is "
                "damaged.\n"
                "--repair-from BACKUP   with the hub stopped: damaged records come back from a backup, where "
                "the "
                "tree has\n"
                "                       their hash. Exit code 1: some are left (left, first_left)\n",
        .run = scrub_run,
};
