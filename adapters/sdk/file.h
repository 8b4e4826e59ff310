/*
 * Small files done safely: written by temp, fsync, rename, fsync of the folder; read with a cap and never
 * through a symbolic link; destroyed by overwriting. Blocking: for small files only. Any thread.
 */
#ifndef MR_SDK_FILE_H
#define MR_SDK_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

/* The folder and those above it, 0700 for the ones that are made. */
int mr_file_make_dirs(const char *dir);
/* dir/name appears whole or not at all, with this mode whatever the umask; an older one is replaced. */
int mr_file_write(const char *dir, const char *name, struct mr_slice content, unsigned mode);
/* Regular files only. MR_ENOTFOUND, MR_ETOOBIG, MR_EINVAL (no regular file). Appends to out. */
int mr_file_read(const char *path, size_t size_max, struct mr_buf *out);
/* A regular file of anybody's, of any size, with a mode and a time of our own: copied when it must be. */
int mr_file_move(const char *from, const char *to_dir, const char *to_name, unsigned mode);
/* Overwrites, syncs and removes; a file that is not there is fine. */
int mr_file_destroy(const char *path);
/* Removes and syncs the folder; a file that is not there is fine. */
int mr_file_remove(const char *dir, const char *name);
bool mr_file_exists(const char *dir, const char *name);
/* A name in UTF-8 without folders, control characters or a leading dot, at most 255 bytes. */
bool mr_file_name_ok(const char *name);

#endif
