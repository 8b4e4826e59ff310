/*
 * The log as tiles (c2sp.org/tlog-tiles): names, widths and contents. For the tool's export and for the HTTP
 * endpoint. Any thread, with a reader of its own.
 */
#ifndef MR_HUB_SIGN_TILES_H
#define MR_HUB_SIGN_TILES_H

#include <stdbool.h>

#include "proto/base/buf.h"
#include "store/log.h"

enum { MR_TILE_WIDTH = 256, MR_TILE_LEVELS = 8, MR_TILE_ENTRIES = -1, MR_TILE_PATH_MAX = 96 };

/* Behind the name of a bundle in which entries that have expired are empty: its other entries are whole. */
#define MR_TILE_EXPIRED ".expired"

struct mr_tile {
    int level; /* 0 to 7, or MR_TILE_ENTRIES */
    uint64_t index;
    unsigned width; /* 1 to 256; 256: a full tile, which never changes */
};

/* "tile/0/x001/234", "tile/entries/000.p/17". Returns out. */
char *mr_tile_path(int level, uint64_t index, unsigned width, char out[static MR_TILE_PATH_MAX]);
/* The other way; only what mr_tile_path() would write. MR_EINVAL. */
int mr_tile_parse(struct mr_tile *ret, const char *path);
/* How wide a tile is in a log of `size`: 256, less at its end, 0 behind it. */
unsigned mr_tile_width(int level, uint64_t index, uint64_t size);

/*
 * Appends what the tile holds: hashes, or for entries each one's u16 size and bytes. *ret_withheld: entries
 * that have expired, which are given with size 0 (rather than a remnant that is not what was hashed); then it
 * is no bundle of the format. MR_EINVAL: behind the log's end; MR_ECORRUPT; MR_ETOOBIG: a leaf over 65535.
 */
int mr_tile_read(struct mr_log_reader *reader, const struct mr_tile *tile, struct mr_buf *out,
        unsigned *ret_withheld, struct mr_error *reterr);

#endif
