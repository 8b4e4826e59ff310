/* The room that is made for the records of an intake: going by what came before, but within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "hub/intake/prepare.h"
#include "tests/support/hub_env.h"

enum { SMALL_ONES = 1000, ATTRIBUTES = 50, TEXT_BYTES = 500 };

static void on_done(struct mr_intake *intake)
{
    (void)sem_post(intake->owner);
}

/* As a session does it: the events are not in the intake's own bytes. All of them are the same one. */
static struct mr_intake *publish(struct hub_env *env, const struct mr_buf *event, size_t count)
{
    struct mr_intake *intake = mr_intake_new(count);
    sem_t done;

    assert_non_null(intake);
    assert_int_equal(sem_init(&done, 0, 0), 0);
    intake->sender = mr_config_system(env->config, "portal");
    intake->system = mr_names_id(env->house.names, MR_NAME_SYSTEM, "portal");
    intake->by_tool = true;
    intake->owner = &done;
    intake->done = on_done;
    for (size_t i = 0; i < count; i++)
        intake->items[i].event = mr_buf_slice(event);
    mr_prepare_submit(env->prepare, intake);
    while (sem_wait(&done) != 0)
        continue;
    (void)sem_destroy(&done);
    assert_int_equal(intake->status, 0);
    return intake;
}

static void put_bytes(struct mr_buf *out, unsigned field, struct mr_slice bytes)
{
    mr_buf_put_varint(out, field << 3 | 2);
    mr_buf_put_varint(out, bytes.size);
    mr_buf_put_slice(out, bytes);
}

/* An attribute that nobody knows, with a long text. */
static void put_attribute(struct mr_buf *event, size_t i)
{
    struct mr_buf value = MR_BUF_INIT, entry = MR_BUF_INIT;
    char name[16], text[TEXT_BYTES];

    (void)snprintf(name, sizeof name, "x%zu", i);
    memset(text, 'a', sizeof text);
    put_bytes(&value, 3, mr_slice((const uint8_t *)text, sizeof text));
    put_bytes(&entry, 1, mr_slice_str(name));
    put_bytes(&entry, 2, mr_buf_slice(&value));
    put_bytes(event, 5, mr_buf_slice(&entry));
    mr_buf_fini(&value);
    mr_buf_fini(&entry);
}

/* One large event is not the measure of what comes behind it. */
static void small_ones_behind_a_large_one(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf large = MR_BUF_INIT, small = MR_BUF_INIT;
    struct mr_intake *intake;

    hub_env_programme(&large, "large");
    for (size_t i = 0; i < ATTRIBUTES; i++)
        put_attribute(&large, i);
    hub_env_programme(&small, "small");
    intake = publish(env, &large, 1);
    assert_int_equal(intake->items[0].verdict, MR_VERDICT_STORED);
    assert_true(intake->records.capacity >= large.size);
    mr_intake_free(intake);
    intake = publish(env, &small, SMALL_ONES);
    assert_int_equal(intake->items[0].verdict, MR_VERDICT_STORED);
    assert_int_equal(intake->items[SMALL_ONES - 1].verdict, MR_VERDICT_DUPLICATE);
    assert_true(intake->records.capacity >= small.size * SMALL_ONES);
    assert_true(intake->records.capacity <= 4 * small.size * SMALL_ONES);
    mr_intake_free(intake);
    mr_buf_fini(&large);
    mr_buf_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(small_ones_behind_a_large_one, hub_env_setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
