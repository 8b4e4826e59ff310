/* A correction by two operators: proposed, seen, approved, rejected, expired, overtaken; nobody who is
 * blocked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "hub/desk/desk_internal.h"
#include "store/fault.h"
#include "tests/support/ask.h"
#include "tests/support/desk_env.h"
#include "tests/support/spawn.h"

static const struct mr_desk_word first = {"op-1", "pd-officer", "case-7"};
static const struct mr_desk_word second = {"op-2", "pd-officer", ""};

static int propose(struct desk_env *f, uint64_t number, json_t *set, struct mr_error *error)
{
    const struct mr_desk_change change = {.set = set};
    struct mr_desk_proposed proposed;
    int r = mr_desk_propose(f->desk, &f->env->house, number, &change, &first, &proposed, error);

    json_decref(set);
    json_decref(proposed.fields);
    return r;
}

static json_t *good_snils(void)
{
    return json_pack("{s:s}", "person.snils", GOOD_SNILS);
}

/* No. 1 waits, with a wrong СНИЛС. */
static void one_waits(struct desk_env *f)
{
    assert_int_equal(
            desk_env_deficit(f, "e-1", WRONG_SNILS, "t-1", MR_VERDICT_QUARANTINED, "snils-checkdigit"), 1);
}

static void one_is_proposed(struct desk_env *f)
{
    struct mr_error error = {0};

    one_waits(f);
    if (propose(f, 1, good_snils(), &error) != 0)
        fail_msg("%s: %s", error.where, error.what);
}

static mr_proposal *proposal_of(struct desk_env *f, uint64_t number)
{
    struct mr_log_reader *reader;
    mr_proposal *proposal;

    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    if (mr_proposal_read(reader, number, &proposal) != 0)
        proposal = NULL;
    mr_log_reader_close(reader);
    return proposal;
}

static bool is_gone(void *ctx)
{
    mr_proposal *proposal = proposal_of(ctx, 1);
    bool gone = !proposal;

    mr_proposal_free(proposal);
    return gone;
}

static int key_of(struct desk_env *f, const uint8_t *item)
{
    struct mr_slot_key key;

    return mr_keyring_person_key(f->env->house.keyring, item, &key);
}

static const char *text(const json_t *json, const char *member)
{
    return json_string_value(json_object_get(json, member));
}

static json_t *shown(struct desk_env *f, uint64_t number)
{
    return ask_one(f->env, "log.show", json_pack("{s:I}", "number", (json_int_t)number));
}

static void what_two_correct_is_taken(void **state)
{
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};
    struct mr_quarantine_row row;
    mr_proposal *proposal;
    uint8_t item[MR_PERSON_ID_BYTES];
    json_t *json, *data;

    one_is_proposed(f);
    proposal = proposal_of(f, 1);
    assert_non_null(proposal);
    memcpy(item, proposal->item.data, sizeof item);
    assert_int_equal(proposal->event, 2);
    assert_int_equal(proposal->n_fields, 1);
    assert_string_equal(proposal->fields[0], "person.snils");
    assert_null(memmem(proposal->sealed.data, proposal->sealed.len, GOOD_SNILS, strlen(GOOD_SNILS)));
    mr_proposal_free(proposal);
    assert_int_equal(key_of(f, item), 0);

    assert_int_equal(mr_desk_approve(f->desk, &f->env->house, 1, 2, &first, &done, &error), MR_EDENIED);
    assert_int_equal(mr_log_head(f->env->house.log), 2);
    assert_int_equal(mr_desk_approve(f->desk, &f->env->house, 1, 2, &second, &done, &error), 0);
    assert_int_equal(done.number, 3);
    assert_int_equal(done.event, 4);
    row = desk_env_row(f, 1);
    assert_int_equal(row.state, MR_QUARANTINE_RELEASED);
    assert_int_equal(row.replaced_by, 3);
    assert_string_equal(row.ended_by, "op-2");
    json = shown(f, 3);
    assert_string_equal(text(json, "type"), "nms.deficit.identified.v1");
    assert_string_equal(text(json, "system"), "copmkp");
    json_decref(json);
    json = shown(f, 4);
    data = json_object_get(json, "data");
    assert_string_equal(text(json, "type"), "hub.event.released.v1");
    assert_string_equal(text(json, "actor"), "op-2");
    assert_true(json_is_true(json_object_get(data, "corrected")));
    assert_string_equal(text(data, "proposedBy"), "op-1");
    assert_string_equal(text(data, "reason"), "case-7");
    assert_string_equal(
            json_string_value(json_array_get(json_object_get(data, "fields"), 0)), "person.snils");
    json_decref(json);
    assert_int_equal(key_of(f, item), MR_EDESTROYED);
    assert_true(is_gone(f));
    desk_env_balance(f);
    assert_int_equal(mr_desk_approve(f->desk, &f->env->house, 1, 2, &second, &done, &error), MR_EINVAL);
    /* the person is who was corrected to */
    (void)desk_env_deficit(f, "e-2", NULL, "t-1", MR_VERDICT_STORED, "");
}

/* The corrected event names the record that waited as its cause. */
static void what_is_corrected_is_linked(void **state)
{
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};
    struct mr_log_reader *reader;
    struct mr_record_view *view = malloc(sizeof *view);
    struct mr_opened opened;
    char hub_id[MR_UUID_TEXT_MAX];

    one_is_proposed(f);
    assert_int_equal(mr_desk_approve(f->desk, &f->env->house, 1, 2, &second, &done, &error), 0);
    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    mr_opened_init(&opened);
    assert_int_equal(mr_log_read(reader, 1, view, NULL), 0);
    assert_int_equal(mr_record_hub_id(&view->record, hub_id, sizeof hub_id), 0);
    assert_int_equal(mr_log_read(reader, 3, view, NULL), 0);
    assert_int_equal(mr_opened_read(&opened, &f->env->house, &view->record, MR_PURPOSE_SHOW, &error), 0);
    assert_string_equal(opened.event.a.causationid, hub_id);
    assert_string_equal(opened.event.a.id, "e-1");
    assert_string_equal(opened.event.persons[0].person->snils, GOOD_SNILS);
    mr_opened_fini(&opened);
    mr_log_reader_close(reader);
    free(view);
}

static void what_breaks_a_rule_is_not_proposed(void **state)
{
    struct desk_env *f = *state;
    struct mr_error error = {0};

    one_waits(f);
    assert_int_equal(propose(f, 1, json_pack("{s:s}", "person.snils", OTHER_WRONG_SNILS), &error), MR_EINVAL);
    assert_string_equal(error.where, "person.snils");
    assert_true(*error.cure);
    assert_null(strstr(error.what, OTHER_WRONG_SNILS));
    assert_int_equal(propose(f, 1, json_pack("{s:s}", "person.snils", WRONG_SNILS), &error), MR_EINVAL);
    assert_int_equal(propose(f, 1, json_pack("{s:s}", "person.nobody", "1"), &error), MR_EINVAL);
    assert_int_equal(propose(f, 1, json_pack("{s:s}", "id", "e-2"), &error), MR_EINVAL);
    assert_int_equal(propose(f, 2, good_snils(), &error), MR_ENOTFOUND);
    assert_int_equal(mr_log_head(f->env->house.log), 1); /* nothing was said of it */
    assert_null(proposal_of(f, 1));
}

static void one_at_a_time(void **state)
{
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};
    json_t *json;

    one_is_proposed(f);
    assert_int_equal(propose(f, 1, good_snils(), &error), MR_EEXISTS);
    assert_int_equal(mr_desk_reject(f->desk, &f->env->house, 1, &second, &done, &error), 0);
    assert_int_equal(done.event, 3);
    json = shown(f, 3);
    assert_string_equal(text(json, "type"), "hub.correction.rejected.v1");
    assert_string_equal(text(json_object_get(json, "data"), "proposed"), "2");
    json_decref(json);
    assert_true(is_gone(f));
    assert_int_equal(mr_desk_approve(f->desk, &f->env->house, 1, 2, &second, &done, &error), MR_ENOTFOUND);
    assert_int_equal(mr_desk_reject(f->desk, &f->env->house, 1, &second, &done, &error), MR_ENOTFOUND);
    assert_int_equal(desk_env_row(f, 1).state, MR_QUARANTINE_WAITING);
    assert_int_equal(propose(f, 1, good_snils(), &error), 0);
    desk_env_balance(f);
}

/* Proposed, looked at, and exchanged for another one before it is approved. */
static void another_than_was_seen_is_not_approved(void **state)
{
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};

    one_is_proposed(f);
    assert_int_equal(mr_desk_reject(f->desk, &f->env->house, 1, &first, &done, &error), 0);
    assert_int_equal(propose(f, 1, json_pack("{s:s}", "person.snils", OTHER_SNILS), &error), 0);
    assert_int_equal(mr_desk_approve(f->desk, &f->env->house, 1, 2, &second, &done, &error), MR_ECHANGED);
    assert_string_equal(error.what, "what is proposed for No. 1 is event 4 by op-1, not event 2");
    assert_string_equal(error.where, "proposal");
    assert_true(*error.cure);
    assert_int_equal(mr_desk_approve(f->desk, &f->env->house, 1, 0, &second, &done, &error), MR_ECHANGED);
    assert_int_equal(desk_env_row(f, 1).state, MR_QUARANTINE_WAITING);
    assert_int_equal(mr_log_head(f->env->house.log), 4); /* nothing was said of it */
    assert_int_equal(mr_desk_approve(f->desk, &f->env->house, 1, 4, &second, &done, &error), 0);
    assert_int_equal(desk_env_row(f, 1).state, MR_QUARANTINE_RELEASED);
    desk_env_balance(f);
}

static void it_is_there_after_a_restart(void **state)
{
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};

    one_is_proposed(f);
    desk_env_restart(f);
    assert_int_equal(mr_desk_approve(f->desk, &f->env->house, 1, 2, &second, &done, &error), 0);
    assert_int_equal(desk_env_row(f, 1).state, MR_QUARANTINE_RELEASED);
}

/* What its sender has corrected meanwhile needs nobody's proposal. */
static void what_is_over_takes_the_proposal_along(void **state)
{
    struct desk_env *f = *state;
    struct mr_error error = {0};
    mr_proposal *proposal;
    uint8_t item[MR_PERSON_ID_BYTES];
    json_t *json;

    one_is_proposed(f);
    proposal = proposal_of(f, 1);
    memcpy(item, proposal->item.data, sizeof item);
    mr_proposal_free(proposal);
    (void)desk_env_deficit(f, "e-1", OTHER_SNILS, "t-1", MR_VERDICT_STORED, "");
    spawn_until("the proposal", is_gone, f);
    assert_int_equal(key_of(f, item), MR_EDESTROYED);
    assert_int_equal(mr_log_head(f->env->house.log), 4);
    json = shown(f, 4);
    assert_string_equal(text(json_object_get(json, "data"), "reason"), "overtaken");
    json_decref(json);
    assert_int_equal(propose(f, 1, good_snils(), &error), MR_EINVAL);
    desk_env_balance(f);
}

/* ---- time ---- */

static _Atomic int64_t ahead_us;

static int64_t late_wall_us(void *ctx)
{
    (void)ctx;
    return mr_clock_wall_us(mr_clock_system()) + atomic_load(&ahead_us);
}

static int64_t late_monotonic_us(void *ctx)
{
    (void)ctx;
    return mr_clock_monotonic_us(mr_clock_system()) + atomic_load(&ahead_us);
}

static const struct mr_clock late = {late_wall_us, late_monotonic_us, NULL};

/* Threads that read the clock stand still: nothing was submitted. */
static void set_clock(struct desk_env *f)
{
    desk_env_stop(f);
    atomic_store(&ahead_us, 0);
    f->env->house.clock = &late;
    desk_env_start(f);
}

static void pass_days(struct desk_env *f, int64_t days)
{
    (void)atomic_fetch_add(&ahead_us, days * 24 * 3600 * (int64_t)1000000);
    mr_desk_wake(f->desk);
}

static void nobody_approves_it_in_time(void **state)
{
    struct desk_env *f = *state;
    uint32_t days = f->env->house.config->hub.correction_days;
    mr_proposal *proposal;
    struct mr_error error = {0};
    json_t *json;

    set_clock(f);
    one_is_proposed(f);
    pass_days(f, days - 1);
    /* whatever the desk's thread has seen by now, a day is left */
    assert_int_equal(propose(f, 1, good_snils(), &error), MR_EEXISTS);
    proposal = proposal_of(f, 1);
    assert_non_null(proposal);
    mr_proposal_free(proposal);
    pass_days(f, 1);
    spawn_until("the proposal", is_gone, f);
    json = shown(f, 3);
    assert_string_equal(text(json, "actor"), "hub");
    assert_string_equal(text(json_object_get(json, "data"), "reason"), "expired");
    json_decref(json);
    assert_int_equal(desk_env_row(f, 1).state, MR_QUARANTINE_WAITING);
}

/* Bodies of what is over go after their term, and not before. */
static void bodies_go_after_their_term(void **state)
{
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};

    set_clock(f);
    one_is_proposed(f);
    assert_int_equal(mr_desk_approve(f->desk, &f->env->house, 1, 2, &second, &done, &error), 0);
    pass_days(f, MR_QUARANTINE_KEEP_DAYS - 1);
    desk_env_stop(f); /* ends what it has begun */
    assert_int_equal(desk_env_body(f, 1), 0);
    desk_env_start(f);
    pass_days(f, 1);
    desk_env_await_body(f, 1, MR_EDESTROYED);
}

/* ---- persons ---- */

static int block(void *ctx, struct mr_keyring *keyring)
{
    struct mr_keyring_txn *txn;
    uint8_t person[MR_PERSON_ID_BYTES];

    assert_int_equal(mr_keyring_begin(keyring, &txn), 0);
    assert_int_equal(mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str(ctx), person), 0);
    assert_int_equal(mr_person_set_state(txn, person, MR_PERSON_BLOCKED), 0);
    return mr_keyring_commit(txn);
}

static int show(struct desk_env *f, struct mr_error *error)
{
    const struct mr_method *method = mr_method_find("quarantine.show");
    json_t *arguments = json_pack("{s:i, s:s, s:s}", "number", 1, "case", "17-03", "reason", "correction");
    const struct mr_method_call call = {.house = &f->env->house,
            .arguments = arguments,
            .operator_name = "op-2",
            .hub_running = true,
            .desk = f->desk};
    struct mr_act done;
    int r = method->act(&call, &done, error);

    if (r == 0)
        mr_act_fini(&done);
    json_decref(arguments);
    return r;
}

/* The one who waits is known by the local id; what is proposed names somebody else. */
static void who_is_blocked_is_not_shown(void **state)
{
    struct desk_env *f = *state;
    struct mr_error error = {0};

    one_waits(f);
    assert_int_equal(desk_env_deficit(f, "who", OTHER_SNILS, "t-9", MR_VERDICT_STORED, ""), 2);
    assert_int_equal(propose(f, 1, json_pack("{s:s}", "person.snils", OTHER_SNILS), &error), 0);
    assert_int_equal(show(f, &error), 0);
    assert_int_equal(mr_own_task(f->env->prepare, block, (void *)OTHER_SNILS), 0);
    assert_int_equal(show(f, &error), MR_EBLOCKED);
    assert_true(*error.cure);
}

static void of_who_is_blocked_nothing_is_proposed(void **state)
{
    struct desk_env *f = *state;
    struct mr_error error = {0};
    uint64_t head;

    one_waits(f);
    assert_int_equal(desk_env_deficit(f, "who", OTHER_SNILS, "t-9", MR_VERDICT_STORED, ""), 2);
    assert_int_equal(mr_own_task(f->env->prepare, block, (void *)OTHER_SNILS), 0);
    head = mr_log_head(f->env->house.log);
    assert_int_equal(propose(f, 1, json_pack("{s:s}", "person.snils", OTHER_SNILS), &error), MR_EBLOCKED);
    assert_int_equal(mr_log_head(f->env->house.log), head);
    assert_null(proposal_of(f, 1));
    assert_int_equal(propose(f, 1, good_snils(), &error), 0);
}

/* ---- order, and steps that fail ---- */

/* What waits behind goes on when the first is corrected, and keeps its place. */
static void order_of_the_key_is_kept(void **state)
{
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};
    struct mr_quarantine_row row;

    one_is_proposed(f);
    assert_int_equal(desk_env_deficit(f, "e-2", GOOD_SNILS, "t-1", MR_VERDICT_QUARANTINED, "behind"), 3);
    assert_int_equal(mr_desk_approve(f->desk, &f->env->house, 1, 2, &second, &done, &error), 0);
    assert_int_equal(done.number, 4);
    row = desk_env_await(f, 3, MR_QUARANTINE_RELEASED);
    assert_true(row.replaced_by > done.number);
    desk_env_balance(f);
}

static void what_was_left_is_forgotten_at_the_next_start(void **state)
{
#ifdef MR_FAULT_POINTS
    static const char *const points[] = {"desk.rejected:1:eio", "desk.emptied:1:eio"};
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};

    one_waits(f);
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        assert_int_equal(propose(f, 1, good_snils(), &error), 0);
        mr_fault_set(points[i]);
        assert_int_equal(mr_desk_reject(f->desk, &f->env->house, 1, &second, &done, &error), MR_EIO);
        mr_fault_set(NULL);
        assert_int_equal(
                mr_desk_approve(f->desk, &f->env->house, 1, 2, &second, &done, &error), MR_ENOTFOUND);
        desk_env_restart(f);
        spawn_until("the proposal", is_gone, f);
    }
    assert_int_equal(mr_log_head(f->env->house.log), 5); /* each was said once */
    desk_env_balance(f);
#else
    (void)state;
    skip();
#endif
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_env_setup, desk_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(what_two_correct_is_taken), TEST(what_is_corrected_is_linked),
            TEST(what_breaks_a_rule_is_not_proposed), TEST(one_at_a_time),
            TEST(another_than_was_seen_is_not_approved), TEST(it_is_there_after_a_restart),
            TEST(what_is_over_takes_the_proposal_along), TEST(nobody_approves_it_in_time),
            TEST(bodies_go_after_their_term), TEST(who_is_blocked_is_not_shown),
            TEST(of_who_is_blocked_nothing_is_proposed), TEST(order_of_the_key_is_kept),
            TEST(what_was_left_is_forgotten_at_the_next_start)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
