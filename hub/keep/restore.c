/* A backup put back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hub/keep/backup_files.h"
#include "hub/keep/leftover.h"
#include "proto/base/list.h"
#include "store/fault.h"
#include "store/folder.h"

static bool is_there(const char *dir, const char *name)
{
    char path[BACKUP_PATH_MAX];
    struct stat st;

    return backup_path(dir, name, path, NULL) == 0 && stat(path, &st) == 0;
}

/* MR_EEXISTS: somebody has it, or it is simply there. */
static int refuse_part(const struct mr_config *config, const char *part, struct mr_error *reterr)
{
    char path[BACKUP_PATH_MAX];
    int held;
    int r = backup_path(config->hub.store, part, path, reterr);

    if (r == 0)
        r = mr_kv_hold(path, &held, reterr);
    if (r < 0)
        return r;
    mr_kv_let_go(held);
    return mr_error_set(reterr, MR_EEXISTS, path,
            "move log/, keys/, index/ and views/ of this store to another place first",
            "a store is here already");
}

/* Nothing of a store may be here: what is, is not ours to remove. But keys/ of a restore that did not end is:
 * nobody opens such a store. */
static int check_target(const struct mr_config *config, struct mr_error *reterr)
{
    static const char *const parts[] = {"log", "keys", "index", "views"};
    bool again = mr_leftover_restore(config) && !is_there(config->hub.store, "log");

    for (size_t i = 0; i < MR_COUNT(parts); i++)
        if (is_there(config->hub.store, parts[i]) && !(again && strcmp(parts[i], "keys") == 0))
            return refuse_part(config, parts[i], reterr);
    return 0;
}

static int make_folders_of(const char *base, const char *file, struct mr_error *reterr)
{
    char path[BACKUP_PATH_MAX];
    int r = backup_path(base, file, path, reterr);

    for (char *slash = path + strlen(base) + 1; r == 0 && (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        r = mr_folder_make(path, reterr);
        *slash = '/';
    }
    return r;
}

static int copy_stores(const struct mr_backup *backup, const char *dir, const char *beside,
        const struct mr_tick *tick, struct mr_error *reterr)
{
    struct backup_pace pace = {.tick = tick, .what = "MiB copied", .total = backup_bytes(backup)};
    char from[BACKUP_PATH_MAX], to[BACKUP_PATH_MAX];
    int r = 0;

    for (size_t i = 0; r == 0 && i < backup->files_count; i++) {
        const char *name = backup->files[i].path;

        if (strncmp(name, "log/", 4) != 0 && strncmp(name, "keys/", 5) != 0)
            continue;
        r = backup_path(dir, name, from, reterr);
        if (r == 0)
            r = backup_path(beside, name, to, reterr);
        if (r == 0)
            r = make_folders_of(beside, name, reterr);
        if (r == 0)
            r = backup_copy(from, to, &pace, reterr);
    }
    return r;
}

/* What an interrupted attempt left goes, restoring/ last: while there is more than that, it marks the rest.
 */
static int begin_anew(const struct mr_config *config, const char *beside, struct mr_error *reterr)
{
    char keys[BACKUP_PATH_MAX];
    int r = backup_path(config->hub.store, "keys", keys, reterr);

    if (r == 0 && is_there(config->hub.store, "keys"))
        r = mr_leftover_remove(keys, reterr);
    if (r == 0)
        r = mr_folder_sync(config->hub.store);
    if (r == 0)
        r = mr_leftover_remove(beside, reterr);
    return r < 0 ? r : mr_folder_make(beside, reterr);
}

static int move_in(const char *store, const char *beside, const char *name, struct mr_error *reterr)
{
    char from[BACKUP_PATH_MAX], to[BACKUP_PATH_MAX];
    int r = backup_path(beside, name, from, reterr);

    if (r == 0)
        r = backup_path(store, name, to, reterr);
    if (r == 0 && rename(from, to) < 0)
        r = mr_error_set(reterr, mr_err_from_errno(errno), to, "check the folder's owner",
                "cannot be put here: %s", strerror(errno));
    return r < 0 ? r : mr_folder_sync(store);
}

/* Only where there is none: a newer one must go on telling that this log is older. */
static int put_checkpoint(
        const struct mr_config *config, const char *dir, struct mr_restored *ret, struct mr_error *reterr)
{
    char from[BACKUP_PATH_MAX], to[BACKUP_PATH_MAX];
    int r = backup_path(config->hub.root_key, "log.checkpoint", to, reterr);

    if (r == 0)
        r = backup_path(dir, "log.checkpoint", from, reterr);
    if (r == 0)
        r = backup_signed_size(to, &ret->signed_here, reterr);
    if (r < 0 || ret->signed_here > 0 || ret->backup.signed_size == 0)
        return r;
    r = mr_folder_make(config->hub.root_key, reterr);
    if (r == 0)
        r = backup_copy(from, to, NULL, reterr);
    ret->checkpoint_put = r == 0;
    return r;
}

/* The whole copy lies beside before anything is put in place; log/ last: without it there is no store. */
static int put_all(const struct mr_config *config, const char *dir, struct mr_restored *ret,
        const struct mr_tick *tick, struct mr_error *reterr)
{
    char beside[BACKUP_PATH_MAX];
    int r = check_target(config, reterr); /* verifying took a while */

    if (r == 0)
        r = mr_folder_make(config->hub.store, reterr);
    if (r == 0)
        r = backup_path(config->hub.store, MR_LEFTOVER_RESTORING, beside, reterr);
    if (r == 0)
        r = begin_anew(config, beside, reterr);
    if (r == 0)
        r = MR_FAULT("restore.begun");
    if (r == 0)
        r = copy_stores(&ret->backup, dir, beside, tick, reterr);
    if (r == 0)
        r = put_checkpoint(config, dir, ret, reterr);
    if (r == 0)
        r = MR_FAULT("restore.copied");
    if (r == 0)
        r = move_in(config->hub.store, beside, "keys", reterr);
    if (r == 0)
        r = MR_FAULT("restore.keys");
    if (r == 0)
        r = move_in(config->hub.store, beside, "log", reterr);
    if (r == 0)
        r = MR_FAULT("restore.log");
    if (r == 0)
        (void)rmdir(beside);
    return r;
}

/* A root key that is brought later is fine; one that does not open it is not. */
static int check_root(
        const struct mr_config *config, const char *dir, struct mr_restored *ret, struct mr_error *reterr)
{
    struct mr_error error = {0};
    int r = mr_backup_try_root(config, dir, &error);

    ret->root_checked = r == 0;
    if (r == MR_ENOTFOUND || r == MR_EDENIED)
        return 0;
    if (r < 0 && reterr)
        *reterr = error;
    return r;
}

int mr_backup_restore(const struct mr_config *config, const char *dir, struct mr_restored *ret,
        mr_scrub_fn fn, void *ctx, const struct mr_tick *tick, struct mr_error *reterr)
{
    int r = check_target(config, reterr);

    *ret = (struct mr_restored){0};
    if (r == 0)
        r = mr_backup_verify(dir, &ret->backup, fn, ctx, tick, reterr);
    if (r < 0)
        return r;
    r = check_root(config, dir, ret, reterr);
    if (r == 0)
        r = put_all(config, dir, ret, tick, reterr);
    ret->root_missing =
            !is_there(config->hub.root_key, "root.0") && !is_there(config->hub.root_key, "root.1");
    ret->log_key_missing = ret->backup.key[0] && !is_there(config->hub.root_key, "log.key");
    if (r < 0)
        mr_backup_fini(&ret->backup);
    return r;
}
