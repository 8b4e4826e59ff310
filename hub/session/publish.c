#include "hub/session/publish.h"

#include <stdlib.h>
#include <string.h>

#include "hub/intake/dedup.h"
#include "hub/edition/edition.h"
#include "hub/session/lent.h"
#include "hub/sign/receipt.h"
#include "proto/base/bytes.h"
#include "proto/base/logfmt.h"

enum { RETRY_READ_ONLY_MS = 1000, RETRY_WINDOW_MS = 100, VERDICT_PAGE = 512, VERDICT_KEY_BYTES = 18 };

typedef Marshrut__Bus__V1__PublishResult result_t;

static struct mr_producer *producer_of(struct mr_publish *publish, const struct mr_config_system *system)
{
    return &publish->producers[system - publish->house->config->systems];
}

static struct mr_slice producer_key(uint8_t key[static 2], uint16_t system_id)
{
    mr_put_be16(key, system_id);
    return mr_slice(key, 2);
}

/* What the log knows of it; nothing: it has not published yet. The reader has a snapshot. */
static void load_producer(
        struct mr_publish *publish, struct mr_producer *producer, const struct mr_config_system *system)
{
    struct mr_producer_row row;
    struct mr_slice value;
    uint8_t key[2];
    uint16_t id = mr_names_id(publish->house->names, MR_NAME_SYSTEM, system->name);

    if (mr_log_row(publish->reader, MR_LOG_PRODUCER, producer_key(key, id), &value) < 0 ||
            mr_producer_row_decode(&row, value) < 0)
        return;
    producer->epoch = row.epoch;
    producer->stored = row.stored_sequence;
    producer->submitted = row.stored_sequence;
}

int mr_publish_open(struct mr_publish *publish, struct mr_error *reterr)
{
    const struct mr_config *config = publish->house->config;
    int r = mr_log_reader_open(publish->house->log, &publish->reader);

    publish->producers = calloc(config->systems_count + 1, sizeof *publish->producers);
    if (r < 0 || !publish->producers || (r = mr_log_reader_renew(publish->reader)) < 0)
        return mr_error_set(reterr, r < 0 ? r : MR_ENOMEM, "log", "", "cannot read the producers' rows");
    for (uint32_t i = 0; i < config->systems_count; i++)
        load_producer(publish, &publish->producers[i], &config->systems[i]);
    mr_log_reader_pause(publish->reader);
    return 0;
}

/* What a key that is gone had in flight was turned away: the next session begins after what is durable. */
int mr_publish_take(struct mr_publish *publish, const struct mr_config *config)
{
    const struct mr_config *from = publish->house->config;
    struct mr_producer *producers = calloc(config->systems_count + 1, sizeof *producers);
    int r = producers ? mr_log_reader_renew(publish->reader) : MR_ENOMEM;

    for (uint32_t i = 0; r == 0 && i < config->systems_count; i++) {
        const struct mr_config_system *old = mr_config_system(from, config->systems[i].name);

        if (old)
            producers[i] = *producer_of(publish, old);
        else
            load_producer(publish, &producers[i], &config->systems[i]);
        if (old && strcmp(old->public_key, config->systems[i].public_key) != 0)
            producers[i].submitted = producers[i].stored;
    }
    if (r < 0) {
        free(producers);
        return r;
    }
    mr_log_reader_pause(publish->reader);
    free(publish->producers);
    publish->producers = producers;
    return 0;
}

void mr_publish_close(struct mr_publish *publish)
{
    if (publish->reader)
        mr_log_reader_close(publish->reader);
    free(publish->producers);
    publish->reader = NULL;
    publish->producers = NULL;
}

uint32_t mr_publish_window(const struct mr_config *config, const struct mr_config_system *system)
{
    uint32_t window = config->hub.publish_window;

    return system->waiting_max && system->waiting_max < window ? system->waiting_max : window;
}

uint64_t mr_publish_hello(
        struct mr_publish *publish, struct mr_session *session, uint64_t epoch, uint64_t acknowledged)
{
    struct mr_producer *producer = producer_of(publish, session->system);

    session->publishes = epoch != 0;
    if (!session->publishes)
        return 0;
    if (producer->epoch != epoch) {
        producer->epoch = epoch;
        producer->stored = 0;
        producer->submitted = 0;
    }
    producer->rewound = false;
    if (acknowledged > 0)
        mr_publish_seen(publish, session, acknowledged);
    return producer->stored;
}

/* ---- verdicts that the producer has not confirmed ---- */

struct page {
    struct mr_session *session;
    uint64_t through;
    struct mr_verdict_row rows[VERDICT_PAGE];
    result_t results[VERDICT_PAGE];
    result_t *pointers[VERDICT_PAGE];
    size_t count;
    bool gone;
};

static void text_result(result_t *result, const struct mr_verdict_text *text)
{
    result->code = (char *)text->code;
    result->field = (char *)text->field;
    result->reason = (char *)text->reason;
    result->cure = (char *)text->cure;
}

static void send_ack(struct mr_session *session, Marshrut__Bus__V1__PublishAck *ack, bool *ret_gone)
{
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;

    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK;
    frame.publish_ack = ack;
    if (mr_session_send(session, &frame) < 0)
        *ret_gone = true;
}

static void send_page(struct page *page)
{
    Marshrut__Bus__V1__PublishAck ack = MARSHRUT__BUS__V1__PUBLISH_ACK__INIT;

    if (page->count == 0 || page->gone)
        return;
    ack.through = page->through;
    ack.results = page->pointers;
    ack.n_results = page->count;
    send_ack(page->session, &ack, &page->gone);
    page->count = 0;
}

static int on_verdict_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct page *page = ctx;
    struct mr_verdict_row *row = &page->rows[page->count];
    result_t *result = &page->results[page->count];

    if (key.size != VERDICT_KEY_BYTES || mr_verdict_row_decode(row, value) < 0)
        return 0;
    marshrut__bus__v1__publish_result__init(result);
    result->sequence = mr_get_be64(key.data + 10);
    result->verdict = (Marshrut__Bus__V1__Verdict)row->verdict;
    result->number = row->number;
    text_result(result, &row->text);
    page->pointers[page->count++] = result;
    if (page->count == VERDICT_PAGE)
        send_page(page);
    return page->gone;
}

/* Up to here the producer has said that it knows. */
static uint64_t seen_by(const struct mr_publish *publish, uint16_t system_id, uint64_t epoch)
{
    struct mr_producer_row row;
    struct mr_slice value;
    uint8_t key[2];

    if (mr_log_row(publish->reader, MR_LOG_PRODUCER, producer_key(key, system_id), &value) < 0 ||
            mr_producer_row_decode(&row, value) < 0 || row.epoch != epoch)
        return 0;
    return row.seen_sequence;
}

void mr_publish_repeat_verdicts(struct mr_publish *publish, struct mr_session *session, uint64_t acknowledged)
{
    const struct mr_producer *producer = producer_of(publish, session->system);
    uint8_t from[VERDICT_KEY_BYTES];
    struct page *page = calloc(1, sizeof *page);
    uint64_t seen;

    if (!page || mr_log_reader_renew(publish->reader) < 0) {
        free(page);
        return;
    }
    page->session = session;
    page->through = producer->stored;
    seen = seen_by(publish, session->system_id, producer->epoch);
    if (seen < acknowledged)
        seen = acknowledged;
    mr_put_be16(from, session->system_id);
    mr_put_be64(from + 2, producer->epoch);
    mr_put_be64(from + 10, seen + 1);
    (void)mr_log_rows(publish->reader, MR_LOG_VERDICT, mr_slice(from, 10), mr_slice(from, sizeof from),
            on_verdict_row, page);
    send_page(page);
    mr_log_reader_pause(publish->reader);
    free(page);
}

/* ---- VerdictsSeen ---- */

struct seen_job {
    struct mr_job job;
    uint16_t system_id;
    uint64_t epoch;
    uint64_t through;
};

/* Writer thread: the row is also written by the intakes, on this same thread. */
static int update_seen(struct mr_job *job, struct mr_log_batch *batch)
{
    struct seen_job *seen = MR_CONTAINER(job, struct seen_job, job);
    struct mr_buf value = MR_BUF_INIT;
    struct mr_producer_row row;
    struct mr_slice old;
    uint8_t key[2];
    int r = mr_log_batch_get(batch, MR_LOG_PRODUCER, producer_key(key, seen->system_id), &old);

    if (r < 0 || mr_producer_row_decode(&row, old) < 0)
        return r == MR_ENOTFOUND ? 0 : r;
    if (row.epoch != seen->epoch || seen->through <= row.seen_sequence || seen->through > row.stored_sequence)
        return 0;
    row.seen_sequence = seen->through;
    r = mr_producer_row_encode(&value, &row);
    if (r == 0)
        r = mr_log_batch_put(batch, MR_LOG_PRODUCER, mr_slice(key, 2), mr_buf_slice(&value));
    mr_buf_fini(&value);
    return r;
}

void mr_publish_seen(struct mr_publish *publish, struct mr_session *session, uint64_t through)
{
    struct seen_job *seen =
            session->publishes ? (struct seen_job *)mr_job_new(publish->jobs, sizeof *seen) : NULL;

    if (!seen)
        return;
    seen->job.update = update_seen;
    seen->job.job.lazy = true;
    seen->system_id = session->system_id;
    seen->epoch = producer_of(publish, session->system)->epoch;
    seen->through = through;
    (void)mr_job_submit(&seen->job);
}

/* ---- Publish ---- */

/* Refuses the whole frame; the producer resumes after `submitted`, and what it has sent meanwhile is dropped.
 */
static void refuse(struct mr_session *session, struct mr_producer *producer, const char *code,
        const char *reason, const char *cure, uint32_t retry_after_ms)
{
    producer->rewound = true;
    mr_session_refuse(session, code, reason, cure, retry_after_ms);
}

/* Everything before the events themselves. false: refused or dropped. */
static bool check_frame(struct mr_publish *publish, struct mr_session *session, struct mr_producer *producer,
        const Marshrut__Bus__V1__Publish *frame)
{
    uint64_t window = mr_publish_window(publish->house->config, session->system);

    if (!session->publishes) {
        mr_session_refuse(session, "frame", "this session has said producer_epoch 0: it does not publish",
                "say Hello with the epoch of your numbering, which is not 0", 0);
        return false;
    }
    if (frame->first_sequence > producer->submitted + 1) {
        if (!producer->rewound)
            refuse(session, producer, "sequence", "sequences are missing before this batch",
                    "resume after the last sequence that was acknowledged", 0);
        return false;
    }
    if (frame->first_sequence == 0 || frame->n_events == 0 || frame->n_events > MR_BATCH_EVENTS_MAX) {
        refuse(session, producer, "limit",
                "a batch has 1 to batch_events_max events and its sequences begin at 1",
                "send smaller batches", 0);
        return false;
    }
    if (publish->read_only) {
        refuse(session, producer, "read-only", "the hub has no space left", "wait: it goes on by itself",
                RETRY_READ_ONLY_MS);
        return false;
    }
    if (frame->first_sequence + frame->n_events - 1 > producer->stored + window) {
        refuse(session, producer, "limit", "more events than publish_window are unacknowledged",
                "wait for the acks", RETRY_WINDOW_MS);
        return false;
    }
    return true;
}

static struct mr_intake *intake_of(struct mr_publish *publish, struct mr_session *session,
        const struct mr_producer *producer, const Marshrut__Bus__V1__Publish *frame, size_t skip)
{
    struct mr_intake *intake = mr_intake_new(frame->n_events - skip);

    if (!intake)
        return NULL;
    if (mr_lent_events(intake, session->sessions->gateway->message, frame->events + skip) < 0) {
        mr_intake_free(intake);
        return NULL;
    }
    mr_intake_digest(intake, publish->house->keyring);
    intake->sender = session->system;
    intake->edition = mr_edition_hold(publish->house->edition);
    intake->system = session->system_id;
    intake->epoch = producer->epoch;
    intake->first_sequence = frame->first_sequence + skip;
    intake->receipts_for = frame->receipts ? session->id : 0;
    intake->done = publish->done;
    intake->owner = publish->owner;
    return intake;
}

uint32_t mr_publish_quota(
        struct mr_publish *publish, const struct mr_config_system *system, uint64_t events, uint64_t bytes)
{
    return mr_quota_ask(&producer_of(publish, system)->quota, mr_clock_monotonic_us(publish->house->clock),
            events, system->events_per_s, bytes, system->bytes_per_s);
}

/* Not more than the system may; before anything is copied or unpacked. false: refused, to be sent again. */
static bool check_quota(struct mr_publish *publish, struct mr_session *session, struct mr_producer *producer,
        const Marshrut__Bus__V1__Publish *frame, size_t skip)
{
    const struct mr_config_system *system = session->system;
    uint64_t bytes = 0;
    uint32_t wait_ms;

    if (system->events_per_s == 0 && system->bytes_per_s == 0)
        return true;
    for (size_t i = skip; i < frame->n_events; i++)
        bytes += frame->events[i].len;
    wait_ms = mr_publish_quota(publish, system, frame->n_events - skip, bytes);
    if (wait_ms == 0)
        return true;
    refuse(session, producer, "limit", "this system publishes faster than events_per_s or bytes_per_s",
            "wait retry_after_ms, then send it again", wait_ms);
    return false;
}

void mr_publish_frame(
        struct mr_publish *publish, struct mr_session *session, const Marshrut__Bus__V1__Publish *frame)
{
    struct mr_producer *producer = producer_of(publish, session->system);
    struct mr_intake *intake;
    uint64_t skip;

    if (!check_frame(publish, session, producer, frame))
        return;
    producer->rewound = false;
    skip = producer->submitted + 1 - frame->first_sequence;
    if (skip >= frame->n_events) { /* all of it is stored or on its way */
        Marshrut__Bus__V1__PublishAck ack = MARSHRUT__BUS__V1__PUBLISH_ACK__INIT;
        bool gone = false;

        ack.through = producer->stored;
        send_ack(session, &ack, &gone);
        return;
    }
    if (!check_quota(publish, session, producer, frame, (size_t)skip))
        return;
    intake = intake_of(publish, session, producer, frame, (size_t)skip);
    if (!intake) {
        refuse(session, producer, "limit", "the hub is short of memory", "wait", RETRY_READ_ONLY_MS);
        return;
    }
    producer->submitted += intake->count;
    mr_prepare_submit(publish->prepare, intake);
}

/* ---- the acknowledgement ---- */

static void fill_result(result_t *result, const struct mr_intake_item *item, uint64_t sequence)
{
    marshrut__bus__v1__publish_result__init(result);
    result->sequence = sequence;
    result->verdict = (Marshrut__Bus__V1__Verdict)item->verdict;
    result->number = item->number;
    if (item->number != 0 && item->verdict != MR_VERDICT_DUPLICATE) {
        result->leaf_hash.data = (uint8_t *)item->leaf_hash;
        result->leaf_hash.len = sizeof item->leaf_hash;
    }
    if (item->text)
        text_result(result, item->text);
}

int mr_publish_ack(Marshrut__Bus__V1__PublishAck *ret, result_t *results, result_t **pointers,
        const struct mr_intake *intake)
{
    uint64_t expected = 0; /* number that the next simply stored event has if there is no gap */

    marshrut__bus__v1__publish_ack__init(ret);
    ret->through = intake->first_sequence + intake->count - 1;
    ret->first_sequence = intake->first_sequence;
    ret->results = pointers;
    for (size_t i = 0; i < intake->count; i++) {
        const struct mr_intake_item *item = &intake->items[i];
        bool stored = item->verdict == MR_VERDICT_STORED;

        if (stored) {
            ret->last_leaf_hash.data = (uint8_t *)item->leaf_hash;
            ret->last_leaf_hash.len = sizeof item->leaf_hash;
            if (ret->first_number == 0)
                ret->first_number = expected = item->number;
        }
        if (!stored || item->number != expected) {
            fill_result(&results[ret->n_results], item, intake->first_sequence + i);
            pointers[ret->n_results] = &results[ret->n_results];
            ret->n_results++;
        }
        if (stored)
            expected = item->number + 1;
    }
    return 0;
}

/* To the session that asked, which may be gone. */
static void want_receipts(
        struct mr_publish *publish, struct mr_session *session, const struct mr_intake *intake)
{
    if (!publish->receipts || intake->receipts_for != session->id)
        return;
    for (size_t i = 0; i < intake->count; i++)
        if (intake->items[i].number != 0)
            mr_receipt_queue_add(
                    publish->receipts, session, intake->first_sequence + i, intake->items[i].number);
    mr_receipt_queue_wake(publish->receipts);
}

void mr_publish_count(struct mr_publish *publish, const struct mr_intake *intake)
{
    const struct mr_config_system *system = mr_config_system(publish->house->config, intake->sender->name);

    if (!system)
        return; /* it is gone since, and its figures with it */
    for (size_t i = 0; i < intake->count; i++)
        producer_of(publish, system)->verdicts[intake->items[i].verdict]++;
    mr_verdict_log(&publish->verdict_log, intake, mr_clock_monotonic_us(publish->house->clock));
}

void mr_publish_count_unreadable(
        struct mr_publish *publish, const struct mr_config_system *system, const char *code)
{
    producer_of(publish, system)->verdicts[MR_VERDICT_REFUSED]++;
    mr_verdict_log_unreadable(
            &publish->verdict_log, system->name, code, mr_clock_monotonic_us(publish->house->clock));
}

void mr_publish_durable(struct mr_publish *publish, const struct mr_intake *intake)
{
    const struct mr_config_system *system = mr_config_system(publish->house->config, intake->sender->name);
    struct mr_producer *producer = system ? producer_of(publish, system) : NULL;
    struct mr_session *session = mr_sessions_of_system(publish->sessions, intake->system);
    uint64_t last = intake->first_sequence + intake->count - 1;
    Marshrut__Bus__V1__PublishAck ack;
    result_t *results, **pointers;
    bool gone = false;

    if (!producer)
        return; /* of a system that is gone */
    mr_publish_count(publish, intake);
    if (producer->epoch != intake->epoch || last <= producer->stored)
        return; /* of an outbox that was thrown away since */
    producer->stored = last;
    results = malloc(intake->count * sizeof *results); /* mostly none is used: their pages stay untouched */
    pointers = malloc(intake->count * sizeof *pointers);
    if (session && session->publishes && results && pointers &&
            mr_publish_ack(&ack, results, pointers, intake) == 0)
        send_ack(session, &ack, &gone);
    if (session && !gone)
        want_receipts(publish, session, intake);
    free(results);
    free(pointers);
}
