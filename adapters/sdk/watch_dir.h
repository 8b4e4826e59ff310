/*
 * A folder (and, if wanted, its sub-folders, one level) into which people put files. A file is told once it
 * has stood still (size and time of change) for settle_ms: a half-copied file waits. Ignored: dotfiles,
 * *.tmp, *.part, *.crdownload, names that start with ~$. What is no regular file, or lies where no files are
 * taken, is told as odd, never opened. Names are told as they are, whatever bytes they hold. Changes are
 * noticed by uv_fs_event where it works, and by a rescan where it does not. Loop thread only.
 */
#ifndef MR_SDK_WATCH_DIR_H
#define MR_SDK_WATCH_DIR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "proto/base/err.h"

struct mr_watch_dir;

/* Why something that lies there is no file to read. */
enum mr_watch_odd {
    MR_WATCH_SYMLINK = 1,
    MR_WATCH_SPECIAL, /* pipe, socket, device */
    MR_WATCH_FOLDER,  /* where only files are taken, or with a name that no folder here may have */
    MR_WATCH_STRAY,   /* a file beside the sub-folders */
};

struct mr_watch_dir_options {
    uv_loop_t *loop;
    const char *dir;  /* created when missing */
    bool sub_folders; /* files lie in dir/<folder>/; files in dir itself are odd */
    uint32_t settle_ms;
    uint32_t rescan_ms; /* 0: 5000 */
    /* folder: "" without sub-folders. The oldest first; told again only when the file has changed. */
    void (*on_file)(void *ctx, const char *folder, const char *name);
    /* In the same way; NULL: odd things are passed over. */
    void (*on_odd)(void *ctx, const char *folder, const char *name, enum mr_watch_odd odd);
    void *ctx;
};

int mr_watch_dir_open(
        struct mr_watch_dir **ret, const struct mr_watch_dir_options *options, struct mr_error *reterr);
void mr_watch_dir_close(struct mr_watch_dir *watch, void (*on_closed)(void *ctx), void *ctx);
/* Forgets that a file was told: it is told again when it still stands there. */
void mr_watch_dir_again(struct mr_watch_dir *watch, const char *folder, const char *name);

#endif
