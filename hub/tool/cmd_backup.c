/* marshrut backup, marshrut restore. */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "hub/keep/backup.h"
#include "hub/tool/apart.h"
#include "hub/tool/progress.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"

/* A long work, watched. */
struct watch {
    const struct tool *tool;
    struct tool_progress progress;
};

/* Damage that is met on the way, as lines of text: the error itself comes last. */
static void on_finding(void *ctx, const struct mr_scrub_finding *finding)
{
    struct watch *watch = ctx;

    tool_progress_end(&watch->progress);
    if (!watch->tool->json)
        tool_say(stderr, "marshrut: %s/%s: %s\n", finding->environment, finding->table, finding->what);
}

static json_t *backup_json(const struct mr_backup *backup)
{
    char root[65];
    uint64_t bytes = 0;

    for (size_t i = 0; i < backup->files_count; i++)
        bytes += backup->files[i].bytes;
    (void)sodium_bin2hex(root, sizeof root, backup->root, sizeof backup->root);
    return json_pack("{s:b, s:s, s:I, s:s, s:I, s:s, s:I, s:I}", "ok", 1, "made", backup->made, "records",
            (json_int_t)backup->head, "root", root, "signed", (json_int_t)backup->signed_size, "key",
            backup->key, "files", (json_int_t)backup->files_count, "bytes", (json_int_t)bytes);
}

static const char *root_key_text(bool opens)
{
    return opens ? "opens" : "not checked";
}

/* root_key: NULL when it was not looked for. */
static int print_backup(struct tool *tool, struct mr_backup *backup, const char *root_key)
{
    json_t *document = backup_json(backup);

    if (root_key)
        (void)json_object_set_new(document, "root_key", json_string(root_key));
    tool_render(tool, stdout, document);
    json_decref(document);
    mr_backup_fini(backup);
    return 0;
}

static int fail(const struct tool *tool, int r, const char *where, struct mr_error *error)
{
    if (error->code == 0)
        (void)mr_error_set(error, r, where, "", "%s", mr_err_text(r));
    return tool_fail(tool, error);
}

/* On a machine without configuration or root key a backup is verified as far as it can be. */
static int try_root(struct tool *tool, const char *dir, const char **ret, struct mr_error *error)
{
    const struct mr_config *config = access(tool->config_path, F_OK) == 0 ? tool_config(tool) : NULL;
    int r = config ? mr_backup_try_root(config, dir, error) : MR_ENOTFOUND;

    *ret = root_key_text(r == 0);
    if (r != MR_ENOTFOUND && r != MR_EDENIED)
        return r;
    *error = (struct mr_error){0};
    return 0;
}

static int backup_run(struct tool *tool, int argc, char **argv)
{
    bool verify = argc > 1 && strcmp(argv[1], "verify") == 0;
    struct watch watch = {.tool = tool};
    const struct mr_tick tick = {tool_progress_tick, &watch.progress};
    const struct mr_config *config = NULL;
    const char *dir = argv[argc - 1];
    const char *root_key = NULL;
    struct mr_error error = {0};
    struct mr_backup backup;
    int r;

    if (argc != (verify ? 3 : 2))
        return tool_usage(&tool_backup, "give one folder");
    if (!verify && !(config = tool_config(tool)))
        return mr_err_exit(MR_ECONFIG);
    if (verify)
        r = mr_backup_verify(dir, &backup, on_finding, &watch, &tick, &error);
    else if ((r = tool_apart(config, dir, &error)) == 0)
        r = mr_backup_make(config, dir, &backup, on_finding, &watch, &tick, &error);
    tool_progress_end(&watch.progress);
    if (r == 0 && verify && (r = try_root(tool, dir, &root_key, &error)) < 0)
        mr_backup_fini(&backup);
    if (r == 0)
        return print_backup(tool, &backup, root_key);
    (void)fail(tool, r, dir, &error);
    return verify && r == MR_ECORRUPT ? TOOL_EXIT_CHECK : mr_err_exit(r);
}

const struct tool_command tool_backup = {
        .name = "backup",
        .usage = "DIR | verify DIR",
        .summary = "copy what cannot be made again, while the hub goes on",
        .help = "DIR           log.checkpoint, log/ and keys/, each of one moment, into the new folder DIR; "
                "reads "
                "all of it\n"
                "              back and checks it. backup.json comes last: a folder without it is no backup\n"
                "verify DIR    every file against backup.json, every record against the tree, and whether "
                "the root "
                "key here\n"
                "              opens its keys/ (root_key: not checked where there is none). Exit code 1: it "
                "does "
                "not hold\n"
                "Not in it, so that nobody finds both together: the root key (root.0, root.1) and log.key. "
                "Keep "
                "them apart.\n"
                "index/ and views/ are made again from the log.\n",
        .run = backup_run,
};

/* ---- restore ---- */

static void say_what_is_left(
        const struct tool *tool, const struct mr_config *config, const struct mr_restored *r)
{
    if (tool->json)
        return;
    if (r->root_missing)
        tool_say(stdout, "to do: bring root.0 or root.1 to %s\n", config->hub.root_key);
    if (r->log_key_missing)
        tool_say(stdout, "to do: bring log.key to %s\n", config->hub.root_key);
    if (r->signed_here > r->backup.head)
        tool_say(stdout, "the hub will refuse to start: checkpoints of more records were signed here. Look "
                         "for a newer "
                         "backup;\nif there is none: docs/operations.md, \"Restoring an older log\"\n");
}

static int restore_run(struct tool *tool, int argc, char **argv)
{
    struct watch watch = {.tool = tool};
    const struct mr_tick tick = {tool_progress_tick, &watch.progress};
    const struct mr_config *config;
    struct mr_error error = {0};
    struct mr_restored restored;
    json_t *document;
    int r;

    if (argc != 2)
        return tool_usage(&tool_restore, "give the folder of one backup");
    if (!(config = tool_config(tool)))
        return mr_err_exit(MR_ECONFIG);
    r = tool_apart(config, argv[1], &error);
    if (r == 0)
        r = mr_backup_restore(config, argv[1], &restored, on_finding, &watch, &tick, &error);
    tool_progress_end(&watch.progress);
    if (r < 0)
        return fail(tool, r, argv[1], &error);
    document = backup_json(&restored.backup);
    (void)json_object_set_new(document, "checkpoint_put", json_boolean(restored.checkpoint_put));
    (void)json_object_set_new(document, "root_key", json_string(root_key_text(restored.root_checked)));
    (void)json_object_set_new(document, "root_key_missing", json_boolean(restored.root_missing));
    (void)json_object_set_new(document, "log_key_missing", json_boolean(restored.log_key_missing));
    (void)json_object_set_new(
            document, "older_than_signed", json_boolean(restored.signed_here > restored.backup.head));
    tool_render(tool, stdout, document);
    say_what_is_left(tool, config, &restored);
    json_decref(document);
    mr_backup_fini(&restored.backup);
    return 0;
}

const struct tool_command tool_restore = {
        .name = "restore",
        .usage = "DIR",
        .summary = "put a backup back, where no store is",
        .help = "Verifies the backup, then puts log/ and keys/ into the folder hub.store, and log.checkpoint "
                "beside "
                "the root key\n"
                "where there is none. The hub must be stopped and nothing of a store be there (exit code 73 "
                "else). The root key\n"
                "and log.key come from where they are kept. The next start makes index/ and views/ again. "
                "older_than_signed:\n"
                "the hub will refuse this log, because more was signed than it has.\n",
        .run = restore_run,
};
