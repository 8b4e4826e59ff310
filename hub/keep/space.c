#include "hub/keep/space.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "proto/base/logfmt.h"

enum { MIB = 1 << 20, NEXT_TO_NOTHING = 4 * MIB, HYSTERESIS_MIN = MIB };

static const char CURE[] = "free space on the file system of hub.store; it goes on by itself";

static uint64_t watermark(const struct mr_space *space)
{
    return (uint64_t)*space->config->space_watermark_mb * MIB;
}

static uint64_t ballast_bytes(const struct mr_space *space)
{
    return (uint64_t)*space->config->ballast_mb * MIB;
}

/* So that it does not go to and fro at the mark. */
static uint64_t plenty(const struct mr_space *space)
{
    uint64_t more = watermark(space) / 8;

    return watermark(space) + (more > HYSTERESIS_MIN ? more : HYSTERESIS_MIN);
}

static bool ballast_path(const struct mr_space *space, char out[static PATH_MAX])
{
    return snprintf(out, PATH_MAX, "%s/ballast", space->config->store) < PATH_MAX;
}

/* What cannot be measured is not want of room. */
static void measure(struct mr_space *space)
{
    struct statvfs vfs;

    if (statvfs(space->config->store, &vfs) == 0)
        space->free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
    else
        space->free_bytes = UINT64_MAX;
}

static bool is_whole(int fd, uint64_t bytes)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (uint64_t)st.st_size == bytes && (uint64_t)st.st_blocks * 512 >= bytes;
}

static void make_ballast(struct mr_space *space)
{
    uint64_t bytes = ballast_bytes(space);
    char path[PATH_MAX];
    int fd = ballast_path(space, path) ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

    if (fd < 0)
        return;
    space->ballast = is_whole(fd, bytes);
    if (!space->ballast && space->free_bytes > plenty(space) + bytes) {
        space->ballast = ftruncate(fd, 0) == 0 && posix_fallocate(fd, 0, (off_t)bytes) == 0;
        if (!space->ballast && ftruncate(fd, 0) < 0)
            mr_warn("hub.ballast", "what", "a part of it keeps its space", "cure",
                    "delete the file ballast in hub.store");
    }
    (void)close(fd);
}

void mr_space_release(struct mr_space *space)
{
    char path[PATH_MAX];

    if (!space->ballast || !ballast_path(space, path) || truncate(path, 0) < 0)
        return;
    space->ballast = false;
    mr_warn("hub.ballast_released", "mb", MR_N(*space->config->ballast_mb), "cure", CURE);
}

static void set_low(struct mr_space *space, bool low)
{
    if (low == space->low)
        return;
    space->low = low;
    if (low)
        mr_warn("hub.space_low", "free_mb", MR_N(space->free_bytes / MIB), "watermark_mb",
                MR_N(*space->config->space_watermark_mb), "cure", CURE);
    else
        mr_warn("hub.space_back", "free_mb", MR_N(space->free_bytes / MIB));
}

void mr_space_begin(struct mr_space *space, const struct mr_config_hub *config)
{
    struct stat st;
    char path[PATH_MAX];

    *space = (struct mr_space){.config = config};
    if (stat(config->store, &st) < 0)
        return; /* the first start: the folder is made with the store */
    measure(space);
    space->ballast = ballast_path(space, path) && stat(path, &st) == 0 && st.st_size > 0;
    if (space->free_bytes < NEXT_TO_NOTHING)
        mr_space_release(space);
    set_low(space, space->free_bytes < watermark(space));
}

void mr_space_look(struct mr_space *space, bool wanting)
{
    measure(space);
    if (space->free_bytes < watermark(space))
        set_low(space, true);
    else if (space->free_bytes >= plenty(space))
        set_low(space, false);
    if (!space->ballast && !space->low && !wanting && ballast_bytes(space) > 0)
        make_ballast(space);
}
