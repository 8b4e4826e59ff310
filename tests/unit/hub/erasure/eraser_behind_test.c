/*
 * Events go on while a person is forgotten: the index is behind the log, and an erasure that waited for both
 * to be the same would never begin. And whoever approves blocks, should the request have failed at it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "hub/keep/hold_rows.h"
#include "hub/own.h"
#include "store/fault.h"
#include "tests/support/eraser_env.h"
#include "tests/support/spawn.h"

/* ---- a legal hold on a type: an approved erasure waits for it ---- */

static int put_hold(struct mr_own *own, struct mr_log_batch *batch)
{
    const struct mr_hold_row row = {.kind = MR_HOLD_TYPE, .type = "nms.deficit.", .case_reference = "2-17"};
    const bool *placed = own->ctx;
    struct mr_buf value = MR_BUF_INIT;
    uint8_t id[MR_HOLD_ROW_KEY_BYTES];
    int r = mr_hold_row_encode(&value, &row);

    memset(id, 7, sizeof id);
    if (r == 0 && *placed)
        r = mr_log_batch_put(batch, MR_LOG_HOLD, mr_slice(id, sizeof id), mr_buf_slice(&value));
    else if (r == 0)
        r = mr_log_batch_del(batch, MR_LOG_HOLD, mr_slice(id, sizeof id));
    mr_buf_fini(&value);
    return r;
}

static void hold(struct eraser_env *f, bool placed)
{
    struct mr_own own = {.rows = put_hold, .ctx = &placed};

    assert_int_equal(mr_own_say(f->env->prepare, &own, NULL), 0);
    mr_eraser_wake(f->eraser);
}

struct wait {
    struct eraser_env *f;
    uint64_t number;
    const char *text;
};

static bool waits(void *ctx)
{
    const struct wait *wait = ctx;
    char text[MR_ERASER_WAITS_BYTES];

    mr_eraser_waits(wait->f->eraser, wait->number, text);
    return strcmp(text, wait->text) == 0;
}

static void await_waits(struct eraser_env *f, uint64_t number, const char *text)
{
    struct wait wait = {f, number, text};

    spawn_until(text, waits, &wait);
}

/* ---- tests ---- */

static void test_index_is_behind(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint64_t anna = eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL), number, behind;

    eraser_env_await_indexed(f);
    hold(f, true);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    await_waits(f, number, "legal-hold");
    eraser_env_indexer_rests(f, true);
    behind = eraser_env_deficit(f, "d-2", SNILS_OLGA, NULL); /* nobody indexes it */
    hold(f, false);
    (void)eraser_env_await(f, number, MR_ERASURE_COMPLETED);
    assert_true(mr_index_through(f->env->house.index) < behind);
    eraser_env_indexer_rests(f, false);
    assert_int_equal(eraser_env_open(f, anna, MR_PURPOSE_ERASE), MR_EDESTROYED);
    assert_int_equal(eraser_env_open(f, behind, MR_PURPOSE_DELIVER), 0);
    eraser_env_expect_as_rebuilt(f);
}

/* The approval itself must be indexed: what is older is the person's, perhaps. */
static void test_index_is_far_behind(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint64_t anna, number;

    eraser_env_await_indexed(f);
    eraser_env_indexer_rests(f, true);
    anna = eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    await_waits(f, number, "indexer");
    assert_int_equal(eraser_env_open(f, anna, MR_PURPOSE_ERASE), 0);
    eraser_env_indexer_rests(f, false);
    (void)eraser_env_await(f, number, MR_ERASURE_COMPLETED);
    assert_int_equal(eraser_env_open(f, anna, MR_PURPOSE_ERASE), MR_EDESTROYED);
    eraser_env_expect_as_rebuilt(f);
}

#ifdef MR_FAULT_POINTS

static void test_approval_blocks(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint64_t anna = eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL), number = 0;

    hold(f, true); /* it goes no further than the approval */
    mr_fault_set("erase.requested:1:eio");
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), MR_EIO);
    mr_fault_set(NULL);
    assert_int_equal(eraser_env_open(f, anna, MR_PURPOSE_DELIVER), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, 1, "pd-2", &error), 0);
    assert_int_equal(eraser_env_open(f, anna, MR_PURPOSE_DELIVER), MR_EBLOCKED);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_index_is_behind, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(test_index_is_far_behind, eraser_env_setup, eraser_env_teardown),
#ifdef MR_FAULT_POINTS
            cmocka_unit_test_setup_teardown(test_approval_blocks, eraser_env_setup, eraser_env_teardown),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
