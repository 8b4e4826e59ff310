/* What had expired stays expired, also when the only sound copy is of before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hub/keep/backup.h"
#include "hub/keep/repair.h"
#include "tests/support/damage.h"
#include "tests/support/term_env.h"
#include "tests/support/tmpdir.h"

enum { PROGRAMMES = 10, EXPIRED = 9 }; /* the newest record stays */

static void ignore(void *ctx, const struct mr_scrub_finding *finding)
{
    (void)ctx;
    (void)finding;
}

static void take_backup(const struct hub_env *env, const char *dir)
{
    struct mr_error error = {0};
    struct mr_backup backup;

    if (mr_backup_make(env->config, dir, &backup, ignore, NULL, NULL, &error) < 0)
        fail_msg("%s: %s", error.where, error.what);
    mr_backup_fini(&backup);
}

static void test_expired_stays_expired(void **state)
{
    struct term_env *t = *state;
    const char *dir = t->env->dir;
    uint8_t before[MR_MERKLE_BYTES], after[MR_MERKLE_BYTES];
    struct mr_error error = {0};
    struct mr_repaired repaired;

    term_env_programmes(t, PROGRAMMES);
    hub_env_close(t->env);
    take_backup(t->env, mr_tmpdir_path(dir, "backup"));
    term_env_again(t);
    term_env_settle(t);
    term_env_now(TERM_ENV_BEGIN_US + 40 * TERM_ENV_DAY_US);
    assert_int_equal(term_env_run(t).expired, EXPIRED);
    term_env_root(t, PROGRAMMES, before);
    term_env_stop(t);
    hub_env_close(t->env);
    damage_text(mr_tmpdir_path(dir, "store/log/segments/00000000000000000001-1/data.mdb"),
            "nms.programme.listed.v1");
    if (mr_repair_from(t->env->config, mr_tmpdir_path(dir, "backup"), &repaired, ignore, NULL, &error) < 0)
        fail_msg("%s: %s", error.where, error.what);
    assert_int_equal(repaired.damaged, 1);
    assert_int_equal(repaired.mended, 1);
    assert_int_equal(repaired.left, 0);
    term_env_again(t);
    assert_int_equal(term_env_expired(t, 1, PROGRAMMES), EXPIRED);
    term_env_root(t, PROGRAMMES, after);
    assert_memory_equal(before, after, sizeof before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_expired_stays_expired, term_env_setup, term_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
