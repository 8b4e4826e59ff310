/* An erasure with escrow that is killed, or fails, at each named point: all or nothing, and once more ends
 * it. */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/list.h"
#include "store/fault.h"
#include "store/root_key.h"
#include "tests/support/erasure_env.h"

#ifdef MR_FAULT_POINTS

static const char *const points[] = {
#define POINT(name) name,
        MR_FAULT_TABLE(POINT)
#undef POINT
};

static bool concerns_us(const char *point)
{
    return strncmp(point, "keys.", 5) == 0 || strcmp(point, "kv.copy") == 0;
}

static bool is_kill_only(const char *point)
{
    return strcmp(point, "keys.erase.committed") == 0 || strcmp(point, "keys.erase.destroyed") == 0;
}

static bool is_erased(struct house *house)
{
    struct mr_slot_key key;

    return mr_keyring_key(house->env->keyring, house->persons[0].key.id, &key) == MR_EDESTROYED;
}

/* Whatever happened: all or nothing, and once more brings it to its end. */
static void go_on(struct house *house)
{
    struct mr_erasure_result result;
    struct mr_root root;
    unsigned present = 0;

    house_assert_state(house, is_erased(house));
    assert_int_equal(house_erase(house, 1, &result), 0);
    assert_int_equal(result.generation_after, 2);
    assert_int_equal(result.keys, ERASED);
    assert_int_equal(house_finish_with_escrow(house), 0);
    house_assert_state(house, true);
    assert_int_equal(mr_root_read(house_path(house, "root"), &root, NULL), 0);
    for (size_t i = 0; i < MR_ROOT_SLOTS; i++) {
        present += root.slots[i].state == MR_ROOT_PRESENT;
        assert_true(root.slots[i].state != MR_ROOT_PRESENT || root.slots[i].generation == 2);
    }
    assert_int_equal(present, 1);
    mr_root_wipe(&root);
    house_assert_escrow(house, 2);
    keyring_env_reopen(house->env);
    house_assert_state(house, true);
}

static void killed_at(const char *point)
{
    struct house *house;
    char spec[96];
    int status = 0;
    pid_t pid;

    assert_int_equal(house_setup((void **)&house), 0);
    house_make_escrow(house);
    assert_int_equal(house_finish_with_escrow(house), 0);
    house_close(house);
    (void)snprintf(spec, sizeof spec, "%s:1:kill", point);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct mr_erasure_result result;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        mr_fault_set(spec);
        keyring_env_open(house->env);
        (void)house_erase(house, 1, &result);
        (void)house_finish_with_escrow(house);
        _exit(3);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    keyring_env_open(house->env);
    go_on(house);
    house_teardown((void **)&house);
}

static void test_killed_at_each_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < MR_COUNT(points); i++)
        if (concerns_us(points[i]))
            killed_at(points[i]);
}

static void failed_at(const char *point, const char *failure, int code)
{
    struct house *house;
    struct mr_erasure_result result;
    char spec[96];
    int r;

    assert_int_equal(house_setup((void **)&house), 0);
    house_make_escrow(house);
    assert_int_equal(house_finish_with_escrow(house), 0);
    (void)snprintf(spec, sizeof spec, "%s:1:%s", point, failure);
    mr_fault_set(spec);
    r = house_erase(house, 1, &result);
    if (r == 0)
        r = house_finish_with_escrow(house);
    mr_fault_set(NULL);
    assert_int_equal(r, code);
    go_on(house);
    house_teardown((void **)&house);
}

static void test_failures_at_each_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < MR_COUNT(points); i++)
        if (concerns_us(points[i]) && !is_kill_only(points[i])) {
            failed_at(points[i], "eio", MR_EIO);
            failed_at(points[i], "enospc", MR_ENOSPACE);
        }
}

#else

static void test_killed_at_each_point(void **state)
{
    (void)state;
    skip();
}

static void test_failures_at_each_point(void **state)
{
    (void)state;
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_killed_at_each_point),
            cmocka_unit_test(test_failures_at_each_point),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
