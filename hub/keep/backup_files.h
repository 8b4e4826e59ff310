/* Files and folders of a backup. Blocking; what is written is durable when a call returns. */
#ifndef MR_HUB_KEEP_BACKUP_FILES_H
#define MR_HUB_KEEP_BACKUP_FILES_H

#include "hub/keep/backup.h"
#include "proto/base/buf.h"
#include "proto/base/tick.h"

enum { BACKUP_PATH_MAX = 4096, BACKUP_SMALL_FILE_MAX = 1 << 20 };

/* How many bytes have been read and written, for whoever wants to know. */
struct backup_pace {
    const struct mr_tick *tick; /* told in mebibytes; NULL: nobody */
    const char *what;
    uint64_t done, total; /* bytes; total 0: not known */
};

int backup_path(const char *dir, const char *name, char out[static BACKUP_PATH_MAX], struct mr_error *reterr);
/* Made when missing; MR_EEXISTS: there, and something in it. */
int backup_make_empty(const char *dir, struct mr_error *reterr);
bool backup_is_empty(const char *dir); /* or not there */
/* A new file (0600). pace: NULL where it is small. */
int backup_copy(const char *from, const char *to, struct backup_pace *pace, struct mr_error *reterr);
int backup_write(const char *path, struct mr_slice bytes, struct mr_error *reterr);
/* A small file whole. MR_ENOTFOUND. */
int backup_read(const char *path, struct mr_buf *ret, struct mr_error *reterr);
/* Size and digest of the file as it lies on the disk. */
int backup_digest(const char *path, uint64_t *ret_bytes, uint8_t ret[static 32], struct backup_pace *pace,
        struct mr_error *reterr);

/* Takes a file that lies there into the list. */
int backup_add(struct mr_backup *backup, const char *dir, const char *name, struct backup_pace *pace,
        struct mr_error *reterr);

uint64_t backup_bytes(const struct mr_backup *backup); /* of all its files */

/* backup.json */
int backup_manifest_write(const struct mr_backup *backup, const char *dir, struct mr_error *reterr);
int backup_manifest_read(struct mr_backup *ret, const char *dir, struct mr_error *reterr);

/* log/ and keys/ below dir, scrubbed; what the log says of itself. MR_ECORRUPT when fn was told anything. */
int backup_check_stores(const char *dir, struct mr_backup *ret, mr_scrub_fn fn, void *ctx,
        const struct mr_tick *tick, struct mr_error *reterr);
/* The sound rows of a table of an environment below dir (".../log"), read without LMDB: the folder may be on
 * read-only media. Until fn returns non-zero; returns that. */
typedef int (*backup_row_fn)(void *ctx, struct mr_slice key, struct mr_slice value);
int backup_each_row(const char *dir, const char *table, backup_row_fn fn, void *ctx, struct mr_error *reterr);
/* MR_ECORRUPT: in log/ an erasure goes on whose keys are gone from keys/. */
int backup_check_match(const char *dir, struct mr_error *reterr);
/* Size of the checkpoint in a file; 0: there is no such file. */
int backup_signed_size(const char *path, uint64_t *ret, struct mr_error *reterr);

#endif
