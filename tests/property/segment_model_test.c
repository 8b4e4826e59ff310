/*
 * Segments against a plain model (an array), under random histories: appends, rolls, rewritings that let
 * records expire and empty slots, strips, reopenings, and processes that die by SIGKILL at every fault point
 * of them. Heads, leaf hashes and every root there ever was must stay; what has not expired is byte for byte
 * what was appended. MR_SEED repeats a history; it is printed on failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "store/fault.h"
#include "store/log_segment.h"
#include "tests/support/made_records.h"
#include "tests/support/tmpdir.h"

enum { RECORDS_MAX = 20000, STEPS = 260, KILLED_STEPS = 160, ROOTS_MAX = 512, SEGMENT_MAX = 300 };

#define CHECK(m, condition)                                                                                  \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            print_error("%s:%d: %s; step %u, MR_SEED=%llu\n", __FILE__, __LINE__, #condition, (m)->step,     \
                    (unsigned long long)(m)->seed);                                                          \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

struct kept {
    bool expired;
    uint16_t stripped; /* mask */
};

struct model {
    uint64_t seed;
    unsigned step;
    char *dir;
    struct mr_log *log;
    uint64_t head;
    struct kept records[RECORDS_MAX + 1];
    struct mr_merkle_range range; /* naive: over what was appended */
    struct {
        uint64_t size;
        uint8_t root[MR_MERKLE_BYTES];
    } roots[ROOTS_MAX]; /* after each append: what could have been signed */
    size_t roots_count;
};

/* ---- the check ---- */

static void check_record(const struct model *m, const struct mr_record *have)
{
    struct made_memory memory;
    struct mr_record want = made_record(m->seed, have->number, &memory);
    const struct kept *kept = &m->records[have->number];
    uint8_t remnant[8];

    CHECK(m, have->recorded_us == want.recorded_us && have->system == want.system &&
                     have->config == want.config);
    CHECK(m, memcmp(have->ident, want.ident, sizeof want.ident) == 0);
    CHECK(m, memcmp(have->digest, want.digest, sizeof want.digest) == 0);
    CHECK(m, have->subs_count == want.subs_count);
    for (size_t i = 0; i < want.subs_count; i++)
        CHECK(m, have->subs[i] == want.subs[i]);
    if (kept->expired) {
        CHECK(m, have->flags & MR_RECORD_EXPIRED && have->slots_count == 0);
        CHECK(m, mr_slice_equal(have->leaf, made_remnant(have->number, remnant)));
        return;
    }
    CHECK(m, !(have->flags & MR_RECORD_EXPIRED) && mr_slice_equal(have->leaf, want.leaf));
    CHECK(m, have->slots_count == want.slots_count);
    CHECK(m, (kept->stripped != 0) == ((have->flags & MR_RECORD_STRIPPED) != 0));
    for (size_t i = 0; i < want.slots_count; i++)
        CHECK(m, mr_slice_equal(have->slots[i], kept->stripped >> i & 1 ? mr_slice(NULL, 0) : want.slots[i]));
}

static void check_all(const struct model *m)
{
    struct mr_log_reader *reader = NULL;
    struct mr_record_view view;
    struct made_memory memory;
    uint8_t hash[MR_MERKLE_BYTES], want[MR_MERKLE_BYTES];

    CHECK(m, mr_log_head(m->log) == m->head);
    CHECK(m, mr_log_reader_open(m->log, &reader) == 0);
    for (uint64_t n = 1; n <= m->head; n++) {
        struct mr_record record = made_record(m->seed, n, &memory);

        CHECK(m, mr_log_read_next(reader, &view, NULL) == 0 && view.record.number == n);
        check_record(m, &view.record);
        mr_merkle_leaf(record.leaf, want);
        CHECK(m, mr_log_leaf_hash(reader, n, hash) == 0 && memcmp(hash, want, sizeof hash) == 0);
    }
    CHECK(m, mr_log_read_next(reader, &view, NULL) == MR_ENOTFOUND);
    for (size_t i = 0; i < m->roots_count; i++) {
        CHECK(m, mr_log_tree_root(reader, m->roots[i].size, hash) == 0);
        CHECK(m, memcmp(hash, m->roots[i].root, sizeof hash) == 0);
    }
    mr_log_reader_close(reader);
}

/* ---- steps: what step k does is a function of seed and k, and of what the log has ---- */

enum kind { APPEND, STRIP, SEGMENT };

struct step {
    enum kind kind;
    uint64_t r;
    unsigned records;                /* APPEND */
    uint64_t number;                 /* STRIP; 0: there is nothing to strip */
    struct mr_log_segment_plan plan; /* SEGMENT; first 0: none can be made */
    const struct model *m;           /* for change() */
    uint8_t remnant[8];
};

static bool expires(const struct step *step, uint64_t number)
{
    return made_random(step->r, 4, number) % 5 == 0;
}

static uint16_t strips(const struct step *step, uint64_t number)
{
    uint64_t r = made_random(step->r, 5, number);

    return r % 6 == 0 ? (uint16_t)(1 + r / 6 % 7) : 0;
}

static int change(void *ctx, const struct mr_record *record, struct mr_log_change *ret)
{
    struct step *step = ctx;

    ret->expire = expires(step, record->number);
    ret->remnant = made_remnant(record->number, step->remnant);
    ret->strip = strips(step, record->number);
    return 0;
}

/* A new one, the last one longer, or any one again. */
static void plan_segment(struct step *step, struct mr_log_reader *reader, uint64_t head)
{
    struct mr_log_segment last = {0}, any = {0};
    struct mr_log_segment_plan *plan = &step->plan;
    uint64_t to;

    *plan = (struct mr_log_segment_plan){.change = change};
    (void)mr_log_segment_last(reader, &last);
    if (last.last > 0 && step->r / 16 % 3 == 0) {
        (void)mr_log_segment_find(reader, 1 + step->r / 64 % last.last, &any);
        plan->first = any.first;
        plan->last = any.last;
        plan->generation = any.generation + 1;
        return;
    }
    if (head < last.last + 2)
        return;
    to = last.last + 1 + step->r / 64 % (head - 1 - last.last);
    if (last.last > 0 && last.last - last.first + 1 < SEGMENT_MAX && step->r / 32 % 2) {
        plan->first = last.first;
        plan->generation = last.generation + 1;
    } else {
        plan->first = last.last + 1;
        plan->generation = 1;
    }
    plan->last = to < plan->first + SEGMENT_MAX ? to : plan->first + SEGMENT_MAX - 1;
    if (plan->last <= last.last)
        plan->first = 0; /* it would not grow */
}

static struct step step_of(const struct model *m)
{
    struct step step = {.r = made_random(m->seed, 2, m->step), .m = m};
    struct mr_log_segment last = {0};
    struct mr_log_reader *reader = NULL;
    struct made_memory memory;

    step.kind = step.r % 8 < 4 ? APPEND : step.r % 8 == 4 ? STRIP : SEGMENT;
    step.records = 1 + step.r / 8 % 60;
    CHECK(m, mr_log_reader_open(m->log, &reader) == 0);
    if (step.kind == SEGMENT)
        plan_segment(&step, reader, m->head);
    (void)mr_log_segment_last(reader, &last);
    if (step.kind == STRIP && m->head > last.last) {
        step.number = last.last + 1 + step.r / 8 % (m->head - last.last);
        if (made_record(m->seed, step.number, &memory).slots_count == 0)
            step.number = 0;
    }
    mr_log_reader_close(reader);
    return step;
}

/* Slots that there are; an empty mask would set no flag. */
static uint16_t mask_of(const struct model *m, uint64_t number, uint16_t wanted)
{
    struct made_memory memory;

    return (uint16_t)(wanted & ((1u << made_record(m->seed, number, &memory).slots_count) - 1));
}

static uint16_t strip_mask(const struct model *m, const struct step *step)
{
    uint16_t mask = mask_of(m, step->number, (uint16_t)(step->r >> 40));

    return mask ? mask : 1;
}

static int do_append(struct model *m, const struct step *step)
{
    struct mr_log_batch *batch;
    struct made_memory memory;
    int r = mr_log_batch_begin(m->log, &batch);

    for (unsigned i = 0; r == 0 && i < step->records; i++) {
        struct mr_record record = made_record(m->seed, mr_log_batch_head(batch) + 1, &memory);

        r = mr_log_batch_append(batch, &record);
    }
    return r < 0 ? r : mr_log_batch_commit(batch);
}

static int do_strip(struct model *m, const struct step *step)
{
    struct mr_log_batch *batch;
    int r = mr_log_batch_begin(m->log, &batch);

    if (r == 0 && step->number > 0)
        r = mr_log_batch_strip(batch, step->number, strip_mask(m, step));
    return r < 0 ? r : mr_log_batch_commit(batch);
}

/* As the compactor does it, trimming first what an earlier one left. */
static int do_trim(struct model *m)
{
    int more = 1;

    while (more == 1) {
        struct mr_log_batch *batch;
        int r = mr_log_batch_begin(m->log, &batch);

        more = r < 0 ? r : mr_log_batch_trim(batch, 50);
        if (more >= 0)
            r = mr_log_batch_commit(batch);
        if (r < 0 || more < 0)
            return r < 0 ? r : more;
    }
    return 0;
}

static int do_segment(struct model *m, struct step *step)
{
    struct mr_log_segment segment;
    struct mr_log_batch *batch;
    int r;

    if (step->plan.first == 0)
        return do_trim(m);
    step->plan.ctx = step;
    r = mr_log_segment_write(m->log, &step->plan, &segment, NULL);
    if (r == 0)
        r = mr_log_batch_begin(m->log, &batch);
    if (r == 0)
        r = mr_log_batch_segment(batch, &segment);
    if (r == 0)
        r = mr_log_batch_commit(batch);
    if (r == 0 && step->plan.generation > 1)
        r = mr_log_segment_remove(m->log, step->plan.first, step->plan.generation - 1);
    return r < 0 ? r : do_trim(m);
}

static int do_step(struct model *m, struct step *step)
{
    int r = do_trim(m); /* of what was killed before its end: nothing else is done to the log first */

    if (r < 0)
        return r;
    return step->kind == APPEND  ? do_append(m, step)
           : step->kind == STRIP ? do_strip(m, step)
                                 : do_segment(m, step);
}

/* ---- the model follows what the log says has happened: all of a step, or nothing ---- */

static void follow_append(struct model *m, const struct step *step)
{
    struct made_memory memory;
    uint8_t leaf[MR_MERKLE_BYTES];

    if (mr_log_head(m->log) == m->head)
        return;
    CHECK(m, mr_log_head(m->log) == m->head + step->records);
    for (unsigned i = 0; i < step->records; i++) {
        mr_merkle_leaf(made_record(m->seed, ++m->head, &memory).leaf, leaf);
        CHECK(m, mr_merkle_append(&m->range, leaf, NULL, NULL) == 0);
    }
    CHECK(m, m->roots_count < ROOTS_MAX);
    m->roots[m->roots_count].size = m->head;
    mr_merkle_range_root(&m->range, m->roots[m->roots_count++].root);
}

static void follow_strip(struct model *m, const struct step *step)
{
    struct mr_log_reader *reader = NULL;
    struct mr_record_view view;
    uint16_t mask;

    if (step->number == 0)
        return;
    mask = strip_mask(m, step);
    CHECK(m, mr_log_reader_open(m->log, &reader) == 0);
    CHECK(m, mr_log_read(reader, step->number, &view, NULL) == 0);
    if (view.record.slots[__builtin_ctz(mask)].size == 0)
        m->records[step->number].stripped |= mask;
    mr_log_reader_close(reader);
}

static void follow_segment(struct model *m, const struct step *step)
{
    struct mr_log_reader *reader = NULL;
    struct mr_log_segment segment = {0};

    CHECK(m, mr_log_reader_open(m->log, &reader) == 0);
    if (step->plan.first > 0)
        (void)mr_log_segment_find(reader, step->plan.first, &segment);
    mr_log_reader_close(reader);
    if (step->plan.first == 0 || segment.first != step->plan.first ||
            segment.generation != step->plan.generation)
        return;
    CHECK(m, segment.last == step->plan.last);
    for (uint64_t n = segment.first; n <= segment.last; n++) {
        struct kept *kept = &m->records[n];

        if (kept->expired)
            continue;
        kept->expired = expires(step, n);
        kept->stripped = (uint16_t)(kept->expired ? 0 : kept->stripped | mask_of(m, n, strips(step, n)));
    }
}

static void follow(struct model *m, const struct step *step)
{
    static void (*const of_kind[])(struct model * m, const struct step *step) = {
            [APPEND] = follow_append, [STRIP] = follow_strip, [SEGMENT] = follow_segment};

    of_kind[step->kind](m, step);
    m->step++;
}

/* ---- histories ---- */

static void open_log(struct model *m)
{
    struct mr_log_options options = {.dir = m->dir};
    struct mr_error err = {0};
    int r = mr_log_open(&m->log, &options, &err);

    if (r < 0)
        print_error("%s: %s\n", err.where, err.what);
    CHECK(m, r == 0);
}

static void histories_match_the_model(void **state)
{
    struct model *m = *state;

    open_log(m);
    while (m->step < STEPS) {
        struct step step = step_of(m);

        CHECK(m, do_step(m, &step) == 0);
        follow(m, &step);
        if (made_random(m->seed, 3, m->step) % 12 == 0) {
            mr_log_close(m->log);
            open_log(m);
        }
        if (m->step % 20 == 0)
            check_all(m);
    }
    check_all(m);
}

#ifdef MR_FAULT_POINTS

/* The step in a child that dies at the fault point, if it comes by; true: it died. */
static bool killed(struct model *m, struct step *step, const char *spec)
{
    int status = 0;
    pid_t pid;

    mr_log_close(m->log);
    m->log = NULL;
    pid = fork();
    CHECK(m, pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        open_log(m);
        mr_fault_set(spec);
        _exit(-do_step(m, step));
    }
    CHECK(m, waitpid(pid, &status, 0) == pid);
    CHECK(m, WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    open_log(m);
    return WIFSIGNALED(status);
}

/* The points that a step of this kind passes, and how often it died there. */
static struct {
    enum kind kind;
    const char *name;
    unsigned deaths;
} points[] = {{APPEND, "store.commit.before", 0}, {STRIP, "segment.strip.before", 0},
        {STRIP, "store.commit.after", 0}, {SEGMENT, "segment.write.before", 0},
        {SEGMENT, "segment.rename.before", 0}, {SEGMENT, "segment.rename.after", 0},
        {SEGMENT, "segment.row.before", 0}, {SEGMENT, "store.commit.before", 0},
        {SEGMENT, "store.commit.after", 0}, {SEGMENT, "segment.trim.before", 0},
        {SEGMENT, "segment.remove.before", 0}};

/* The one of the step's kind where fewest have died. */
static size_t next_point(const struct step *step)
{
    size_t best = MR_COUNT(points);

    for (size_t i = 0; i < MR_COUNT(points); i++)
        if (points[i].kind == step->kind &&
                (best == MR_COUNT(points) || points[i].deaths < points[best].deaths))
            best = i;
    return best;
}

static void killed_at_every_fault_point(void **state)
{
    struct model *m = *state;

    open_log(m);
    while (m->step < KILLED_STEPS) {
        struct step step = step_of(m);
        size_t point = next_point(&step);
        uint64_t nth;
        char spec[64];

        nth = strncmp(points[point].name, "store.", 6) == 0 ? made_random(m->seed, 7, m->step) % 3 : 0;
        (void)snprintf(spec, sizeof spec, "%s:%u:kill", points[point].name, (unsigned)nth + 1);
        points[point].deaths += killed(m, &step, spec);
        follow(m, &step);
        if (m->step % 10 == 0)
            check_all(m);
    }
    check_all(m);
    for (size_t i = 0; i < MR_COUNT(points); i++)
        CHECK(m, points[i].deaths > 0 || (print_error("%s: nothing died here\n", points[i].name), false));
}

#endif

static int setup(void **state)
{
    const char *text = getenv("MR_SEED");
    struct model *m = calloc(1, sizeof *m);

    assert_non_null(m);
    if (text)
        m->seed = strtoull(text, NULL, 0);
    else
        assert_int_equal(getrandom(&m->seed, sizeof m->seed, 0), sizeof m->seed);
    m->dir = mr_tmpdir_new();
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    struct model *m = *state;

    mr_log_close(m->log);
    mr_tmpdir_free(m->dir);
    free(m);
    return 0;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(histories_match_the_model),
#ifdef MR_FAULT_POINTS
            T(killed_at_every_fault_point),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
