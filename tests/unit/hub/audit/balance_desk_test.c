/* The desk's side of the balance: every ending is counted, and a row or an event that lies is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/deliver/deliver_rows.h"
#include "tests/support/ask.h"
#include "tests/support/desk_env.h"

#define SUB "cnppm-deficits"

static const struct mr_desk_word word = {"op-1", "admin", "case-7"}, second = {"op-2", "admin", "case-7"};

static json_t *line_of(const json_t *balance, const char *side, const char *key, const char *name)
{
    json_t *line;
    size_t i;

    json_array_foreach (json_object_get(balance, side), i, line)
        if (strcmp(json_string_value(json_object_get(line, key)), name) == 0)
            return line;
    fail_msg("no line of %s", name);
    return NULL;
}

static json_int_t figure(const json_t *line, const char *name)
{
    const json_t *value = json_object_get(line, name);

    assert_non_null(value);
    return json_integer_value(value);
}

/* Does it differ in a sum whose words begin so? */
static bool differs(struct desk_env *f, const char *what)
{
    json_t *balance = ask_one(f->env, "balance", NULL), *one;
    bool found = false;
    size_t i;

    json_array_foreach (json_object_get(balance, "differences"), i, one)
        found |= strncmp(json_string_value(json_object_get(one, "what")), what, strlen(what)) == 0;
    assert_int_equal(json_array_size(json_object_get(balance, "differences")) == 0,
            json_is_true(json_object_get(balance, "ok")));
    json_decref(balance);
    return found;
}

static void commit_row(struct desk_env *f, enum mr_log_table table, struct mr_slice key, struct mr_buf *value)
{
    struct mr_log_batch *batch;

    assert_int_equal(mr_log_batch_begin(f->env->house.log, &batch), 0);
    if (value)
        assert_int_equal(mr_log_batch_put(batch, table, key, mr_buf_slice(value)), 0);
    else
        assert_int_equal(mr_log_batch_del(batch, table, key), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    if (value)
        mr_buf_fini(value);
}

/* value: stolen; NULL: it goes. */
static void put_quarantine(struct desk_env *f, uint64_t number, const struct mr_quarantine_row *row)
{
    uint8_t key[MR_QUARANTINE_KEY_BYTES];
    struct mr_buf value = MR_BUF_INIT;

    if (row)
        assert_int_equal(mr_quarantine_row_encode(&value, row), 0);
    commit_row(f, MR_LOG_QUARANTINE, mr_number_key(number, key), row ? &value : NULL);
}

/* Number of the record that waits. */
static uint64_t wrong(struct desk_env *f, const char *id, const char *local_id)
{
    return desk_env_deficit(f, id, WRONG_SNILS, local_id, MR_VERDICT_QUARANTINED, "snils-checkdigit");
}

static void correct(struct desk_env *f, uint64_t number)
{
    json_t *set = json_pack("{s:s}", "person.snils", GOOD_SNILS);
    const struct mr_desk_change change = {.set = set};
    struct mr_desk_proposed proposed;
    struct mr_desk_done done;
    struct mr_error error = {0};

    assert_int_equal(mr_desk_propose(f->desk, &f->env->house, number, &change, &word, &proposed, &error), 0);
    assert_int_equal(
            mr_desk_approve(f->desk, &f->env->house, number, proposed.event, &second, &done, &error), 0);
    json_decref(proposed.fields);
    json_decref(set);
}

/* One of each ending; the number of the discarded one. */
static uint64_t all_endings(struct desk_env *f)
{
    struct mr_desk_done done;
    struct mr_error error = {0};
    uint64_t discarded;

    assert_int_equal(desk_env_deficit(f, "e-1", NULL, "t-1", MR_VERDICT_QUARANTINED, "person-unresolved"), 1);
    (void)desk_env_deficit(f, "who", GOOD_SNILS, "t-1", MR_VERDICT_STORED, "");
    assert_int_equal(mr_desk_release(f->desk, &f->env->house, 1, &word, &done, &error), 0);
    discarded = wrong(f, "e-2", "t-2");
    assert_int_equal(mr_desk_discard(f->desk, &f->env->house, discarded, &word, &done, &error), 0);
    correct(f, wrong(f, "e-3", "t-3"));
    (void)wrong(f, "e-4", "t-4");
    (void)desk_env_deficit(f, "e-4", GOOD_SNILS, "t-1", MR_VERDICT_STORED, "");
    (void)wrong(f, "e-5", "t-5");
    return discarded;
}

static void every_ending_is_counted(void **state)
{
    struct desk_env *f = *state;
    json_t *balance, *line;

    (void)all_endings(f);
    balance = ask_one(f->env, "balance", NULL);
    assert_true(json_is_true(json_object_get(balance, "ok")));
    line = line_of(balance, "quarantine", "system", "copmkp");
    assert_int_equal(figure(line, "quarantined"), 5);
    assert_int_equal(figure(line, "waiting"), 1);
    assert_int_equal(figure(line, "released"), 1);
    assert_int_equal(figure(line, "corrected"), 1);
    assert_int_equal(figure(line, "replaced"), 1);
    assert_int_equal(figure(line, "discarded"), 1);
    json_decref(balance);
}

static void a_row_that_lies_is_found(void **state)
{
    struct desk_env *f = *state;
    uint64_t discarded = all_endings(f);
    const struct mr_quarantine_row row = desk_env_row(f, discarded), released = desk_env_row(f, 1);
    struct mr_quarantine_row lie = row;

    put_quarantine(f, discarded, NULL);
    assert_true(differs(f, "quarantined = "));
    lie.state = MR_QUARANTINE_WAITING; /* the log says that it was discarded */
    put_quarantine(f, discarded, &lie);
    assert_false(differs(f, "quarantined = "));
    assert_true(differs(f, "events of the desk"));
    put_quarantine(f, discarded, &row);
    desk_env_balance(f);
    lie = released;
    lie.replaced_by = 1000; /* no such record */
    put_quarantine(f, 1, &lie);
    assert_true(differs(f, "newer records"));
    lie = released;
    lie.ended_event = 2; /* that is no such event */
    put_quarantine(f, 1, &lie);
    assert_true(differs(f, "events of the hub"));
    put_quarantine(f, 1, &released);
    put_quarantine(f, 2, &row); /* nothing of the kind was put aside */
    assert_true(differs(f, "rows of the quarantine"));
}

struct said {
    uint64_t done, total;
};

static void on_tick(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    (void)what;
    *(struct said *)ctx = (struct said){done, total};
}

static void it_says_how_far_it_is(void **state)
{
    struct desk_env *f = *state;
    struct said said = {0};
    const struct mr_tick tick = {on_tick, &said};
    json_t *documents = json_array(), *none = json_object();
    struct mr_house house = f->env->house;
    const struct mr_method_call call = {.house = &house, .arguments = none, .operator_name = ""};
    struct mr_error error = {0};

    (void)all_endings(f);
    house.tick = &tick;
    assert_int_equal(mr_method_find("balance")->read(&call, ask_collect, documents, &error), 0);
    assert_int_equal(said.total, mr_log_head(f->env->house.log));
    assert_int_equal(said.done, said.total);
    json_decref(documents);
    json_decref(none);
}

/* ---- what was parked ---- */

static void say(struct desk_env *f, const char *id, const char *type, const ProtobufCMessage *payload)
{
    struct mr_attributes attributes = {
            .id = id, .source = f->env->config->hub.source, .type = type, .time = "2026-11-01T10:00:00Z"};
    struct mr_buf event = MR_BUF_INIT;

    hub_env_encode(&event, &attributes, payload);
    (void)desk_env_publish(f, "hub", &event, MR_VERDICT_STORED, "");
}

static void say_parked(struct desk_env *f, const char *id, uint64_t number)
{
    Nms__Event__V1__HubDeliveryParked m = NMS__EVENT__V1__HUB_DELIVERY_PARKED__INIT;

    m.subscription = (char *)SUB;
    m.number = number;
    m.attempts = 10;
    m.code = (char *)"disk-full";
    say(f, id, "hub.delivery.parked.v1", &m.base);
}

static void say_discarded(struct desk_env *f, const char *id, uint64_t number)
{
    Nms__Event__V1__HubDeliveryDiscarded m = NMS__EVENT__V1__HUB_DELIVERY_DISCARDED__INIT;
    Nms__Event__V1__HubDeliveryNumbers numbers = NMS__EVENT__V1__HUB_DELIVERY_NUMBERS__INIT, *list[1];

    numbers.subscription = (char *)SUB;
    numbers.numbers = &number;
    numbers.n_numbers = 1;
    list[0] = &numbers;
    m.deliveries = list;
    m.n_deliveries = 1;
    say(f, id, "hub.delivery.discarded.v1", &m.base);
}

static uint16_t sub(const struct desk_env *f)
{
    return mr_names_id(f->env->house.names, MR_NAME_SUBSCRIPTION, SUB);
}

static void put_cursor(struct desk_env *f, uint64_t cursor)
{
    const struct mr_cursor_row row = {.cursor = cursor, .first = 1};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_CURSOR_KEY_BYTES];

    assert_int_equal(mr_cursor_row_encode(&value, &row), 0);
    commit_row(f, MR_LOG_CURSOR, mr_cursor_key(sub(f), key), &value);
}

static void put_delivery(struct desk_env *f, uint64_t number, enum mr_delivery_outcome outcome)
{
    const struct mr_delivery_row row = {.outcome = outcome, .through = number, .count = 1};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_DELIVERY_KEY_BYTES];

    assert_int_equal(mr_delivery_row_encode(&value, &row), 0);
    commit_row(f, MR_LOG_DELIVERY, mr_delivery_key(sub(f), number, key), &value);
}

static void what_was_parked_comes_to_an_end(void **state)
{
    struct desk_env *f = *state;
    json_t *balance, *line;

    for (int i = 1; i <= 3; i++) {
        const char id[] = {'d', (char)('0' + i), '\0'};

        assert_int_equal(desk_env_deficit(f, id, GOOD_SNILS, "t-1", MR_VERDICT_STORED, ""), i);
        put_delivery(f, (uint64_t)i, i == 2 ? MR_DELIVERY_DISCARDED : MR_DELIVERY_TAKEN);
    }
    put_cursor(f, 3);
    say_parked(f, "p-1", 1); /* released then, and taken */
    assert_true(differs(f, "discarded, as"));
    say_parked(f, "p-2", 2);
    say_parked(f, "p-3", 2); /* once more: it is one delivery */
    say_discarded(f, "p-4", 2);
    balance = ask_one(f->env, "balance", NULL);
    assert_true(json_is_true(json_object_get(balance, "ok")));
    line = line_of(balance, "parked", "subscription", SUB);
    assert_int_equal(figure(line, "parked"), 2);
    assert_int_equal(figure(line, "still"), 0);
    assert_int_equal(figure(line, "delivered"), 1);
    assert_int_equal(figure(line, "discarded"), 1);
    json_decref(balance);
    say_parked(f, "p-5", 100); /* neither parked nor settled */
    assert_true(differs(f, "parked = "));
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, desk_env_setup, desk_env_teardown)
    const struct CMUnitTest tests[] = {CASE(every_ending_is_counted), CASE(a_row_that_lies_is_found),
            CASE(it_says_how_far_it_is), CASE(what_was_parked_comes_to_an_end)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
