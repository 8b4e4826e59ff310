/* What an erasure meets: holds on numbers, and events of several persons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/informal.pb-c.h"
#include "hub/keep/hold_rows.h"
#include "hub/own.h"
#include "tests/support/eraser_env.h"
#include "tests/support/spawn.h"

/* ---- holds by number, and a decision that is taken back in time ---- */

static int put_hold(struct mr_own *own, struct mr_log_batch *batch)
{
    static const uint8_t id[MR_HOLD_ROW_KEY_BYTES] = {7};
    const struct mr_hold_row *row = own->ctx;
    struct mr_buf value = MR_BUF_INIT;
    int r = row ? mr_hold_row_encode(&value, row) : 0;

    if (r == 0)
        r = row ? mr_log_batch_put(batch, MR_LOG_HOLD, mr_slice(id, sizeof id), mr_buf_slice(&value))
                : mr_log_batch_del(batch, MR_LOG_HOLD, mr_slice(id, sizeof id));
    mr_buf_fini(&value);
    return r;
}

static bool waits_for_hold(void *ctx)
{
    struct mr_eraser_status status;

    mr_eraser_status(ctx, &status);
    return strcmp(status.waits_for, "legal-hold") == 0;
}

/* A hold on numbers keeps the events of those numbers, whoever is in them: the erasure waits, and may be
 * rejected. */
static void test_hold_on_numbers(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint64_t anna = eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL), number;
    struct mr_hold_row row = {.kind = MR_HOLD_NUMBERS, .from = anna, .to = anna};
    struct mr_own place = {.rows = put_hold, .ctx = &row}, release = {.rows = put_hold};

    assert_int_equal(mr_own_say(f->env->prepare, &place, NULL), 0);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    spawn_until("it waits", waits_for_hold, f->eraser);
    assert_int_equal(mr_eraser_reject(f->eraser, number, "pd-2", "legal-hold", &error), 0);
    assert_int_equal(eraser_env_open(f, anna, MR_PURPOSE_DELIVER), 0);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    spawn_until("it waits again", waits_for_hold, f->eraser);
    assert_int_equal(mr_own_say(f->env->prepare, &release, NULL), 0);
    (void)eraser_env_await(f, number, MR_ERASURE_COMPLETED);
}

/* ---- two persons in one event ---- */

static uint64_t mentoring(struct eraser_env *f, const char *id, const char *mentor, const char *mentee)
{
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:cnppm", id, "nms.mentoring.started.v1");
    Nms__Event__V1__MentoringStarted m = NMS__EVENT__V1__MENTORING_STARTED__INIT;
    Nms__Event__V1__Person first = NMS__EVENT__V1__PERSON__INIT, second = NMS__EVENT__V1__PERSON__INIT;
    struct mr_buf event = MR_BUF_INIT;

    first.snils = (char *)mentor;
    second.snils = (char *)mentee;
    m.person = &first;
    m.mentee = &second;
    m.mentoring_id = (char *)id;
    m.started_on = (char *)"2026-03-01";
    hub_env_encode(&event, &a, &m.base);
    return eraser_env_publish(f, "cnppm", &event);
}

static int emptied(struct eraser_env *f, uint64_t number, bool ret[static 2])
{
    struct mr_log_reader *reader;
    struct mr_record_view *view = calloc(1, sizeof *view);
    int r;

    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    r = mr_log_read(reader, number, view, NULL);
    assert_int_equal(view->record.slots_count, 2);
    for (int i = 0; i < 2; i++)
        ret[i] = view->record.slots[i].size == 0;
    mr_log_reader_close(reader);
    free(view);
    return r;
}

/* Only the part of the one who is erased is emptied; the other one still finds the event, which opens for
 * nobody. */
static void test_shared_events(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint64_t number, led = mentoring(f, "m-1", SNILS_ANNA, SNILS_OLGA),
                     was = mentoring(f, "m-2", SNILS_OLGA, SNILS_ANNA);
    uint64_t own = eraser_env_deficit(f, "d-1", SNILS_OLGA, NULL);
    bool empty[2];

    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_equal(eraser_env_await(f, number, MR_ERASURE_COMPLETED).events, 2);
    assert_int_equal(emptied(f, led, empty), 0);
    assert_true(empty[0] && !empty[1]);
    assert_int_equal(emptied(f, was, empty), 0);
    assert_true(!empty[0] && empty[1]);
    assert_int_equal(eraser_env_open(f, led, MR_PURPOSE_DELIVER), MR_EDESTROYED);
    assert_int_equal(eraser_env_open(f, was, MR_PURPOSE_DELIVER), MR_EDESTROYED);
    assert_int_equal(eraser_env_open(f, own, MR_PURPOSE_DELIVER), 0);
    eraser_env_expect_as_rebuilt(f);
    assert_int_equal(eraser_env_request(f, SNILS_OLGA, &number, &error), 0); /* the other one, later */
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_equal(eraser_env_await(f, number, MR_ERASURE_COMPLETED).events, 3);
    assert_int_equal(emptied(f, led, empty), 0);
    assert_true(empty[0] && empty[1]);
    eraser_env_expect_as_rebuilt(f);
}

/* ---- terms ---- */

static int64_t later_us(void *ctx)
{
    (void)ctx;
    return mr_clock_wall_us(mr_clock_system()) + (int64_t)40 * 24 * 3600 * 1000000;
}

static int64_t monotonic_us(void *ctx)
{
    (void)ctx;
    return mr_clock_monotonic_us(mr_clock_system());
}

static bool is_answered(void *ctx)
{
    struct eraser_seen *w = ctx;

    return mr_erasure_all(w->log, eraser_env_look, w) == 0 && w->found != 0 && w->unanswered == 0;
}

static bool is_late(void *ctx)
{
    struct mr_eraser_status status;

    mr_eraser_status(ctx, &status);
    return status.requested == 1 && status.overdue == 1 && status.unanswered == 0;
}

/* Forty days later: who has not answered is noted, the notices are gone, and what was not approved is late.
 */
static void test_terms_pass(void **state)
{
    static const struct mr_clock later = {.wall_us = later_us, .monotonic_us = monotonic_us};
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    struct eraser_seen seen = {.log = f->env->house.log};
    uint64_t number, other;

    (void)eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL);
    (void)eraser_env_deficit(f, "d-2", SNILS_OLGA, NULL);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    seen.number = number;
    assert_int_equal(eraser_env_await(f, number, MR_ERASURE_COMPLETED).unanswered, 3);
    assert_int_equal(eraser_env_request(f, SNILS_OLGA, &other, &error), 0);
    eraser_env_stop(f);
    f->env->house.clock = &later;
    eraser_env_start(f);
    spawn_until("the terms have passed", is_answered, &seen);
    spawn_until("what is late is counted", is_late, f->eraser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_hold_on_numbers, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(test_terms_pass, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(test_shared_events, eraser_env_setup, eraser_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
