#include "hub/keep/escrow_restore.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "hub/keep/backup_files.h"
#include "hub/keep/leftover.h"
#include "store/escrow.h"
#include "store/folder.h"
#include "store/keyring.h"

#define BESIDE "restoring-keys"

struct restore {
    const struct mr_config *config;
    const struct mr_config_escrow *escrow;
    struct mr_escrow_restored *ret;
    struct mr_error *error;
    bool root_there, keys_there;
    uint32_t root_generation;     /* of the copy to take */
    char keys[BACKUP_PATH_MAX];   /* in the store */
    char beside[BACKUP_PATH_MAX]; /* where the copy is made */
};

/* ---- what is here ---- */

static int look_at_root(struct restore *r)
{
    struct mr_root root;
    int code = mr_root_read(r->config->hub.root_key, &root, r->error);

    if (code < 0)
        return code;
    for (unsigned i = 0; i < MR_ROOT_SLOTS; i++) {
        r->root_there |= root.slots[i].state == MR_ROOT_PRESENT;
        if (root.slots[i].state == MR_ROOT_DAMAGED)
            code = mr_error_set(r->error, MR_ECORRUPT, r->config->hub.root_key,
                    "move the damaged root.0 or root.1 away, then again",
                    "a file of the root key is damaged");
    }
    mr_root_wipe(&root);
    return code;
}

static int look_here(struct restore *r)
{
    char data[BACKUP_PATH_MAX];
    struct stat st;
    int code = backup_path(r->config->hub.store, "keys", r->keys, r->error);

    if (code == 0)
        code = backup_path(r->config->hub.store, BESIDE, r->beside, r->error);
    if (code == 0)
        code = backup_path(r->keys, "data.mdb", data, r->error);
    if (code == 0)
        code = look_at_root(r);
    if (code < 0)
        return code;
    r->keys_there = stat(data, &st) == 0;
    if (r->keys_there && r->root_there)
        return mr_error_set(r->error, MR_EEXISTS, r->config->hub.store,
                "move away what is to be replaced: keys/, or root.0 and root.1",
                "keys/ and a root key are here already");
    if (!r->keys_there && !backup_is_empty(r->keys))
        return mr_error_set(r->error, MR_EEXISTS, r->keys, "move it away", "the folder is not empty");
    return 0;
}

/* ---- what the places have ---- */

static int none(struct restore *r, const char *place, const char *what)
{
    return mr_error_set(r->error, MR_ENOTFOUND, place ? place : "hub.escrow",
            "configure hub.escrow with the places that have the copies, or bring back a backup of keys/ and "
            "the "
            "root key",
            "there is no copy of %s", what);
}

static int look_at_places(struct restore *r)
{
    uint32_t keys = 0;
    int code = 0;

    if (!r->keys_there) {
        if (!r->escrow || !r->escrow->keys)
            return none(r, NULL, "keys/");
        code = mr_escrow_youngest_keys(r->escrow->keys, &keys, r->error);
        if (code == 0 && keys == 0)
            return none(r, r->escrow->keys, "keys/");
        r->ret->generation = keys;
    }
    if (code == 0 && !r->root_there) {
        if (!r->escrow || !r->escrow->root)
            return none(r, NULL, "the root key");
        code = mr_escrow_youngest_root(r->escrow->root, &r->root_generation, r->error);
        if (code == 0 && r->root_generation == 0)
            return none(r, r->escrow->root, "the root key");
        r->ret->generation = r->root_generation;
    }
    return code;
}

/* ---- putting ---- */

static int put_root(struct restore *r)
{
    char name[MR_ESCROW_NAME_MAX];
    struct mr_root_slot slot;
    int code = mr_root_file_read(
            r->escrow->root, mr_escrow_root_name(r->root_generation, name), &slot, r->error);

    if (code == 0 && slot.state != MR_ROOT_PRESENT)
        code = mr_error_set(r->error, MR_ECORRUPT, r->escrow->root, "bring another copy of it",
                "%s is no root key", name);
    if (code == 0)
        code = mr_root_write(r->config->hub.root_key, 0, slot.generation, slot.key, r->error);
    sodium_memzero(&slot, sizeof slot);
    return code;
}

static int copy_keys(struct restore *r)
{
    char name[MR_ESCROW_NAME_MAX], from[BACKUP_PATH_MAX], to[BACKUP_PATH_MAX];
    uint32_t generation;
    int code = mr_escrow_youngest_keys(r->escrow->keys, &generation, r->error);

    if (code == 0)
        code = mr_folder_make(r->config->hub.store, r->error);
    if (code == 0)
        code = mr_leftover_remove(r->beside, r->error); /* of an earlier attempt */
    if (code == 0)
        code = mr_folder_make(r->beside, r->error);
    if (code == 0)
        code = backup_path(r->escrow->keys, mr_escrow_keys_name(generation, name), from, r->error);
    if (code == 0)
        code = backup_path(r->beside, "data.mdb", to, r->error);
    return code < 0 ? code : backup_copy(from, to, NULL, r->error);
}

static int try_both(struct restore *r)
{
    const char *dir = r->keys_there ? r->keys : r->beside;
    struct mr_keyring_fit fit = {0};
    int code = mr_keyring_try(dir, r->config->hub.root_key, &fit, r->error);

    if (code == 0 && !fit.opens)
        code = mr_error_set(r->error, MR_ECORRUPT, r->config->hub.root_key,
                "bring the root key and keys/ of one generation together",
                "the root key (generation %u) does not open keys/ (generation %u)", fit.root, fit.keys);
    if (code == 0)
        r->ret->generation = fit.keys;
    return code;
}

static int name_keys(struct restore *r)
{
    if (rename(r->beside, r->keys) < 0)
        return mr_error_set(r->error, mr_err_from_errno(errno), r->keys, "check the folder's owner",
                "cannot be put here: %s", strerror(errno));
    return mr_folder_sync(r->config->hub.store);
}

/* Nothing is left of an attempt that did not work. */
static void take_back(struct restore *r, bool root_put)
{
    if (!r->keys_there)
        (void)mr_leftover_remove(r->beside, NULL);
    if (root_put)
        (void)mr_root_destroy(r->config->hub.root_key, 0, NULL);
}

static int put(struct restore *r)
{
    bool root_put = false;
    int code = r->keys_there ? 0 : copy_keys(r);

    if (code == 0 && !r->root_there) {
        code = put_root(r);
        root_put = code == 0;
    }
    if (code == 0)
        code = try_both(r);
    if (code == 0 && !r->keys_there)
        code = name_keys(r);
    if (code < 0) {
        take_back(r, root_put);
        return code;
    }
    r->ret->root = root_put;
    r->ret->keys = !r->keys_there;
    return 0;
}

int mr_escrow_restore(const struct mr_config *config, struct mr_escrow_restored *ret, struct mr_error *reterr)
{
    struct restore r = {.config = config, .escrow = config->hub.escrow, .ret = ret, .error = reterr};
    int code;

    *ret = (struct mr_escrow_restored){0};
    code = look_here(&r);
    if (code == 0)
        code = look_at_places(&r);
    return code < 0 ? code : put(&r);
}
