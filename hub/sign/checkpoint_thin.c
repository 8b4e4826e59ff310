#include "hub/sign/checkpoint_thin.h"

#include "proto/base/bytes.h"

enum { KEY_BYTES = 8 };

static const int64_t HOUR_US = INT64_C(3600) * 1000000;
static const int64_t DAY_US = 24 * HOUR_US;
static const int64_t MONTH_US = 30 * DAY_US;

struct scan {
    struct mr_thin *thin;
    struct mr_log_reader *reader;
    int64_t now_us;
    uint64_t last; /* the row before this one; 0: none */
    int64_t last_us;
    struct mr_record_view view;
};

/* One of the two is enough: the later. */
static bool same_period(int64_t a_us, int64_t b_us, int64_t now_us)
{
    int64_t period_us = now_us - a_us > MONTH_US ? DAY_US : HOUR_US;

    return a_us / period_us == b_us / period_us;
}

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct scan *scan = ctx;
    uint64_t size = key.size == KEY_BYTES ? mr_get_be64(key.data) : 0;
    int64_t at_us;

    (void)value;
    if (size == 0 || mr_log_read(scan->reader, size, &scan->view, NULL) < 0) {
        scan->last = 0; /* damaged, or of no record: nothing is said of the row before */
        return 0;
    }
    at_us = scan->view.record.recorded_us;
    if (scan->last != 0 && same_period(scan->last_us, at_us, scan->now_us))
        scan->thin->sizes[scan->thin->count++] = scan->last;
    scan->last = size;
    scan->last_us = at_us;
    return scan->now_us - at_us < DAY_US || scan->thin->count == MR_THIN_MAX;
}

int mr_thin_find(struct mr_thin *ret, struct mr_log_reader *reader, int64_t now_us)
{
    struct scan scan = {.thin = ret, .reader = reader, .now_us = now_us};
    int r;

    ret->count = 0;
    r = mr_log_rows(reader, MR_LOG_CHECKPOINT, (struct mr_slice){0}, (struct mr_slice){0}, on_row, &scan);
    return r < 0 ? r : 0;
}

int mr_thin_apply(const struct mr_thin *thin, struct mr_log_batch *batch)
{
    uint8_t key[KEY_BYTES];
    int r = 0;

    for (size_t i = 0; r == 0 && i < thin->count; i++) {
        mr_put_be64(key, thin->sizes[i]);
        r = mr_log_batch_del(batch, MR_LOG_CHECKPOINT, mr_slice(key, sizeof key));
        if (r == MR_ENOTFOUND)
            r = 0;
    }
    return r;
}
