/* TZif, RFC 8536. The process's own TZ is left alone: it is not safe to change with threads about. */
#include "adapters/sdk/local_time.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/base/bytes.h"
#include "proto/base/slice.h"

enum { HEADER = 44, ZONE_BYTES_MAX = 16 * 1024, COUNTS_MAX = 4096 };

struct block {
    const uint8_t *times, *indexes, *types;
    uint32_t times_count, types_count;
    size_t size;
};

/* One header with its data; time_size 4 (the first one) or 8. */
static bool read_block(struct mr_slice text, size_t time_size, struct block *ret)
{
    uint32_t counts[6]; /* isut, isstd, leap, time, type, char */

    if (text.size < HEADER || memcmp(text.data, "TZif", 4) != 0)
        return false;
    for (size_t i = 0; i < 6; i++) {
        counts[i] = mr_get_be32(text.data + 20 + 4 * i);
        if (counts[i] > COUNTS_MAX)
            return false;
    }
    ret->times_count = counts[3];
    ret->types_count = counts[4];
    ret->times = text.data + HEADER;
    ret->indexes = ret->times + counts[3] * time_size;
    ret->types = ret->indexes + counts[3];
    ret->size = HEADER + counts[3] * (time_size + 1) + (size_t)counts[4] * 6 + counts[5] +
                counts[2] * (time_size + 4) + counts[1] + counts[0];
    return ret->types_count > 0 && ret->size <= text.size;
}

static int32_t offset_in(struct mr_slice text, int64_t seconds)
{
    struct block block;
    uint32_t type = 0;

    if (!read_block(text, 4, &block) || text.data[4] < '2' ||
            !read_block(mr_slice(text.data + block.size, text.size - block.size), 8, &block))
        return 0;
    for (uint32_t i = 0; i < block.times_count; i++)
        if ((int64_t)mr_get_be64(block.times + (size_t)8 * i) <= seconds)
            type = block.indexes[i];
    return type < block.types_count ? (int32_t)mr_get_be32(block.types + (size_t)6 * type) : 0;
}

static int32_t offset_of(const char *zone, int64_t seconds)
{
    uint8_t text[ZONE_BYTES_MAX];
    char path[PATH_MAX];
    FILE *file;
    size_t n;

    if (!zone || !*zone || *zone == '/' || strstr(zone, "..") ||
            snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zone) >= (int)sizeof path)
        return 0;
    file = fopen(path, "re");
    if (!file)
        return 0;
    n = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    return offset_in(mr_slice(text, n), seconds);
}

char *mr_local_time(const char *zone, int64_t time_us, char out[static MR_LOCAL_TIME_TEXT_MAX])
{
    time_t seconds = (time_t)(time_us / 1000000);
    int32_t offset = offset_of(zone, seconds);
    char when[24] = "";
    struct tm tm;

    seconds += offset;
    if (gmtime_r(&seconds, &tm))
        (void)strftime(when, sizeof when, "%d.%m.%Y %H:%M:%S", &tm);
    (void)snprintf(out, MR_LOCAL_TIME_TEXT_MAX, "%s (UTC%c%02d:%02d)", when, offset < 0 ? '-' : '+',
            abs(offset) / 3600 % 100, abs(offset) / 60 % 60);
    return out;
}
