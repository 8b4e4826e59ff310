#include "store/log.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/log_internal.h"

int mr_log_reader_open(struct mr_log *log, struct mr_log_reader **ret)
{
    struct mr_log_reader *reader = calloc(1, sizeof *reader);
    int r;

    if (!reader)
        return MR_ENOMEM;
    reader->log = log;
    r = mr_kv_begin_read(log->kv, &reader->txn);
    if (r == 0)
        r = mr_kv_cursor_open(reader->txn, LOG_RECORDS, &reader->cursor);
    if (r == 0)
        r = mr_log_last(reader->txn, &reader->head, NULL);
    if (r < 0) {
        mr_log_reader_close(reader);
        return r;
    }
    *ret = reader;
    return 0;
}

void mr_log_reader_close(struct mr_log_reader *reader)
{
    if (!reader)
        return;
    mr_kv_cursor_close(reader->cursor);
    mr_kv_abort(reader->txn);
    free(reader);
}

int mr_log_reader_renew(struct mr_log_reader *reader)
{
    int r;

    reader->positioned = false;
    reader->paused = true; /* until all of it succeeded */
    r = mr_kv_renew(reader->txn);
    if (r == 0)
        r = mr_kv_cursor_renew(reader->cursor);
    if (r == 0)
        r = mr_log_last(reader->txn, &reader->head, NULL);
    reader->paused = r < 0;
    return r;
}

void mr_log_reader_pause(struct mr_log_reader *reader)
{
    mr_kv_pause(reader->txn);
    reader->positioned = false;
    reader->paused = true;
}

uint64_t mr_log_reader_head(struct mr_log_reader *reader)
{
    return reader->head;
}

/* Moves the cursor to the number: by a step when it stands just before it, else by a search. */
static int move_to(struct mr_log_reader *reader, uint64_t number, struct mr_slice *ret_value)
{
    bool step = reader->positioned && number == reader->at + 1;
    uint8_t want[LOG_KEY_BYTES];
    struct mr_slice key;
    int r;

    mr_put_be64(want, number);
    reader->at = number;
    reader->positioned = false;
    if (step)
        r = mr_kv_cursor_next(reader->cursor, &key, ret_value);
    else
        r = mr_kv_cursor_seek(reader->cursor, mr_slice(want, sizeof want), &key, ret_value);
    if (r < 0)
        return r;
    if (!mr_slice_equal(key, mr_slice(want, sizeof want)))
        return MR_ENOTFOUND;
    reader->positioned = true;
    return 0;
}

int mr_log_read(
        struct mr_log_reader *reader, uint64_t number, struct mr_record_view *ret, struct mr_error *reterr)
{
    struct mr_slice value;
    char where[48];
    int r;

    assert(!reader->paused);
    if (number == 0 || number > reader->head)
        return MR_ENOTFOUND;
    r = move_to(reader, number, &value);
    if (r == 0)
        return mr_record_decode(ret, number, value, reterr);
    (void)snprintf(where, sizeof where, "record %llu", (unsigned long long)number);
    if (r == MR_ENOTFOUND) /* below the head there are no gaps */
        return mr_error_set(
                reterr, MR_ECORRUPT, where, "restore the log from a backup", "the record is missing");
    return mr_error_set(reterr, r, where, "", "cannot read: %s", mr_err_text(r));
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
