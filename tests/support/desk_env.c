#include "tests/support/desk_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hub/record/opened.h"
#include "hub/own.h"
#include "tests/support/ask.h"
#include "tests/support/spawn.h"

void desk_env_start(struct desk_env *f)
{
    const struct mr_desk_options options = {.house = &f->env->house, .prepare = f->env->prepare};
    struct mr_error error = {0};

    if (mr_desk_start(&f->desk, &options, &error) != 0)
        fail_msg("%s", error.what);
}

void desk_env_stop(struct desk_env *f)
{
    mr_desk_stop(f->desk);
    mr_desk_free(f->desk);
    f->desk = NULL;
}

void desk_env_restart(struct desk_env *f)
{
    desk_env_stop(f);
    hub_env_close(f->env);
    hub_env_open(f->env);
    desk_env_start(f);
}

int desk_env_setup(void **state)
{
    struct desk_env *f = calloc(1, sizeof *f);
    void *env;

    assert_int_equal(hub_env_setup(&env), 0);
    f->env = env;
    desk_env_start(f);
    *state = f;
    return 0;
}

int desk_env_teardown(void **state)
{
    struct desk_env *f = *state;
    void *env = f->env;

    desk_env_stop(f);
    (void)hub_env_teardown(&env);
    free(f);
    return 0;
}

uint64_t desk_env_publish(struct desk_env *f, const char *system, struct mr_buf *event,
        enum mr_verdict verdict, const char *code)
{
    uint64_t sequence = mr_log_head(f->env->house.log) + 1;
    struct mr_intake *intake = hub_env_publish(f->env, system, event, 1, sequence);
    uint64_t number = intake->items[0].number;

    if (intake->mended)
        mr_desk_wake(f->desk);
    if (intake->items[0].text && intake->items[0].verdict != verdict)
        print_message("%s: %s\n", intake->items[0].text->code, intake->items[0].text->reason);
    assert_int_equal(intake->items[0].verdict, verdict);
    assert_string_equal(intake->items[0].text ? intake->items[0].text->code : "", code);
    mr_intake_free(intake);
    mr_buf_wipe(event);
    return number;
}

uint64_t desk_env_deficit(struct desk_env *f, const char *id, const char *snils, const char *local_id,
        enum mr_verdict verdict, const char *code)
{
    struct mr_buf event = MR_BUF_INIT;

    hub_env_deficit(&event, id, snils, local_id);
    return desk_env_publish(f, "copmkp", &event, verdict, code);
}

void desk_env_mending(
        struct mr_buf *out, const char *id, const char *mends, const char *snils, const char *local_id)
{
    struct mr_arena arena;
    struct mr_event event;
    struct mr_buf plain = MR_BUF_INIT;

    mr_arena_init(&arena, 64 * 1024);
    hub_env_deficit(&plain, id, snils, local_id);
    assert_int_equal(mr_event_decode(&event, mr_buf_slice(&plain), &arena, NULL), 0);
    event.a.mends = mends;
    hub_env_encode(out, &event.a, event.payload);
    mr_arena_fini(&arena);
    mr_buf_fini(&plain);
}

struct mr_quarantine_row desk_env_row(struct desk_env *f, uint64_t number)
{
    uint8_t key[MR_QUARANTINE_KEY_BYTES];
    struct mr_quarantine_row row;
    struct mr_log_reader *reader;
    struct mr_slice value;

    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    assert_int_equal(mr_log_row(reader, MR_LOG_QUARANTINE, mr_number_key(number, key), &value), 0);
    assert_int_equal(mr_quarantine_row_decode(&row, value), 0);
    mr_log_reader_close(reader);
    return row;
}

struct awaited {
    struct desk_env *f;
    uint64_t number;
    enum mr_quarantine_state state;
};

static bool is_in_state(void *ctx)
{
    const struct awaited *awaited = ctx;

    return desk_env_row(awaited->f, awaited->number).state == awaited->state;
}

struct mr_quarantine_row desk_env_await(struct desk_env *f, uint64_t number, enum mr_quarantine_state state)
{
    struct awaited awaited = {f, number, state};

    spawn_until(mr_quarantine_state_name(state), is_in_state, &awaited);
    return desk_env_row(f, number);
}

int desk_env_body(struct desk_env *f, uint64_t number)
{
    struct mr_record_view *view = malloc(sizeof *view);
    struct mr_log_reader *reader;
    struct mr_opened opened;
    int r;

    mr_opened_init(&opened);
    assert_non_null(view);
    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    assert_int_equal(mr_log_read(reader, number, view, NULL), 0);
    r = mr_opened_read(&opened, &f->env->house, &view->record, MR_PURPOSE_CORRECT, NULL);
    mr_opened_fini(&opened);
    mr_log_reader_close(reader);
    free(view);
    return r;
}

struct awaited_body {
    struct desk_env *f;
    uint64_t number;
    int wanted;
};

static bool is_as_wanted(void *ctx)
{
    const struct awaited_body *awaited = ctx;

    return desk_env_body(awaited->f, awaited->number) == awaited->wanted;
}

void desk_env_await_body(struct desk_env *f, uint64_t number, int wanted)
{
    struct awaited_body awaited = {f, number, wanted};

    spawn_until("the body", is_as_wanted, &awaited);
}

static int destroy(void *ctx, struct mr_keyring *keyring)
{
    struct mr_keyring_txn *txn;

    assert_int_equal(mr_keyring_begin(keyring, &txn), 0);
    assert_int_equal(mr_person_set_state(txn, ctx, MR_PERSON_DESTROYED), 0);
    return mr_keyring_commit(txn);
}

void desk_env_destroy(struct desk_env *f, const uint8_t *item)
{
    assert_int_equal(mr_own_task(f->env->prepare, destroy, (void *)item), 0);
}

void desk_env_balance(struct desk_env *f)
{
    json_t *balance = ask_one(f->env, "balance", NULL);

    assert_true(json_is_true(json_object_get(balance, "ok")));
    json_decref(balance);
}
