#include "store/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/statvfs.h>

#include "store/log_internal.h"

static const char *const table_names[LOG_TABLES_COUNT] = {
        [MR_LOG_VERDICT] = "verdict",
        [MR_LOG_INTAKE] = "intake",
        [MR_LOG_PRODUCER] = "producer",
        [MR_LOG_CURSOR] = "cursor",
        [MR_LOG_DELIVERY] = "delivery",
        [MR_LOG_NACK] = "nack",
        [MR_LOG_PARKED] = "parked",
        [MR_LOG_QUARANTINE] = "quarantine",
        [MR_LOG_DOCUMENT] = "document",
        [MR_LOG_NAME] = "name",
        [MR_LOG_CONFIG] = "config",
        [MR_LOG_CHECKPOINT] = "cp",
        [MR_LOG_SEGMENT] = "segment",
        [MR_LOG_STRIP] = "strip",
        [MR_LOG_HOLD] = "hold",
        [MR_LOG_ACCESS] = "access",
        [MR_LOG_META] = "meta",
        [LOG_RECORDS] = "records",
        [LOG_TREE] = "row0",
        "row1",
        "row2",
        "row3",
        "row4",
        "row5",
        "row6",
        "row7",
};

_Static_assert((int)LOG_TABLES_COUNT <= (int)MR_KV_TABLES_MAX, "more tables than an environment has");

static uint64_t number_of(struct mr_slice key)
{
    return key.size == LOG_KEY_BYTES ? mr_get_be64(key.data) : 0;
}

int mr_log_last(struct mr_kv_txn *txn, uint64_t *ret_number, struct mr_slice *ret_value)
{
    struct mr_kv_cursor *cursor;
    struct mr_slice key, value;
    int r = mr_kv_cursor_open(txn, LOG_RECORDS, &cursor);

    if (r < 0)
        return r;
    r = mr_kv_cursor_last(cursor, &key, &value);
    mr_kv_cursor_close(cursor);
    if (r == MR_ENOTFOUND) {
        *ret_number = 0;
        return 0;
    }
    if (r < 0)
        return r;
    *ret_number = number_of(key);
    if (ret_value)
        *ret_value = value;
    return *ret_number > 0 ? 0 : MR_ECORRUPT;
}

/* A random id, so that a copy of another log is not taken for this one. */
static int ensure_id(struct mr_log *log)
{
    const struct mr_slice key = mr_slice_str("id");
    struct mr_slice value;
    struct mr_kv_txn *txn;
    uint8_t id[16];
    int r = mr_kv_begin_write(log->kv, &txn);

    if (r < 0)
        return r;
    if (mr_kv_get(txn, MR_LOG_META, key, &value) == MR_ENOTFOUND) {
        if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id) {
            mr_kv_abort(txn);
            return MR_ESYSTEM;
        }
        (void)mr_kv_put(txn, MR_LOG_META, key, mr_slice(id, sizeof id)); /* sticky */
    }
    return mr_kv_commit(txn);
}

/*
 * Numbers start at 1 and none is missing: as many records as the last number says, without those that are in
 * segments alone.
 */
static int verify_numbers(struct mr_log *log, struct mr_kv_txn *txn, uint64_t last, struct mr_error *reterr)
{
    uint64_t count = mr_kv_count(txn, LOG_RECORDS);
    uint64_t trimmed;
    int r = mr_log_segments_check(log, txn, reterr);

    if (r == 0)
        r = mr_log_trimmed_row(txn, &trimmed);
    if (r < 0)
        return r;
    if (trimmed <= last && count == last - trimmed)
        return 0;
    return mr_error_set(reterr, MR_ECORRUPT, mr_kv_dir(log->kv), "restore the folder from a backup",
            "the last record is %llu, but there are %llu", (unsigned long long)last,
            (unsigned long long)(trimmed + count));
}

/*
 * The last record may be damaged like any other: it is isolated, and appends go on behind it. Time then does
 * not go back behind the last one that can be read; *ret_sound: that is the last one of all.
 */
static int verify_last(
        struct mr_log *log, struct mr_kv_txn *txn, struct mr_record_view *view, bool *ret_sound)
{
    struct mr_kv_cursor *cursor;
    struct mr_slice key, value;
    int r = mr_kv_cursor_open(txn, LOG_RECORDS, &cursor);

    if (r < 0)
        return r;
    *ret_sound = true;
    r = mr_kv_cursor_last(cursor, &key, &value);
    while (r == 0 && (r = mr_record_decode(view, number_of(key), value, NULL)) == MR_ECORRUPT) {
        *ret_sound = false;
        r = mr_kv_cursor_prev(cursor, &key, &value);
    }
    mr_kv_cursor_close(cursor);
    if (r == 0)
        atomic_store(&log->head_recorded_us, view->record.recorded_us);
    return r == MR_ENOTFOUND ? 0 : r;
}

static int verify_end(struct mr_log *log, struct mr_kv_txn *txn, struct mr_error *reterr)
{
    struct mr_record_view *view;
    uint64_t last = 0;
    bool sound;
    int r = mr_log_last(txn, &last, NULL);

    if (r < 0)
        return mr_error_set(
                reterr, r, mr_kv_dir(log->kv), "restore the folder from a backup", "no end can be read");
    r = verify_numbers(log, txn, last, reterr);
    atomic_store(&log->head, last);
    if (r == 0)
        r = mr_log_tree_load(txn, last, &log->range, reterr);
    if (r < 0)
        return r;
    if (last == 0)
        return mr_log_tree_check(log, txn, NULL, reterr);
    view = malloc(sizeof *view);
    if (!view)
        return MR_ENOMEM;
    r = verify_last(log, txn, view, &sound);
    if (r < 0)
        mr_error_set(reterr, r, mr_kv_dir(log->kv), "use the version of the program that wrote it",
                "the last record cannot be read: %s", mr_err_text(r));
    else
        r = mr_log_tree_check(log, txn, sound ? &view->record : NULL, reterr);
    free(view);
    return r;
}

static int open_checked(struct mr_log *log, struct mr_error *reterr)
{
    struct mr_kv_txn *txn;
    int r = mr_kv_layout(log->kv, MR_LOG_META, LOG_LAYOUT, reterr);

    if (r == 0 && !log->read_only && (r = ensure_id(log)) < 0)
        mr_error_set(reterr, r, mr_kv_dir(log->kv), "", "cannot write the log's id: %s", mr_err_text(r));
    if (r < 0)
        return r;
    r = mr_kv_begin_read(log->kv, &txn);
    if (r < 0)
        return mr_error_set(reterr, r, mr_kv_dir(log->kv), "", "cannot read: %s", mr_err_text(r));
    r = verify_end(log, txn, reterr);
    if (r == 0 && !log->read_only) /* for others the rows of the snapshot may be old news */
        r = mr_log_files_check(log, txn, reterr);
    if (r == 0 && !log->read_only && (r = mr_log_files_sweep(log, txn)) < 0)
        mr_error_set(reterr, r, mr_kv_dir(log->kv), "check the owner of segments/",
                "what an interrupted compaction left cannot be removed: %s", mr_err_text(r));
    mr_kv_abort(txn);
    if (r == MR_ECORRUPT && log->read_only)
        r = 0; /* a tool must be able to look at a damaged log; reads say which record */
    return r;
}

int mr_log_open(struct mr_log **ret, const struct mr_log_options *options, struct mr_error *reterr)
{
    const struct mr_kv_options kv_options = {
            .dir = options->dir,
            .tables = table_names,
            .tables_count = LOG_TABLES_COUNT,
            .checked = LOG_CHECKED,
            .read_only = options->read_only,
            .exclusive = !options->read_only,
    };
    struct mr_log *log = calloc(1, sizeof *log);
    int r;

    if (!log)
        return mr_error_set(reterr, MR_ENOMEM, options->dir, "", "out of memory");
    log->read_only = options->read_only;
    mr_list_init(&log->files);
    pthread_mutex_init(&log->files_lock, NULL);
    r = mr_kv_open(&log->kv, &kv_options, reterr);
    if (r == 0)
        r = open_checked(log, reterr);
    if (r < 0) {
        mr_log_close(log);
        return r;
    }
    *ret = log;
    return 0;
}

void mr_log_close(struct mr_log *log)
{
    if (!log)
        return;
    assert(!atomic_load(&log->batch_open));
    mr_log_files_close(log);
    pthread_mutex_destroy(&log->files_lock);
    mr_kv_close(log->kv);
    free(log);
}

/* A read-only log learns of another process's commits by looking. On failure it keeps what it knew. */
static void refresh(struct mr_log *log)
{
    struct mr_record_view *view = malloc(sizeof *view);
    struct mr_slice value = {0};
    struct mr_kv_txn *txn;
    uint64_t last;

    if (view && mr_kv_begin_read(log->kv, &txn) == 0) {
        if (mr_log_last(txn, &last, &value) == 0) {
            atomic_store(&log->head, last);
            if (last > 0 && mr_record_decode(view, last, value, NULL) == 0)
                atomic_store(&log->head_recorded_us, view->record.recorded_us);
        }
        mr_kv_abort(txn);
    }
    free(view);
}

uint64_t mr_log_head(struct mr_log *log)
{
    if (log->read_only)
        refresh(log);
    return atomic_load_explicit(&log->head, memory_order_acquire);
}

int64_t mr_log_head_recorded_us(struct mr_log *log)
{
    if (log->read_only)
        refresh(log);
    return atomic_load_explicit(&log->head_recorded_us, memory_order_acquire);
}

int mr_log_maintain(struct mr_log *log)
{
    return mr_kv_reader_check(log->kv);
}

int mr_log_usage(struct mr_log *log, struct mr_log_usage *ret)
{
    struct mr_kv_usage usage;
    struct statvfs vfs;
    int r = mr_kv_usage(log->kv, &usage);

    if (r < 0)
        return r;
    if (statvfs(mr_kv_dir(log->kv), &vfs) < 0)
        return mr_err_from_errno(errno);
    *ret = (struct mr_log_usage){
            .used_bytes = usage.used_bytes,
            .file_bytes = usage.file_bytes,
            .disk_free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize,
    };
    return 0;
}

int mr_log_compact(struct mr_log *log, struct mr_kv_compaction *ret, struct mr_error *reterr)
{
    return mr_kv_compact(log->kv, ret, reterr);
}
