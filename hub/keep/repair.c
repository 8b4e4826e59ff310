#include "hub/keep/repair.h"

#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/keep/backup.h"
#include "hub/house.h"
#include "hub/record/remnant.h"
#include "hub/index/owed.h"
#include "proto/base/bytes.h"
#include "store/log_segment.h"
#include "store/kv_pages.h"

enum { KEY_BYTES = 8 };

struct repair {
    struct mr_house house;
    const char *dir; /* the backup */
    const struct mr_backup *backup;
    struct mr_buf value;         /* as it lies in the backup */
    struct mr_record_view *view; /* of it */
    struct mr_repaired *ret;
    struct mr_buf remnant;
    bool expired;     /* what is damaged in the segment that is being mended had expired */
    uint64_t offered; /* records for it */
};

/* Of one segment. */
struct tally {
    uint64_t damaged, first_damaged;
    uint64_t expired; /* of those that can be read */
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
        r = mr_owed_put(batch, &(struct mr_owed){number, number});
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

/* ---- in segments ---- */

static int tally(struct mr_log_reader *reader, const struct mr_log_segment *segment, struct tally *ret)
{
    struct mr_record_view *view = malloc(sizeof *view);
    int r = view ? mr_log_reader_renew(reader) : MR_ENOMEM;

    *ret = (struct tally){0};
    for (uint64_t n = segment->first; r == 0 && n <= segment->last; n++) {
        int read = mr_log_read(reader, n, view, NULL);

        ret->expired += read == 0 && view->record.flags & MR_RECORD_EXPIRED;
        if (read == MR_ECORRUPT && ret->damaged++ == 0)
            ret->first_damaged = n;
    }
    mr_log_reader_pause(reader);
    free(view);
    return r;
}

/* The store compares its leaf with the tree before it takes it. */
static int for_damaged(void *ctx, uint64_t number, struct mr_record **ret, struct mr_log_change *ret_change)
{
    struct repair *p = ctx;
    int r = take(p, number);

    if (r == 0 && p->view->record.flags & MR_RECORD_EXPIRED)
        r = MR_ENOTFOUND; /* its leaf is gone there too, so nothing shows that it is the one */
    if (r == 0 && p->expired)
        r = mr_remnant(&p->remnant, &p->view->record);
    if (r < 0)
        return r == MR_ENOMEM ? r : MR_ENOTFOUND;
    empty_erased(p);
    ret_change->expire = p->expired;
    ret_change->remnant = mr_buf_slice(&p->remnant);
    *ret = &p->view->record;
    p->offered++;
    return 0;
}

static int commit_segment(struct repair *p, const struct mr_log_segment *segment)
{
    struct mr_log_batch *batch;
    int r = mr_log_batch_begin(p->house.log, &batch);

    if (r < 0)
        return r;
    r = mr_log_batch_segment(batch, segment);
    if (r == 0)
        r = mr_owed_put(batch, &(struct mr_owed){segment->first, segment->last});
    if (r == 0)
        return mr_log_batch_commit(batch);
    mr_log_batch_abort(batch);
    return r;
}

/* A new generation with what came back; the old one goes when the new one counts. */
static int rewrite(struct repair *p, const struct mr_log_segment *segment, struct mr_error *reterr)
{
    const struct mr_log_segment_plan plan = {.first = segment->first,
            .last = segment->last,
            .generation = segment->generation + 1,
            .mend = for_damaged,
            .ctx = p};
    struct mr_log_segment written;
    bool worth;
    int r;

    p->offered = 0;
    r = mr_log_segment_write(p->house.log, &plan, &written, reterr);
    worth = p->offered > 0;
    if (r == 0 && worth)
        r = commit_segment(p, &written);
    return r < 0 ? r
                 : mr_log_segment_remove(p->house.log, segment->first,
                           worth ? segment->generation : segment->generation + 1);
}

/*
 * Whether a damaged record had expired it cannot say; the segment's row says how many of all had. Where that
 * leaves open which, none is put back: what was to be gone must not return.
 */
static int one_segment(struct repair *p, struct mr_log_reader *reader, const struct mr_log_segment *segment,
        struct mr_error *reterr)
{
    struct tally before, after;
    uint64_t had_expired;
    int r = tally(reader, segment, &before);

    if (r < 0 || before.damaged == 0)
        return r;
    had_expired = segment->expired > before.expired ? segment->expired - before.expired : 0;
    p->expired = had_expired > 0;
    if (had_expired == 0 || had_expired == before.damaged)
        r = rewrite(p, segment, reterr);
    if (r == MR_EIO || r == MR_ENOSPACE || r == MR_ENOMEM)
        return r;
    r = tally(reader, segment, &after);
    if (r < 0)
        return r;
    p->ret->damaged += before.damaged;
    p->ret->mended += before.damaged - after.damaged;
    if (after.damaged > 0 && p->ret->left == 0)
        p->ret->first_left = after.first_damaged;
    p->ret->left += after.damaged;
    return 0;
}

static int all_segments(
        struct repair *p, struct mr_log_reader *reader, uint64_t *ret_last, struct mr_error *reterr)
{
    struct mr_log_segment segment;
    int r = 0;

    *ret_last = 0;
    while (r == 0) {
        r = mr_log_reader_renew(reader);
        if (r == 0)
            r = mr_log_segment_find(reader, *ret_last + 1, &segment);
        mr_log_reader_pause(reader);
        if (r == MR_ENOTFOUND)
            return 0;
        if (r == 0)
            r = one_segment(p, reader, &segment, reterr);
        *ret_last = segment.last;
    }
    return r;
}

/* ---- in the growing environment ---- */

static int growing(struct repair *p, struct mr_log_reader *reader, uint64_t from)
{
    struct mr_record_view *view = malloc(sizeof *view);
    uint64_t head = mr_log_head(p->house.log);
    int r = view ? mr_log_reader_renew(reader) : MR_ENOMEM;

    for (uint64_t n = from; r == 0 && n <= head; n++) {
        if (mr_log_read(reader, n, view, NULL) != MR_ECORRUPT)
            continue;
        mr_log_reader_pause(reader);
        r = one_damaged(p, n);
        if (r == 0)
            r = mr_log_reader_renew(reader);
    }
    free(view);
    return r;
}

static int all(struct repair *p, struct mr_error *reterr)
{
    struct mr_error error = {0};
    struct mr_log_reader *reader = NULL;
    uint64_t last = 0;
    int r = mr_log_reader_open(p->house.log, &reader);

    if (r == 0)
        r = all_segments(p, reader, &last, &error);
    if (r == 0)
        r = growing(p, reader, last + 1);
    mr_log_reader_close(reader);
    if (r < 0 && error.what[0] && reterr)
        *reterr = error;
    else if (r < 0)
        mr_error_set(reterr, r, "log", "look at the disk", "cannot be mended: %s", mr_err_text(r));
    return r;
}

static int paid(struct mr_house *house, const struct mr_owed *owed)
{
    const struct mr_owed_stop never = {0};
    struct mr_log_batch *batch;
    int r = mr_owed_settle(house, owed, &never);

    if (r == 0)
        r = mr_log_batch_begin(house->log, &batch);
    if (r < 0)
        return r == MR_EAGAIN ? 0 : r; /* the hub does it, once they have come so far */
    r = mr_owed_del(batch, owed);
    if (r == 0)
        return mr_log_batch_commit(batch);
    mr_log_batch_abort(batch);
    return r;
}

/* Index and views get what came back; also what an earlier run, or a hub, did not come to. */
static int settle(struct repair *p, struct mr_error *reterr)
{
    struct mr_log_reader *reader = NULL;
    struct mr_owed owed = {0};
    int r = mr_log_reader_open(p->house.log, &reader);

    while (r == 0) {
        r = mr_log_reader_renew(reader);
        if (r == 0)
            r = mr_owed_next(reader, owed.first + 1, &owed);
        if (reader)
            mr_log_reader_pause(reader);
        if (r == 0)
            r = paid(&p->house, &owed);
    }
    mr_log_reader_close(reader);
    return r == MR_ENOTFOUND ? 0
                             : mr_error_set(reterr, r, "index/ or views/",
                                       "the records are back; run: marshrut rebuild",
                                       "what was derived cannot be mended: %s", mr_err_text(r));
}

int mr_repair_from(const struct mr_config *config, const char *dir, struct mr_repaired *ret, mr_scrub_fn fn,
        void *ctx, struct mr_error *reterr)
{
    struct mr_backup backup;
    struct repair p = {.dir = dir, .backup = &backup, .ret = ret};
    int r = mr_backup_verify(dir, &backup, fn, ctx, NULL, reterr);

    *ret = (struct mr_repaired){0};
    if (r < 0)
        return r;
    p.view = malloc(sizeof *p.view);
    r = p.view ? mr_house_open(&p.house, config, /* read_only= */ false, reterr) : MR_ENOMEM;
    if (r == 0) {
        r = all(&p, reterr);
        if (r == 0)
            r = settle(&p, reterr);
        mr_house_close(&p.house);
    }
    mr_buf_fini(&p.value);
    mr_buf_fini(&p.remnant);
    free(p.view);
    mr_backup_fini(&backup);
    return r;
}
