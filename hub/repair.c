#include "hub/repair.h"

#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/backup.h"
#include "hub/house.h"
#include "proto/base/bytes.h"
#include "store/kv_pages.h"

enum { KEY_BYTES = 8 };

struct repair {
    struct mr_house house;
    const char *dir; /* the backup */
    const struct mr_backup *backup;
    struct mr_buf value;         /* as it lies in the backup */
    struct mr_record_view *view; /* of it */
    struct mr_repaired *ret;
};

static void ignore(void *ctx, const struct mr_kv_damage *damage)
{
    (void)ctx;
    (void)damage;
}

/* The value of a number in one environment of the backup. MR_ENOTFOUND. */
static int take_from(struct repair *p, const char *environment, uint64_t number)
{
    struct mr_kv_pages_cursor *cursor = NULL;
    struct mr_kv_pages *pages;
    struct mr_slice key, value;
    uint8_t want[KEY_BYTES];
    char path[PATH_MAX];
    int r;

    (void)snprintf(path, sizeof path, "%s/%s", p->dir, environment);
    mr_put_be64(want, number);
    r = mr_kv_pages_open(&pages, path, NULL, ignore, NULL, NULL);
    if (r < 0)
        return r;
    r = mr_kv_pages_cursor_open(&cursor, pages, "records");
    if (r == 0)
        r = mr_kv_pages_cursor_seek(cursor, mr_slice(want, sizeof want));
    if (r == 0)
        r = mr_kv_pages_cursor_next(cursor, &key, &value);
    if (r == 0 && !mr_slice_equal(key, mr_slice(want, sizeof want)))
        r = MR_ENOTFOUND;
    if (r == 0) {
        mr_buf_reset(&p->value);
        mr_buf_put_slice(&p->value, value);
        r = mr_buf_failed(&p->value) ? MR_ENOMEM : 0;
    }
    mr_kv_pages_cursor_close(cursor);
    mr_kv_pages_close(pages);
    return r;
}

/* There it may have been in the growing log or in a segment. */
static int take(struct repair *p, uint64_t number)
{
    int r = take_from(p, "log", number);

    for (size_t i = 0; r == MR_ENOTFOUND && i < p->backup->files_count; i++) {
        char environment[MR_BACKUP_PATH_MAX];
        uint64_t first;

        if (sscanf(p->backup->files[i].path, "log/segments/%" SCNu64 "-", &first) != 1 || first > number)
            continue;
        (void)snprintf(environment, sizeof environment, "%s", p->backup->files[i].path);
        *strrchr(environment, '/') = '\0';
        r = take_from(p, environment, number);
    }
    return r < 0 ? r : mr_record_decode(p->view, number, mr_buf_slice(&p->value), NULL);
}

/* What was forgotten since the backup stays forgotten. */
static void empty_erased(struct repair *p)
{
    struct mr_record *record = &p->view->record;

    for (size_t i = 0; i < record->slots_count; i++) {
        uint8_t key_id[MR_KEY_ID_BYTES];
        struct mr_slot_key key;

        if (record->slots[i].size == 0 || mr_slot_key_id(record->slots[i], key_id) < 0 ||
                mr_keyring_key(p->house.keyring, key_id, &key) != MR_EDESTROYED)
            continue;
        record->slots[i] = (struct mr_slice){0};
        record->flags |= MR_RECORD_STRIPPED;
    }
}

static int mend(struct repair *p, uint64_t number)
{
    struct mr_log_batch *batch;
    int r = take(p, number);

    if (r < 0)
        return r;
    empty_erased(p);
    r = mr_log_batch_begin(p->house.log, &batch);
    if (r < 0)
        return r;
    r = mr_log_batch_mend(batch, &p->view->record);
    if (r == 0)
        return mr_log_batch_commit(batch);
    mr_log_batch_abort(batch);
    return r;
}

static int one_damaged(struct repair *p, uint64_t number)
{
    int r = mend(p, number);

    p->ret->damaged++;
    if (r == 0) {
        p->ret->mended++;
        return 0;
    }
    if (p->ret->left++ == 0)
        p->ret->first_left = number;
    return r == MR_EIO || r == MR_ENOSPACE || r == MR_ENOMEM ? r : 0;
}

static int all(struct repair *p, struct mr_error *reterr)
{
    struct mr_record_view *view = malloc(sizeof *view);
    struct mr_log_reader *reader = NULL;
    uint64_t head = mr_log_head(p->house.log);
    int r = view ? mr_log_reader_open(p->house.log, &reader) : MR_ENOMEM;

    for (uint64_t n = 1; r == 0 && n <= head; n++) {
        if (mr_log_read(reader, n, view, NULL) != MR_ECORRUPT)
            continue;
        mr_log_reader_pause(reader);
        r = one_damaged(p, n);
        if (r == 0)
            r = mr_log_reader_renew(reader);
    }
    mr_log_reader_close(reader);
    free(view);
    return r < 0 ? mr_error_set(reterr, r, "log", "look at the disk", "cannot be mended: %s", mr_err_text(r))
                 : 0;
}

int mr_repair_from(const struct mr_config *config, const char *dir, struct mr_repaired *ret, mr_scrub_fn fn,
        void *ctx, struct mr_error *reterr)
{
    struct mr_backup backup;
    struct repair p = {.dir = dir, .backup = &backup, .ret = ret};
    int r = mr_backup_verify(dir, &backup, fn, ctx, reterr);

    *ret = (struct mr_repaired){0};
    if (r < 0)
        return r;
    p.view = malloc(sizeof *p.view);
    r = p.view ? mr_house_open(&p.house, config, /* read_only= */ false, reterr) : MR_ENOMEM;
    if (r == 0) {
        r = all(&p, reterr);
        mr_house_close(&p.house);
    }
    mr_buf_fini(&p.value);
    free(p.view);
    mr_backup_fini(&backup);
    return r;
}
