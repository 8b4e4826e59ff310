/* A run of retention: every record whose term has passed expires, wherever it lies, and one event says so. */
#include <stdlib.h>

#include "event/hub.pb-c.h"
#include "hub/keep/compactor_internal.h"
#include "hub/record/remnant.h"
#include "proto/base/bytes.h"
#include "proto/base/logfmt.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"

/* How often the writing of one segment is begun again when holds are placed meanwhile. */
enum { AGAIN_MAX = 5, TIME_BYTES = 8 };

static const char LAST_RUN[] = "retention";

struct retaining {
    struct mr_compactor *c;
    struct mr_retention *judge;
    struct mr_retention_count *counts; /* one a class */
    struct mr_retention_count *found;  /* the same, of what is being written */
    struct mr_buf remnant;
    int64_t bytes_before;
    uint64_t *firsts; /* of the segments there were */
    size_t segments;
};

/* ---- one range ---- */

static int change(void *ctx, const struct mr_record *record, struct mr_log_change *ret)
{
    struct retaining *retaining = ctx;
    uint32_t class_;
    int r;

    if (record->recorded_us > mr_retention_youngest_us(retaining->judge))
        return 0;
    r = mr_retention_judge(retaining->judge, record, &class_, retaining->found);
    if (r != MR_RETENTION_DUE)
        return r < 0 ? r : 0;
    r = mr_remnant(&retaining->remnant, record);
    if (r == MR_ECORRUPT) {
        retaining->found[class_].due--; /* a leaf that is none of ours stays as it is */
        return 0;
    }
    ret->expire = r == 0;
    ret->remnant = mr_buf_slice(&retaining->remnant);
    return r;
}

/* Writer thread. */
static int agree(void *ctx, struct mr_log_batch *batch)
{
    const struct retaining *retaining = ctx;

    return mr_retention_holds_same(retaining->judge, batch);
}

static void add_counts(struct retaining *retaining)
{
    for (uint32_t i = 0; i < mr_retention_classes(retaining->judge); i++) {
        retaining->counts[i].due += retaining->found[i].due;
        retaining->counts[i].bytes += retaining->found[i].bytes;
    }
}

static void forget_found(struct retaining *retaining)
{
    for (uint32_t i = 0; i < mr_retention_classes(retaining->judge); i++)
        retaining->found[i] = (struct mr_retention_count){0};
}

static int renew_judge(struct retaining *retaining, struct mr_error *reterr)
{
    mr_retention_close(retaining->judge);
    retaining->judge = NULL;
    return mr_retention_open(&retaining->judge, retaining->c->options.house, reterr);
}

static int write_range(struct retaining *retaining, struct compactor_range *range, struct mr_error *reterr)
{
    int r = 1;

    range->change = change;
    range->agree = agree;
    range->ctx = retaining;
    for (int i = 0; r == 1 && i < AGAIN_MAX; i++) {
        if (i > 0 && (r = renew_judge(retaining, reterr)) < 0)
            return r;
        forget_found(retaining);
        r = mr_compactor_segment(retaining->c, range, reterr);
    }
    if (r == 0)
        add_counts(retaining);
    return r == 1 ? mr_error_set(reterr, MR_EAGAIN, "retention", "", "holds keep changing: later again") : r;
}

/* ---- segments, then the growing environment ---- */

static int on_segment(void *ctx, const struct mr_log_segment *segment)
{
    struct retaining *retaining = ctx;
    uint64_t *more = realloc(retaining->firsts, (retaining->segments + 1) * sizeof *more);

    if (!more)
        return MR_ENOMEM;
    retaining->firsts = more;
    more[retaining->segments++] = segment->first;
    retaining->bytes_before += (int64_t)segment->bytes;
    return 0;
}

/* Counts what is held and waiting in from..to, and finds out whether anything is due. */
static int scan(struct retaining *retaining, uint64_t from, uint64_t to, uint64_t *last_due)
{
    struct mr_compactor *c = retaining->c;
    int r;

    *last_due = 0;
    forget_found(retaining);
    r = mr_retention_scan(
            retaining->judge, c->reader, from, to, retaining->found, last_due, mr_compactor_stopping, c);
    for (uint32_t i = 0; r == 0 && i < mr_retention_classes(retaining->judge); i++) {
        retaining->counts[i].held += retaining->found[i].held;
        retaining->counts[i].waiting += retaining->found[i].waiting;
    }
    return r;
}

static int retain_segment(struct retaining *retaining, uint64_t first, struct mr_error *reterr)
{
    struct mr_compactor *c = retaining->c;
    struct mr_log_segment segment = {0};
    struct compactor_range range;
    uint64_t due = 0;
    int r = mr_log_reader_renew(c->reader);

    if (r == 0)
        r = mr_log_segment_find(c->reader, first, &segment);
    if (r == 0)
        r = scan(retaining, segment.first, segment.last, &due);
    mr_log_reader_pause(c->reader);
    if (r < 0 || due == 0)
        return r;
    range = (struct compactor_range){
            .first = segment.first, .last = segment.last, .generation = segment.generation + 1};
    return write_range(retaining, &range, reterr);
}

/* Up to the last one that is due; the newest record stays where it is. */
static int retain_growing(struct retaining *retaining, struct mr_error *reterr)
{
    struct mr_compactor *c = retaining->c;
    uint64_t due = 0, head;
    int r = mr_log_reader_renew(c->reader);

    if (r < 0)
        return r;
    head = mr_log_reader_head(c->reader);
    if (head > 1)
        r = scan(retaining, mr_log_trimmed(c->reader) + 1, head - 1, &due);
    mr_log_reader_pause(c->reader);
    while (r == 0 && due > 0) {
        struct compactor_range range = {0};

        if (!mr_compactor_piece(c, due, &range))
            break;
        r = write_range(retaining, &range, reterr);
    }
    return r;
}

static int retain_all(struct retaining *retaining, struct mr_error *reterr)
{
    struct mr_compactor *c = retaining->c;
    int r = mr_log_reader_renew(c->reader);

    if (r == 0)
        r = mr_log_segments(c->reader, on_segment, retaining);
    mr_log_reader_pause(c->reader);
    for (size_t i = 0; r == 0 && i < retaining->segments; i++)
        r = retain_segment(retaining, retaining->firsts[i], reterr);
    return r < 0 ? r : retain_growing(retaining, reterr);
}

/* ---- the event ---- */

static int put_last_run(struct mr_intake *intake, struct mr_log_batch *batch)
{
    const struct mr_compactor *c = intake->owner;
    uint8_t value[TIME_BYTES];

    mr_put_be64(value, (uint64_t)c->last_run_us);
    return mr_log_batch_put(batch, MR_LOG_META, mr_slice_str(LAST_RUN), mr_slice(value, sizeof value));
}

static int encode(const struct retaining *retaining, struct mr_buf *out)
{
    const struct mr_house *house = retaining->c->options.house;
    const struct mr_config_retention *config = &house->config->retention;
    uint32_t classes = mr_retention_classes(retaining->judge);
    Nms__Event__V1__HubRetentionCompleted m = NMS__EVENT__V1__HUB_RETENTION_COMPLETED__INIT;
    Nms__Event__V1__HubRetentionClass *list = calloc(classes, sizeof *list), **pointers;
    struct mr_uuid7 generator = {0};
    uint8_t uuid[MR_UUID_BYTES];
    char id[MR_UUID_TEXT_MAX], time[MR_TIME_TEXT_MAX];
    int64_t now = mr_clock_wall_us(house->clock);
    struct mr_attributes attributes = {.source = house->config->hub.source,
            .type = "hub.retention.completed.v1",
            .time = mr_time_format(now, time)};
    int r = MR_ENOMEM;

    pointers = calloc(classes, sizeof(*pointers));
    if (list && pointers) {
        for (uint32_t i = 0; i < classes; i++) {
            const struct mr_retention_count *count = &retaining->counts[i];
            uint32_t days = i < config->classes_count ? config->classes[i].keep_days : config->default_days;

            if (days == 0)
                continue;
            nms__event__v1__hub_retention_class__init(&list[i]);
            list[i].index = i;
            list[i].keep_days = days;
            list[i].expired = count->due;
            list[i].held = count->held;
            list[i].waiting = count->waiting;
            pointers[m.n_classes++] = &list[i];
        }
        m.config_version = house->config_version;
        m.classes = pointers;
        mr_uuid7_next(&generator, now, uuid);
        attributes.id = mr_uuid_format(uuid, id);
        r = mr_event_encode(out, &attributes, &m.base);
    }
    free(list);
    free(pointers);
    return r;
}

static int publish(const struct retaining *retaining)
{
    struct mr_compactor *c = retaining->c;
    struct mr_intake *intake = mr_intake_new(1);
    int64_t before_us = c->last_run_us;
    int r = intake ? encode(retaining, &intake->bytes) : MR_ENOMEM;

    if (r < 0) {
        mr_intake_free(intake);
        return r;
    }
    intake->items[0].event = mr_buf_slice(&intake->bytes);
    intake->rows = put_last_run;
    c->last_run_us = mr_clock_wall_us(c->options.house->clock);
    r = mr_compactor_publish(c, intake);
    if (r < 0)
        c->last_run_us = before_us;
    return r;
}

/* ---- a run ---- */

static void sum_up(const struct retaining *retaining, struct mr_compactor_run *ret)
{
    for (uint32_t i = 0; i < mr_retention_classes(retaining->judge); i++) {
        ret->expired += retaining->counts[i].due;
        ret->held += retaining->counts[i].held;
        ret->waiting += retaining->counts[i].waiting;
    }
}

static int run(struct retaining *retaining, struct mr_compactor_run *ret, struct mr_error *reterr)
{
    struct mr_compactor *c = retaining->c;
    uint32_t classes = mr_retention_classes(retaining->judge);
    int r;

    retaining->counts = calloc(classes, sizeof *retaining->counts);
    retaining->found = calloc(classes, sizeof *retaining->found);
    if (!retaining->counts || !retaining->found)
        return MR_ENOMEM;
    r = retain_all(retaining, reterr);
    if (r == 0)
        r = publish(retaining);
    if (r == 0)
        r = mr_compactor_look(c);
    if (r < 0)
        return r;
    sum_up(retaining, ret);
    ret->freed_bytes = retaining->bytes_before - (int64_t)c->stats.bytes;
    mr_info("retention.completed", "expired", MR_N(ret->expired), "held", MR_N(ret->held), "waiting",
            MR_N(ret->waiting));
    return 0;
}

int mr_compactor_retain(struct mr_compactor *c, struct mr_compactor_run *ret, struct mr_error *reterr)
{
    struct retaining retaining = {.c = c};
    int r = mr_retention_open(&retaining.judge, c->options.house, reterr);

    if (r == 0)
        r = run(&retaining, ret, reterr);
    mr_retention_close(retaining.judge);
    mr_buf_fini(&retaining.remnant);
    free(retaining.firsts);
    free(retaining.counts);
    free(retaining.found);
    return r;
}

int mr_compactor_last_run(struct mr_compactor *c)
{
    struct mr_slice value;
    int r = mr_log_row(c->reader, MR_LOG_META, mr_slice_str(LAST_RUN), &value);

    if (r == 0 && value.size == TIME_BYTES)
        c->last_run_us = (int64_t)mr_get_be64(value.data);
    return r == MR_ENOTFOUND ? 0 : r;
}
