/* marshrut escrow restore: keys/ and the root key out of their escrow places. */
#include <string.h>

#include "hub/keep/escrow_restore.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"

static int escrow_run(struct tool *tool, int argc, char **argv)
{
    const struct mr_config *config;
    struct mr_escrow_restored restored;
    struct mr_error error = {0};
    json_t *document;
    int r;

    if (argc != 2 || strcmp(argv[1], "restore") != 0)
        return tool_usage(&tool_escrow, "say 'restore'");
    if (!(config = tool_config(tool)))
        return mr_err_exit(MR_ECONFIG);
    r = mr_escrow_restore(config, &restored, &error);
    if (r < 0) {
        if (error.code == 0)
            (void)mr_error_set(&error, r, "hub.escrow", "", "%s", mr_err_text(r));
        return tool_fail(tool, &error);
    }
    document = json_pack("{s:b, s:b, s:I}", "keys", (int)restored.keys, "root_key", (int)restored.root,
            "generation", (json_int_t)restored.generation);
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

const struct tool_command tool_escrow = {
        .name = "escrow",
        .usage = "restore",
        .summary = "put keys/ and the root key back from their escrow places",
        .help = "restore  with the hub stopped. Whichever of keys/ (in hub.store) and the root key (in "
                "hub.root_key) is\n"
                "         missing comes from hub.escrow, the youngest copy; what is there stays. Both are "
                "tried together\n"
                "         before anything counts. Persons who came after the copy are missing: a younger "
                "backup of keys/ is\n"
                "         better. log/ comes from a backup, and log.key from where it is kept.\n",
        .run = escrow_run,
};
