#include "store/log.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/log_internal.h"
#include "store/scrub.h"

static int look_at_ends(struct mr_log_reader *reader)
{
    reader->rolled = mr_log_rolled(reader->txn);
    return mr_log_last(reader->txn, &reader->head, NULL);
}

/* A snapshot; the reader is paused unless 0. */
static int take(struct mr_log_reader *reader)
{
    int r = mr_kv_begin_read(reader->log->kv, &reader->txn);

    if (r == 0)
        r = mr_kv_cursor_open(reader->txn, LOG_RECORDS, &reader->cursor);
    if (r == 0)
        r = look_at_ends(reader);
    reader->paused = false;
    if (r < 0)
        mr_log_reader_pause(reader);
    return r;
}

int mr_log_reader_open(struct mr_log *log, struct mr_log_reader **ret)
{
    struct mr_log_reader *reader = calloc(1, sizeof *reader);
    int r;

    if (!reader)
        return MR_ENOMEM;
    reader->log = log;
    r = take(reader);
    if (r < 0) {
        mr_log_reader_close(reader);
        return r;
    }
    *ret = reader;
    return 0;
}

/* Lets go of the segment. */
static void leave_segment(struct mr_log_reader *reader)
{
    if (!reader->file)
        return;
    mr_kv_cursor_close(reader->file_cursor);
    mr_kv_abort(reader->file_txn);
    mr_log_file_unpin(reader->log, reader->file);
    reader->file = NULL;
    reader->file_txn = NULL;
    reader->file_cursor = NULL;
}

void mr_log_reader_close(struct mr_log_reader *reader)
{
    if (!reader)
        return;
    mr_log_reader_pause(reader);
    free(reader);
}

int mr_log_reader_renew(struct mr_log_reader *reader)
{
    mr_log_reader_pause(reader); /* of a segment too: there may be a newer generation */
    return take(reader);
}

/* Nothing is kept open: a compaction would wait for it. */
void mr_log_reader_pause(struct mr_log_reader *reader)
{
    leave_segment(reader);
    mr_kv_cursor_close(reader->cursor);
    mr_kv_abort(reader->txn);
    reader->cursor = NULL;
    reader->txn = NULL;
    reader->positioned = false;
    reader->paused = true;
}

uint64_t mr_log_reader_head(struct mr_log_reader *reader)
{
    return reader->head;
}

/* Moves a cursor to the number: by a step when it stands just before it, else by a search. */
static int move_to(struct mr_kv_cursor *cursor, bool step, uint64_t number, struct mr_slice *ret_value)
{
    uint8_t want[LOG_KEY_BYTES];
    struct mr_slice key;
    int r;

    mr_put_be64(want, number);
    if (step)
        r = mr_kv_cursor_next(cursor, &key, ret_value);
    else
        r = mr_kv_cursor_seek(cursor, mr_slice(want, sizeof want), &key, ret_value);
    if (r == 0 && !mr_slice_equal(key, mr_slice(want, sizeof want)))
        r = MR_ENOTFOUND;
    return r;
}

/* ---- segments ---- */

/* What the snapshot says may be gone by now: then a newer generation has the same records. */
static int newest_row(struct mr_log_reader *reader, uint64_t number)
{
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_read(reader->log->kv, &txn);

    if (r < 0)
        return r;
    r = mr_log_segment_row(txn, number, &reader->segment);
    mr_kv_abort(txn);
    return r;
}

static int open_cursor(struct mr_log_reader *reader)
{
    int r = mr_kv_begin_read(reader->file->kv, &reader->file_txn);

    if (r == 0)
        r = mr_kv_cursor_open(reader->file_txn, LOG_FILE_RECORDS, &reader->file_cursor);
    if (r < 0)
        leave_segment(reader);
    return r;
}

/* MR_ENOTFOUND: no segment has the number. */
static int enter_segment(struct mr_log_reader *reader, uint64_t number, struct mr_error *reterr)
{
    enum { ATTEMPTS = 3 };
    int r = mr_log_segment_row(reader->txn, number, &reader->segment);

    leave_segment(reader);
    for (int i = 0; r == 0; i++) {
        r = mr_log_file_pin(reader->log, &reader->segment, &reader->file, reterr);
        if (r != MR_ENOTFOUND)
            return r < 0 ? r : open_cursor(reader);
        if (i == ATTEMPTS)
            return MR_ECORRUPT;
        r = newest_row(reader, number);
    }
    return r;
}

static bool in_segment(const struct mr_log_reader *reader, uint64_t number)
{
    return reader->file && number >= reader->segment.first && number <= reader->segment.last;
}

static int read_segment(
        struct mr_log_reader *reader, uint64_t number, struct mr_slice *ret, struct mr_error *reterr)
{
    bool step = in_segment(reader, number) && reader->file_at > 0 && number == reader->file_at + 1;
    int r = in_segment(reader, number) ? 0 : enter_segment(reader, number, reterr);

    reader->file_at = 0;
    if (r < 0)
        return r;
    r = move_to(reader->file_cursor, step, number, ret);
    if (r == 0)
        reader->file_at = number;
    return r;
}

/* ---- records ---- */

int mr_log_read_value(
        struct mr_log_reader *reader, uint64_t number, struct mr_slice *ret, struct mr_error *reterr)
{
    bool step = reader->positioned && number == reader->at + 1;
    struct mr_error error = {0};
    char where[48];
    int r = 0;

    assert(!reader->paused);
    if (number == 0 || number > reader->head)
        return MR_ENOTFOUND;
    reader->at = number;
    reader->positioned = false;
    if (number > reader->rolled) {
        r = move_to(reader->cursor, step, number, ret);
        reader->positioned = r == 0;
    }
    /* What a segment has counts, also while the growing environment still has it as it was. */
    if (number <= reader->rolled || r == MR_ENOTFOUND)
        r = read_segment(reader, number, ret, &error);
    if (r == 0)
        return 0;
    (void)snprintf(where, sizeof where, "record %llu", (unsigned long long)number);
    if (r == MR_ENOTFOUND) /* below the head there are no gaps */
        return mr_error_set(
                reterr, MR_ECORRUPT, where, "restore the log from a backup", "the record is missing");
    return mr_error_set(
            reterr, r, where, error.cure, "cannot read: %s", error.code ? error.what : mr_err_text(r));
}

int mr_log_read(
        struct mr_log_reader *reader, uint64_t number, struct mr_record_view *ret, struct mr_error *reterr)
{
    struct mr_slice value;
    int r = mr_log_read_value(reader, number, &value, reterr);

    return r < 0 ? r : mr_record_decode(ret, number, value, reterr);
}

int mr_log_read_next(struct mr_log_reader *reader, struct mr_record_view *ret, struct mr_error *reterr)
{
    return mr_log_read(reader, reader->at + 1, ret, reterr);
}

int mr_log_row(
        struct mr_log_reader *reader, enum mr_log_table table, struct mr_slice key, struct mr_slice *ret)
{
    assert(!reader->paused);
    return mr_kv_get(reader->txn, mr_log_table_index(table), key, ret);
}

int mr_log_rows(struct mr_log_reader *reader, enum mr_log_table table, struct mr_slice prefix,
        struct mr_slice from, mr_log_row_fn fn, void *ctx)
{
    assert(!reader->paused);
    return mr_kv_rows(reader->txn, mr_log_table_index(table), prefix, from, fn, ctx);
}

int mr_log_rows_down(struct mr_log_reader *reader, enum mr_log_table table, struct mr_slice prefix,
        struct mr_slice last, mr_log_row_fn fn, void *ctx)
{
    assert(!reader->paused);
    return mr_kv_rows_down(reader->txn, mr_log_table_index(table), prefix, last, fn, ctx);
}

struct mr_kv *mr_log_kv(struct mr_log *log)
{
    return log->kv;
}
