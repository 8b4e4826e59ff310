#include "proto/base/zone.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proto/base/bytes.h"
#include "proto/base/err.h"

#define ZONES "/usr/share/zoneinfo"

enum {
    FILE_BYTES_MAX = 64 * 1024,
    HEADER_BYTES = 44,
    TIME_BYTES = 8,
    TYPE_BYTES = 6,
    US_IN_S = 1000000,
    S_IN_MINUTE = 60
};

/* The counts of a header, in their order. */
struct counts {
    uint32_t is_ut, is_std, leaps, times, types, chars;
};

static struct counts counts_of(const uint8_t *header)
{
    const uint8_t *at = header + 20;

    return (struct counts){mr_get_be32(at), mr_get_be32(at + 4), mr_get_be32(at + 8), mr_get_be32(at + 12),
            mr_get_be32(at + 16), mr_get_be32(at + 20)};
}

/* Of a block with times of so many bytes. */
static uint64_t block_bytes(const struct counts *c, uint64_t time_bytes)
{
    return c->times * time_bytes + c->times + (uint64_t)c->types * TYPE_BYTES + c->chars +
           c->leaps * (time_bytes + 4) + c->is_std + c->is_ut;
}

static bool is_header(const uint8_t *file, size_t size, size_t at)
{
    return at + HEADER_BYTES <= size && memcmp(file + at, "TZif", 4) == 0 && file[at + 4] >= '2';
}

/* How many transitions lie before the moment. */
static uint32_t passed(const uint8_t *times, uint32_t count, int64_t second)
{
    uint32_t n = 0;

    while (n < count && (int64_t)mr_get_be64(times + (size_t)n * TIME_BYTES) <= second)
        n++;
    return n;
}

/* The second block is that of 64 bit; the rule of the future stands in a line behind it: one with a comma
 * changes its clocks each year. */
static int offset_of(const uint8_t *file, size_t size, int64_t second, int32_t *ret_seconds)
{
    struct counts c;
    uint64_t at = HEADER_BYTES, end;
    uint32_t n, type;

    if (!is_header(file, size, 0))
        return MR_EUNSUPPORTED;
    c = counts_of(file);
    at += block_bytes(&c, 4);
    if (at > size || !is_header(file, size, at))
        return MR_EUNSUPPORTED;
    c = counts_of(file + at);
    at += HEADER_BYTES;
    end = at + block_bytes(&c, TIME_BYTES);
    if (end > size || c.types == 0)
        return MR_EUNSUPPORTED;
    n = passed(file + at, c.times, second);
    if (n == c.times && memchr(file + end, ',', size - end))
        return MR_EUNSUPPORTED;
    type = n > 0 ? file[at + (uint64_t)c.times * TIME_BYTES + n - 1] : 0;
    if (type >= c.types)
        return MR_EUNSUPPORTED;
    at += (uint64_t)c.times * (TIME_BYTES + 1) + (uint64_t)type * TYPE_BYTES;
    *ret_seconds = (int32_t)mr_get_be32(file + at);
    return 0;
}

int mr_zone_offset(const char *zone, int64_t wall_us, int32_t *ret_seconds)
{
    uint8_t file[FILE_BYTES_MAX];
    char path[128];
    size_t size;
    FILE *in;

    if (zone[0] == 0 || zone[0] == '/' || strchr(zone, '.') ||
            snprintf(path, sizeof path, ZONES "/%s", zone) >= (int)sizeof path)
        return MR_ENOTFOUND;
    in = fopen(path, "rbe");
    if (!in)
        return MR_ENOTFOUND;
    size = fread(file, 1, sizeof file, in);
    (void)fclose(in);
    return offset_of(file, size, wall_us / US_IN_S, ret_seconds);
}

char *mr_zone_format(const char *zone, int64_t wall_us, char out[static MR_ZONE_TEXT_MAX])
{
    int32_t offset = 0, minutes;
    bool known = mr_zone_offset(zone, wall_us, &offset) == 0;
    time_t second = (time_t)(wall_us / US_IN_S + (known ? offset : 0));
    struct tm tm = {0};
    size_t n;

    (void)gmtime_r(&second, &tm);
    n = strftime(out, MR_ZONE_TEXT_MAX, "%d.%m.%Y %H:%M:%S", &tm);
    if (!known) {
        (void)snprintf(out + n, MR_ZONE_TEXT_MAX - n, " (UTC)");
        return out;
    }
    minutes = (offset < 0 ? -offset : offset) / S_IN_MINUTE;
    (void)snprintf(out + n, MR_ZONE_TEXT_MAX - n, " (%s, UTC%c%02d:%02d)", zone, offset < 0 ? '-' : '+',
            minutes / S_IN_MINUTE, minutes % S_IN_MINUTE);
    return out;
}
