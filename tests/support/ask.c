#include "tests/support/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "hub/index/indexer.h"
#include "hub/rows.h"

int ask_collect(void *ctx, json_t *document)
{
    return json_array_append_new(ctx, document);
}

static struct mr_method_call call_of(struct hub_env *env, json_t *arguments, const char *operator_name)
{
    return (struct mr_method_call){.house = &env->house,
            .arguments = arguments,
            .operator_name = operator_name,
            .hub_running = true};
}

static int run(struct hub_env *env, const char *name, json_t *arguments, json_t *ret, struct mr_error *reterr)
{
    const struct mr_method *method = mr_method_find(name);
    json_t *given = arguments ? arguments : json_object();
    struct mr_method_call call = call_of(env, given, "");
    struct mr_act ignored;
    int r;

    assert_non_null(method);
    if (method->read) {
        r = method->read(&call, ask_collect, ret, reterr);
    } else {
        r = method->act(&call, &ignored, reterr);
        if (r == 0)
            mr_act_fini(&ignored);
    }
    json_decref(given);
    return r;
}

json_t *ask_all(struct hub_env *env, const char *method, json_t *arguments)
{
    struct mr_error error = {0};
    json_t *documents = json_array();

    if (run(env, method, arguments, documents, &error) != 0)
        fail_msg("%s: %s: %s", method, error.where, error.what);
    return documents;
}

json_t *ask_one(struct hub_env *env, const char *method, json_t *arguments)
{
    json_t *documents = ask_all(env, method, arguments), *one;

    assert_int_equal(json_array_size(documents), 1);
    one = json_incref(json_array_get(documents, 0));
    json_decref(documents);
    return one;
}

int ask_fails(struct hub_env *env, const char *method, json_t *arguments, struct mr_error *reterr)
{
    json_t *documents = json_array();
    int r = run(env, method, arguments, documents, reterr);

    json_decref(documents);
    return r;
}

/* The writer is idle: every intake was waited for. */
static void put_rows(struct hub_env *env, const struct mr_act *done)
{
    struct mr_log_batch *batch;

    assert_int_equal(mr_log_batch_begin(env->house.log, &batch), 0);
    for (size_t i = 0; i < done->rows_count; i++) {
        const struct mr_act_row *row = &done->rows[i];

        assert_int_equal(row->remove ? mr_log_batch_del(batch, row->table, mr_buf_slice(&row->key))
                                     : mr_log_batch_put(batch, row->table, mr_buf_slice(&row->key),
                                               mr_buf_slice(&row->value)),
                0);
    }
    assert_int_equal(mr_rows_apply(mr_buf_slice(&done->many), batch), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
}

json_t *act(struct hub_env *env, const char *operator_name, const char *name, json_t *arguments)
{
    return act_at_desk(env, NULL, operator_name, name, arguments);
}

json_t *act_at_desk(struct hub_env *env, struct mr_desk *desk, const char *operator_name, const char *name,
        json_t *arguments)
{
    const struct mr_method *method = mr_method_find(name);
    struct mr_method_call call = call_of(env, arguments, operator_name);
    struct mr_error error = {0};
    struct mr_act done;
    struct mr_intake *intake;
    json_t *reply;

    assert_non_null(method);
    call.desk = desk;
    if (method->act(&call, &done, &error) != 0)
        fail_msg("%s: %s: %s", name, error.where, error.what);
    intake = hub_env_publish(env, "hub", &done.event, 1, 0);
    if (intake->items[0].verdict != MR_VERDICT_STORED)
        fail_msg("%s: %s %s", name, intake->items[0].text->field, intake->items[0].text->reason);
    mr_intake_free(intake);
    put_rows(env, &done);
    assert_int_equal(mr_indexer_run_once(&env->house, &error), 0);
    reply = json_incref(done.reply);
    mr_act_fini(&done);
    json_decref(arguments);
    return reply;
}
