/*
 * The balance of a real hub's store in which a row was changed behind its back: exit code 1, and the
 * difference says which sum of which system or subscription does not hold. Put back, all is well again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/deliver/deliver_rows.h"
#include "hub/intake/prepare.h"
#include "proto/base/list.h"
#include "tests/support/config_env.h"
#include "tests/support/deficits.h"
#include "tests/support/tmpdir.h"

#define SUB "cnppm-deficits"

struct scene {
    struct spawn spawn;
    struct bus_client receiver;
    struct deficits deficits;
    struct mr_log *log; /* while no hub runs */
};

/* ---- a store with all sorts of rows ---- */

static const json_t *line_of_sub(const json_t *balance)
{
    json_t *line;
    size_t i;

    json_array_foreach (json_object_get(balance, "out"), i, line)
        if (strcmp(json_string_value(json_object_get(line, "subscription")), SUB) == 0)
            return line;
    return NULL;
}

static bool has_settled(void *ctx)
{
    const struct scene *scene = ctx;
    json_t *json = bus_ask(&scene->spawn, "", "balance", "");
    const json_t *line = line_of_sub(json);
    bool has = json_integer_value(json_object_get(line, "parked")) == 2 &&
               json_integer_value(json_object_get(line, "delivered")) == 1 &&
               json_integer_value(json_object_get(line, "waiting")) == 1;

    json_decref(json);
    return has;
}

/* Of A, B, A, B the first is parked and the third waits behind it, the second is taken, the last waits. */
static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    spawn_init(&scene->spawn, "");
    spawn_start(&scene->spawn);
    deficits_publish(&scene->deficits, &scene->spawn, "ABAB");
    bus_connect_as(&scene->receiver, &scene->spawn, SPAWN_CNPPM);
    (void)bus_hello(&scene->receiver, 0, 0);
    bus_subscribe(&scene->receiver, SUB, 100, 0);
    deficits_expect(&scene->deficits, &scene->receiver, "0123", false);
    bus_nack(&scene->receiver, SUB, scene->deficits.numbers[0], true);
    bus_ack(&scene->receiver, SUB, scene->deficits.numbers[1]);
    spawn_until("the rows", has_settled, scene);
    bus_close(&scene->receiver);
    spawn_stop(&scene->spawn);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    spawn_fini(&scene->spawn);
    free(scene);
    return 0;
}

/* ---- rows that lie ---- */

struct row {
    struct mr_buf key, value;
};

static int keep(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct row *row = ctx;

    mr_buf_put_slice(&row->key, key);
    mr_buf_put_slice(&row->value, value);
    return 1;
}

static void open_log(struct scene *scene)
{
    const struct mr_log_options options = {.dir = mr_tmpdir_path(scene->spawn.dir, "store/log")};

    assert_int_equal(mr_log_open(&scene->log, &options, NULL), 0);
}

/* The first of the table. */
static struct row first_of(struct scene *scene, enum mr_log_table table)
{
    struct mr_log_reader *reader;
    struct row row = {0};

    open_log(scene);
    assert_int_equal(mr_log_reader_open(scene->log, &reader), 0);
    assert_int_equal(mr_log_rows(reader, table, (struct mr_slice){0}, (struct mr_slice){0}, keep, &row), 1);
    mr_log_reader_close(reader);
    mr_log_close(scene->log);
    return row;
}

/* value NULL: it goes. */
static void put(struct scene *scene, enum mr_log_table table, struct mr_buf *key, struct mr_buf *value)
{
    struct mr_log_batch *batch;

    open_log(scene);
    assert_int_equal(mr_log_batch_begin(scene->log, &batch), 0);
    if (value)
        assert_int_equal(mr_log_batch_put(batch, table, mr_buf_slice(key), mr_buf_slice(value)), 0);
    else
        assert_int_equal(mr_log_batch_del(batch, table, mr_buf_slice(key)), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    mr_log_close(scene->log);
}

static void more_received(struct mr_slice value, struct mr_buf *ret)
{
    struct mr_intake_row row;

    assert_int_equal(mr_intake_row_decode(&row, value), 0);
    row.received++;
    assert_int_equal(mr_intake_row_encode(ret, &row), 0);
}

static void more_stored(struct mr_slice value, struct mr_buf *ret)
{
    struct mr_intake_row row;

    assert_int_equal(mr_intake_row_decode(&row, value), 0);
    row.received++;
    row.stored++;
    assert_int_equal(mr_intake_row_encode(ret, &row), 0);
}

static void more_delivered(struct mr_slice value, struct mr_buf *ret)
{
    struct mr_delivery_row row;

    assert_int_equal(mr_delivery_row_decode(&row, value), 0);
    row.count++;
    assert_int_equal(mr_delivery_row_encode(ret, &row), 0);
}

static const struct lie {
    enum mr_log_table table;
    void (*change)(struct mr_slice value, struct mr_buf *ret); /* NULL: the row goes */
    const char *where, *what;
} lies[] = {
        {MR_LOG_INTAKE, more_received, "copmkp", "received = stored + duplicate + quarantined + refused"},
        {MR_LOG_INTAKE, more_stored, "copmkp", "stored = records in the log"},
        {MR_LOG_INTAKE, NULL, "copmkp", "stored = records in the log"},
        {MR_LOG_DELIVERY, more_delivered, SUB,
                "matched = delivered + waiting + parked + discarded + expired + suppressed"},
        {MR_LOG_DELIVERY, NULL, SUB,
                "matched = delivered + waiting + parked + discarded + expired + suppressed"},
        {MR_LOG_PARKED, NULL, SUB,
                "matched = delivered + waiting + parked + discarded + expired + suppressed"},
};

/* Such a difference, with figures that differ. */
static bool has_difference(const json_t *balance, const struct lie *lie)
{
    const json_t *list = json_object_get(balance, "differences");
    json_t *one;
    size_t i;

    json_array_foreach (list, i, one)
        if (strcmp(json_string_value(json_object_get(one, "where")), lie->where) == 0 &&
                strcmp(json_string_value(json_object_get(one, "what")), lie->what) == 0)
            return json_integer_value(json_object_get(one, "expected")) !=
                   json_integer_value(json_object_get(one, "found"));
    return false;
}

static void expect_found(struct scene *scene, const struct lie *lie)
{
    json_t *json;

    config_env_tool(&scene->spawn, 1, lie->what, CONFIG_ENV_ARGS("balance"));
    json = config_env_json(&scene->spawn, CONFIG_ENV_ARGS("--json", "balance"));
    assert_true(json_is_false(json_object_get(json, "ok")));
    if (!has_difference(json, lie))
        fail_msg("%s: %s is not among the differences", lie->where, lie->what);
    json_decref(json);
}

static void a_row_that_lies_is_named(void **state)
{
    struct scene *scene = *state;

    config_env_tool(&scene->spawn, 0, NULL, CONFIG_ENV_ARGS("balance"));
    for (size_t i = 0; i < MR_COUNT(lies); i++) {
        struct row row = first_of(scene, lies[i].table);
        struct mr_buf changed = MR_BUF_INIT;

        if (lies[i].change)
            lies[i].change(mr_buf_slice(&row.value), &changed);
        put(scene, lies[i].table, &row.key, lies[i].change ? &changed : NULL);
        expect_found(scene, &lies[i]);
        put(scene, lies[i].table, &row.key, &row.value);
        config_env_tool(&scene->spawn, 0, NULL, CONFIG_ENV_ARGS("balance"));
        mr_buf_fini(&row.key);
        mr_buf_fini(&row.value);
        mr_buf_fini(&changed);
    }
    spawn_start(&scene->spawn); /* and a hub goes on with it */
    config_env_tool(&scene->spawn, 0, NULL, CONFIG_ENV_ARGS("balance"));
    spawn_stop(&scene->spawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(a_row_that_lies_is_named, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
