/*
 * The log against a plain model in memory, under random histories: batches of records and rows, aborts,
 * reopenings, and processes that die by SIGKILL, at any moment and at each fault point. A history follows
 * from its seed: MR_SEED repeats one, and it is printed on failure.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "store/fault.h"
#include "store/writer.h"
#include "tests/support/tmpdir.h"

enum { RECORDS_MAX = 20000, KEYS = 40, ROW_TABLES = 2, LEAF_MAX = 5000, JOBS = 400 };

static const enum mr_log_table row_tables[ROW_TABLES] = {MR_LOG_CURSOR, MR_LOG_DOCUMENT};

#define CHECK(m, condition)                                                                                  \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            print_error("%s:%d: %s; batch %u, MR_SEED=%llu\n", __FILE__, __LINE__, #condition, (m)->batch,   \
                    (unsigned long long)(m)->seed);                                                          \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

struct model {
    uint64_t seed;
    unsigned batch; /* batches applied, aborted ones too */
    uint64_t head;
    unsigned made_by[RECORDS_MAX + 1]; /* number -> batch */
    uint64_t rows[ROW_TABLES][KEYS];   /* 0: absent */
};

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint64_t random_of(uint64_t seed, uint64_t a, uint64_t b)
{
    uint64_t state = seed ^ a * 0xd6e8feb86659fd93;

    state = next_random(&state) ^ b;
    return next_random(&state);
}

/* What batch k does; a function of seed and k alone. */
struct plan {
    unsigned records;
    unsigned row_ops;
    bool abort;
};

static struct plan plan_of(uint64_t seed, unsigned k)
{
    uint64_t r = random_of(seed, 1, k);

    return (struct plan){.records = r % 8, .row_ops = r >> 8 & 7, .abort = (r >> 16 & 7) == 0};
}

struct row_op {
    unsigned table, key;
    uint64_t value; /* 0: delete */
};

static struct row_op row_op_of(uint64_t seed, unsigned k, unsigned i)
{
    uint64_t r = random_of(seed, 2 + k, i);

    return (struct row_op){
            .table = r % ROW_TABLES, .key = (r >> 8) % KEYS, .value = (r >> 32) % 3 ? r | 1 : 0};
}

static size_t leaf_of(uint64_t seed, unsigned k, uint64_t number, uint8_t out[static LEAF_MAX])
{
    uint64_t state = random_of(seed, number << 20, k);
    size_t size = next_random(&state) % LEAF_MAX;

    if (next_random(&state) % 4)
        size %= 300;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)next_random(&state);
    return size;
}

static void model_apply(struct model *m)
{
    struct plan plan = plan_of(m->seed, m->batch);

    if (!plan.abort) {
        for (unsigned i = 0; i < plan.records; i++) {
            CHECK(m, m->head < RECORDS_MAX);
            m->made_by[++m->head] = m->batch;
        }
        for (unsigned i = 0; i < plan.row_ops; i++) {
            struct row_op op = row_op_of(m->seed, m->batch, i);

            m->rows[op.table][op.key] = op.value;
        }
    }
    m->batch++;
}

static int do_row_op(struct mr_log_batch *batch, struct row_op op)
{
    uint8_t key[2], value[8];
    int r;

    mr_put_be16(key, (uint16_t)op.key);
    mr_put_be64(value, op.value);
    if (op.value)
        return mr_log_batch_put(batch, row_tables[op.table], mr_slice(key, 2), mr_slice(value, 8));
    r = mr_log_batch_del(batch, row_tables[op.table], mr_slice(key, 2));
    return r == MR_ENOTFOUND ? 0 : r;
}

static int fill(uint64_t seed, unsigned k, struct mr_log_batch *batch)
{
    struct plan plan = plan_of(seed, k);
    uint8_t leaf[LEAF_MAX];
    int r = 0;

    for (unsigned i = 0; i < plan.records && r == 0; i++) {
        struct mr_record record = {.number = mr_log_batch_head(batch) + 1};

        record.recorded_us = (int64_t)record.number;
        record.leaf = mr_slice(leaf, leaf_of(seed, k, record.number, leaf));
        r = mr_log_batch_append(batch, &record);
    }
    for (unsigned i = 0; i < plan.row_ops && r == 0; i++)
        r = do_row_op(batch, row_op_of(seed, k, i));
    return r;
}

struct found {
    uint64_t rows[KEYS];
    bool strange;
};

static int take_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct found *found = ctx;

    if (key.size == 2 && value.size == 8 && mr_get_be16(key.data) < KEYS)
        found->rows[mr_get_be16(key.data)] = mr_get_be64(value.data);
    else
        found->strange = true;
    return 0;
}

static bool rows_agree(const struct model *m, struct mr_log_reader *reader)
{
    for (unsigned t = 0; t < ROW_TABLES; t++) {
        struct found found = {0};

        if (mr_log_rows(reader, row_tables[t], (struct mr_slice){0}, (struct mr_slice){0}, take_row,
                    &found) != 0 ||
                found.strange || memcmp(found.rows, m->rows[t], sizeof found.rows) != 0)
            return false;
    }
    return true;
}

static void check_records(const struct model *m, struct mr_log_reader *reader)
{
    struct mr_record_view view;
    uint8_t leaf[LEAF_MAX];

    for (uint64_t n = 1; n <= m->head; n++) {
        size_t size = leaf_of(m->seed, m->made_by[n], n, leaf);

        CHECK(m, mr_log_read_next(reader, &view, NULL) == 0);
        CHECK(m, view.record.number == n && mr_slice_equal(view.record.leaf, mr_slice(leaf, size)));
    }
    CHECK(m, mr_log_read_next(reader, &view, NULL) == MR_ENOTFOUND);
}

static struct mr_log *open_log(const struct model *m, const char *dir)
{
    struct mr_log_options options = {.dir = dir};
    struct mr_error err = {0};
    struct mr_log *log = NULL;
    int r = mr_log_open(&log, &options, &err);

    if (r < 0)
        print_error("%s: %s\n", err.where, err.what);
    CHECK(m, r == 0);
    return log;
}

/*
 * The log holds the model's batches (acknowledged), or some more up to `submitted` (durable, not yet
 * acknowledged); the model follows. Nothing less, no gap, and rows of the same moment as the records.
 */
static void check_log(struct model *m, struct mr_log *log, unsigned submitted)
{
    struct mr_log_reader *reader = NULL;

    CHECK(m, mr_log_reader_open(log, &reader) == 0);
    CHECK(m, mr_log_head(log) >= m->head);
    while ((m->head < mr_log_head(log) || !rows_agree(m, reader)) && m->batch < submitted)
        model_apply(m);
    CHECK(m, m->head == mr_log_head(log));
    CHECK(m, mr_log_reader_head(reader) == m->head);
    CHECK(m, mr_log_head_recorded_us(log) == (int64_t)m->head);
    CHECK(m, rows_agree(m, reader));
    check_records(m, reader);
    mr_log_reader_close(reader);
}

static void histories_match_the_model(void **state)
{
    struct model *m = *state;
    char *dir = mr_tmpdir_new();
    struct mr_log *log = open_log(m, dir);

    while (m->batch < 400) {
        struct mr_log_batch *batch = NULL;

        CHECK(m, mr_log_batch_begin(log, &batch) == 0);
        CHECK(m, fill(m->seed, m->batch, batch) == 0);
        if (plan_of(m->seed, m->batch).abort)
            mr_log_batch_abort(batch);
        else
            CHECK(m, mr_log_batch_commit(batch) == 0);
        model_apply(m);
        if (random_of(m->seed, 9, m->batch) % 16 == 0) {
            mr_log_close(log);
            log = open_log(m, dir);
            check_log(m, log, m->batch);
        }
    }
    check_log(m, log, m->batch);
    mr_log_close(log);
    mr_tmpdir_free(dir);
}

/* What the child tells, in memory that outlives it. */
struct shared {
    atomic_uint acknowledged; /* batches */
    atomic_uint submitted;
};

struct job {
    struct mr_writer_job base;
    struct shared *shared;
    uint64_t seed;
    unsigned batch;
};

static int job_fill(struct mr_writer_job *base, struct mr_log_batch *batch)
{
    struct job *job = MR_CONTAINER(base, struct job, base);

    return plan_of(job->seed, job->batch).abort ? 0 : fill(job->seed, job->batch, batch);
}

static void job_done(struct mr_writer_job *base, int status)
{
    struct job *job = MR_CONTAINER(base, struct job, base);

    if (status == 0)
        atomic_store(&job->shared->acknowledged, job->batch + 1);
}

/* The child: submits the next batches, and waits to be killed if that has not happened on the way. */
static void run_child(const struct model *m, const char *dir, struct shared *shared)
{
    struct mr_log *log = open_log(m, dir);
    struct mr_writer_options options = {.log = log, .batch_jobs_max = 7, .space_retry_ms = 1};
    struct job *jobs = calloc(JOBS, sizeof *jobs);
    struct mr_writer *writer = NULL;

    if (!jobs || mr_writer_start(&writer, &options) < 0)
        _exit(2);
    for (unsigned i = 0; i < JOBS; i++) {
        unsigned k = m->batch + i;

        jobs[i] = (struct job){
                .base = {.fill = job_fill, .done = job_done}, .shared = shared, .seed = m->seed, .batch = k};
        atomic_store(&shared->submitted, k + 1);
        mr_writer_submit(writer, &jobs[i].base);
        if (k - atomic_load(&shared->acknowledged) > 20)
            (void)sched_yield();
    }
    pause();
    _exit(3);
}

/* Runs a child, killed by `fault`, or (NULL) by us after `acks` acknowledgements; then compares what is left.
 */
static void crash_once(
        struct model *m, const char *dir, struct shared *shared, const char *fault, unsigned acks)
{
    unsigned target = m->batch + acks;
    struct mr_log *log;
    int status = 0;
    pid_t pid;

    atomic_store(&shared->acknowledged, m->batch);
    atomic_store(&shared->submitted, m->batch);
    pid = fork();
    CHECK(m, pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#ifdef MR_FAULT_POINTS
        mr_fault_set(fault);
#endif
        run_child(m, dir, shared);
    }
    if (!fault) {
        while (atomic_load(&shared->acknowledged) < target)
            (void)sched_yield();
        kill(pid, SIGKILL);
    }
    CHECK(m, waitpid(pid, &status, 0) == pid);
    CHECK(m, WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (m->batch < atomic_load(&shared->acknowledged))
        model_apply(m);
    log = open_log(m, dir);
    check_log(m, log, atomic_load(&shared->submitted));
    mr_log_close(log);
}

static struct shared *shared_new(void)
{
    void *memory =
            mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    return memory;
}

static void killed_at_any_moment(void **state)
{
    struct model *m = *state;
    struct shared *shared = shared_new();
    char *dir = mr_tmpdir_new();

    for (unsigned round = 0; round < 12; round++)
        crash_once(m, dir, shared, NULL, (unsigned)(random_of(m->seed, 5, round) % 60));
    CHECK(m, m->head > 0);
    munmap(shared, sizeof *shared);
    mr_tmpdir_free(dir);
}

static void killed_at_each_fault_point(void **state)
{
#ifdef MR_FAULT_POINTS
    static const char *const points[] = {
#define POINT(name) name,
            MR_FAULT_TABLE(POINT)
#undef POINT
    };
    struct model *m = *state;
    struct shared *shared = shared_new();
    char *dir = mr_tmpdir_new();

    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        for (unsigned turn = 0; turn < 3; turn++) {
            char spec[96];

            if (strncmp(points[i], "store.", 6) != 0)
                continue; /* another module's */
            (void)snprintf(spec, sizeof spec, "%s:%u:kill", points[i],
                    (unsigned)(1 + random_of(m->seed, 6 + i, turn) % 20));
            crash_once(m, dir, shared, spec, 0);
        }
    munmap(shared, sizeof *shared);
    mr_tmpdir_free(dir);
#else
    (void)state;
    skip();
#endif
}

static int setup(void **state)
{
    const char *text = getenv("MR_SEED");
    struct model *m = calloc(1, sizeof *m);

    if (!m)
        return -1;
    if (text)
        m->seed = strtoull(text, NULL, 0);
    else if (getrandom(&m->seed, sizeof m->seed, 0) != (ssize_t)sizeof m->seed)
        return -1;
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(histories_match_the_model),
            T(killed_at_any_moment),
            T(killed_at_each_fault_point),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
