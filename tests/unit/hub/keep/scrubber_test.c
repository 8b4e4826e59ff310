/* The background scrub: whole passes beside publishing, its place over a restart, damage told while it runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hub/index/indexer.h"
#include "hub/keep/scrubber.h"
#include "proto/base/bytes.h"
#include "tests/support/damage.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

enum { EVENTS = 120 };

static const struct mr_scrubber_options fast = {.rows_a_step = 7, .pause_ms = 1};

static void publish(struct hub_env *env, unsigned i)
{
    struct mr_buf event = MR_BUF_INIT;
    char id[16];

    (void)snprintf(id, sizeof id, "x-%u", i);
    if (i % 2)
        hub_env_programme(&event, id);
    else
        hub_env_deficit(&event, id, "11223344595", NULL);
    mr_intake_free(hub_env_publish(env, i % 2 ? "portal" : "copmkp", &event, 1, 1 + i));
    mr_buf_fini(&event);
}

static struct mr_scrubber *start(struct hub_env *env, const struct mr_scrubber_options *options)
{
    struct mr_scrubber *scrubber;

    assert_int_equal(mr_scrubber_start(&scrubber, &env->house, options, NULL), 0);
    return scrubber;
}

static bool passed(void *ctx)
{
    struct mr_scrubber_status status;

    mr_scrubber_status(ctx, &status);
    return status.passes > 0;
}

static void test_passes_beside_publishing(void **state)
{
    const struct mr_scrubber_options wide = {.rows_a_step = 500, .pause_ms = 1};
    struct hub_env *env = *state;
    struct mr_scrubber_status status;
    struct mr_scrubber *scrubber = start(env, &wide);

    for (unsigned i = 0; i < EVENTS; i++) {
        publish(env, i);
        if (i % 20 == 0)
            assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    }
    spawn_until("a pass", passed, scrubber);
    mr_scrubber_status(scrubber, &status);
    assert_int_equal(status.damaged + status.damaged_last, 0);
    assert_true(status.finished_us > 0);
    mr_scrubber_stop(scrubber);
}

static bool is_behind_the_log(void *ctx)
{
    struct mr_scrubber_status status;

    mr_scrubber_status(ctx, &status);
    return strcmp(status.at, "keys") == 0;
}

static void test_goes_on_after_a_restart(void **state)
{
    struct hub_env *env = *state;
    struct mr_scrubber_status status;
    struct mr_scrubber *scrubber;

    for (unsigned i = 0; i < EVENTS; i++)
        publish(env, i);
    scrubber = start(env, &fast);
    spawn_until("keys", is_behind_the_log, scrubber);
    mr_scrubber_stop(scrubber);
    scrubber = start(env, &(struct mr_scrubber_options){.rows_a_step = 1, .pause_ms = 60000});
    mr_scrubber_status(scrubber, &status);
    assert_string_equal(status.at, "keys");
    mr_scrubber_stop(scrubber);
}

static void test_damage_is_told(void **state)
{
    struct hub_env *env = *state;
    struct mr_scrubber_status status;
    struct mr_scrubber *scrubber;

    for (unsigned i = 0; i < EVENTS; i++)
        publish(env, i);
    hub_env_close(env);
    damage_text(mr_tmpdir_path(env->dir, "store/log/data.mdb"), "x-55");
    hub_env_open(env);
    scrubber = start(env, &(struct mr_scrubber_options){.rows_a_step = 900, .pause_ms = 1});
    spawn_until("a pass", passed, scrubber);
    mr_scrubber_status(scrubber, &status);
    assert_int_equal(status.damaged_last, 1);
    mr_scrubber_stop(scrubber);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_passes_beside_publishing, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_goes_on_after_a_restart, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_damage_is_told, hub_env_setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
