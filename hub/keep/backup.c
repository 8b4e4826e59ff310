#include "hub/keep/backup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/keep/backup_files.h"
#include "hub/keep/backup_last.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"
#include "store/checkpoint.h"
#include "store/erasure.h"
#include "store/folder.h"
#include "store/keyring.h"
#include "store/kv_pages.h"

enum { ATTEMPTS = 5, SEGMENT_ROW_BYTES = 36, AT_GENERATION = 8 };

static const char CHECKPOINT[] = "log.checkpoint";

/* ---- what the copied log says of itself ---- */

static void ignore(void *ctx, const struct mr_kv_damage *damage)
{
    (void)ctx;
    (void)damage;
}

int backup_each_row(const char *dir, const char *table, backup_row_fn fn, void *ctx, struct mr_error *reterr)
{
    struct mr_kv_pages_cursor *cursor;
    struct mr_kv_pages *pages;
    struct mr_slice key, value;
    int r = mr_kv_pages_open(&pages, dir, NULL, ignore, NULL, reterr);

    if (r < 0)
        return r;
    r = mr_kv_pages_cursor_open(&cursor, pages, table);
    if (r == 0) {
        while (r == 0 && (r = mr_kv_pages_cursor_next(cursor, &key, &value)) == 0)
            if (mr_kv_row_check(table, key, value, &value) == 0)
                r = fn(ctx, key, value);
        mr_kv_pages_cursor_close(cursor);
    }
    mr_kv_pages_close(pages);
    return r == MR_ENOTFOUND ? 0 : r;
}

static int on_meta(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_backup *backup = ctx;

    if (mr_slice_equal(key, mr_slice_str("vkey")) && value.size < sizeof backup->key) {
        memcpy(backup->key, value.data, value.size);
        backup->key[value.size] = '\0';
    }
    return 0;
}

int backup_signed_size(const char *path, uint64_t *ret, struct mr_error *reterr)
{
    struct mr_buf bytes = MR_BUF_INIT;
    struct mr_checkpoint checkpoint;
    struct mr_note note;
    int r = backup_read(path, &bytes, reterr);

    *ret = 0;
    if (r == 0 && (mr_note_parse(&note, mr_buf_slice(&bytes), NULL) < 0 ||
                          mr_checkpoint_parse(&checkpoint, note.text, NULL) < 0))
        r = mr_error_set(
                reterr, MR_ECORRUPT, path, "restore it, or see docs/operations.md", "it is no checkpoint");
    if (r == 0)
        *ret = checkpoint.size;
    mr_buf_fini(&bytes);
    return r == MR_ENOTFOUND ? 0 : r;
}

int backup_check_stores(const char *dir, struct mr_backup *ret, mr_scrub_fn fn, void *ctx,
        const struct mr_tick *tick, struct mr_error *reterr)
{
    static const char *const stores[] = {"log", "keys"};
    struct mr_scrub_counts counts = {0};
    char path[BACKUP_PATH_MAX];
    int r = 0;

    for (size_t i = 0; r == 0 && i < MR_COUNT(stores); i++) {
        struct mr_scrub_options options = {
                .environment = stores[i], .dir = path, .fn = fn, .ctx = ctx, .tick = tick};

        r = backup_path(dir, stores[i], path, reterr);
        if (r == 0)
            r = mr_scrub(&options, &counts, reterr);
    }
    if (r == 0 && counts.findings > 0)
        r = mr_error_set(reterr, MR_ECORRUPT, dir, "marshrut scrub says what is damaged in the store",
                "%llu places are damaged", (unsigned long long)counts.findings);
    if (r < 0)
        return r;
    ret->head = counts.tree_size;
    memcpy(ret->root, counts.tree_root, sizeof ret->root);
    r = backup_path(dir, "log", path, reterr);
    return r < 0 ? r : backup_each_row(path, "meta", on_meta, ret, reterr);
}

/* ---- making one ---- */

struct making {
    const struct mr_config *config;
    const char *dir;
    struct mr_backup *backup;
    struct backup_pace pace;
    struct mr_error *reterr;
};

static int add(struct making *m, const char *name)
{
    return backup_add(m->backup, m->dir, name, &m->pace, m->reterr);
}

/* First of all: a log that is copied after it is never older than what it says. */
static int take_checkpoint(struct making *m)
{
    char from[BACKUP_PATH_MAX], to[BACKUP_PATH_MAX];
    struct mr_buf bytes = MR_BUF_INIT;
    int r = backup_path(m->config->hub.root_key, CHECKPOINT, from, m->reterr);

    if (r == 0)
        r = backup_path(m->dir, CHECKPOINT, to, m->reterr);
    if (r == 0)
        r = backup_read(from, &bytes, m->reterr);
    if (r == MR_ENOTFOUND) { /* never signed */
        if (m->reterr)
            *m->reterr = (struct mr_error){0};
        return 0;
    }
    if (r == 0)
        r = backup_write(to, mr_buf_slice(&bytes), m->reterr);
    mr_buf_fini(&bytes);
    if (r == 0)
        r = backup_signed_size(to, &m->backup->signed_size, m->reterr);
    return r < 0 ? r : add(m, CHECKPOINT);
}

/* A compact copy of an environment's newest snapshot. */
static int copy_environment(struct making *m, const char *name)
{
    char from[BACKUP_PATH_MAX], to[BACKUP_PATH_MAX], file[MR_BACKUP_PATH_MAX];
    struct mr_kv_options options = {.dir = from, .read_only = true};
    struct mr_kv *kv;
    int r = backup_path(m->config->hub.store, name, from, m->reterr);

    (void)snprintf(file, sizeof file, "%s/data.mdb", name);
    if (r == 0)
        r = backup_path(m->dir, name, to, m->reterr);
    if (r == 0)
        r = mr_folder_make(to, m->reterr);
    if (r == 0)
        r = backup_path(m->dir, file, to, m->reterr);
    if (r == 0)
        r = mr_kv_open(&kv, &options, m->reterr);
    if (r < 0)
        return r;
    r = mr_kv_copy(kv, to, m->reterr);
    mr_kv_close(kv);
    return r < 0 ? r : add(m, file);
}

/* A closed segment is never written again: its file is copied as it lies. */
static int on_segment(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct making *m = ctx;
    char name[MR_BACKUP_PATH_MAX], from[BACKUP_PATH_MAX], to[BACKUP_PATH_MAX];
    int r;

    if (key.size != 8 || value.size != SEGMENT_ROW_BYTES)
        return MR_ECORRUPT;
    (void)snprintf(name, sizeof name, "log/segments/%020" PRIu64 "-%" PRIu32, mr_get_be64(key.data),
            mr_get_be32(value.data + AT_GENERATION));
    r = backup_path(m->dir, name, to, m->reterr);
    if (r == 0)
        r = mr_folder_make(to, m->reterr);
    (void)strncat(name, "/data.mdb", sizeof name - strlen(name) - 1);
    if (r == 0)
        r = backup_path(m->config->hub.store, name, from, m->reterr);
    if (r == 0)
        r = backup_path(m->dir, name, to, m->reterr);
    if (r == 0)
        r = backup_copy(from, to, &m->pace, m->reterr);
    if (r == MR_ENOTFOUND)
        return MR_EAGAIN; /* a newer generation took its place: begin again with a newer snapshot */
    return r < 0 ? r : add(m, name);
}

static int copy_segments(struct making *m)
{
    char log[BACKUP_PATH_MAX], segments[BACKUP_PATH_MAX];
    int r = backup_path(m->dir, "log", log, m->reterr);

    if (r == 0)
        r = backup_path(m->dir, "log/segments", segments, m->reterr);
    if (r == 0)
        r = mr_folder_make(segments, m->reterr);
    return r < 0 ? r : backup_each_row(log, "segment", on_segment, m, m->reterr);
}

/* What this attempt copied goes; nothing else is in these folders. */
static void forget(struct making *m, size_t files_count)
{
    char path[BACKUP_PATH_MAX];

    while (m->backup->files_count > files_count) {
        const struct mr_backup_file *file = &m->backup->files[--m->backup->files_count];

        if (backup_path(m->dir, file->path, path, NULL) == 0)
            (void)remove(path);
    }
}

/* The growing environment, then what it says is closed. */
static int copy_log(struct making *m)
{
    size_t before = m->backup->files_count;
    int r = MR_EAGAIN;

    for (int attempt = 0; r == MR_EAGAIN && attempt < ATTEMPTS; attempt++) {
        forget(m, before);
        r = copy_environment(m, "log");
        if (r == 0)
            r = copy_segments(m);
    }
    return r;
}

static int on_keys_meta(void *ctx, struct mr_slice key, struct mr_slice value)
{
    (void)mr_keyring_row_generation(key, value, ctx);
    return 0;
}

/* Of the root that opens keys/ as it is now. 0: its row is damaged, which the check of the copy tells. */
static int live_generation(const struct making *m, uint32_t *ret)
{
    static const char *const tables[] = {"meta"};
    char dir[BACKUP_PATH_MAX];
    struct mr_kv_options options = {
            .dir = dir, .tables = tables, .tables_count = MR_COUNT(tables), .checked = 1, .read_only = true};
    struct mr_slice all = mr_slice(NULL, 0);
    struct mr_kv_txn *txn;
    struct mr_kv *kv;
    int r = backup_path(m->config->hub.store, "keys", dir, m->reterr);

    *ret = 0;
    if (r == 0)
        r = mr_kv_open(&kv, &options, m->reterr);
    if (r < 0)
        return r;
    r = mr_kv_begin_read(kv, &txn);
    if (r == 0) {
        r = mr_kv_rows(txn, 0, all, all, on_keys_meta, ret);
        mr_kv_abort(txn);
    }
    mr_kv_close(kv);
    return r == MR_ECORRUPT ? 0 : r;
}

/* Of the root that opens the copy. */
static int copied_generation(const struct making *m, uint32_t *ret, struct mr_error *reterr)
{
    char keys[BACKUP_PATH_MAX];
    int r = backup_path(m->dir, "keys", keys, reterr);

    *ret = 0;
    return r < 0 ? r : backup_each_row(keys, "meta", on_keys_meta, ret, reterr);
}

/*
 * log/, then keys/, which knows every key that log/ speaks of. When a person's keys were destroyed between
 * the two it begins again: that log/ says that the erasure is still to come, and it could never go on.
 */
static int copy_stores(struct making *m)
{
    size_t before = m->backup->files_count;
    int r = MR_EAGAIN;

    for (int attempt = 0; r == MR_EAGAIN && attempt < ATTEMPTS; attempt++) {
        uint32_t live, copied;

        forget(m, before);
        r = live_generation(m, &live);
        if (r == 0)
            r = copy_log(m);
        if (r == 0)
            r = copy_environment(m, "keys");
        if (r == 0)
            r = copied_generation(m, &copied, m->reterr);
        if (r == 0 && copied != live)
            r = MR_EAGAIN;
    }
    if (r == MR_EAGAIN)
        r = mr_error_set(m->reterr, r, m->dir,
                "make it again into another folder, when no erasure is under way",
                "each time persons were erased, or terms passed, while it was made");
    return r;
}

static int make(struct making *m, mr_scrub_fn fn, void *ctx)
{
    int r = take_checkpoint(m);

    if (r == 0)
        r = copy_stores(m);
    if (r == 0)
        r = backup_check_stores(m->dir, m->backup, fn, ctx, m->pace.tick, m->reterr);
    if (r == 0 && m->backup->signed_size > m->backup->head)
        r = mr_error_set(m->reterr, MR_ECORRUPT, m->dir, "marshrut scrub, and look at the hub's log lines",
                "the log has fewer records than were signed");
    return r < 0 ? r : backup_manifest_write(m->backup, m->dir, m->reterr);
}

/* Of which root it is, for the hub. The backup is whole without the note. */
static void note_last(const struct making *m)
{
    struct mr_error error = {0};
    uint32_t generation;
    int r = copied_generation(m, &generation, &error);

    if (r == 0)
        r = mr_backup_last_write(m->config->hub.store, generation, m->backup->made, &error);
    if (r < 0)
        mr_warn("backup.not_noted", "where", error.where, "what", error.what, "cure", error.cure);
}

int mr_backup_make(const struct mr_config *config, const char *dir, struct mr_backup *ret, mr_scrub_fn fn,
        void *ctx, const struct mr_tick *tick, struct mr_error *reterr)
{
    struct making m = {.config = config,
            .dir = dir,
            .backup = ret,
            .pace = {.tick = tick, .what = "MiB copied and read back"},
            .reterr = reterr};
    int r = backup_make_empty(dir, reterr);

    *ret = (struct mr_backup){0};
    (void)mr_time_format(mr_clock_wall_us(mr_clock_system()), ret->made);
    if (r == 0)
        r = make(&m, fn, ctx);
    if (r == 0)
        note_last(&m);
    if (r < 0)
        mr_backup_fini(ret);
    return r;
}

/* ---- verifying ---- */

static int check_file(
        const char *dir, const struct mr_backup_file *file, struct backup_pace *pace, struct mr_error *reterr)
{
    static const char cure[] = "take another backup, or this one from another place";
    char path[BACKUP_PATH_MAX];
    uint8_t digest[32];
    uint64_t bytes;
    int r = backup_path(dir, file->path, path, reterr);

    if (r == 0)
        r = backup_digest(path, &bytes, digest, pace, reterr);
    if (r == MR_ENOTFOUND)
        return mr_error_set(reterr, MR_ECORRUPT, path, cure, "the file is missing");
    if (r < 0)
        return r;
    if (bytes != file->bytes)
        return mr_error_set(reterr, MR_ECORRUPT, path, cure, "it has %llu bytes instead of %llu",
                (unsigned long long)bytes, (unsigned long long)file->bytes);
    if (memcmp(digest, file->sha256, sizeof digest) != 0)
        return mr_error_set(reterr, MR_ECORRUPT, path, cure, "its SHA-256 is not the one in the manifest");
    return 0;
}

uint64_t backup_bytes(const struct mr_backup *backup)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < backup->files_count; i++)
        bytes += backup->files[i].bytes;
    return bytes;
}

int mr_backup_verify(const char *dir, struct mr_backup *ret, mr_scrub_fn fn, void *ctx,
        const struct mr_tick *tick, struct mr_error *reterr)
{
    struct backup_pace pace = {.tick = tick, .what = "MiB read"};
    struct mr_backup found = {0};
    int r = backup_manifest_read(ret, dir, reterr);

    if (r < 0)
        return r;
    pace.total = backup_bytes(ret);
    for (size_t i = 0; i < ret->files_count && r == 0; i++)
        r = check_file(dir, &ret->files[i], &pace, reterr);
    if (r == 0)
        r = backup_check_stores(dir, &found, fn, ctx, tick, reterr);
    if (r == 0 && (found.head != ret->head || memcmp(found.root, ret->root, sizeof found.root) != 0))
        r = mr_error_set(
                reterr, MR_ECORRUPT, dir, "take another backup", "the log is not the one in the manifest");
    if (r == 0)
        r = backup_check_match(dir, reterr);
    if (r < 0)
        mr_backup_fini(ret);
    return r;
}

/* ---- the root key ---- */

static int does_not_open(const struct mr_config *config, const char *dir, const struct mr_keyring_fit *fit,
        struct mr_error *reterr)
{
    if (fit->root == fit->keys)
        return mr_error_set(reterr, MR_ECORRUPT, dir, "bring the root key of the hub that it was taken from",
                "the root key in %s does not open this backup: it is another hub's", config->hub.root_key);
    if (fit->root < fit->keys)
        return mr_error_set(reterr, MR_ECORRUPT, dir, "bring the newest root key from its escrow place",
                "the root key here (generation %u) does not open this backup (generation %u): it is older",
                (unsigned)fit->root, (unsigned)fit->keys);
    return mr_error_set(reterr, MR_ECORRUPT, dir,
            "restore the copy of keys/ in escrow that belongs to it, or log/ alone beside the present keys/ "
            "(docs/operations.md, \"Restoring\")",
            "the root key here (generation %u) does not open this backup (generation %u): it was changed by "
            "an erasure after the backup",
            (unsigned)fit->root, (unsigned)fit->keys);
}

int mr_backup_try_root(const struct mr_config *config, const char *dir, struct mr_error *reterr)
{
    char keys[BACKUP_PATH_MAX];
    struct mr_keyring_fit fit;
    int r = backup_path(dir, "keys", keys, reterr);

    if (r == 0)
        r = mr_keyring_try(keys, config->hub.root_key, &fit, reterr);
    return r == 0 && !fit.opens ? does_not_open(config, dir, &fit, reterr) : r;
}
