/* An intake that is only tried out: the verdicts of a real one, and nobody and nothing is left of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <semaphore.h>
#include <string.h>

#include "hub/intake/prepare.h"
#include "tests/support/hub_env.h"

#define GOOD_SNILS  "11223344595"
#define WRONG_SNILS "12345678900"

static void on_done(struct mr_intake *intake)
{
    (void)sem_post(intake->owner);
}

static struct mr_intake *try_out(struct hub_env *env, const struct mr_buf *events, size_t count)
{
    struct mr_intake *intake = mr_intake_new(count);
    size_t at = 0;
    sem_t done;

    assert_non_null(intake);
    assert_int_equal(sem_init(&done, 0, 0), 0);
    for (size_t i = 0; i < count; i++)
        mr_buf_put_slice(&intake->bytes, mr_buf_slice(&events[i]));
    for (size_t i = 0; i < count; at += events[i].size, i++)
        intake->items[i].event = mr_slice(intake->bytes.data + at, events[i].size);
    intake->sender = mr_config_system(env->config, "copmkp");
    intake->system = mr_names_id(env->house.names, MR_NAME_SYSTEM, "copmkp");
    intake->by_tool = intake->dry = true;
    intake->owner = &done;
    intake->done = on_done;
    mr_prepare_submit(env->prepare, intake);
    while (sem_wait(&done) != 0)
        continue;
    (void)sem_destroy(&done);
    assert_int_equal(intake->status, 0);
    return intake;
}

/* Between two batches: is the person of GOOD_SNILS there? */
static int look(struct mr_intake *intake, struct mr_keyring *keyring)
{
    struct mr_keyring_txn *txn;
    uint8_t person[MR_PERSON_ID_BYTES];
    int r = mr_keyring_begin(keyring, &txn);

    (void)intake;
    if (r == 0) {
        r = mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str(GOOD_SNILS), person);
        mr_keyring_abort(txn);
    }
    return r;
}

static int person_is_there(struct hub_env *env)
{
    struct mr_intake *intake = mr_intake_new(0);
    sem_t done;
    int r;

    assert_non_null(intake);
    assert_int_equal(sem_init(&done, 0, 0), 0);
    intake->system = MR_SYSTEM_HUB;
    intake->task = look;
    intake->owner = &done;
    intake->done = on_done;
    mr_prepare_submit(env->prepare, intake);
    while (sem_wait(&done) != 0)
        continue;
    (void)sem_destroy(&done);
    r = intake->status;
    mr_intake_free(intake);
    return r;
}

static void nobody_is_left_of_it(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[3] = {MR_BUF_INIT, MR_BUF_INIT, MR_BUF_INIT};
    const enum mr_verdict expected[] = {MR_VERDICT_STORED, MR_VERDICT_QUARANTINED, MR_VERDICT_DUPLICATE};
    struct mr_intake *intake;

    hub_env_deficit(&events[0], "e-1", GOOD_SNILS, NULL);
    hub_env_deficit(&events[1], "e-2", WRONG_SNILS, NULL);
    hub_env_deficit(&events[2], "e-1", GOOD_SNILS, NULL);
    for (int i = 0; i < 2; i++) {
        intake = try_out(env, events, 3);
        for (size_t j = 0; j < 3; j++)
            assert_int_equal(intake->items[j].verdict, expected[j]);
        mr_intake_free(intake);
        assert_int_equal(person_is_there(env), MR_ENOTFOUND);
        assert_int_equal(mr_log_head(env->house.log), 0);
    }
    intake = hub_env_publish(env, "copmkp", events, 3, 1); /* for good */
    for (size_t j = 0; j < 3; j++)
        assert_int_equal(intake->items[j].verdict, expected[j]);
    assert_int_equal(intake->items[0].number, 1);
    assert_int_equal(intake->items[1].number, 2);
    mr_intake_free(intake);
    assert_int_equal(person_is_there(env), 0);
    assert_int_equal(mr_log_head(env->house.log), 2);
    for (size_t i = 0; i < 3; i++)
        mr_buf_fini(&events[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(nobody_is_left_of_it, hub_env_setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
