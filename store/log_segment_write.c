/* Writing a segment: a range of records, wherever it lies, copied into an environment of its own. */
#include "store/log_segment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/fault.h"
#include "store/log_internal.h"

enum { COMMIT_BYTES = 8 << 20 }; /* a commit of the new file; the log's snapshot is renewed with it */

struct writing {
    struct mr_log *log;
    const struct mr_log_segment_plan *plan;
    struct mr_log_reader *reader;
    struct mr_kv *kv;
    struct mr_kv_txn *txn;
    size_t pending_bytes;
    uint64_t had_expired; /* of what was read */
    struct mr_buf scratch;
    struct mr_log_segment *ret;
    struct mr_error *reterr;
    char path[LOG_PATH_MAX]; /* under its working name */
};

static int failed(const struct writing *w, int r, const char *what)
{
    return mr_error_set(w->reterr, r, w->path, r == MR_ENOSPACE ? "free space; it is tried again" : "",
            "%s: %s", what, mr_err_text(r));
}

/* ---- one record ---- */

/* What became of it, encoded anew; its head is the old one in every case. */
static int changed(struct writing *w, struct mr_record *record, const struct mr_log_change *change)
{
    bool stripped = false;

    if (change->expire) {
        record->flags = (uint16_t)((record->flags | MR_RECORD_EXPIRED) & ~MR_RECORD_STRIPPED);
        record->leaf = change->remnant;
        record->slots_count = 0;
    }
    for (size_t i = 0; i < record->slots_count; i++)
        if (change->strip & 1u << i) {
            record->slots[i] = mr_slice(NULL, 0);
            stripped = true;
        }
    if (stripped)
        record->flags |= MR_RECORD_STRIPPED;
    mr_buf_reset(&w->scratch);
    return mr_record_encode(&w->scratch, record);
}

static void count(struct writing *w, const struct mr_record *record)
{
    w->ret->expired += (record->flags & MR_RECORD_EXPIRED) != 0;
    w->ret->stripped += (record->flags & MR_RECORD_STRIPPED) != 0;
}

/* The bytes to write: as they are, unless something is to become of them. */
static int bytes_of(struct writing *w, struct mr_record *record, struct mr_slice *value)
{
    struct mr_log_change change = {0};
    bool expired = record->flags & MR_RECORD_EXPIRED;
    int r = 0;

    w->had_expired += expired;
    if (w->plan->change && !expired)
        r = w->plan->change(w->plan->ctx, record, &change);
    if (r == 0 && (change.expire || change.strip)) {
        r = changed(w, record, &change);
        *value = mr_buf_slice(&w->scratch);
    }
    count(w, record);
    return r;
}

/* The bytes in place of damaged ones. MR_ENOTFOUND: there are none that the tree knows. */
static int mended(struct writing *w, uint64_t number, struct mr_slice *value)
{
    struct mr_log_change change = {0};
    struct mr_record *record;
    int r = w->plan->mend ? w->plan->mend(w->plan->ctx, number, &record, &change) : MR_ENOTFOUND;

    if (r == 0)
        r = mr_log_same_leaf(w->reader->txn, number, record);
    if (r == MR_EDENIED || r == MR_EINVAL)
        return MR_ENOTFOUND;
    if (r == 0)
        r = changed(w, record, &change);
    if (r < 0)
        return r;
    *value = mr_buf_slice(&w->scratch);
    w->had_expired += change.expire;
    count(w, record);
    return 0;
}

static int value_of(struct writing *w, uint64_t number, struct mr_slice *value)
{
    struct mr_error error = {0};
    struct mr_record_view view;
    int r = mr_log_read_value(w->reader, number, value, &error);
    bool readable = r == 0;

    if (readable)
        r = mr_record_decode(&view, number, *value, NULL);
    if (r == 0)
        return bytes_of(w, &view.record, value);
    if (r == MR_ECORRUPT)
        r = mended(w, number, value);
    if (readable && (r == MR_ENOTFOUND || r == MR_EUNSUPPORTED))
        return 0; /* damage is copied, so that it stays where it can be mended */
    if (!readable && r < 0 && w->reterr)
        *w->reterr = error;
    return r == MR_ENOTFOUND ? MR_ECORRUPT : r;
}

static int put_one(struct writing *w, uint64_t number)
{
    uint8_t key[LOG_KEY_BYTES];
    struct mr_slice value;
    int r = value_of(w, number, &value);

    if (r < 0)
        return w->reterr && w->reterr->what[0] ? r : failed(w, r, "the segment cannot be written");
    mr_put_be64(key, number);
    r = mr_kv_append(w->txn, LOG_FILE_RECORDS, mr_slice(key, sizeof key), value);
    w->pending_bytes += value.size;
    return r < 0 ? failed(w, r, "the segment cannot be written") : 0;
}

/* Damaged records that had expired are counted on: whoever mends them must not bring them back. */
static void count_damaged(struct writing *w)
{
    struct mr_log_segment old;

    if (mr_log_segment_row(w->reader->txn, w->plan->first, &old) == 0 && old.expired > w->had_expired)
        w->ret->expired += old.expired - w->had_expired;
}

/* ---- all of them ---- */

/* Which segment this is: a file that comes from elsewhere is not taken for it. */
static int put_meta(struct writing *w)
{
    uint8_t value[LOG_FILE_IDENTITY_BYTES];
    int r = mr_log_file_identity(w->log, w->ret, value);

    return r < 0 ? r
                 : mr_kv_put(w->txn, LOG_FILE_META, mr_slice_str(LOG_FILE_IDENTITY),
                           mr_slice(value, sizeof value));
}

static int commit(struct writing *w)
{
    int r = mr_kv_commit(w->txn);

    w->txn = NULL;
    w->pending_bytes = 0;
    return r < 0 ? failed(w, r, "the segment cannot be made durable") : 0;
}

/* The next part; the log's pages are not held back for longer than one takes. */
static int next_part(struct writing *w)
{
    int r = commit(w);

    if (r == 0 && (r = mr_log_reader_renew(w->reader)) == 0)
        r = mr_kv_begin_write(w->kv, &w->txn);
    return r;
}

static int copy(struct writing *w)
{
    int r = mr_kv_begin_write(w->kv, &w->txn);

    if (r == 0)
        r = put_meta(w);
    for (uint64_t n = w->plan->first; r == 0 && n <= w->plan->last; n++) {
        r = put_one(w, n);
        if (r == 0 && w->pending_bytes >= COMMIT_BYTES)
            r = next_part(w);
    }
    if (r < 0)
        return r;
    count_damaged(w);
    return commit(w);
}

static int open_new(struct writing *w)
{
    const struct mr_kv_options options = {.dir = w->path,
            .tables = mr_log_file_tables,
            .tables_count = LOG_FILE_TABLES,
            .checked = 1 << LOG_FILE_META,
            .unlocked = true};
    int r = mr_log_file_remove_folder(w->path);

    if (r < 0)
        return failed(w, r, "an unfinished segment cannot be removed");
    r = mr_kv_open(&w->kv, &options, w->reterr);
    return r < 0 ? r : mr_kv_layout(w->kv, LOG_FILE_META, LOG_LAYOUT, w->reterr);
}

/* ---- its name ---- */

static int give_name(struct writing *w)
{
    char folder[LOG_PATH_MAX], path[LOG_PATH_MAX], name[LOG_FILE_NAME_MAX];
    struct stat st;
    int r = mr_log_file_stat(w->path, &st) < 0 ? mr_err_from_errno(errno) : 0;

    if (r == 0)
        r = MR_FAULT("segment.rename.before");
    if (r == 0)
        r = mr_log_file_path(w->log, NULL, folder);
    if (r == 0)
        r = mr_log_file_path(w->log, mr_log_file_name(w->plan->first, w->plan->generation, name), path);
    if (r == 0)
        r = mr_log_file_remove_folder(path); /* of an attempt whose row was never committed */
    if (r == 0 && rename(w->path, path) < 0)
        r = mr_err_from_errno(errno);
    if (r == 0)
        r = mr_log_file_sync(folder);
    if (r == 0)
        r = MR_FAULT("segment.rename.after");
    w->ret->bytes = (uint64_t)st.st_size;
    return r < 0 ? failed(w, r, "the segment cannot get its name") : 0;
}

static int make_folder(struct writing *w)
{
    char folder[LOG_PATH_MAX], name[LOG_FILE_NAME_MAX], working[LOG_FILE_NAME_MAX + 16];
    int r = mr_log_file_path(w->log, NULL, folder);

    (void)snprintf(working, sizeof working, LOG_FILE_WORKING "%s",
            mr_log_file_name(w->plan->first, w->plan->generation, name));
    if (r == 0)
        r = mr_log_file_path(w->log, working, w->path);
    if (r == 0)
        r = MR_FAULT("segment.write.before");
    if (r == 0 && mkdir(folder, 0700) == 0)
        r = mr_log_file_sync(mr_kv_dir(w->log->kv));
    else if (r == 0 && errno != EEXIST)
        r = mr_err_from_errno(errno);
    return r < 0 ? failed(w, r, "the folder of segments cannot be made") : 0;
}

int mr_log_segment_write(struct mr_log *log, const struct mr_log_segment_plan *plan,
        struct mr_log_segment *ret, struct mr_error *reterr)
{
    struct writing w = {.log = log, .plan = plan, .ret = ret, .reterr = reterr};
    int r;

    assert(!log->read_only && plan->first > 0 && plan->first <= plan->last && plan->generation > 0);
    *ret = (struct mr_log_segment){.first = plan->first, .last = plan->last, .generation = plan->generation};
    r = make_folder(&w);
    if (r == 0)
        r = mr_log_reader_open(log, &w.reader);
    if (r == 0) {
        assert(plan->last < mr_log_reader_head(w.reader));
        r = open_new(&w);
    }
    if (r == 0)
        r = copy(&w);
    mr_kv_abort(w.txn);
    mr_kv_close(w.kv);
    mr_log_reader_close(w.reader);
    mr_buf_fini(&w.scratch);
    if (r == 0)
        r = give_name(&w);
    if (r < 0 && w.path[0])
        (void)mr_log_file_remove_folder(w.path);
    return r;
}
