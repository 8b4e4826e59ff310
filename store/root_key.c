#include "store/root_key.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/bytes.h"

enum {
    VERSION = 1,
    VERSION_AT = 8,
    GENERATION_AT = 12,
    KEY_AT = 16,
    SUM_AT = KEY_AT + MR_ROOT_KEY_BYTES,
    SUM_BYTES = 32,
    END_AT = SUM_AT + SUM_BYTES, /* zeros from here on */
};

static const uint8_t MAGIC[8] = {'m', 'r', '-', 'r', 'o', 'o', 't', 0};

/* One block, aligned for O_DIRECT (its end is a page's end), locked where the limit allows, wiped when freed.
 */
static uint8_t *block_new(void)
{
    uint8_t *block = sodium_malloc(MR_ROOT_FILE_BYTES);

    if (block)
        memset(block, 0, MR_ROOT_FILE_BYTES);
    return block;
}

static const char *slot_name(unsigned slot)
{
    static const char *const names[MR_ROOT_SLOTS] = {"root.0", "root.1"};

    assert(slot < MR_ROOT_SLOTS);
    return names[slot];
}

static int path_of(const char *dir, const char *name, char ret[static PATH_MAX], struct mr_error *reterr)
{
    int n = snprintf(ret, PATH_MAX, "%s/%s", dir, name);

    if (n > 0 && n < PATH_MAX)
        return 0;
    return mr_error_set(reterr, MR_EINVAL, "", "give a shorter path", "the root key's path is too long");
}

static int slot_error(struct mr_error *reterr, const char *path, const char *what)
{
    int saved = errno;

    return mr_error_set(reterr, mr_err_from_errno(saved), path,
            "check the folder of the root key, its owner and its device", "%s: %s", what, strerror(saved));
}

static void block_sum(const uint8_t *block, uint8_t ret[static SUM_BYTES])
{
    (void)crypto_generichash(ret, SUM_BYTES, block, SUM_AT, NULL, 0);
}

static void parse_block(const uint8_t *block, struct mr_root_slot *ret)
{
    uint8_t sum[SUM_BYTES];

    block_sum(block, sum);
    if (sodium_is_zero(block, MR_ROOT_FILE_BYTES)) {
        ret->state = MR_ROOT_FREE;
    } else if (memcmp(block, MAGIC, sizeof MAGIC) != 0 || mr_get_be32(block + VERSION_AT) != VERSION ||
               sodium_memcmp(sum, block + SUM_AT, SUM_BYTES) != 0 ||
               !sodium_is_zero(block + END_AT, MR_ROOT_FILE_BYTES - END_AT)) {
        ret->state = MR_ROOT_DAMAGED;
    } else {
        ret->state = MR_ROOT_PRESENT;
        ret->generation = mr_get_be32(block + GENERATION_AT);
        memcpy(ret->key, block + KEY_AT, MR_ROOT_KEY_BYTES);
    }
    sodium_memzero(sum, sizeof sum);
}

/* Bytes read, or -1. The file's size is not trusted. */
static ssize_t read_block(int fd, uint8_t *block)
{
    size_t done = 0;

    while (done < MR_ROOT_FILE_BYTES) {
        ssize_t n = pread(fd, block + done, MR_ROOT_FILE_BYTES - done, (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int read_open_slot(int fd, const char *path, struct mr_root_slot *ret, struct mr_error *reterr)
{
    struct stat st;
    uint8_t *block;
    ssize_t n;

    if (fstat(fd, &st) < 0)
        return slot_error(reterr, path, "cannot stat the root key");
    if (!S_ISREG(st.st_mode) || (st.st_mode & S_IRWXO))
        return mr_error_set(reterr, MR_EDENIED, path, "make it a file of the hub's user: chmod 0600",
                "the root key may be read or written by others");
    block = block_new();
    if (!block)
        return MR_ENOMEM;
    n = read_block(fd, block);
    if (n == MR_ROOT_FILE_BYTES)
        parse_block(block, ret);
    else if (n >= 0)
        ret->state = n == 0 ? MR_ROOT_FREE : MR_ROOT_DAMAGED;
    sodium_free(block);
    return n < 0 ? slot_error(reterr, path, "cannot read the root key") : 0;
}

int mr_root_file_read(const char *dir, const char *name, struct mr_root_slot *ret, struct mr_error *reterr)
{
    char path[PATH_MAX];
    int fd, r;

    *ret = (struct mr_root_slot){.state = MR_ROOT_FREE};
    r = path_of(dir, name, path, reterr);
    if (r < 0)
        return r;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 0 : slot_error(reterr, path, "cannot open the root key");
    r = read_open_slot(fd, path, ret, reterr);
    close(fd);
    return r;
}

int mr_root_read(const char *dir, struct mr_root *ret, struct mr_error *reterr)
{
    int r = 0;

    *ret = (struct mr_root){0};
    for (unsigned i = 0; i < MR_ROOT_SLOTS && r == 0; i++)
        r = mr_root_file_read(dir, slot_name(i), &ret->slots[i], reterr);
    if (r < 0)
        mr_root_wipe(ret);
    return r;
}

void mr_root_wipe(struct mr_root *root)
{
    sodium_memzero(root, sizeof *root);
}

int mr_root_free_slot(const struct mr_root *root)
{
    static const enum mr_root_state order[] = {MR_ROOT_FREE, MR_ROOT_DAMAGED};

    for (unsigned o = 0; o < sizeof order / sizeof order[0]; o++)
        for (int i = 0; i < MR_ROOT_SLOTS; i++)
            if (root->slots[i].state == order[o])
                return i;
    return MR_EEXISTS;
}

/* The bytes go straight to the device where the file system can (tmpfs cannot): no copy stays in the page
 * cache. */
static int open_for_write(const char *path, int flags)
{
    int common = flags | O_WRONLY | O_DSYNC | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(path, common | O_DIRECT, 0600);

    return fd < 0 && errno == EINVAL ? open(path, common, 0600) : fd;
}

static int write_block(int fd, const uint8_t *block)
{
    ssize_t n;

    do
        n = pwrite(fd, block, MR_ROOT_FILE_BYTES, 0);
    while (n < 0 && errno == EINTR);
    if (n >= 0 && n != MR_ROOT_FILE_BYTES)
        errno = EIO; /* one block: a part of it is a failed device or no space */
    return n == MR_ROOT_FILE_BYTES && fsync(fd) == 0 ? 0 : -1;
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r;

    if (fd < 0)
        return -1;
    r = fsync(fd);
    close(fd);
    return r;
}

static int store_block(
        const char *dir, const char *name, int flags, const uint8_t *block, struct mr_error *reterr)
{
    char path[PATH_MAX];
    int fd, r;

    r = path_of(dir, name, path, reterr);
    if (r < 0)
        return r;
    fd = open_for_write(path, flags);
    if (fd < 0 && errno == ENOENT && !(flags & O_CREAT))
        return 0;
    if (fd < 0)
        return slot_error(reterr, path, "cannot open the root key for writing");
    r = write_block(fd, block) < 0 ? slot_error(reterr, path, "cannot write the root key") : 0;
    close(fd);
    if (r == 0 && sync_dir(dir) < 0)
        r = slot_error(reterr, path, "cannot sync the folder of the root key");
    return r;
}

/* Refuses to overwrite a key. */
static int check_free(const char *dir, const char *name, struct mr_error *reterr)
{
    struct mr_root_slot there;
    int r = mr_root_file_read(dir, name, &there, reterr);

    if (r == 0 && there.state == MR_ROOT_PRESENT)
        r = mr_error_set(reterr, MR_EEXISTS, dir, "destroy the old key first", "%s holds a root key", name);
    sodium_memzero(&there, sizeof there);
    return r;
}

int mr_root_file_write(const char *dir, const char *name, uint32_t generation,
        const uint8_t key[static MR_ROOT_KEY_BYTES], struct mr_error *reterr)
{
    uint8_t *block;
    int r = check_free(dir, name, reterr);

    if (r < 0)
        return r;
    block = block_new();
    if (!block)
        return MR_ENOMEM;
    memcpy(block, MAGIC, sizeof MAGIC);
    mr_put_be32(block + VERSION_AT, VERSION);
    mr_put_be32(block + GENERATION_AT, generation);
    memcpy(block + KEY_AT, key, MR_ROOT_KEY_BYTES);
    block_sum(block, block + SUM_AT);
    r = store_block(dir, name, O_CREAT, block, reterr);
    sodium_free(block);
    return r;
}

int mr_root_write(const char *dir, unsigned slot, uint32_t generation,
        const uint8_t key[static MR_ROOT_KEY_BYTES], struct mr_error *reterr)
{
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return slot_error(reterr, dir, "cannot create the folder of the root key");
    return mr_root_file_write(dir, slot_name(slot), generation, key, reterr);
}

int mr_root_file_destroy(const char *dir, const char *name, struct mr_error *reterr)
{
    uint8_t *block = block_new();
    int r;

    if (!block)
        return MR_ENOMEM;
    r = store_block(dir, name, 0, block, reterr);
    sodium_free(block);
    return r;
}

int mr_root_destroy(const char *dir, unsigned slot, struct mr_error *reterr)
{
    return mr_root_file_destroy(dir, slot_name(slot), reterr);
}
