/* marshrut log export DIR: the log as files, brought up to its newest checkpoint. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/apart.h"
#include "hub/tool/log_tiles.h"
#include "hub/tool/progress.h"
#include "hub/tool/render.h"

struct export
{
    const char *dir;
    struct mr_log_reader *reader;
    struct mr_slice note;
    struct mr_checkpoint new_;
    uint64_t old_size; /* what the folder has already; 0: nothing */
    uint64_t files;
    struct tool_progress progress;
    uint64_t withheld; /* entries of them that have expired: written with length 0 */
};

/* With an entry that has expired a bundle is none of the format, and has a name of its own. */
static int put_tile(struct export *e, int level, uint64_t index, unsigned width, struct mr_error *reterr)
{
    const struct mr_tile tile = {.level = level, .index = index, .width = width};
    char path[MR_TILE_PATH_MAX], name[MR_TILE_PATH_MAX + sizeof MR_TILE_EXPIRED];
    struct mr_buf bytes = MR_BUF_INIT;
    unsigned withheld;
    int r = mr_tile_read(e->reader, &tile, &bytes, &withheld, reterr);

    e->files++;
    e->withheld += withheld;
    (void)snprintf(name, sizeof name, "%s%s", mr_tile_path(level, index, width, path),
            withheld > 0 ? MR_TILE_EXPIRED : "");
    if (r == 0)
        r = tile_write(e->dir, name, mr_buf_slice(&bytes), reterr);
    mr_buf_fini(&bytes);
    return r;
}

/* Of each level what the folder has not: tiles that were full before do not change. */
static int put_level(struct export *e, int level, struct mr_error *reterr)
{
    unsigned shift = level > 0 ? 8 * (unsigned)level : 0;
    uint64_t tile = (e->old_size >> shift) / MR_TILE_WIDTH;
    unsigned width;
    int r = 0;

    for (; r == 0 && (width = mr_tile_width(level, tile, e->new_.size)) > 0; tile++)
        if (width == MR_TILE_WIDTH || width != mr_tile_width(level, tile, e->old_size)) {
            r = put_tile(e, level, tile, width, reterr);
            tool_progress_tick(&e->progress, "log export", e->files, 0);
        }
    return r;
}

/* A folder that is there must be of this log and not ahead of it. */
static int read_folder(struct export *e, const struct mr_note_key *key, struct mr_error *reterr)
{
    struct mr_buf note = MR_BUF_INIT;
    struct mr_checkpoint old;
    uint8_t root[MR_MERKLE_BYTES];
    int r = tile_read(e->dir, "checkpoint", &note, reterr);

    if (r == 0 && (r = mr_checkpoint_open(&old, mr_buf_slice(&note), key, reterr)) < 0)
        mr_error_within(reterr, e->dir);
    else if (r == 0 && old.size > e->new_.size)
        r = mr_error_set(reterr, MR_EINVAL, e->dir, "export to another folder",
                "the folder has %llu records, the log's checkpoint %llu", (unsigned long long)old.size,
                (unsigned long long)e->new_.size);
    else if (r == 0 && (r = mr_log_tree_root(e->reader, old.size, root)) == 0 &&
             memcmp(root, old.root, sizeof root) != 0)
        r = mr_error_set(reterr, MR_ECORRUPT, e->dir, "keep both folder and log: one of them was changed",
                "the log does not extend what was exported");
    if (r == 0)
        e->old_size = old.size;
    mr_buf_fini(&note);
    return r == MR_ENOTFOUND ? 0 : r;
}

/* The checkpoint last: at any moment the folder has all that its checkpoint covers. */
static int export_all(struct export *e, const struct mr_note_key *key, struct mr_error *reterr)
{
    char vkey[MR_NOTE_KEY_TEXT_MAX];
    struct mr_buf line = MR_BUF_INIT;
    int r = read_folder(e, key, reterr);

    for (int level = -1; r == 0 && level < MR_TILE_LEVELS; level++)
        r = put_level(e, level, reterr);
    tool_progress_end(&e->progress);
    mr_buf_printf(&line, "%s\n", mr_note_key_format(key, vkey));
    if (r == 0)
        r = mr_buf_failed(&line) ? MR_ENOMEM : tile_write(e->dir, "vkey", mr_buf_slice(&line), reterr);
    mr_buf_fini(&line);
    return r < 0 ? r : tile_write(e->dir, "checkpoint", e->note, reterr);
}

static int report(struct tool *tool, const struct export *e)
{
    json_t *document = json_pack("{s:s, s:I, s:I, s:I, s:I}", "dir", e->dir, "size", (json_int_t)e->new_.size,
            "before", (json_int_t)e->old_size, "files", (json_int_t)e->files, "withheld",
            (json_int_t)e->withheld);

    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

static int do_export(struct tool *tool, struct mr_log *log, struct mr_log_reader *reader, void *ctx,
        struct mr_error *reterr)
{
    struct export *e = ctx;
    struct mr_note_key key;
    int r = tool_apart(tool_config(tool), e->dir, reterr);

    if (r == 0)
        r = tool_log_newest(log, reader, &key, &e->new_, &e->note, reterr);
    e->reader = reader;
    if (r == 0)
        r = export_all(e, &key, reterr);
    return r < 0 ? r : report(tool, e);
}

int tool_log_export(struct tool *tool, int argc, char **argv)
{
    struct mr_error error = {0};
    struct export e = {0};

    if (argc != 2)
        return tool_usage(&tool_log, "export takes the folder to write to");
    e.dir = argv[1];
    return tool_log_finish(tool, tool_log_with(tool, &error, do_export, &e), &error);
}
