#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/list.h"
#include "store/fault.h"
#include "store/root_key.h"
#include "tests/support/erasure_env.h"

/* ---- escrow ---- */

static struct mr_escrow escrow_of(struct house *house)
{
    return (struct mr_escrow){
            .root = house_path(house, "escrow-root"), .keys = house_path(house, "escrow-keys")};
}

static void make_escrow(struct house *house)
{
    assert_int_equal(mkdir(house_path(house, "escrow-root"), 0700), 0);
    assert_int_equal(mkdir(house_path(house, "escrow-keys"), 0700), 0);
}

static int finish_with_escrow(struct house *house)
{
    const struct mr_escrow escrow = escrow_of(house);
    struct mr_error err = {0};
    int r = mr_keyring_finish_erasure(house->env->keyring, &escrow, &err);

    assert_int_equal(err.code, r);
    assert_true(r == 0 || strlen(err.where) > 0);
    return r;
}

static bool has(struct house *house, const char *name)
{
    struct stat st;

    return stat(house_path(house, name), &st) == 0;
}

/* Only what belongs to this generation lies in escrow, and it opens and is whole. */
static void assert_escrow(struct house *house, uint32_t generation)
{
    struct mr_root_slot slot;
    char root[64], keys[64];

    for (uint32_t g = 1; g < 5; g++) {
        (void)snprintf(root, sizeof root, "escrow-root/root.%u", g);
        (void)snprintf(keys, sizeof keys, "escrow-keys/keys.%u.mdb", g);
        assert_int_equal(has(house, root), g == generation);
        assert_int_equal(has(house, keys), g == generation);
    }
    (void)snprintf(root, sizeof root, "root.%u", generation);
    (void)snprintf(keys, sizeof keys, "escrow-keys/keys.%u.mdb", generation);
    assert_int_equal(mr_root_file_read(house_path(house, "escrow-root"), root, &slot, NULL), 0);
    assert_int_equal(slot.generation, generation);
    assert_false(has(house, "escrow-keys/incoming"));
    assert_int_equal(mkdir(house_path(house, "restored"), 0700), 0);
    assert_int_equal(link(house_path(house, keys), house_path(house, "restored/data.mdb")), 0);
    assert_int_equal(mr_root_write(house_path(house, "restored-root"), 0, generation, slot.key, NULL), 0);
    assert_int_equal(house_opens_with(house, "restored", "restored-root"), 0);
}

static void test_escrow_is_confirmed_before_the_old_root_goes(void **state)
{
    struct house *house = *state;
    struct mr_erasure_result result;

    assert_int_equal(finish_with_escrow(house), MR_ENOTFOUND); /* the places are not there */
    make_escrow(house);
    assert_int_equal(finish_with_escrow(house), 0); /* at start: what there is goes into escrow */
    assert_true(has(house, "escrow-root/root.1") && has(house, "escrow-keys/keys.1.mdb"));
    assert_int_equal(house_erase(house, 1, &result), 0);
    assert_int_equal(rename(house_path(house, "escrow-keys"), house_path(house, "away")), 0);
    assert_int_equal(finish_with_escrow(house), MR_ENOTFOUND);
    assert_true(house_status(house).waiting);
    assert_true(has(house, "escrow-root/root.1")); /* both roots are everywhere still */
    assert_int_equal(rename(house_path(house, "away"), house_path(house, "escrow-keys")), 0);
    assert_int_equal(finish_with_escrow(house), 0);
    assert_false(house_status(house).waiting);
    assert_escrow(house, 2);
    house_assert_state(house, true);
}

static void test_escrow_of_another_hub_is_refused(void **state)
{
    static const uint8_t other[MR_ROOT_KEY_BYTES] = {9};
    struct house *house = *state;
    struct mr_erasure_result result;

    make_escrow(house);
    assert_int_equal(house_erase(house, 1, &result), 0);
    assert_int_equal(mr_root_file_write(house_path(house, "escrow-root"), "root.2", 2, other, NULL), 0);
    assert_int_equal(finish_with_escrow(house), MR_EEXISTS);
    assert_int_equal(mr_root_file_destroy(house_path(house, "escrow-root"), "root.2", NULL), 0);
    assert_int_equal(mr_root_file_write(house_path(house, "escrow-root"), "root.7", 7, other, NULL), 0);
    assert_int_equal(finish_with_escrow(house), MR_ECORRUPT); /* younger: these keys are an old copy */
    assert_true(house_status(house).waiting);
}

/* ---- faults ---- */

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
    assert_int_equal(finish_with_escrow(house), 0);
    house_assert_state(house, true);
    assert_int_equal(mr_root_read(house_path(house, "root"), &root, NULL), 0);
    for (size_t i = 0; i < MR_ROOT_SLOTS; i++) {
        present += root.slots[i].state == MR_ROOT_PRESENT;
        assert_true(root.slots[i].state != MR_ROOT_PRESENT || root.slots[i].generation == 2);
    }
    assert_int_equal(present, 1);
    mr_root_wipe(&root);
    assert_escrow(house, 2);
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
    make_escrow(house);
    assert_int_equal(finish_with_escrow(house), 0);
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
        (void)finish_with_escrow(house);
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
    make_escrow(house);
    assert_int_equal(finish_with_escrow(house), 0);
    (void)snprintf(spec, sizeof spec, "%s:1:%s", point, failure);
    mr_fault_set(spec);
    r = house_erase(house, 1, &result);
    if (r == 0)
        r = finish_with_escrow(house);
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

#endif

#define T(fn) cmocka_unit_test_setup_teardown(fn, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_escrow_is_confirmed_before_the_old_root_goes),
            T(test_escrow_of_another_hub_is_refused),
#ifdef MR_FAULT_POINTS
            cmocka_unit_test(test_killed_at_each_point),
            cmocka_unit_test(test_failures_at_each_point),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
