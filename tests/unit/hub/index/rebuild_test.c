/* index/ and views/ made again from the log: the same; what differs is found; damage is no obstacle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hub/index/indexer.h"
#include "hub/own.h"
#include "hub/index/rebuild.h"
#include "tests/support/hub_env.h"
#include "tests/support/tmpdir.h"

enum { EVENTS = 60 };

static void publish_all(struct hub_env *env)
{
    static const char *const numbers[] = {"11223344595", "12345678964", "00101998900"};

    for (unsigned i = 0; i < EVENTS; i++) {
        struct mr_buf event = MR_BUF_INIT;
        char id[16];

        (void)snprintf(id, sizeof id, "x-%u", i);
        if (i % 2)
            hub_env_programme(&event, id);
        else
            hub_env_employment(&event, id, numbers[i % 3], id, "1022402127461", true);
        mr_intake_free(hub_env_publish(env, i % 2 ? "portal" : "school", &event, 1, 1 + i));
        mr_buf_fini(&event);
    }
}

struct told {
    uint64_t done, total;
};

static void on_tick(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    struct told *told = ctx;

    assert_string_equal(what, "rebuild");
    assert_true(done >= told->done);
    *told = (struct told){done, total};
}

static struct mr_rebuilt check(const struct hub_env *env)
{
    struct told told = {0};
    const struct mr_tick tick = {on_tick, &told};
    struct mr_error error = {0};
    struct mr_rebuilt rebuilt;

    if (mr_rebuild_check(env->config, &tick, &rebuilt, &error) < 0)
        fail_msg("%s: %s", error.where, error.what);
    assert_int_equal(told.done, rebuilt.through);
    assert_int_equal(told.total, rebuilt.through);
    return rebuilt;
}

static void rebuild(const struct hub_env *env, enum mr_rebuild_what what)
{
    struct told told = {0};
    const struct mr_tick tick = {on_tick, &told};
    struct mr_error error = {0};
    struct mr_rebuilt rebuilt;

    if (mr_rebuild(env->config, what, &tick, &rebuilt, &error) < 0)
        fail_msg("%s: %s", error.where, error.what);
    assert_int_equal(told.done, EVENTS);
    assert_int_equal(rebuilt.through, EVENTS);
}

/* Takes what the index says of number 4's ident out. */
static void forget_one(const struct hub_env *env)
{
    struct mr_index_entry_ref ref = {.kind = MR_INDEX_IDENT, .number = 4};
    struct mr_house house;
    struct mr_log_reader *reader;
    static struct mr_record_view view;

    assert_int_equal(mr_house_open(&house, env->config, false, NULL), 0);
    assert_int_equal(mr_log_reader_open(house.log, &reader), 0);
    assert_int_equal(mr_log_read(reader, 4, &view, NULL), 0);
    memcpy(ref.key, view.record.ident, sizeof ref.key);
    mr_log_reader_close(reader);
    assert_int_equal(mr_index_forget(house.index, &ref, 1), 0);
    mr_house_close(&house);
}

static void overwrite(const char *file)
{
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    char noise[3 * 4096];

    assert_true(fd >= 0);
    memset(noise, 0x5a, sizeof noise);
    assert_int_equal(pwrite(fd, noise, sizeof noise, 0), sizeof noise);
    (void)close(fd);
}

static void test_the_same_or_not(void **state)
{
    struct hub_env *env = *state;
    struct mr_rebuilt rebuilt;
    struct mr_error error = {0};

    publish_all(env);
    assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    assert_int_equal(mr_rebuild(env->config, MR_REBUILD_ALL, NULL, &rebuilt, &error), MR_EEXISTS);
    assert_string_equal(error.cure, "stop the hub");
    hub_env_close(env);
    rebuilt = check(env);
    assert_true(rebuilt.index_same && rebuilt.views_same);
    assert_int_equal(rebuilt.through, EVENTS);
    assert_true(rebuilt.entries > EVENTS && rebuilt.facts > 0);
    forget_one(env);
    rebuilt = check(env);
    assert_false(rebuilt.index_same);
    assert_true(rebuilt.views_same);
    assert_int_equal(rebuilt.entries + 1, rebuilt.entries_again);
    rebuild(env, MR_REBUILD_INDEX);
    rebuilt = check(env);
    assert_true(rebuilt.index_same && rebuilt.views_same);
}

/* Prepare thread. */
static int block(void *ctx, struct mr_keyring *keyring)
{
    uint8_t person[MR_PERSON_ID_BYTES];
    struct mr_keyring_txn *txn;
    int r = mr_keyring_begin(keyring, &txn);

    if (r == 0)
        r = mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str(ctx), person);
    if (r == 0)
        r = mr_person_set_state(txn, person, MR_PERSON_BLOCKED);
    return r == 0 ? mr_keyring_commit(txn) : r;
}

/* While an erasure waits for its approval: what was projected before the block would be again behind it. */
static void test_blocked_is_no_difference(void **state)
{
    struct hub_env *env = *state;
    struct mr_rebuilt rebuilt;
    struct mr_error error = {0};
    char snils[] = "12345678964";

    publish_all(env);
    assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    assert_int_equal(mr_own_task(env->prepare, block, snils), 0);
    hub_env_close(env);
    rebuilt = check(env);
    assert_true(rebuilt.index_same && rebuilt.views_same);
    assert_true(rebuilt.blocked > 0 && rebuilt.facts > 0);
    assert_int_equal(rebuilt.facts, rebuilt.facts_again);
    assert_int_equal(mr_rebuild(env->config, MR_REBUILD_ALL, NULL, &rebuilt, &error), 0);
    rebuilt = check(env);
    assert_true(rebuilt.index_same && rebuilt.views_same && rebuilt.blocked > 0);
}

static void test_damage_is_no_obstacle(void **state)
{
    struct hub_env *env = *state;
    struct mr_error error = {0};
    struct mr_rebuilt rebuilt;
    struct mr_house house;

    publish_all(env);
    assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    hub_env_close(env);
    overwrite(mr_tmpdir_path(env->dir, "store/index/data.mdb"));
    overwrite(mr_tmpdir_path(env->dir, "store/views/data.mdb"));
    assert_int_equal(mr_house_open(&house, env->config, false, &error), MR_ECORRUPT);
    assert_non_null(strstr(error.where, "store/index"));
    assert_string_equal(error.cure, "make it again from the log: marshrut rebuild index");
    rebuild(env, MR_REBUILD_ALL);
    rebuilt = check(env);
    assert_true(rebuilt.index_same && rebuilt.views_same && rebuilt.facts > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_the_same_or_not, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_blocked_is_no_difference, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_damage_is_no_obstacle, hub_env_setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
