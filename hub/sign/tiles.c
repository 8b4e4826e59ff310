#include "hub/sign/tiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY_BYTES_MAX = 65535 };

/* ---- names ---- */

char *mr_tile_path(int level, uint64_t index, unsigned width, char out[static MR_TILE_PATH_MAX])
{
    uint64_t unit = 1;
    int n = level < 0 ? snprintf(out, MR_TILE_PATH_MAX, "tile/entries/")
                      : snprintf(out, MR_TILE_PATH_MAX, "tile/%d/", level);

    while (index / unit >= 1000)
        unit *= 1000;
    for (; unit > 1; unit /= 1000)
        n += snprintf(out + n, MR_TILE_PATH_MAX - (size_t)n, "x%03u/", (unsigned)(index / unit % 1000));
    n += snprintf(out + n, MR_TILE_PATH_MAX - (size_t)n, "%03u", (unsigned)(index % 1000));
    if (width < MR_TILE_WIDTH)
        (void)snprintf(out + n, MR_TILE_PATH_MAX - (size_t)n, ".p/%u", width);
    return out;
}

/* "entries" or one digit, and the slash behind it. */
static const char *parse_level(struct mr_tile *ret, const char *at)
{
    static const char entries[] = "entries/";

    if (strncmp(at, entries, sizeof entries - 1) == 0) {
        ret->level = MR_TILE_ENTRIES;
        return at + sizeof entries - 1;
    }
    ret->level = at[0] - '0';
    return ret->level >= 0 && ret->level < MR_TILE_LEVELS && at[1] == '/' ? at + 2 : NULL;
}

static bool take_digits(const char *at, uint64_t *index)
{
    for (int i = 0; i < 3; i++)
        if (at[i] < '0' || at[i] > '9')
            return false;
    *index = *index * 1000 + (uint64_t)(at[0] - '0') * 100 + (uint64_t)(at[1] - '0') * 10 +
             (uint64_t)(at[2] - '0');
    return true;
}

int mr_tile_parse(struct mr_tile *ret, const char *path)
{
    static const char root[] = "tile/";
    char again[MR_TILE_PATH_MAX];
    const char *at =
            strncmp(path, root, sizeof root - 1) == 0 ? parse_level(ret, path + sizeof root - 1) : NULL;

    ret->index = 0;
    ret->width = MR_TILE_WIDTH;
    if (!at || strlen(path) >= sizeof again)
        return MR_EINVAL;
    for (; *at == 'x'; at += 5)
        if (!take_digits(at + 1, &ret->index) || at[4] != '/' || ret->index > UINT64_MAX / 1000000)
            return MR_EINVAL;
    if (!take_digits(at, &ret->index))
        return MR_EINVAL;
    if (at[3] && sscanf(at + 3, ".p/%3u", &ret->width) != 1)
        return MR_EINVAL;
    if (ret->width == 0 || ret->width > MR_TILE_WIDTH)
        return MR_EINVAL;
    return strcmp(mr_tile_path(ret->level, ret->index, ret->width, again), path) == 0
                   ? 0
                   : MR_EINVAL; /* one name a tile */
}

unsigned mr_tile_width(int level, uint64_t index, uint64_t size)
{
    uint64_t count = level > 0 ? size >> (8 * level) : size;

    if (index < count / MR_TILE_WIDTH)
        return MR_TILE_WIDTH;
    return index == count / MR_TILE_WIDTH ? (unsigned)(count % MR_TILE_WIDTH) : 0;
}

/* ---- contents ---- */

static int put_entry(struct mr_log_reader *reader, uint64_t number, struct mr_record_view *view,
        struct mr_buf *out, unsigned *withheld, struct mr_error *reterr)
{
    int r = mr_log_read(reader, number, view, reterr);
    struct mr_slice leaf = view->record.leaf;

    if (r < 0)
        return r;
    if (view->record.flags & MR_RECORD_EXPIRED) {
        ++*withheld;
        leaf = (struct mr_slice){0};
    }
    if (leaf.size > ENTRY_BYTES_MAX)
        return mr_error_set(reterr, MR_ETOOBIG, "entries", "", "the leaf of record %llu has over %d bytes",
                (unsigned long long)number, ENTRY_BYTES_MAX);
    mr_buf_put_be16(out, (uint16_t)leaf.size);
    mr_buf_put_slice(out, leaf);
    return 0;
}

static int put_entries(struct mr_log_reader *reader, const struct mr_tile *tile, struct mr_buf *out,
        unsigned *withheld, struct mr_error *reterr)
{
    struct mr_record_view *view = malloc(sizeof *view);
    int r = view ? 0 : MR_ENOMEM;

    for (unsigned i = 0; r == 0 && i < tile->width; i++)
        r = put_entry(reader, tile->index * MR_TILE_WIDTH + i + 1, view, out, withheld, reterr);
    free(view);
    return r;
}

int mr_tile_read(struct mr_log_reader *reader, const struct mr_tile *tile, struct mr_buf *out,
        unsigned *ret_withheld, struct mr_error *reterr)
{
    uint8_t hashes[MR_TILE_WIDTH][MR_MERKLE_BYTES];
    char path[MR_TILE_PATH_MAX];
    int r;

    *ret_withheld = 0;
    if (tile->level < 0) {
        r = put_entries(reader, tile, out, ret_withheld, reterr);
    } else {
        r = mr_log_tile(reader, (unsigned)tile->level, tile->index * MR_TILE_WIDTH, tile->width, hashes);
        if (r == 0)
            mr_buf_put(out, hashes, (size_t)tile->width * MR_MERKLE_BYTES);
        else
            r = mr_error_set(reterr, r, mr_tile_path(tile->level, tile->index, tile->width, path),
                    "restore the log from a backup", "cannot read the tree's rows");
    }
    return r == 0 && mr_buf_failed(out) ? MR_ENOMEM : r;
}
