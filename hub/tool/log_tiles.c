#include "hub/tool/log_tiles.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hub/sign/log_key.h"

static int open_log(struct tool *tool, struct mr_log **ret, struct mr_error *reterr)
{
    const struct mr_config *config = tool_config(tool);
    char path[PATH_MAX];
    struct mr_log_options options = {.dir = path, .read_only = true};

    if (!config)
        return MR_ECONFIG;
    if (snprintf(path, sizeof path, "%s/log", config->hub.store) >= PATH_MAX)
        return mr_error_set(reterr, MR_ECONFIG, "hub.store", "use a shorter path", "the path is too long");
    return mr_log_open(ret, &options, reterr);
}

int tool_log_newest(struct mr_log *log, struct mr_log_reader *reader, struct mr_note_key *key,
        struct mr_checkpoint *ret, struct mr_slice *ret_note, struct mr_error *reterr)
{
    uint64_t size;
    int r = mr_log_key_public(key, log, reterr);

    if (r < 0)
        return r;
    r = mr_log_checkpoint(reader, &size, ret_note);
    if (r == MR_ENOTFOUND)
        return mr_error_set(reterr, MR_ENOTFOUND, "checkpoint",
                "the hub signs within a second of the first event", "the log has no checkpoint yet");
    return r < 0 ? r : mr_checkpoint_open(ret, *ret_note, key, reterr);
}

int tool_log_with(struct tool *tool, struct mr_error *reterr, tool_log_fn fn, void *ctx)
{
    struct mr_log_reader *reader = NULL;
    struct mr_log *log = NULL;
    int r = open_log(tool, &log, reterr);

    if (r == 0)
        r = mr_log_reader_open(log, &reader);
    if (r == 0)
        r = fn(tool, log, reader, ctx, reterr);
    mr_log_reader_close(reader);
    mr_log_close(log);
    if (r < 0 && reterr->code == 0 && tool->config)
        (void)mr_error_set(reterr, r, "log", "", "%s", mr_err_text(r));
    return r;
}

int tool_log_finish(struct tool *tool, int r, const struct mr_error *error)
{
    if (r >= 0)
        return 0;
    return error->code == 0 ? mr_err_exit(r) : tool_fail(tool, error);
}

/* ---- files ---- */

static int file_error(struct mr_error *reterr, const char *path, const char *what)
{
    int saved = errno;

    return mr_error_set(reterr, mr_err_from_errno(saved), path, "check the folder and its owner", "%s: %s",
            what, strerror(saved));
}

static int join(const char *dir, const char *path, char ret[static PATH_MAX], struct mr_error *reterr)
{
    if (snprintf(ret, PATH_MAX, "%s/%s", dir, path) < PATH_MAX)
        return 0;
    return mr_error_set(reterr, MR_EINVAL, dir, "use a shorter path", "the path is too long");
}

int tile_read(const char *dir, const char *path, struct mr_buf *ret, struct mr_error *reterr)
{
    char full[PATH_MAX];
    ssize_t n = 0;
    int fd, r = join(dir, path, full, reterr);

    if (r < 0)
        return r;
    fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? MR_ENOTFOUND
                                                   : file_error(reterr, full, "cannot be read");
    while (r == 0) {
        uint8_t *at = mr_buf_reserve(ret, 64 * 1024);

        if (!at || ret->size > TILE_FILE_BYTES_MAX)
            r = mr_error_set(reterr, MR_ETOOBIG, full, "", "larger than such a file can be");
        else if ((n = read(fd, at, 64 * 1024)) <= 0)
            break;
        else
            ret->size += (size_t)n;
    }
    if (r == 0 && n < 0)
        r = file_error(reterr, full, "cannot be read");
    close(fd);
    return r;
}

/* Every folder above the file; the root is there. */
static int make_folders(char *full, size_t from, struct mr_error *reterr)
{
    for (char *slash = strchr(full + (from ? from : strspn(full, "/")), '/'); slash;
            slash = strchr(slash + 1, '/')) {
        int r = 0;

        *slash = 0;
        if (mkdir(full, 0755) < 0 && errno != EEXIST)
            r = file_error(reterr, full, "cannot make the folder");
        *slash = '/';
        if (r < 0)
            return r;
    }
    return 0;
}

int tile_write(const char *dir, const char *path, struct mr_slice bytes, struct mr_error *reterr)
{
    char full[PATH_MAX], beside[PATH_MAX + 8];
    FILE *file;
    bool good;
    int r = join(dir, path, full, reterr);

    if (r < 0)
        return r;
    (void)snprintf(beside, sizeof beside, "%s.new", full);
    file = fopen(beside, "wbe");
    if (!file && errno == ENOENT && (r = make_folders(full, strlen(dir), reterr)) == 0)
        file = fopen(beside, "wbe");
    if (r < 0)
        return r;
    if (!file)
        return file_error(reterr, beside, "cannot be made");
    good = fwrite(bytes.data, 1, bytes.size, file) == bytes.size && fflush(file) == 0 &&
           fsync(fileno(file)) == 0;
    if (fclose(file) != 0 || !good || rename(beside, full) < 0)
        return file_error(reterr, full, "cannot be written");
    return 0;
}

/* ---- checking ---- */

/* Each full node that is an entry of a tile must be the one that the tile has there. */
static int compare_node(
        void *ctx, unsigned height, uint64_t index, const uint8_t hash[static MR_MERKLE_BYTES])
{
    struct tile_check *check = ctx;
    unsigned level = height / 8, slot = (unsigned)(index % MR_TILE_WIDTH);
    uint64_t tile = index / MR_TILE_WIDTH;
    char where[MR_TILE_PATH_MAX];
    int r = 0;

    if (height % 8 != 0)
        return 0;
    if (slot == 0)
        r = check->load(check->ctx, level, tile, mr_tile_width((int)level, tile, check->size),
                check->tiles[level], check->error);
    if (r < 0 || memcmp(check->tiles[level][slot], hash, MR_MERKLE_BYTES) == 0)
        return r;
    if (level == 0)
        return mr_error_set(check->error, MR_ECORRUPT, "tree", "do not trust this record: it was changed",
                "record %llu is not the one that was hashed into the tree", (unsigned long long)index + 1);
    return mr_error_set(check->error, MR_ECORRUPT,
            mr_tile_path((int)level, tile, mr_tile_width((int)level, tile, check->size), where),
            "take the tile again from a good copy",
            "entry %u of this tile does not follow from the tiles below", slot);
}

int tile_check_entry(struct tile_check *check, struct mr_slice entry)
{
    uint8_t leaf[MR_MERKLE_BYTES];

    mr_merkle_leaf(entry, leaf);
    return tile_check_hash(check, leaf);
}

int tile_check_hash(struct tile_check *check, const uint8_t leaf[static MR_MERKLE_BYTES])
{
    return mr_merkle_append(&check->range, leaf, compare_node, check);
}

int tile_check_root(const struct tile_check *check, const struct mr_checkpoint *checkpoint)
{
    uint8_t root[MR_MERKLE_BYTES];

    mr_merkle_range_root(&check->range, root);
    if (check->range.size == checkpoint->size && memcmp(root, checkpoint->root, sizeof root) == 0)
        return 0;
    return mr_error_set(check->error, MR_ECORRUPT, "checkpoint", "do not trust this log: it was changed",
            "the first %llu records do not give the signed root of %llu",
            (unsigned long long)check->range.size, (unsigned long long)checkpoint->size);
}
