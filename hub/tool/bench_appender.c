#include "hub/tool/bench_appender.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/wire/digest.h"
#include "store/writer.h"

enum { ON_THEIR_WAY = 2 };

struct item {
    size_t offset, size;
    uint64_t number;
    int64_t recorded_us;
    uint8_t leaf_hash[MR_SHA256_BYTES];
};

struct batch {
    struct mr_writer_job job;
    struct bench_appender *appender;
    struct mr_buf records;
    struct item *items;
    size_t count;
    bool busy; /* under lock */
};

struct bench_appender {
    struct mr_writer *writer;
    const struct mr_seal_person *persons;
    size_t persons_count;
    size_t batch_size;
    struct bench_event open, sealed;
    struct mr_sealed out;
    struct mr_uuid7 uuids;
    uint64_t next;
    int64_t recorded_us;
    struct batch batches[ON_THEIR_WAY];
    size_t turn;
    pthread_mutex_t lock;
    pthread_cond_t done;
    int status; /* under lock: the first failure */
};

/* ---- writer thread ---- */

static int fill(struct mr_writer_job *job, struct mr_log_batch *to)
{
    const struct batch *batch = MR_CONTAINER(job, struct batch, job);
    int r = 0;

    for (size_t i = 0; r == 0 && i < batch->count; i++) {
        const struct item *item = &batch->items[i];

        r = mr_log_batch_append_encoded(
                to, &(struct mr_log_encoded){.number = item->number,
                            .recorded_us = item->recorded_us,
                            .value = mr_slice(batch->records.data + item->offset, item->size),
                            .leaf_hash = item->leaf_hash});
    }
    return r;
}

static void done(struct mr_writer_job *job, int status)
{
    struct batch *batch = MR_CONTAINER(job, struct batch, job);
    struct bench_appender *a = batch->appender;

    (void)pthread_mutex_lock(&a->lock);
    batch->busy = false;
    if (status < 0 && a->status == 0)
        a->status = status;
    (void)pthread_cond_signal(&a->done);
    (void)pthread_mutex_unlock(&a->lock);
}

/* ---- sealing ---- */

/* As spread as a keyed digest, for the indexes' sake. */
static void fake_ident(uint64_t number, uint8_t ret[static MR_RECORD_IDENT_BYTES])
{
    for (size_t i = 0; i < 2; i++) {
        uint64_t z = (number * 2 + i) * UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        mr_put_be64(ret + 8 * i, z ^ z >> 31);
    }
}

static int seal(struct bench_appender *a, bool with_person)
{
    struct bench_event *event = with_person ? &a->sealed : &a->open;
    uint64_t turn = with_person ? (a->next / BENCH_SEALED_EVERY) % a->persons_count : 0;
    const uint8_t person_of_span[MR_EVENT_PERSONS_MAX] = {0};
    uint8_t hub_id[MR_UUID_BYTES];
    struct mr_seal_input input = {.event = &event->event,
            .system = with_person ? "copmkp" : "portal",
            .source = with_person ? "urn:marshrut:24:copmkp" : "urn:marshrut:24:portal",
            .hub_id = hub_id,
            .recorded_us = a->recorded_us,
            .persons = with_person ? &a->persons[turn] : NULL,
            .persons_count = with_person,
            .person_of_span = person_of_span};

    bench_event_number(event, a->next, turn);
    mr_uuid7_next(&a->uuids, a->recorded_us, hub_id);
    return mr_seal(&a->out, &input, NULL);
}

static int put_record(struct bench_appender *a, struct batch *batch, bool with_person)
{
    static const uint16_t subs[] = {1, 2};
    struct item *item = &batch->items[batch->count];
    struct mr_record record = {.number = a->next,
            .recorded_us = a->recorded_us,
            .system = with_person ? 2 : 3,
            .flags = with_person ? MR_RECORD_SEALED : 0,
            .config = 1,
            .subs = &subs[with_person],
            .subs_count = 1,
            .leaf = mr_buf_slice(&a->out.leaf),
            .slots_count = a->out.slots_count};
    int r;

    fake_ident(a->next, record.ident);
    mr_put_be64(record.digest, a->next);
    for (size_t i = 0; i < a->out.slots_count; i++)
        record.slots[i] = mr_buf_slice(&a->out.slots[i]);
    *item = (struct item){.offset = batch->records.size, .number = a->next, .recorded_us = a->recorded_us};
    memcpy(item->leaf_hash, a->out.leaf_hash, sizeof item->leaf_hash);
    r = mr_record_encode(&batch->records, &record);
    item->size = batch->records.size - item->offset;
    return r;
}

static int one(struct bench_appender *a, struct batch *batch, enum bench_mix mix)
{
    bool with_person = mix == BENCH_SEALED || (mix == BENCH_MIXED && a->next % BENCH_SEALED_EVERY == 0);
    int64_t now_us = mr_clock_wall_us(mr_clock_system());
    int r;

    if (now_us > a->recorded_us)
        a->recorded_us = now_us;
    r = seal(a, with_person);
    if (r == 0)
        r = put_record(a, batch, with_person);
    if (r < 0)
        return r;
    a->next++;
    batch->count++;
    return 0;
}

/* ---- */

/* Until the batch is free again. */
static int await(struct bench_appender *a, const struct batch *batch)
{
    int status;

    (void)pthread_mutex_lock(&a->lock);
    while (batch->busy)
        (void)pthread_cond_wait(&a->done, &a->lock);
    status = a->status;
    (void)pthread_mutex_unlock(&a->lock);
    return status;
}

int bench_appender_batch(struct bench_appender *a, enum bench_mix mix, uint64_t count)
{
    struct batch *batch = &a->batches[a->turn++ % ON_THEIR_WAY];
    int r = await(a, batch);

    mr_buf_reset(&batch->records);
    batch->count = 0;
    while (r == 0 && batch->count < count)
        r = one(a, batch, mix);
    if (r < 0)
        return r;
    batch->busy = true; /* nobody else has it now */
    batch->job = (struct mr_writer_job){.fill = fill, .done = done};
    mr_writer_submit(a->writer, &batch->job);
    return 0;
}

int bench_appender_wait(struct bench_appender *a)
{
    int r = 0;

    for (size_t i = 0; i < ON_THEIR_WAY; i++) {
        int status = await(a, &a->batches[i]);

        r = r < 0 ? r : status;
    }
    return r;
}

int bench_appender_run(struct bench_appender *a, enum bench_mix mix, uint64_t count)
{
    int r = 0, waited;

    while (r == 0 && count > 0) {
        uint64_t now = count < a->batch_size ? count : a->batch_size;

        r = bench_appender_batch(a, mix, now);
        count -= now;
    }
    waited = bench_appender_wait(a);
    return r < 0 ? r : waited;
}

static int init(struct bench_appender *a, struct mr_log *log)
{
    const struct mr_writer_options options = {.log = log, .batch_jobs_max = 1};
    int r = bench_event_init_store(&a->open, false);

    if (r == 0)
        r = bench_event_init_store(&a->sealed, true);
    for (size_t i = 0; r == 0 && i < ON_THEIR_WAY; i++) {
        a->batches[i].appender = a;
        a->batches[i].items = calloc(a->batch_size, sizeof *a->batches[i].items);
        if (!a->batches[i].items)
            r = MR_ENOMEM;
    }
    return r < 0 ? r : mr_writer_start(&a->writer, &options);
}

int bench_appender_open(struct bench_appender **ret, struct mr_log *log, const struct mr_seal_person *persons,
        size_t persons_count, size_t batch)
{
    struct bench_appender *a = calloc(1, sizeof *a);
    int r;

    if (!a)
        return MR_ENOMEM;
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_cond_init(&a->done, NULL);
    a->persons = persons;
    a->persons_count = persons_count;
    a->batch_size = batch;
    a->next = mr_log_head(log) + 1;
    a->recorded_us = mr_log_head_recorded_us(log);
    r = init(a, log);
    if (r < 0) {
        bench_appender_close(a);
        return r;
    }
    *ret = a;
    return 0;
}

void bench_appender_close(struct bench_appender *a)
{
    if (!a)
        return;
    mr_writer_stop(a->writer);
    for (size_t i = 0; i < ON_THEIR_WAY; i++) {
        mr_buf_fini(&a->batches[i].records);
        free(a->batches[i].items);
    }
    mr_sealed_fini(&a->out);
    bench_event_fini(&a->open);
    bench_event_fini(&a->sealed);
    (void)pthread_cond_destroy(&a->done);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}
