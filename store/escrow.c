#include "store/escrow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/fault.h"

static const char INCOMING[] = "incoming";

/* The two kinds of files. */
enum kind { ROOTS, KEYS };

enum { NAME_BYTES = MR_ESCROW_NAME_MAX };

static int place_error(struct mr_error *reterr, const char *path, const char *what)
{
    int saved = errno;

    return mr_error_set(reterr, mr_err_from_errno(saved), path,
            saved == ENOENT ? "mount the escrow place, or correct hub.escrow in the configuration"
                            : "check the escrow place, its owner and its device",
            "%s: %s", what, strerror(saved));
}

static void name_of(enum kind kind, uint32_t generation, char ret[static NAME_BYTES])
{
    if (kind == ROOTS)
        (void)snprintf(ret, NAME_BYTES, "root.%u", generation);
    else
        (void)snprintf(ret, NAME_BYTES, "keys.%u.mdb", generation);
}

/* The generation in a file's name; 0: not a file of this kind. */
static uint32_t generation_of(enum kind kind, const char *name)
{
    char same[NAME_BYTES];
    unsigned long generation = strtoul(name + strcspn(name, "0123456789"), NULL, 10);

    name_of(kind, (uint32_t)generation, same);
    return generation <= UINT32_MAX && strcmp(name, same) == 0 ? (uint32_t)generation : 0;
}

static int sync_folder(const char *dir, struct mr_error *reterr)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = 0;

    if (fd < 0)
        return place_error(reterr, dir, "cannot open the escrow place");
    if (fsync(fd) < 0)
        r = place_error(reterr, dir, "cannot sync the escrow place");
    close(fd);
    return r;
}

/* ---- roots ---- */

typedef int (*found_fn)(
        const char *dir, const char *name, uint32_t generation, uint32_t live, struct mr_error *reterr);

/* Each file of one kind; names are read before anything is removed. */
static int each(const char *dir, enum kind kind, uint32_t live, found_fn fn, struct mr_error *reterr)
{
    DIR *folder = opendir(dir);
    const struct dirent *entry;
    int r = 0;

    if (!folder)
        return place_error(reterr, dir, "cannot read the escrow place");
    while (r == 0 && (errno = 0, entry = readdir(folder))) {
        uint32_t generation = generation_of(kind, entry->d_name);

        if (generation != 0)
            r = fn(dir, entry->d_name, generation, live, reterr);
    }
    if (r == 0 && errno != 0)
        r = place_error(reterr, dir, "cannot read the escrow place");
    (void)closedir(folder);
    return r;
}

/* A younger root there: this `keys` is a copy of before an erasure that went on elsewhere. */
static int refuse_younger(
        const char *dir, const char *name, uint32_t generation, uint32_t live, struct mr_error *reterr)
{
    if (generation <= live)
        return 0;
    return mr_error_set(reterr, MR_ECORRUPT, dir,
            "bring keys/ and the root key of that generation back; do not go on with these",
            "%s is younger than the root key here, which has generation %u", name, live);
}

int mr_escrow_put_root(const char *dir, uint32_t generation, const uint8_t key[static MR_ROOT_KEY_BYTES],
        struct mr_error *reterr)
{
    struct mr_root_slot there;
    char name[NAME_BYTES];
    int r = each(dir, ROOTS, generation, refuse_younger, reterr);

    name_of(ROOTS, generation, name);
    if (r == 0 && (r = MR_FAULT("keys.escrow.root")) < 0)
        r = mr_error_set(reterr, r, dir, "", "cannot write the root key into escrow");
    if (r == 0)
        r = mr_root_file_read(dir, name, &there, reterr);
    if (r < 0)
        return r;
    if (there.state != MR_ROOT_PRESENT) {
        r = mr_root_file_write(dir, name, generation, key, reterr);
        if (r == 0)
            r = mr_root_file_read(dir, name, &there, reterr);
    }
    if (r == 0 && (there.state != MR_ROOT_PRESENT || there.generation != generation ||
                          sodium_memcmp(there.key, key, sizeof there.key) != 0))
        r = mr_error_set(reterr, MR_EEXISTS, dir, "find out whose it is; give this hub an empty escrow place",
                "%s holds another root key", name);
    sodium_memzero(&there, sizeof there);
    return r;
}

/* ---- keys ---- */

static int path_in(const char *dir, const char *name, const char *file, char ret[static PATH_MAX],
        struct mr_error *reterr)
{
    int n = file ? snprintf(ret, PATH_MAX, "%s/%s/%s", dir, name, file)
                 : snprintf(ret, PATH_MAX, "%s/%s", dir, name);

    if (n > 0 && n < PATH_MAX)
        return 0;
    return mr_error_set(
            reterr, MR_EINVAL, dir, "give a shorter path", "the path of the escrow place is too long");
}

struct incoming {
    char folder[PATH_MAX];
    char file[PATH_MAX];
    char final[PATH_MAX];
};

static int incoming_init(struct incoming *in, const char *dir, uint32_t generation, struct mr_error *reterr)
{
    char name[NAME_BYTES];
    int r;

    name_of(KEYS, generation, name);
    r = path_in(dir, INCOMING, NULL, in->folder, reterr);
    if (r == 0)
        r = path_in(dir, INCOMING, "data.mdb", in->file, reterr);
    if (r == 0)
        r = path_in(dir, name, NULL, in->final, reterr);
    if (r < 0)
        return r;
    if (unlink(in->file) < 0 && errno != ENOENT && errno != ENOTDIR) /* of a copy that ended early */
        return place_error(reterr, in->file, "cannot remove an earlier copy");
    if (mkdir(in->folder, 0700) < 0 && errno != EEXIST)
        return place_error(reterr, in->folder, "cannot create the folder");
    return 0;
}

static void incoming_remove(const struct incoming *in)
{
    (void)unlink(in->file);
    (void)rmdir(in->folder);
}

int mr_escrow_put_keys(
        const char *dir, uint32_t generation, const struct mr_escrow_copier *copier, struct mr_error *reterr)
{
    struct incoming in;
    int r = incoming_init(&in, dir, generation, reterr);

    if (r == 0 && (r = MR_FAULT("keys.escrow.keys")) < 0)
        r = mr_error_set(reterr, r, dir, "", "cannot copy keys/ into escrow");
    if (r < 0)
        return r;
    r = copier->copy(copier->ctx, in.folder, reterr);
    if (r == 0)
        r = copier->check(copier->ctx, in.folder, reterr);
    if (r == 0 && rename(in.file, in.final) < 0)
        r = place_error(reterr, in.final, "cannot rename the copy");
    if (r == 0)
        r = sync_folder(dir, reterr);
    incoming_remove(&in);
    return r;
}

/* ---- what is older ---- */

static int destroy_older_root(
        const char *dir, const char *name, uint32_t generation, uint32_t live, struct mr_error *reterr)
{
    char path[PATH_MAX];
    int r;

    if (generation >= live)
        return 0;
    r = mr_root_file_destroy(dir, name, reterr);
    if (r == 0)
        r = path_in(dir, name, NULL, path, reterr);
    if (r == 0 && unlink(path) < 0)
        r = place_error(reterr, path, "cannot remove the old root key's file");
    return r;
}

static int remove_older_keys(
        const char *dir, const char *name, uint32_t generation, uint32_t live, struct mr_error *reterr)
{
    char path[PATH_MAX];
    int r = path_in(dir, name, NULL, path, reterr);

    if (r == 0 && generation < live && unlink(path) < 0)
        r = place_error(reterr, path, "cannot remove the old copy of keys/");
    return r;
}

int mr_escrow_forget_older(const struct mr_escrow *escrow, uint32_t generation, struct mr_error *reterr)
{
    int r = MR_FAULT("keys.escrow.forget");

    if (r < 0)
        return mr_error_set(reterr, r, escrow->root, "", "cannot destroy the old root key in escrow");
    if (escrow->root) {
        r = each(escrow->root, ROOTS, generation, destroy_older_root, reterr);
        if (r == 0)
            r = sync_folder(escrow->root, reterr);
    }
    if (r == 0 && escrow->keys) {
        r = each(escrow->keys, KEYS, generation, remove_older_keys, reterr);
        if (r == 0)
            r = sync_folder(escrow->keys, reterr);
    }
    return r;
}

/* ---- looking ---- */

static int youngest(const char *dir, enum kind kind, uint32_t *ret, struct mr_error *reterr)
{
    DIR *folder = opendir(dir);
    const struct dirent *entry;

    *ret = 0;
    if (!folder)
        return place_error(reterr, dir, "cannot read the escrow place");
    while ((entry = readdir(folder))) {
        uint32_t generation = generation_of(kind, entry->d_name);

        if (generation > *ret)
            *ret = generation;
    }
    (void)closedir(folder);
    return 0;
}

int mr_escrow_youngest_root(const char *dir, uint32_t *ret, struct mr_error *reterr)
{
    return youngest(dir, ROOTS, ret, reterr);
}

int mr_escrow_youngest_keys(const char *dir, uint32_t *ret, struct mr_error *reterr)
{
    return youngest(dir, KEYS, ret, reterr);
}

const char *mr_escrow_root_name(uint32_t generation, char out[static MR_ESCROW_NAME_MAX])
{
    name_of(ROOTS, generation, out);
    return out;
}

const char *mr_escrow_keys_name(uint32_t generation, char out[static MR_ESCROW_NAME_MAX])
{
    name_of(KEYS, generation, out);
    return out;
}
