/* An erasure whose escrow places are away: it waits, says so, and goes on when they are back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hub/erasure/eraser.h"
#include "hub/index/indexer.h"
#include "store/erasure.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

struct fixture {
    struct hub_env *env;
    struct mr_indexer *indexer;
    struct mr_eraser *eraser;
    struct mr_config_escrow escrow;
    char root[256], keys[256];
    uint64_t number;
    uint32_t wanted;
};

static void on_said(void *ctx)
{
    mr_indexer_wake(((struct fixture *)ctx)->indexer);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct mr_eraser_options options = {.said = on_said, .ctx = f};
    struct mr_error error = {0};
    void *env;

    assert_int_equal(hub_env_setup(&env), 0);
    f->env = env;
    (void)snprintf(f->root, sizeof f->root, "%s/escrow-root", f->env->dir);
    (void)snprintf(f->keys, sizeof f->keys, "%s/escrow-keys", f->env->dir);
    f->escrow = (struct mr_config_escrow){.root = f->root, .keys = f->keys};
    f->env->config->hub.escrow = &f->escrow;
    assert_int_equal(mr_indexer_start(&f->indexer, &f->env->house), 0);
    options.house = &f->env->house;
    options.prepare = f->env->prepare;
    options.indexer = f->indexer;
    if (mr_eraser_start(&f->eraser, &options, &error) != 0)
        fail_msg("%s", error.what);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    void *env = f->env;

    mr_eraser_stop(f->eraser);
    mr_eraser_free(f->eraser);
    mr_indexer_stop(f->indexer);
    f->env->config->hub.escrow = NULL;
    (void)hub_env_teardown(&env);
    free(f);
    return 0;
}

static bool is_waiting(void *ctx)
{
    struct fixture *f = ctx;
    struct mr_eraser_status status = {0};

    mr_eraser_status(f->eraser, &status);
    return strcmp(status.waits_for, "escrow") == 0;
}

static int look(void *ctx, const mr_erasure_request *request)
{
    struct fixture *f = ctx;

    return request->number == f->number && request->state == f->wanted;
}

static bool is_in_state(void *ctx)
{
    struct fixture *f = ctx;

    return mr_erasure_all(f->env->house.log, look, f) == 1;
}

static bool has(const struct fixture *f, const char *name)
{
    struct stat st;

    return stat(mr_tmpdir_path(f->env->dir, name), &st) == 0;
}

static void request_and_approve(struct fixture *f)
{
    const struct mr_erasure_wish wish = {.snils = "11223344595",
            .basis = "consent-withdrawn",
            .case_text = "file 7 of 2026",
            .operator_name = "pd-1"};
    struct mr_buf event = MR_BUF_INIT;
    struct mr_error error = {0};

    hub_env_deficit(&event, "d-1", "11223344595", NULL);
    mr_intake_free(hub_env_publish(f->env, "copmkp", &event, 1, 1));
    mr_buf_wipe(&event);
    mr_indexer_wake(f->indexer);
    assert_int_equal(mr_eraser_request(f->eraser, &wish, &f->number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, f->number, "pd-2", &error), 0);
}

static struct mr_erasure_status keys_status(const struct fixture *f)
{
    struct mr_erasure_status status;

    assert_int_equal(mr_keyring_erasure_status(f->env->house.keyring, &status, NULL), 0);
    return status;
}

static void test_waits_for_escrow_and_goes_on(void **state)
{
    struct fixture *f = *state;

    request_and_approve(f);
    spawn_until("waiting for escrow", is_waiting, f);
    assert_true(keys_status(f).waiting); /* the old root is not gone */
    assert_int_equal(mkdir(f->root, 0700), 0);
    assert_int_equal(mkdir(f->keys, 0700), 0);
    mr_eraser_wake(f->eraser);
    f->wanted = MR_ERASURE_CONFIRMED; /* and then the compactor, which is not here */
    spawn_until("confirmed", is_in_state, f);
    assert_false(keys_status(f).waiting);
    assert_int_equal(keys_status(f).generation, 2);
    assert_true(has(f, "escrow-root/root.2") && has(f, "escrow-keys/keys.2.mdb"));
    assert_false(has(f, "escrow-root/root.1") || has(f, "escrow-keys/keys.1.mdb"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_waits_for_escrow_and_goes_on, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
