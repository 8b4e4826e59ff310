/*
 * The tail gives each subscription the same numbers that it would find by itself: against a plain reading,
 * with commits of all sizes, in memory still or in the log alone, and receivers that take all, some or
 * nothing, and begin anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "hub/deliver/tail.h"
#include "tests/support/hub_env.h"
#include "tests/support/made_intake.h"
#include "tests/support/made_records.h"

enum { SUBS = 4, ROUNDS = 300, BATCH_MAX = 400, BUDGET = 1000, TURNS_MAX = 10000 };

/* Of so many records one is wanted: all, a half, few, none. */
static const unsigned one_of[SUBS] = {1, 2, 64, UINT32_MAX};

struct receiver {
    struct mr_wanted wanted;
    uint64_t taken; /* last number */
};

struct scene {
    struct hub_env *env;
    struct mr_log_reader *reader;
    struct mr_record_view *view;
    struct mr_tail tail;
    struct receiver receivers[SUBS];
    uint64_t head, random;
};

static unsigned pick(struct scene *scene, unsigned below)
{
    return (unsigned)(made_random(1, 2, scene->random++) % below);
}

static bool wants(size_t sub, uint64_t number)
{
    return made_random(3, sub, number) % one_of[sub] == 0;
}

static void append(struct scene *scene, size_t count)
{
    struct mr_intake *intake = made_intake();
    struct mr_log_batch *batch;
    struct made_memory memory;

    assert_int_equal(mr_log_batch_begin(scene->env->house.log, &batch), 0);
    for (size_t i = 0; i < count; i++) {
        struct mr_record record = made_record(1, ++scene->head, &memory);

        record.subs_count = 0;
        for (uint16_t sub = 0; sub < SUBS; sub++)
            if (wants(sub, scene->head))
                memory.subs[record.subs_count++] = sub + 1u;
        assert_int_equal(mr_log_batch_append(batch, &record), 0);
        made_intake_add(intake, &record);
    }
    assert_int_equal(mr_log_batch_commit(batch), 0);
    if (pick(scene, 3) > 0)
        mr_tail_settle(&scene->tail, intake);
    else
        mr_intake_free(intake);
}

/* Up to `most` of what it wants, each the very next one. */
static void take(struct scene *scene, size_t sub, unsigned most)
{
    struct receiver *receiver = &scene->receivers[sub];
    size_t budget = BUDGET;

    while (most-- > 0) {
        uint64_t number =
                mr_wanted_peek(&receiver->wanted, &scene->env->house, scene->reader, scene->view, &budget);

        if (number == 0)
            return;
        while (++receiver->taken < number)
            assert_false(wants(sub, receiver->taken));
        assert_int_equal(receiver->taken, number);
        assert_true(wants(sub, number));
        mr_wanted_take(&receiver->wanted);
    }
}

static bool look(struct scene *scene)
{
    bool more;

    assert_int_equal(mr_log_reader_renew(scene->reader), 0);
    more = mr_tail_look(&scene->tail, scene->reader, scene->view, BUDGET);
    assert_true(scene->tail.through <= scene->head);
    return more;
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    void *env;

    assert_non_null(scene);
    assert_int_equal(hub_env_setup(&env), 0);
    scene->env = env;
    scene->view = calloc(1, sizeof *scene->view);
    assert_non_null(scene->view);
    assert_int_equal(mr_log_head(scene->env->house.log), 0);
    assert_int_equal(mr_log_reader_open(scene->env->house.log, &scene->reader), 0);
    assert_int_equal(mr_tail_init(&scene->tail, scene->env->house.clock, 0), 0);
    for (uint16_t sub = 0; sub < SUBS; sub++) {
        mr_wanted_start(&scene->receivers[sub].wanted, sub + 1u, 0);
        scene->receivers[sub].wanted.tail = &scene->tail;
    }
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    void *env = scene->env;

    mr_tail_fini(&scene->tail);
    mr_log_reader_close(scene->reader);
    free(scene->view);
    free(scene);
    return hub_env_teardown(&env);
}

/* Nobody wants anything before it. */
static uint64_t lowest(const struct scene *scene)
{
    uint64_t ret = UINT64_MAX;

    for (size_t sub = 0; sub < SUBS; sub++) {
        uint64_t next = mr_wanted_next(&scene->receivers[sub].wanted);

        assert_true(next > scene->receivers[sub].taken);
        ret = next < ret ? next : ret;
    }
    return ret;
}

static void test_same_as_by_itself(void **state)
{
    struct scene *scene = *state;
    unsigned turns = 0;
    bool more;

    for (unsigned round = 0; round < ROUNDS; round++) {
        append(scene, 1 + pick(scene, pick(scene, 3) ? 8 : BATCH_MAX));
        (void)look(scene);
        for (size_t sub = 0; sub < SUBS; sub++)
            if (pick(scene, 4) > 0)
                take(scene, sub, pick(scene, 2) ? UINT32_MAX : pick(scene, 100));
        if (pick(scene, 4) == 0)
            mr_tail_rest(&scene->tail, pick(scene, 4) > 0, pick(scene, 2) ? UINT64_MAX : lowest(scene));
        if (pick(scene, 20) == 0) {
            struct receiver *receiver = &scene->receivers[pick(scene, SUBS)];

            receiver->taken -= receiver->taken ? pick(scene, (unsigned)receiver->taken) % 50 : 0;
            mr_wanted_restart(&receiver->wanted, receiver->taken);
        }
    }
    do {
        more = look(scene);
        for (size_t sub = 0; sub < SUBS; sub++) {
            uint64_t before = scene->receivers[sub].taken;

            take(scene, sub, UINT32_MAX);
            more |= scene->receivers[sub].taken > before || !scene->receivers[sub].wanted.joined;
        }
        assert_true(turns++ < TURNS_MAX);
    } while (more);
    assert_int_equal(scene->tail.through, scene->head);
    for (size_t sub = 0; sub < SUBS; sub++)
        while (++scene->receivers[sub].taken <= scene->head)
            assert_false(wants(sub, scene->receivers[sub].taken));
}

/* Nobody waits: nothing is read; one that comes reads by itself, and is given what is new from then on. */
static void test_joins(void **state)
{
    struct scene *scene = *state;
    struct mr_wanted *wanted = &scene->receivers[0].wanted;
    size_t budget = BUDGET;

    append(scene, 10);
    assert_false(look(scene));
    assert_int_equal(scene->tail.through, 10);
    take(scene, 0, UINT32_MAX);
    assert_true(wanted->joined);
    append(scene, 5);
    assert_int_equal(mr_log_reader_renew(scene->reader), 0);
    assert_int_equal(mr_wanted_peek(wanted, &scene->env->house, scene->reader, scene->view, &budget), 0);
    assert_int_equal(budget, BUDGET); /* it does not read itself */
    assert_false(look(scene));
    take(scene, 0, UINT32_MAX);
    assert_int_equal(scene->receivers[0].taken, 15);
    assert_true(wanted->joined);
}

/* One that takes nothing off leaves, and holds up nobody. */
static void test_leaves(void **state)
{
    struct scene *scene = *state;

    (void)look(scene);
    for (size_t sub = 0; sub < 2; sub++)
        take(scene, sub, UINT32_MAX);
    assert_int_equal(scene->tail.joined_count, 2);
    append(scene, 10 * MR_WANTED_AHEAD);
    for (int i = 0; i < 100 && look(scene); i++)
        take(scene, 1, UINT32_MAX);
    assert_int_equal(scene->tail.through, scene->head);
    assert_false(scene->receivers[0].wanted.joined);
    assert_true(scene->receivers[1].wanted.joined);
    while (!scene->receivers[0].wanted.joined) /* it has them all the same */
        take(scene, 0, UINT32_MAX);
    assert_int_equal(scene->receivers[0].taken, scene->head);
}

/* The log has the record no longer, or less of it: who lags must not have all of it from memory. */
static void test_forgets(void **state)
{
    struct scene *scene = *state;
    struct mr_intake *intake = made_intake();
    struct mr_log_batch *batch;
    struct made_memory memory;
    struct mr_record record = made_record(1, ++scene->head, &memory);
    bool stays;

    made_intake_add(intake, &record);
    record.flags |= MR_RECORD_EXPIRED;
    record.slots_count = 0;
    assert_int_equal(mr_log_batch_begin(scene->env->house.log, &batch), 0);
    assert_int_equal(mr_log_batch_append(batch, &record), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    assert_int_equal(mr_log_reader_renew(scene->reader), 0);
    mr_tail_settle(&scene->tail, intake);
    assert_int_equal(mr_tail_read(&scene->tail, scene->reader, 1, scene->view, &stays), 0);
    assert_true(stays);
    assert_false(scene->view->record.flags & MR_RECORD_EXPIRED);
    mr_tail_forget(&scene->tail);
    assert_int_equal(mr_tail_read(&scene->tail, scene->reader, 1, scene->view, &stays), 0);
    assert_false(stays);
    assert_true(scene->view->record.flags & MR_RECORD_EXPIRED);
}

static int64_t given_us(void *ctx)
{
    return *(const int64_t *)ctx;
}

/* For somebody who is here and takes nothing: for a while, and then it is the log's. */
static void test_keeps_for_a_while(void **state)
{
    struct scene *scene = *state;
    int64_t now_us = 1;
    const struct mr_clock clock = {.wall_us = given_us, .monotonic_us = given_us, .ctx = &now_us};
    struct mr_intake *intake = made_intake();
    struct mr_log_batch *batch;
    struct made_memory memory;
    struct mr_record record = made_record(1, ++scene->head, &memory);
    bool stays;

    made_intake_add(intake, &record);
    assert_int_equal(mr_log_batch_begin(scene->env->house.log, &batch), 0);
    assert_int_equal(mr_log_batch_append(batch, &record), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    assert_int_equal(mr_log_reader_renew(scene->reader), 0);
    scene->tail.clock = &clock;
    mr_tail_settle(&scene->tail, intake);
    assert_int_equal(mr_tail_rest(&scene->tail, true, 1), MR_FRESH_AGE_MS);
    assert_int_equal(mr_tail_read(&scene->tail, scene->reader, 1, scene->view, &stays), 0);
    assert_true(stays);
    now_us += (int64_t)MR_FRESH_AGE_MS * 1000;
    assert_int_equal(mr_tail_rest(&scene->tail, true, 1), 0);
    assert_int_equal(mr_tail_read(&scene->tail, scene->reader, 1, scene->view, &stays), 0);
    assert_false(stays);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_same_as_by_itself, setup, teardown),
            cmocka_unit_test_setup_teardown(test_joins, setup, teardown),
            cmocka_unit_test_setup_teardown(test_leaves, setup, teardown),
            cmocka_unit_test_setup_teardown(test_forgets, setup, teardown),
            cmocka_unit_test_setup_teardown(test_keeps_for_a_while, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
