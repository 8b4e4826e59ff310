/*
 * Backups: a folder with what cannot be made again. log.checkpoint first, then log/ with its closed segments,
 * then keys/ (decision 5), each a compact copy out of a snapshot, while the hub goes on; backup.json with
 * sizes, digests and the tree's root last, so that a folder without it is no backup. Not in it, on purpose:
 * the root key and log.key (kept apart: docs/operations.md), index/ and views/ (made again from the log).
 *
 * For the tool; blocking; a tick (NULL: none) tells how far it is, in mebibytes and then in rows. Nothing
 * here reads a person's value.
 */
#ifndef MR_HUB_KEEP_BACKUP_H
#define MR_HUB_KEEP_BACKUP_H

#include "proto/base/clock.h"
#include "proto/config/config.h"
#include "store/note.h"
#include "store/scrub.h"

enum { MR_BACKUP_PATH_MAX = 96 };

struct mr_backup_file {
    char path[MR_BACKUP_PATH_MAX]; /* below the backup's folder */
    uint64_t bytes;
    uint8_t sha256[32];
};

struct mr_backup {
    char made[MR_TIME_TEXT_MAX];    /* when it was begun: what was acknowledged before is in it */
    char key[MR_NOTE_KEY_TEXT_MAX]; /* the log's verifier key; "" when it was never signed */
    uint64_t head;                  /* records */
    uint8_t root[32];               /* of the tree over them */
    uint64_t signed_size;           /* of log.checkpoint; 0: there was none */
    struct mr_backup_file *files;
    size_t files_count;
};
void mr_backup_fini(struct mr_backup *backup);

/*
 * Copies into dir, which is made and must not be there, or be empty; reads everything back and checks it. fn
 * is told what is damaged (MR_ECORRUPT then, and no manifest is written). MR_EEXISTS: dir is not empty. Fini
 * ret when 0.
 */
int mr_backup_make(const struct mr_config *config, const char *dir, struct mr_backup *ret, mr_scrub_fn fn,
        void *ctx, const struct mr_tick *tick, struct mr_error *reterr);

/* The folder against its manifest and against itself; changes nothing. MR_ECORRUPT with what is wrong; fn is
 * told each damage. MR_ENOTFOUND: no manifest, so no backup. */
int mr_backup_verify(const char *dir, struct mr_backup *ret, mr_scrub_fn fn, void *ctx,
        const struct mr_tick *tick, struct mr_error *reterr);

/*
 * Do the sealed values of this backup open here? 0: the root key of the configuration opens its keys/;
 * MR_ENOTFOUND, MR_EDENIED: not checked, there is no root key here that this user may read; MR_ECORRUPT: it
 * does not open them.
 */
int mr_backup_try_root(const struct mr_config *config, const char *dir, struct mr_error *reterr);

struct mr_restored {
    struct mr_backup backup;
    bool root_checked;   /* the root key here opens its keys/ */
    bool checkpoint_put; /* log.checkpoint was put beside the root key, where there was none */
    bool root_missing;   /* root.0 or root.1, and log.key: still to be brought from where they are kept */
    bool log_key_missing;
    uint64_t signed_here; /* larger than the backup's head: the hub will refuse this log */
};

/*
 * Puts log/ and keys/ of a backup where the configuration has the store. MR_EEXISTS: a store is there, or a
 * hub runs on it. Verifies first, also that the root key opens it (as mr_backup_try_root). index/ and views/
 * are made by the next start.
 */
int mr_backup_restore(const struct mr_config *config, const char *dir, struct mr_restored *ret,
        mr_scrub_fn fn, void *ctx, const struct mr_tick *tick, struct mr_error *reterr);

#endif
