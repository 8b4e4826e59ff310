/*
 * A log as a folder of files (c2sp.org/tlog-tiles: checkpoint, tile/<L>/<N>, tile/entries/<N>), and the check
 * that both forms of a log share: every leaf hashed again, every tile and the signed roots compared.
 */
#ifndef MR_HUB_TOOL_LOG_TILES_H
#define MR_HUB_TOOL_LOG_TILES_H

#include "hub/sign/tiles.h"
#include "hub/tool/tool.h"
#include "store/checkpoint.h"
#include "store/log.h"

enum { TILE_FILE_BYTES_MAX = 17 * 1024 * 1024 };

/* Runs fn on the log of the configuration, opened read-only, whether a hub runs or not. */
typedef int (*tool_log_fn)(struct tool *tool, struct mr_log *log, struct mr_log_reader *reader, void *ctx,
        struct mr_error *reterr);
int tool_log_with(struct tool *tool, struct mr_error *reterr, tool_log_fn fn, void *ctx);
/* The newest checkpoint, signed by the key that the log tells; the note borrows from the snapshot. */
int tool_log_newest(struct mr_log *log, struct mr_log_reader *reader, struct mr_note_key *ret_key,
        struct mr_checkpoint *ret, struct mr_slice *ret_note, struct mr_error *reterr);
int tool_log_finish(struct tool *tool, int r, const struct mr_error *error); /* the exit code */

/* Files below a folder. Written beside, then renamed; folders are made. MR_ENOTFOUND without a message. */
int tile_read(const char *dir, const char *path, struct mr_buf *ret, struct mr_error *reterr);
int tile_write(const char *dir, const char *path, struct mr_slice bytes, struct mr_error *reterr);

/* ---- checking ---- */

struct tile_check {
    uint64_t size; /* of the whole log */
    struct mr_merkle_range range;
    uint8_t tiles[MR_TILE_LEVELS][MR_TILE_WIDTH][MR_MERKLE_BYTES]; /* the one that grows on each level */
    int (*load)(void *ctx, unsigned level, uint64_t tile, unsigned width, uint8_t (*ret)[MR_MERKLE_BYTES],
            struct mr_error *reterr);
    void *ctx;
    struct mr_error *error;
};

/* The next entry. MR_ECORRUPT names what does not agree. */
int tile_check_entry(struct tile_check *check, struct mr_slice entry);
/* The same of an entry that is not there any more, by the hash that the tree has of it. */
int tile_check_hash(struct tile_check *check, const uint8_t leaf[static MR_MERKLE_BYTES]);
/* The entries so far against a checkpoint of that size. */
int tile_check_root(const struct tile_check *check, const struct mr_checkpoint *checkpoint);

int tool_log_key(struct tool *tool, int argc, char **argv);
int tool_log_checkpoint(struct tool *tool, int argc, char **argv);
int tool_log_prove(struct tool *tool, int argc, char **argv);
int tool_log_find(struct tool *tool, int argc, char **argv); /* cmd_log_find.c */
int tool_log_export(struct tool *tool, int argc, char **argv);
int tool_log_verify(struct tool *tool, int argc, char **argv);

#endif
