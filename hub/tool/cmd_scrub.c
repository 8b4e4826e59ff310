/* marshrut scrub: everything that is stored is read and checked. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "hub/scrub_house.h"
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
    int r = mr_scrub_house(config, on_finding, findings, &house, &error);

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

static int scrub_run(struct tool *tool, int argc, char **argv)
{
    const struct mr_config *config;

    (void)argv;
    if (argc != 1)
        return tool_usage(&tool_scrub, "takes no arguments");
    config = tool_config(tool);
    return config ? scrub(tool, config) : mr_err_exit(MR_ECONFIG);
}

const struct tool_command tool_scrub = {
        .name = "scrub",
        .usage = "",
        .summary = "read and check everything that is stored",
        .help = "Every page, row and record of log/, keys/, index/ and views/: checksums, the tree and its "
                "checkpoints,\n"
                "rows of keys/ against their keys, log.key, log.checkpoint and the root key. Damage is named "
                "and isolated;\n"
                "the rest is read all the same. Changes nothing; with a running hub or without. Exit code 1: "
                "something was\n"
                "found; each finding says what to do. keys_opened false: no root key here, or keys/ is "
                "damaged.\n",
        .run = scrub_run,
};
