#include "adapters/sdk/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/logfmt.h"

enum { INTERVAL_MS = 24 * 60 * 60 * 1000, DAY_S = 24 * 60 * 60 };

struct mr_sweep {
    struct mr_sweep_options options;
    uv_timer_t timer;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static uint32_t sweep_open(int fd, int64_t older_than, bool below);

static uint32_t sweep_child(int at, const char *name, int64_t older_than, bool below)
{
    struct stat st;

    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    if (S_ISDIR(st.st_mode) && below)
        return sweep_open(
                openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), older_than, false);
    return S_ISREG(st.st_mode) && st.st_mtim.tv_sec < older_than && unlinkat(at, name, 0) == 0;
}

/* Takes fd. */
static uint32_t sweep_open(int fd, int64_t older_than, bool below)
{
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *child;
    uint32_t count = 0;

    if (!dir) {
        if (fd >= 0)
            (void)close(fd);
        return 0;
    }
    while ((child = readdir(dir)) != NULL)
        if (strcmp(child->d_name, ".") != 0 && strcmp(child->d_name, "..") != 0)
            count += sweep_child(dirfd(dir), child->d_name, older_than, below);
    (void)closedir(dir);
    return count;
}

uint32_t mr_sweep_dir(const char *dir, int64_t older_than)
{
    return sweep_open(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), older_than, true);
}

static void on_timer(uv_timer_t *timer)
{
    struct mr_sweep *sweep = timer->data;
    int64_t now = mr_clock_wall_us(mr_clock_system()) / 1000000;
    uint32_t count = 0;

    for (size_t i = 0; i < MR_SWEEP_DIRS_MAX; i++)
        if (sweep->options.dirs[i])
            count += mr_sweep_dir(sweep->options.dirs[i], now - (int64_t)sweep->options.keep_days * DAY_S);
    if (count > 0)
        mr_info("files.removed", "count", MR_N(count), "keep_days", MR_N(sweep->options.keep_days));
}

int mr_sweep_open(struct mr_sweep **ret, const struct mr_sweep_options *options)
{
    struct mr_sweep *sweep = calloc(1, sizeof *sweep);

    if (!sweep)
        return MR_ENOMEM;
    sweep->options = *options;
    (void)uv_timer_init(options->loop, &sweep->timer);
    sweep->timer.data = sweep;
    if (options->keep_days > 0)
        (void)uv_timer_start(&sweep->timer, on_timer, 0, INTERVAL_MS);
    *ret = sweep;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct mr_sweep *sweep = handle->data;
    void (*on_closed)(void *ctx) = sweep->on_closed;
    void *closed_ctx = sweep->closed_ctx;

    free(sweep);
    if (on_closed)
        on_closed(closed_ctx);
}

void mr_sweep_close(struct mr_sweep *sweep, void (*on_closed)(void *ctx), void *ctx)
{
    sweep->on_closed = on_closed;
    sweep->closed_ctx = ctx;
    uv_close((uv_handle_t *)&sweep->timer, on_timer_closed);
}
