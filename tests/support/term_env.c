#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/deliver/deliver_rows.h"
#include "hub/keep/hold_rows.h"
#include "hub/index/indexer.h"
#include "hub/record/opened.h"
#include "hub/record/seal.h"
#include "leaf.pb-c.h"
#include "store/fault.h"
#include "tests/support/ask.h"
#include "tests/support/term_env.h"

enum { WAIT_MS = 30000 };

/* ---- a house with a clock of its own, and terms ---- */

static _Atomic int64_t now_us;

void term_env_now(int64_t us)
{
    atomic_store(&now_us, us);
}

static int64_t wall(void *ctx)
{
    (void)ctx;
    return atomic_load(&now_us);
}

static struct mr_clock test_clock;

static char *programme_types[] = {(char *)"nms.programme."};
static char *deficit_types[] = {(char *)"nms.deficit.identified.v1"};
static struct mr_config_retention_class classes[2];

struct put_job {
    struct mr_writer_job job;
    enum mr_log_table table;
    struct mr_slice key, value;
    sem_t done;
};

static int fill_put(struct mr_writer_job *job, struct mr_log_batch *batch)
{
    const struct put_job *put = MR_CONTAINER(job, struct put_job, job);

    return mr_log_batch_put(batch, put->table, put->key, put->value);
}

static void put_done(struct mr_writer_job *job, int status)
{
    assert_int_equal(status, 0);
    (void)sem_post(&MR_CONTAINER(job, struct put_job, job)->done);
}

/* Through the writer: the compactor may have it do something at the same time. */
void term_env_put(struct term_env *t, enum mr_log_table table, struct mr_slice key, struct mr_slice value)
{
    struct put_job put = {
            .job = {.fill = fill_put, .done = put_done}, .table = table, .key = key, .value = value};

    assert_int_equal(sem_init(&put.done, 0, 0), 0);
    mr_list_init(&put.job.link);
    mr_writer_submit(t->env->writer, &put.job);
    while (sem_wait(&put.done) != 0)
        continue;
    (void)sem_destroy(&put.done);
}

void term_env_last_run(struct term_env *t, int64_t at_us)
{
    uint8_t value[8];

    mr_put_be64(value, (uint64_t)at_us);
    term_env_put(t, MR_LOG_META, mr_slice_str("retention"), mr_slice(value, 8));
}

void term_env_start(struct term_env *t)
{
    const struct mr_compactor_options options = {
            .house = &t->env->house, .writer = t->env->writer, .prepare = t->env->prepare};
    struct mr_error error = {0};

    assert_int_equal(mr_compactor_start(&t->compactor, &options, &error), 0);
}

void term_env_stop(struct term_env *t)
{
    mr_compactor_stop(t->compactor);
    t->compactor = NULL;
}

void term_env_again(struct term_env *t)
{
    term_env_stop(t);
    hub_env_close(t->env);
    hub_env_open(t->env);
    t->env->house.clock = &test_clock;
    term_env_start(t);
}

int term_env_setup(void **state)
{
    struct term_env *t = calloc(1, sizeof *t);

    assert_int_equal(hub_env_setup((void **)&t->env), 0);
    classes[0] = (struct mr_config_retention_class){programme_types, 1, 30};
    classes[1] = (struct mr_config_retention_class){deficit_types, 1, 90};
    t->env->config->retention =
            (struct mr_config_retention){.default_days = 0, .classes = classes, .classes_count = 2};
    t->env->config->hub.segment_events = 50;
    test_clock = *mr_clock_system();
    test_clock.wall_us = wall;
    term_env_now(TERM_ENV_BEGIN_US);
    t->env->house.clock = &test_clock;
    t->sequence = 1;
    term_env_last_run(t, TERM_ENV_BEGIN_US + 1000 * TERM_ENV_DAY_US); /* it runs when it is asked */
    *state = t;
    return 0;
}

int term_env_teardown(void **state)
{
    struct term_env *t = *state;

#ifdef MR_FAULT_POINTS
    mr_fault_set(NULL);
#endif
    term_env_stop(t);
    t->env->config->retention = (struct mr_config_retention){0}; /* it is ours, not the configuration's */
    assert_int_equal(hub_env_teardown((void **)&t->env), 0);
    free(t);
    return 0;
}

void term_env_programmes(struct term_env *t, unsigned count)
{
    struct mr_buf *events = calloc(count, sizeof *events);
    char id[32];

    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(id, sizeof id, "programme-%llu", (unsigned long long)(t->sequence + i));
        hub_env_programme(&events[i], id);
    }
    mr_intake_free(hub_env_publish(t->env, "portal", events, count, t->sequence));
    t->sequence += count;
    for (unsigned i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
    free(events);
}

static void publish_deficits(struct term_env *t, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct mr_buf event = MR_BUF_INIT;
        char id[32];

        (void)snprintf(id, sizeof id, "deficit-%llu", (unsigned long long)t->sequence);
        hub_env_deficit(&event, id, "11223344595", NULL);
        mr_intake_free(hub_env_publish(t->env, "copmkp", &event, 1, t->sequence++));
        mr_buf_fini(&event);
    }
}

/* Numbers 1..60 programmes, 61..70 deficits on the first day; 71..110 programmes twenty days later. */
void term_env_fill(struct term_env *t)
{
    term_env_programmes(t, TERM_ENV_PROGRAMMES);
    publish_deficits(t, TERM_ENV_DEFICITS);
    term_env_now(TERM_ENV_BEGIN_US + 20 * TERM_ENV_DAY_US);
    term_env_programmes(t, TERM_ENV_LATER);
}

uint16_t term_env_subscription(struct term_env *t, const char *name)
{
    uint16_t id = mr_names_id(t->env->house.names, MR_NAME_SUBSCRIPTION, name);

    assert_int_not_equal(id, 0);
    return id;
}

void term_env_cursor(struct term_env *t, const char *name, uint64_t first, uint64_t cursor)
{
    const struct mr_cursor_row row = {.cursor = cursor, .first = first};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_CURSOR_KEY_BYTES];

    assert_int_equal(mr_cursor_row_encode(&value, &row), 0);
    term_env_put(t, MR_LOG_CURSOR, mr_cursor_key(term_env_subscription(t, name), key), mr_buf_slice(&value));
    mr_buf_fini(&value);
}

/* Nobody is owed anything of what is there. */
void term_env_settle(struct term_env *t)
{
    uint64_t head = mr_log_head(t->env->house.log);

    for (uint32_t i = 0; i < t->env->config->subscriptions_count; i++)
        term_env_cursor(t, t->env->config->subscriptions[i].name, head + 1, head);
}

struct mr_compactor_run term_env_run(struct term_env *t)
{
    struct mr_compactor_run run = {0};

    assert_int_equal(mr_compactor_wait(t->compactor, mr_compactor_ask(t->compactor), WAIT_MS, &run), 0);
    return run;
}

bool term_env_has_segments(const struct mr_compactor_stats *stats)
{
    return stats->segments > 0;
}

bool term_env_has_run(const struct mr_compactor_stats *stats)
{
    return stats->last.ended_us > 0;
}

void term_env_wait(struct term_env *t, bool (*condition)(const struct mr_compactor_stats *stats))
{
    int64_t until_us = mr_clock_monotonic_us(mr_clock_system()) + WAIT_MS * 1000LL;
    struct mr_compactor_stats stats;

    do {
        assert_true(mr_clock_monotonic_us(mr_clock_system()) < until_us);
        (void)sched_yield();
        mr_compactor_stats(t->compactor, &stats);
    } while (!condition(&stats));
}

/* ---- what the log says ---- */

static void assert_remnant(const struct mr_record *record, const char *type)
{
    Marshrut__Log__V1__Leaf *leaf =
            marshrut__log__v1__leaf__unpack(NULL, record->leaf.size, record->leaf.data);

    assert_non_null(leaf);
    assert_string_equal(leaf->type, type);
    assert_int_equal(leaf->hub_id.len, 16);
    assert_int_equal(leaf->recorded_us, record->recorded_us);
    assert_int_equal(leaf->event.len, 0);
    assert_int_equal(leaf->open.len, 0);
    assert_string_equal(leaf->source, "");
    assert_int_equal(leaf->n_commitments, 0);
    marshrut__log__v1__leaf__free_unpacked(leaf, NULL);
    assert_int_equal(record->slots_count, 0);
}

/* How many of from..to have expired. */
unsigned term_env_expired(struct term_env *t, uint64_t from, uint64_t to)
{
    struct mr_log_reader *reader;
    struct mr_record_view view;
    unsigned count = 0;

    assert_int_equal(mr_log_reader_open(t->env->house.log, &reader), 0);
    for (uint64_t n = from; n <= to; n++) {
        assert_int_equal(mr_log_read(reader, n, &view, NULL), 0);
        if (view.record.flags & MR_RECORD_EXPIRED) {
            struct mr_buf type = MR_BUF_INIT;
            struct mr_unsealed unsealed;

            count++;
            assert_int_equal(mr_record_type(&view.record, &type), 0);
            assert_remnant(&view.record, mr_buf_str(&type));
            mr_buf_fini(&type);
            assert_int_equal(
                    mr_unseal(&unsealed, &t->env->house, &view.record, MR_PURPOSE_SHOW, NULL), MR_EEXPIRED);
        }
    }
    mr_log_reader_close(reader);
    return count;
}

void term_env_root(struct term_env *t, uint64_t size, uint8_t ret[static MR_MERKLE_BYTES])
{
    struct mr_log_reader *reader;

    assert_int_equal(mr_log_reader_open(t->env->house.log, &reader), 0);
    assert_int_equal(mr_log_tree_root(reader, size, ret), 0);
    mr_log_reader_close(reader);
}

void term_env_balance(struct term_env *t)
{
    json_t *balance = ask_one(t->env, "balance", NULL);

    assert_true(json_is_true(json_object_get(balance, "ok")));
    json_decref(balance);
}

json_int_t term_env_number(const json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return json_integer_value(json_object_get(object, key));
}
