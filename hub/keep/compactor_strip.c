/* Slots of erased persons: MR_LOG_STRIP says which, here they are emptied. */
#include <stdlib.h>

#include "hub/keep/compactor_internal.h"
#include "proto/base/bytes.h"
#include "proto/base/logfmt.h"

enum { KEY_BYTES = 8, MASK_BYTES = 2, JOB_RECORDS = 500 };

struct slots {
    uint64_t number;
    uint16_t mask;
};

struct strip {
    struct mr_compactor *c;
    struct slots *list; /* ascending by number */
    size_t count, capacity;
    size_t at; /* the first one that is not done */
};

/* ---- the rows ---- */

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct strip *strip = ctx;

    if (key.size != KEY_BYTES || value.size != MASK_BYTES)
        return MR_ECORRUPT;
    if (strip->count == strip->capacity) {
        size_t capacity = strip->capacity ? strip->capacity * 2 : 256;
        struct slots *list = realloc(strip->list, capacity * sizeof *list);

        if (!list)
            return MR_ENOMEM;
        strip->list = list;
        strip->capacity = capacity;
    }
    strip->list[strip->count++] =
            (struct slots){.number = mr_get_be64(key.data), .mask = mr_get_be16(value.data)};
    return 0;
}

/* A damaged record cannot be stripped: its row stays, and that is said. */
static int drop_damaged(struct strip *strip)
{
    struct mr_record_view view;
    size_t kept = 0;

    for (size_t i = 0; i < strip->count; i++) {
        int r = mr_log_read(strip->c->reader, strip->list[i].number, &view, NULL);

        if (r == 0)
            strip->list[kept++] = strip->list[i];
        else if (r != MR_ECORRUPT && r != MR_EUNSUPPORTED && r != MR_ENOTFOUND)
            return r;
        else
            mr_err("strip.damaged", "number", MR_N(strip->list[i].number), "error", mr_err_name(r), "cure",
                    "restore this record from a backup: a person's values are still in it");
    }
    strip->count = kept;
    return 0;
}

/* ---- in the growing environment ---- */

struct strip_job {
    struct compactor_job job;
    const struct slots *list;
    size_t count;
};

/* Writer thread. */
static int fill(struct mr_writer_job *job, struct mr_log_batch *batch)
{
    const struct strip_job *strip = MR_CONTAINER(job, struct strip_job, job.job);
    int r = 0;

    for (size_t i = 0; r == 0 && i < strip->count; i++) {
        r = mr_log_batch_strip(batch, strip->list[i].number, strip->list[i].mask);
        if (r == MR_ENOTFOUND || r == MR_ECORRUPT)
            r = 0; /* its row stays: the next round looks again */
    }
    return r;
}

static int strip_growing(struct strip *strip)
{
    int r = 0;

    for (size_t at = strip->at; r == 0 && at < strip->count; at += JOB_RECORDS) {
        size_t left = strip->count - at;
        struct strip_job job = {.job.job.fill = fill,
                .list = strip->list + at,
                .count = left < JOB_RECORDS ? left : JOB_RECORDS};

        r = mr_compactor_commit(strip->c, &job.job);
    }
    return r;
}

/* ---- in segments ---- */

/* Those of the list that lie in one segment. */
struct part {
    const struct slots *list;
    size_t count;
    size_t at; /* of the record that is being copied */
};

static int change(void *ctx, const struct mr_record *record, struct mr_log_change *ret)
{
    struct part *part = ctx;

    while (part->at < part->count && part->list[part->at].number < record->number)
        part->at++;
    if (part->at < part->count && part->list[part->at].number == record->number)
        ret->strip = part->list[part->at].mask;
    return 0;
}

/* Writer thread: the rows go with the commit; one that asks for more by now stays. */
static int agree(void *ctx, struct mr_log_batch *batch)
{
    const struct part *part = ctx;
    int r = 0;

    for (size_t i = 0; r == 0 && i < part->count; i++) {
        uint8_t key[KEY_BYTES];
        struct mr_slice value;

        mr_put_be64(key, part->list[i].number);
        r = mr_log_batch_get(batch, MR_LOG_STRIP, mr_slice(key, sizeof key), &value);
        if (r == 0 && value.size == MASK_BYTES && mr_get_be16(value.data) == part->list[i].mask)
            r = mr_log_batch_del(batch, MR_LOG_STRIP, mr_slice(key, sizeof key));
        if (r == MR_ENOTFOUND)
            r = 0;
    }
    return r < 0 ? r : 1;
}

static int strip_segment(struct strip *strip, const struct mr_log_segment *segment, struct mr_error *reterr)
{
    struct part part = {.list = strip->list + strip->at};
    struct compactor_range range = {.first = segment->first,
            .last = segment->last,
            .generation = segment->generation + 1,
            .change = change,
            .agree = agree,
            .ctx = &part};
    int r;

    while (strip->at < strip->count && strip->list[strip->at].number <= segment->last)
        strip->at++;
    part.count = (size_t)(strip->list + strip->at - part.list);
    r = mr_compactor_segment(strip->c, &range, reterr);
    return r < 0 ? r : 0;
}

static int strip_all(struct strip *strip, struct mr_error *reterr)
{
    int r = 0;

    while (r == 0 && strip->at < strip->count) {
        struct mr_log_segment segment;

        r = mr_log_reader_renew(strip->c->reader);
        if (r == 0)
            r = mr_log_segment_find(strip->c->reader, strip->list[strip->at].number, &segment);
        mr_log_reader_pause(strip->c->reader);
        if (r == MR_ENOTFOUND)
            return strip_growing(strip);
        if (r == 0)
            r = strip_segment(strip, &segment, reterr);
    }
    return r;
}

int mr_compactor_strip(struct mr_compactor *c, struct mr_error *reterr)
{
    struct strip strip = {.c = c};
    int r = mr_log_reader_renew(c->reader);

    if (r == 0)
        r = mr_log_rows(c->reader, MR_LOG_STRIP, mr_slice(NULL, 0), mr_slice(NULL, 0), on_row, &strip);
    if (r == 0)
        r = drop_damaged(&strip);
    mr_log_reader_pause(c->reader);
    if (r == 0)
        r = strip_all(&strip, reterr);
    if (r == 0 && strip.count > 0 && c->options.stripped)
        c->options.stripped(c->options.ctx);
    free(strip.list);
    return r;
}
