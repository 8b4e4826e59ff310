/* Who is erased is looked for in proposed corrections too: they go, with their keys; others stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "hub/desk/desk_internal.h"
#include "tests/support/eraser_env.h"

#define SNILS_WRONG "12345678900"

struct proposed {
    uint64_t number;
    uint8_t item[MR_PERSON_ID_BYTES];
};

struct fixture {
    struct eraser_env *f;
    struct mr_desk *desk;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct mr_desk_options options = {0};
    struct mr_error error = {0};
    void *env;

    assert_int_equal(eraser_env_setup(&env), 0);
    fixture->f = env;
    options.house = &fixture->f->env->house;
    options.prepare = fixture->f->env->prepare;
    assert_int_equal(mr_desk_start(&fixture->desk, &options, &error), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *env = fixture->f;

    mr_desk_stop(fixture->desk);
    mr_desk_free(fixture->desk);
    (void)eraser_env_teardown(&env);
    free(fixture);
    return 0;
}

static int read(struct fixture *x, uint64_t number, uint8_t *ret_item)
{
    struct mr_log_reader *reader;
    mr_proposal *proposal;
    int r;

    assert_int_equal(mr_log_reader_open(x->f->env->house.log, &reader), 0);
    r = mr_proposal_read(reader, number, &proposal);
    if (r == 0 && ret_item)
        memcpy(ret_item, proposal->item.data, MR_PERSON_ID_BYTES);
    mr_proposal_free(proposal);
    mr_log_reader_close(reader);
    return r;
}

static struct proposed propose(struct fixture *x, const char *id, const char *local_id, json_t *set)
{
    const struct mr_desk_word word = {"op-1", "admin", "case-7"};
    const struct mr_desk_change change = {.set = set};
    struct proposed proposed = {.number = eraser_env_deficit(x->f, id, SNILS_WRONG, local_id)};
    struct mr_desk_proposed done;
    struct mr_error error = {0};

    if (mr_desk_propose(x->desk, &x->f->env->house, proposed.number, &change, &word, &done, &error) != 0)
        fail_msg("%s: %s", error.where, error.what);
    json_decref(done.fields);
    json_decref(set);
    assert_int_equal(read(x, proposed.number, proposed.item), 0);
    return proposed;
}

static int key_of(struct fixture *x, const struct proposed *proposed)
{
    struct mr_slot_key key;

    return mr_keyring_person_key(x->f->env->house.keyring, proposed->item, &key);
}

static void what_is_proposed_of_the_erased_goes(void **state)
{
    struct fixture *x = *state;
    struct mr_error error = {0};
    struct proposed by_event, by_content, of_another;
    uint64_t request;

    (void)eraser_env_deficit(x->f, "d-1", SNILS_ANNA, "p-17");
    (void)eraser_env_deficit(x->f, "d-2", SNILS_OLGA, "p-18");
    by_event = propose(x, "d-3", "p-17", json_pack("{s:s}", "person.snils", SNILS_ANNA));
    by_content = propose(x, "d-4", "p-19", json_pack("{s:s}", "person.snils", SNILS_ANNA));
    of_another = propose(x, "d-5", "p-18", json_pack("{s:s}", "person.snils", SNILS_OLGA));
    assert_int_equal(eraser_env_request(x->f, SNILS_ANNA, &request, &error), 0);
    assert_int_equal(mr_eraser_approve(x->f->eraser, request, "pd-2", &error), 0);
    (void)eraser_env_await(x->f, request, MR_ERASURE_COMPLETED);

    assert_int_equal(read(x, by_event.number, NULL), MR_ENOTFOUND);
    assert_int_equal(key_of(x, &by_event), MR_EDESTROYED);
    assert_int_equal(eraser_env_open(x->f, by_event.number, MR_PURPOSE_CORRECT), MR_EDESTROYED);
    assert_int_equal(read(x, by_content.number, NULL), MR_ENOTFOUND);
    assert_int_equal(key_of(x, &by_content), MR_EDESTROYED);
    assert_int_equal(eraser_env_open(x->f, by_content.number, MR_PURPOSE_CORRECT), 0); /* names nobody else */
    assert_int_equal(read(x, of_another.number, NULL), 0);
    assert_int_equal(key_of(x, &of_another), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(what_is_proposed_of_the_erased_goes, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
