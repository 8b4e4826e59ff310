/* Retention, holds, rolling and emptied slots over a real house: what goes, what stays, and that it adds up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "hub/deliver/deliver_rows.h"
#include "hub/keep/hold_rows.h"
#include "hub/index/indexer.h"
#include "hub/project/fact_view.h"
#include "hub/record/seal.h"
#include "store/fault.h"
#include "tests/support/ask.h"
#include "tests/support/term_env.h"

static void terms_pass_class_by_class(void **state)
{
    struct term_env *t = *state;
    uint8_t before[MR_MERKLE_BYTES], after[MR_MERKLE_BYTES];
    struct mr_compactor_run run;
    json_t *plan, *classes_, *programmes, *shown;

    term_env_fill(t);
    term_env_settle(t);
    term_env_root(t, 110, before);
    term_env_start(t);
    term_env_now(TERM_ENV_BEGIN_US + 31 * TERM_ENV_DAY_US);
    plan = ask_one(t->env, "retention.plan", NULL);
    classes_ = json_object_get(plan, "classes");
    programmes = json_array_get(classes_, 0);
    assert_int_equal(json_array_size(classes_), 3);
    assert_int_equal(term_env_number(programmes, "due"), TERM_ENV_PROGRAMMES);
    assert_int_equal(term_env_number(programmes, "keep_days"), 30);
    assert_true(term_env_number(programmes, "bytes") > TERM_ENV_PROGRAMMES * 100);
    assert_int_equal(term_env_number(json_array_get(classes_, 1), "due"), 0);
    json_decref(plan);

    run = term_env_run(t);
    assert_int_equal(run.status, 0);
    assert_int_equal(run.expired, TERM_ENV_PROGRAMMES);
    assert_int_equal(term_env_expired(t, 1, 60), TERM_ENV_PROGRAMMES);
    assert_int_equal(term_env_expired(t, 61, 110), 0);
    term_env_root(t, 110, after);
    assert_memory_equal(before, after, sizeof before);
    term_env_balance(t);
    shown = ask_one(t->env, "log.show", json_pack("{s:i}", "number", 111)); /* the event of the run */
    assert_string_equal(json_string_value(json_object_get(shown, "type")), "hub.retention.completed.v1");
    json_decref(shown);
    shown = ask_one(t->env, "log.show", json_pack("{s:i}", "number", 7));
    assert_true(json_is_true(json_object_get(shown, "expired")));
    assert_string_equal(json_string_value(json_object_get(shown, "type")), "nms.programme.listed.v1");
    json_decref(shown);

    term_env_stop(t); /* with the clock ahead it would run by itself before it is asked */
    term_env_last_run(t, TERM_ENV_BEGIN_US + 1000 * TERM_ENV_DAY_US);
    term_env_now(TERM_ENV_BEGIN_US + 91 * TERM_ENV_DAY_US); /* the sealed ones, and the later programmes */
    term_env_again(t);
    term_env_settle(t);
    run = term_env_run(t);
    assert_int_equal(run.status, 0);
    assert_int_equal(run.expired, TERM_ENV_DEFICITS + TERM_ENV_LATER);
    assert_int_equal(term_env_expired(t, 1, 110), 110);
    term_env_root(t, 110, after);
    assert_memory_equal(before, after, sizeof before);
    term_env_balance(t);
    run = term_env_run(t);
    assert_int_equal(run.expired, 0);
}

/* The same event again is still a repeat: with its number, and the hash that was acknowledged. */
static void expired_events_are_repeats_still(void **state)
{
    struct term_env *t = *state;
    struct mr_buf event = MR_BUF_INIT;
    struct mr_intake *first, *second;

    hub_env_programme(&event, "one");
    first = hub_env_publish(t->env, "portal", &event, 1, t->sequence++);
    term_env_programmes(t, 5);
    term_env_settle(t);
    assert_int_equal(mr_indexer_run_once(&t->env->house, NULL), 0);
    term_env_start(t);
    term_env_now(TERM_ENV_BEGIN_US + 40 * TERM_ENV_DAY_US);
    assert_int_equal(term_env_run(t).expired, 5); /* the newest record stays */
    for (int i = 0; i < 2; i++) { /* by the index; then by the tail, which is read at the start */
        second = hub_env_publish(t->env, "portal", &event, 1, t->sequence++);
        assert_int_equal(second->items[0].verdict, MR_VERDICT_DUPLICATE);
        assert_int_equal(second->items[0].number, first->items[0].number);
        assert_memory_equal(
                second->items[0].leaf_hash, first->items[0].leaf_hash, sizeof first->items[0].leaf_hash);
        mr_intake_free(second);
        assert_int_equal(mr_index_clear(t->env->house.index), 0);
        term_env_again(t);
    }
    mr_intake_free(first);
    mr_buf_fini(&event);
}

static void place_hold(struct term_env *t, struct mr_hold_row row, uint8_t id)
{
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_HOLD_ROW_KEY_BYTES] = {id};

    assert_int_equal(mr_hold_row_encode(&value, &row), 0);
    term_env_put(t, MR_LOG_HOLD, mr_slice(key, sizeof key), mr_buf_slice(&value));
    mr_buf_fini(&value);
}

static void holds_and_waiting_keep(void **state)
{
    struct term_env *t = *state;
    const struct mr_nack_row nack = {.attempt = 10, .reason = "no-room"};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    struct mr_compactor_run run;

    term_env_fill(t);
    term_env_settle(t);
    term_env_cursor(t, "cnppm-deficits", 63, 65); /* 66 to 70 wait; it is not owed 61 and 62 */
    assert_int_equal(mr_nack_row_encode(&value, &nack), 0);
    term_env_put(t, MR_LOG_PARKED, mr_delivery_key(term_env_subscription(t, "cnppm-deficits"), 64, key),
            mr_buf_slice(&value));
    term_env_put(t, MR_LOG_PARKED, mr_delivery_key(term_env_subscription(t, "cnppm-deficits"), 62, key),
            mr_buf_slice(&value));
    mr_buf_fini(&value);
    place_hold(t, (struct mr_hold_row){.kind = MR_HOLD_NUMBERS, .from = 5, .to = 9}, 1);
    term_env_start(t);
    term_env_now(TERM_ENV_BEGIN_US + 91 * TERM_ENV_DAY_US);
    run = term_env_run(t);
    assert_int_equal(run.status, 0);
    assert_int_equal(run.held, 5);
    assert_int_equal(run.waiting, 6);               /* 66 to 70, and the parked one */
    assert_int_equal(run.expired, 110 - 5 - 6 - 1); /* the newest record stays */
    assert_int_equal(term_env_expired(t, 5, 9), 0);
    assert_int_equal(term_env_expired(t, 64, 64), 0);
    assert_int_equal(term_env_expired(t, 66, 70), 0);
    place_hold(t, (struct mr_hold_row){.kind = MR_HOLD_TYPE, .type = "nms."}, 2);
    term_env_settle(t);
    assert_int_equal(term_env_run(t).expired, 0);
}

/* A subscription that was taken out of the configuration waits for nothing any more. */
static void who_is_gone_does_not_wait(void **state)
{
    struct term_env *t = *state;

    term_env_fill(t);
    term_env_settle(t);
    term_env_cursor(t, "cnppm-deficits", 1, 0);
    t->env->config->subscriptions[1].name[0] = 'q';
    term_env_start(t);
    term_env_now(TERM_ENV_BEGIN_US + 91 * TERM_ENV_DAY_US);
    assert_int_equal(term_env_run(t).expired, 110 - 1); /* the newest record stays */
    t->env->config->subscriptions[1].name[0] = 'c';
}

/* What was derived from the inside of an expired record goes with it: as if it were made anew. */
static void count_facts(struct term_env *t, unsigned from, unsigned to, unsigned want)
{
    struct mr_fact_set set;
    unsigned count = 0;

    mr_fact_set_init(&set);
    assert_int_equal(mr_facts_load(&t->env->house, 0, &set, NULL), 0);
    for (size_t i = 0; i < set.count; i++)
        count += set.items[i].number >= from && set.items[i].number <= to;
    mr_fact_set_fini(&set);
    assert_int_equal(count, want);
}

static void the_index_is_what_a_rebuild_makes(void **state)
{
    struct term_env *t = *state;
    struct mr_index *index = t->env->house.index;
    uint8_t before[32], after[32], anew[32];
    uint64_t entries, left;

    term_env_fill(t);
    term_env_settle(t);
    assert_int_equal(mr_indexer_run_once(&t->env->house, NULL), 0);
    assert_int_equal(mr_index_digest(index, before, &entries, NULL), 0);
    count_facts(t, 1, TERM_ENV_PROGRAMMES, TERM_ENV_PROGRAMMES);
    term_env_now(TERM_ENV_BEGIN_US + 31 * TERM_ENV_DAY_US);
    term_env_start(t);
    assert_int_equal(term_env_run(t).expired, TERM_ENV_PROGRAMMES);
    assert_int_equal(mr_indexer_run_once(&t->env->house, NULL), 0); /* the run has said what it did */
    assert_int_equal(mr_index_digest(index, after, &left, NULL), 0);
    assert_true(left < entries);
    count_facts(t, 1, TERM_ENV_PROGRAMMES, 0);
    count_facts(t, TERM_ENV_PROGRAMMES + 1, 110, TERM_ENV_DEFICITS + TERM_ENV_LATER);
    assert_int_equal(mr_index_clear(index), 0);
    assert_int_equal(mr_indexer_run_once(&t->env->house, NULL), 0);
    assert_int_equal(mr_index_digest(index, anew, NULL, NULL), 0);
    assert_memory_equal(after, anew, sizeof after);
}

#ifdef MR_FAULT_POINTS
/* The records have expired durably, and then it ends: the next start does what is left. */
static void what_it_did_not_come_to_is_done_later(void **state)
{
    struct term_env *t = *state;
    uint8_t after[32], anew[32];

    term_env_fill(t);
    term_env_settle(t);
    assert_int_equal(mr_indexer_run_once(&t->env->house, NULL), 0);
    term_env_now(TERM_ENV_BEGIN_US + 31 * TERM_ENV_DAY_US);
    mr_fault_set("owed.settle:1:enospc");
    term_env_start(t);
    assert_int_equal(term_env_run(t).status, MR_ENOSPACE);
    mr_fault_set(NULL);
    term_env_stop(t);
    assert_true(term_env_expired(t, 1, 60) > 0);
    count_facts(t, 1, TERM_ENV_PROGRAMMES, TERM_ENV_PROGRAMMES);
    term_env_last_run(t, TERM_ENV_BEGIN_US + 31 * TERM_ENV_DAY_US);
    term_env_again(t);
    assert_int_equal(term_env_run(t).status, 0); /* what is owed comes before it */
    assert_int_equal(mr_indexer_run_once(&t->env->house, NULL), 0);
    count_facts(t, 1, TERM_ENV_PROGRAMMES, 0);
    assert_int_equal(mr_index_digest(t->env->house.index, after, NULL, NULL), 0);
    assert_int_equal(mr_index_clear(t->env->house.index), 0);
    assert_int_equal(mr_indexer_run_once(&t->env->house, NULL), 0);
    assert_int_equal(mr_index_digest(t->env->house.index, anew, NULL, NULL), 0);
    assert_memory_equal(after, anew, sizeof after);
}
#endif

static void a_new_hold_is_seen_in_the_commit(void **state)
{
    struct term_env *t = *state;
    struct mr_retention *judge;
    struct mr_log_batch *batch;

    assert_int_equal(mr_retention_open(&judge, &t->env->house, NULL), 0);
    assert_int_equal(mr_log_batch_begin(t->env->house.log, &batch), 0);
    assert_int_equal(mr_retention_holds_same(judge, batch), 1);
    mr_log_batch_abort(batch);
    place_hold(t, (struct mr_hold_row){.kind = MR_HOLD_TYPE, .type = "nms."}, 2);
    assert_int_equal(mr_log_batch_begin(t->env->house.log, &batch), 0);
    assert_int_equal(mr_retention_holds_same(judge, batch), 0);
    mr_log_batch_abort(batch);
    mr_retention_close(judge);
}

static void a_large_log_is_rolled(void **state)
{
    struct term_env *t = *state;
    json_t *segments;

    term_env_fill(t); /* 110 records, segments of 50 */
    term_env_start(t);
    term_env_wait(t, term_env_has_segments);
    segments = ask_one(t->env, "log.segments", NULL);
    assert_int_equal(term_env_number(segments, "head"), 110);
    assert_true(term_env_number(segments, "growing") == 60);
    assert_int_equal(json_array_size(json_object_get(segments, "segments")), 1);
    json_decref(segments);
    assert_int_equal(term_env_expired(t, 1, 110), 0);
}

static void put_strip(struct term_env *t, uint64_t number, uint16_t mask)
{
    uint8_t key[8], value[2];

    mr_put_be64(key, number);
    mr_put_be16(value, mask);
    term_env_put(t, MR_LOG_STRIP, mr_slice(key, 8), mr_slice(value, 2));
}

static void assert_stripped(struct term_env *t, uint64_t number)
{
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_unsealed unsealed;

    assert_int_equal(mr_log_reader_open(t->env->house.log, &reader), 0);
    assert_int_equal(mr_log_read(reader, number, &view, NULL), 0);
    assert_true(view.record.flags & MR_RECORD_STRIPPED);
    assert_int_equal(view.record.slots_count, 1);
    assert_int_equal(view.record.slots[0].size, 0);
    assert_int_equal(
            mr_unseal(&unsealed, &t->env->house, &view.record, MR_PURPOSE_SHOW, NULL), MR_EDESTROYED);
    mr_log_reader_close(reader);
}

static int count_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    unsigned *count = ctx;

    (void)key;
    (void)value;
    (*count)++;
    return 0;
}

static unsigned strip_rows(struct term_env *t)
{
    struct mr_log_reader *reader;
    unsigned count = 0;

    assert_int_equal(mr_log_reader_open(t->env->house.log, &reader), 0);
    assert_int_equal(
            mr_log_rows(reader, MR_LOG_STRIP, mr_slice(NULL, 0), mr_slice(NULL, 0), count_row, &count), 0);
    mr_log_reader_close(reader);
    return count;
}

/* In the growing environment, and in a segment. */
static void slots_are_emptied_wherever_they_lie(void **state)
{
    struct term_env *t = *state;
    uint8_t before[MR_MERKLE_BYTES], after[MR_MERKLE_BYTES];

    term_env_fill(t);
    term_env_settle(t);
    term_env_root(t, 110, before);
    put_strip(t, 62, 1);
    put_strip(t, 64, 1);
    term_env_start(t);
    assert_int_equal(term_env_run(t).status, 0);
    assert_int_equal(strip_rows(t), 0);
    assert_stripped(t, 62);
    assert_stripped(t, 64);
    term_env_stop(t); /* with the clock ahead it would run by itself before it is asked */
    term_env_last_run(t, TERM_ENV_BEGIN_US + 1000 * TERM_ENV_DAY_US);
    term_env_now(TERM_ENV_BEGIN_US + 80 * TERM_ENV_DAY_US);
    term_env_start(t);
    assert_int_equal(term_env_run(t).expired, 100); /* rolls everything up to the last programme */
    put_strip(t, 63, 1);
    put_strip(t, 70, 1);
    mr_compactor_wake(t->compactor);
    assert_int_equal(term_env_run(t).status, 0);
    assert_int_equal(strip_rows(t), 0);
    assert_stripped(t, 62);
    assert_stripped(t, 63);
    assert_stripped(t, 70);
    term_env_root(t, 110, after);
    assert_memory_equal(before, after, sizeof before);
    term_env_balance(t);
}

#ifdef MR_FAULT_POINTS
static void a_full_disk_is_no_loss(void **state)
{
    static const char *const points[] = {
            "segment.write.before:1:enospc", "segment.rename.before:1:enospc", "segment.rename.after:1:eio"};
    struct term_env *t = *state;

    term_env_fill(t);
    term_env_settle(t);
    term_env_now(TERM_ENV_BEGIN_US + 31 * TERM_ENV_DAY_US);
    for (size_t i = 0; i < 3; i++) {
        mr_fault_set(points[i]);
        term_env_start(t);
        (void)term_env_run(t);
        term_env_stop(t);
        mr_fault_set(NULL);
    }
    term_env_start(t);
    assert_int_equal(term_env_run(t).status, 0);
    assert_int_equal(term_env_expired(t, 1, 60), TERM_ENV_PROGRAMMES);
    term_env_balance(t);
}
#endif

static unsigned count_type(struct term_env *t, const char *type)
{
    json_t *events = ask_all(t->env, "log.tail", json_pack("{s:s, s:i}", "type", type, "limit", 100));
    unsigned count = (unsigned)json_array_size(events) - 1; /* the last document says where it ended */

    json_decref(events);
    return count;
}

/* Without being asked, when a day has passed since the last run; not after a restart within the day. */
static void runs_once_a_day(void **state)
{
    struct term_env *t = *state;
    struct mr_compactor_stats stats = {0};

    term_env_fill(t);
    term_env_settle(t);
    term_env_last_run(t, TERM_ENV_BEGIN_US + 30 * TERM_ENV_DAY_US);
    term_env_now(TERM_ENV_BEGIN_US + 31 * TERM_ENV_DAY_US);
    term_env_start(t);
    term_env_wait(t, term_env_has_run);
    mr_compactor_stats(t->compactor, &stats);
    assert_int_equal(stats.last.expired, TERM_ENV_PROGRAMMES);
    assert_int_equal(count_type(t, "hub.retention.completed.v1"), 1);
    term_env_again(t);
    assert_int_equal(term_env_run(t).status, 0); /* asked: all that it wants to do by itself comes before */
    assert_int_equal(count_type(t, "hub.retention.completed.v1"), 2);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, term_env_setup, term_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(terms_pass_class_by_class),
            T(expired_events_are_repeats_still),
            T(holds_and_waiting_keep),
            T(who_is_gone_does_not_wait),
            T(the_index_is_what_a_rebuild_makes),
#ifdef MR_FAULT_POINTS
            T(what_it_did_not_come_to_is_done_later),
#endif
            T(a_new_hold_is_seen_in_the_commit),
            T(a_large_log_is_rolled),
            T(slots_are_emptied_wherever_they_lie),
#ifdef MR_FAULT_POINTS
            T(a_full_disk_is_no_loss),
#endif
            T(runs_once_a_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
