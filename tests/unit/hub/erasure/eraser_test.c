/* A person is requested, approved and forgotten: keys, slots, index, views, notices, the act; and what
 * refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/erasure.pb-c.h"
#include "proto/base/list.h"
#include "hub/audit/erased_json.h"
#include "store/erasure.h"
#include "tests/support/bytes_search.h"
#include "tests/support/eraser_env.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

/* ---- tests ---- */

static void nothing_of(struct eraser_env *f, const char *text)
{
    (void)bytes_search_folder(mr_tmpdir_path(f->env->dir, "store/log"), text);
    (void)bytes_search_folder(mr_tmpdir_path(f->env->dir, "store/keys"), text);
    (void)bytes_search_folder(mr_tmpdir_path(f->env->dir, "store/index"), text);
    (void)bytes_search_folder(mr_tmpdir_path(f->env->dir, "store/views"), text);
}

static struct mr_erasure_status keys_status(struct eraser_env *f)
{
    struct mr_erasure_status status;

    assert_int_equal(mr_keyring_erasure_status(f->env->house.keyring, &status, NULL), 0);
    return status;
}

static void test_two_operators(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint64_t anna = eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL),
             olga = eraser_env_deficit(f, "d-2", SNILS_OLGA, NULL), number, again;
    uint32_t generation = keys_status(f).generation;
    struct eraser_seen w;

    assert_int_equal(eraser_env_request(f, "112-233-445 95", &number, &error), 0);
    assert_int_equal(number, 1);
    assert_int_equal(eraser_env_open(f, anna, MR_PURPOSE_DELIVER), MR_EBLOCKED); /* at once */
    assert_int_equal(eraser_env_open(f, olga, MR_PURPOSE_DELIVER), 0);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &again, &error), MR_EEXISTS);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-1", &error), MR_EDENIED);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), MR_EINVAL);
    w = eraser_env_await(f, number, MR_ERASURE_COMPLETED);
    assert_int_equal(w.events, 1);
    assert_int_equal(keys_status(f).generation, generation + 1); /* once: it makes all backups dead */
    assert_false(keys_status(f).owed);
    assert_int_equal(eraser_env_open(f, anna, MR_PURPOSE_DELIVER), MR_EDESTROYED);
    assert_int_equal(eraser_env_open(f, anna, MR_PURPOSE_ERASE), MR_EDESTROYED);
    assert_int_equal(eraser_env_open(f, olga, MR_PURPOSE_DELIVER), 0);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &again, &error), MR_ENOTFOUND);
}

static bool is_owed(void *ctx)
{
    return keys_status(ctx).owed;
}

static bool is_paid(void *ctx)
{
    struct mr_erasure_status status = keys_status(ctx);

    return !status.owed && !status.waiting;
}

/* Without a new root, which would make every backup of keys/ dead. */
static void test_reject_rotates_nothing(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint32_t generation = keys_status(f).generation;
    uint64_t number;

    (void)eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_false(keys_status(f).owed);
    assert_int_equal(mr_eraser_reject(f->eraser, number, "pd-1", "legal-duty", &error), 0);
    spawn_until("the key of the request is destroyed", is_owed, f);
    assert_int_equal(keys_status(f).generation, generation);
    assert_int_equal(mr_erasure_case(&f->env->house, number, &(struct mr_buf){0}, NULL), MR_EDESTROYED);
}

static void test_reject_unblocks(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint64_t anna = eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL), number, other;
    struct mr_buf text = MR_BUF_INIT;

    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_erasure_case(&f->env->house, number, &text, NULL), 0);
    assert_string_equal(mr_buf_str(&text), "file 7 of 2026");
    mr_buf_wipe(&text);
    assert_int_equal(mr_eraser_reject(f->eraser, number, "pd-1", "Not A Code", &error), MR_EINVAL);
    assert_int_equal(mr_eraser_reject(f->eraser, number, "pd-1", "legal-duty", &error), 0);
    assert_int_equal(eraser_env_open(f, anna, MR_PURPOSE_DELIVER), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), MR_EINVAL);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &other, &error), 0);
    assert_int_equal(other, 2);
}

static void test_hold_refuses(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint64_t anna = eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL), number, head;
    const struct mr_erasure_wish wish = {
            .snils = SNILS_ANNA, .case_text = "court 3-17", .operator_name = "pd-1"};
    char hold[MR_ERASURE_HOLD_HEX_MAX];

    assert_int_equal(mr_eraser_hold(f->eraser, &wish, hold, &error), 0);
    head = mr_log_head(f->env->house.log);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), MR_EDENIED);
    assert_int_equal(mr_log_head(f->env->house.log), head + 1); /* the refusal is an event */
    assert_int_equal(eraser_env_open(f, anna, MR_PURPOSE_DELIVER), 0);
    nothing_of(f, "court 3-17");
    assert_int_equal(mr_eraser_release(f->eraser, &wish, hold, &error), 0);
    assert_int_equal(mr_eraser_release(f->eraser, &wish, hold, &error), MR_ENOTFOUND);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
}

/* Between request and approval a hold may still come; then the approval is refused, and behind it none comes.
 */
static void test_hold_between(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    const struct mr_erasure_wish wish = {
            .snils = SNILS_ANNA, .case_text = "court 3-17", .operator_name = "pd-1"};
    char hold[MR_ERASURE_HOLD_HEX_MAX];
    uint64_t number;

    f->compactor_away = true; /* it stays under way */
    (void)eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_hold(f->eraser, &wish, hold, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), MR_EDENIED);
    assert_int_equal(mr_eraser_release(f->eraser, &wish, hold, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_not_equal(mr_eraser_hold(f->eraser, &wish, hold, &error), 0);
}

static void test_wrong_wishes(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    struct mr_erasure_wish wish = {
            .snils = "11223344594", .basis = "x", .case_text = "y", .operator_name = "pd-1"};
    uint64_t number;

    (void)eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL);
    assert_int_equal(mr_eraser_request(f->eraser, &wish, &number, &error), MR_EINVAL); /* check digits */
    wish.snils = SNILS_OLGA;
    assert_int_equal(mr_eraser_request(f->eraser, &wish, &number, &error), MR_ENOTFOUND);
    wish.snils = SNILS_ANNA;
    wish.system = "copmkp";
    wish.local_id = "p-17"; /* two ways to name somebody may name two */
    assert_int_equal(mr_eraser_request(f->eraser, &wish, &number, &error), MR_EINVAL);
    wish.snils = NULL;
    wish.system = NULL;
    assert_int_equal(mr_eraser_request(f->eraser, &wish, &number, &error), MR_EINVAL);
    wish.local_id = NULL;
    wish.person = "zzz";
    assert_int_equal(mr_eraser_request(f->eraser, &wish, &number, &error), MR_EINVAL);
    assert_non_null(strstr(error.what, "not a person id"));
    wish.person = NULL;
    wish.snils = SNILS_ANNA;
    wish.basis = "По заявлению";
    assert_int_equal(mr_eraser_request(f->eraser, &wish, &number, &error), MR_EINVAL);
    wish.basis = "consent-withdrawn";
    wish.case_text = "";
    assert_int_equal(mr_eraser_request(f->eraser, &wish, &number, &error), MR_EINVAL);
    assert_int_equal(mr_log_head(f->env->house.log), 1);
}

/* ---- nothing derived leads there, and it is what a rebuild makes ---- */

static void test_derived_is_as_rebuilt(void **state)
{
    struct eraser_env *f = *state;
    uint64_t number;
    struct mr_error error = {0};

    for (int i = 0; i < 8; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "d-%d", i);
        (void)eraser_env_deficit(f, id, i % 2 ? SNILS_ANNA : SNILS_OLGA, i < 2 ? id : NULL);
    }
    (void)eraser_env_deficit(
            f, "d-wrong", "11223344594", NULL); /* waits: the check digits; not known to be hers */
    eraser_env_await_indexed(f);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_equal(eraser_env_await(f, number, MR_ERASURE_COMPLETED).events, 4);
    eraser_env_expect_as_rebuilt(f);
}

/* ---- notices and answers ---- */

static void answer(struct eraser_env *f, const char *system, uint64_t request_number, const char *outcome)
{
    Nms__Event__V1__ErasureAcknowledged m = NMS__EVENT__V1__ERASURE_ACKNOWLEDGED__INIT;
    char source[64], id[64];
    struct mr_attributes a;
    struct mr_buf event = MR_BUF_INIT;

    (void)snprintf(source, sizeof source, "urn:marshrut:24:%s", system);
    (void)snprintf(id, sizeof id, "answer-%llu-%s", (unsigned long long)request_number, system);
    a = hub_env_attributes(source, id, "nms.erasure.acknowledged.v1");
    m.request = request_number;
    m.outcome = (char *)outcome;
    hub_env_encode(&event, &a, &m.base);
    (void)eraser_env_publish(f, system, &event);
    mr_eraser_news(f->eraser);
}

static bool is_answered(void *ctx)
{
    struct eraser_seen *w = ctx;

    return mr_erasure_all(w->log, eraser_env_look, w) == 0 && w->found != 0 && w->unanswered == w->wanted;
}

static void await_answers(struct eraser_env *f, uint64_t number, size_t unanswered)
{
    struct eraser_seen w = {.log = f->env->house.log, .number = number, .wanted = unanswered};

    spawn_until("answered", is_answered, &w);
}

static int64_t wall_a_day_later(void *ctx)
{
    (void)ctx;
    return mr_clock_wall_us(mr_clock_system()) + INT64_C(25) * 3600 * 1000000;
}

static int64_t monotonic(void *ctx)
{
    (void)ctx;
    return mr_clock_monotonic_us(mr_clock_system());
}

static const struct mr_clock a_day_later = {.wall_us = wall_a_day_later, .monotonic_us = monotonic};

/* copmkp has sent, cnppm gets all, portal pseudonyms; the school is nobody's employer. */
static void test_notices(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint32_t generation;
    uint64_t number;

    (void)eraser_env_deficit(f, "d-1", SNILS_ANNA, "p-17");
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_equal(eraser_env_await(f, number, MR_ERASURE_COMPLETED).notices, 3);
    await_answers(f, number, 3);
    generation = keys_status(f).generation;
    answer(f, "copmkp", number, "done");
    await_answers(f, number, 2);
    assert_true(keys_status(f).owed);
    assert_int_equal(keys_status(f).generation, generation);
    answer(f, "cnppm", number, "refused");
    answer(f, "portal", number, "done");
    await_answers(f, number, 0);
    assert_true(keys_status(f).owed); /* it waits for a day, or for the next erasure */
    assert_int_equal(keys_status(f).generation, generation);
    eraser_env_stop(f);
    f->env->house.clock = &a_day_later;
    eraser_env_start(f);
    spawn_until("one new root, and the old one gone", is_paid, f);
    assert_int_equal(keys_status(f).generation, generation + 1);
}

/* The next erasure takes along what is owed: no new root of its own. */
static void test_next_erasure_pays(void **state)
{
    static const char *const systems[] = {"copmkp", "cnppm", "portal"};
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint64_t number;
    uint32_t generation;

    (void)eraser_env_deficit(f, "d-1", SNILS_ANNA, "p-17");
    (void)eraser_env_deficit(f, "d-2", SNILS_OLGA, "p-18");
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    (void)eraser_env_await(f, number, MR_ERASURE_COMPLETED);
    for (size_t i = 0; i < MR_COUNT(systems); i++)
        answer(f, systems[i], number, "done");
    await_answers(f, number, 0);
    generation = keys_status(f).generation;
    assert_true(keys_status(f).owed);
    assert_int_equal(eraser_env_request(f, SNILS_OLGA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    (void)eraser_env_await(f, number, MR_ERASURE_COMPLETED);
    assert_false(keys_status(f).owed);
    assert_int_equal(keys_status(f).generation, generation + 1);
}

static void test_act_names_and_nothing_else_does(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint64_t number;

    (void)eraser_env_deficit(f, "d-1", SNILS_ANNA, "p-17-anna");
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    nothing_of(f, SNILS_ANNA);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    (void)eraser_env_await(f, number, MR_ERASURE_COMPLETED);
    nothing_of(f, SNILS_ANNA);
    nothing_of(f, "p-17-anna");
    assert_true(bytes_folder_has(mr_tmpdir_path(f->env->dir, "store/acts"), SNILS_ANNA));
}

static bool shown_erased(struct eraser_env *f, uint64_t number)
{
    json_t *json = json_object();
    struct mr_log_reader *reader;
    struct mr_record_view view;
    bool erased;

    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    assert_int_equal(mr_log_read(reader, number, &view, NULL), 0);
    mr_erased_add(&f->env->house, &view.record, json);
    mr_log_reader_close(reader);
    erased = json_object_get(json, "erased") != NULL;
    json_decref(json);
    return erased;
}

/* Said again unchanged it is known, and its sender is told why nothing comes of it. */
static void test_repeat_is_told(void **state)
{
    struct eraser_env *f = *state;
    struct mr_buf event = MR_BUF_INIT;
    struct mr_error error = {0};
    struct mr_intake *intake;
    uint64_t number;

    (void)eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    (void)eraser_env_await(f, number, MR_ERASURE_COMPLETED);
    hub_env_deficit(&event, "d-1", SNILS_ANNA, NULL);
    intake = hub_env_publish(f->env, "copmkp", &event, 1, 1000);
    assert_int_equal(intake->items[0].verdict, MR_VERDICT_DUPLICATE);
    assert_int_equal(intake->items[0].number, 1);
    assert_non_null(intake->items[0].text);
    assert_string_equal(intake->items[0].text->code, "erased");
    assert_string_equal(intake->items[0].text->field, "1");
    mr_intake_free(intake);
    mr_buf_wipe(&event);
}

/* What waits for correction names nobody; it is found by what is in it. */
static void test_waiting_is_discarded(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    uint64_t number, waits, others;

    (void)eraser_env_deficit(f, "d-1", SNILS_ANNA, "p-17");
    (void)eraser_env_deficit(f, "d-2", SNILS_OLGA, NULL);
    waits = eraser_env_deficit(f, "d-3", SNILS_OLGA, "p-17"); /* her id, another's number */
    others = eraser_env_deficit(f, "d-4", NULL, "p-18");
    assert_int_equal(eraser_env_open(f, waits, MR_PURPOSE_CORRECT), 0);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_equal(eraser_env_await(f, number, MR_ERASURE_COMPLETED).quarantined, 1);
    assert_int_equal(eraser_env_open(f, waits, MR_PURPOSE_CORRECT), MR_EDESTROYED);
    assert_true(shown_erased(f, waits));
    assert_false(shown_erased(f, others));
    assert_int_equal(eraser_env_open(f, others, MR_PURPOSE_CORRECT), 0);
}

static bool waits_for_compactor(void *ctx)
{
    struct eraser_env *f = ctx;
    char text[MR_ERASER_WAITS_BYTES];

    mr_eraser_waits(f->eraser, 1, text);
    return strcmp(text, "compactor") == 0;
}

static bool waits_for_nothing(void *ctx)
{
    struct eraser_env *f = ctx;
    char text[MR_ERASER_WAITS_BYTES];

    mr_eraser_waits(f->eraser, 1, text);
    return !*text;
}

static void test_waits_for_the_compactor(void **state)
{
    struct eraser_env *f = *state;
    struct mr_error error = {0};
    char text[MR_ERASER_WAITS_BYTES];
    uint64_t number;

    f->compactor_away = true;
    (void)eraser_env_deficit(f, "d-1", SNILS_ANNA, NULL);
    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    (void)eraser_env_await(f, number, MR_ERASURE_CONFIRMED);
    eraser_env_stop(f);
    eraser_env_start(f); /* it goes on where it stood */
    (void)eraser_env_await(f, number, MR_ERASURE_CONFIRMED);
    spawn_until("it says what it waits for", waits_for_compactor, f);
    mr_eraser_waits(f->eraser, number + 1, text);
    assert_string_equal(text, "");
    f->compactor_away = false;
    mr_eraser_wake(f->eraser);
    (void)eraser_env_await(f, number, MR_ERASURE_COMPLETED);
    spawn_until("it waits for nothing", waits_for_nothing, f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_two_operators, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(test_reject_unblocks, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(
                    test_reject_rotates_nothing, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(test_hold_refuses, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(test_hold_between, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(test_wrong_wishes, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(
                    test_derived_is_as_rebuilt, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(test_notices, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(test_next_erasure_pays, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(
                    test_act_names_and_nothing_else_does, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(test_repeat_is_told, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(test_waiting_is_discarded, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(
                    test_waits_for_the_compactor, eraser_env_setup, eraser_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
