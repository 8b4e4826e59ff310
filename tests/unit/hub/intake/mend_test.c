/* What waits for correction: mended by its sender under its own id, and what an event rests on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "event/annulment.pb-c.h"
#include "event/assessment.pb-c.h"
#include "hub/intake/prepare.h"
#include "tests/support/hub_env.h"

#define GOOD_SNILS  "11223344595"
#define WRONG_SNILS "12345678900"

static void free_batch(struct mr_buf *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
}

static void read_row(struct hub_env *env, enum mr_log_table table, struct mr_slice key, struct mr_buf *ret)
{
    struct mr_log_reader *reader;
    struct mr_slice value;

    assert_int_equal(mr_log_reader_open(env->house.log, &reader), 0);
    assert_int_equal(mr_log_row(reader, table, key, &value), 0);
    mr_buf_reset(ret);
    mr_buf_put_slice(ret, value);
    mr_log_reader_close(reader);
}

static void check_quarantine(
        struct hub_env *env, uint64_t number, enum mr_quarantine_state state, uint64_t replaced_by)
{
    uint8_t key[MR_QUARANTINE_KEY_BYTES];
    struct mr_buf value = MR_BUF_INIT;
    struct mr_quarantine_row row;

    read_row(env, MR_LOG_QUARANTINE, mr_number_key(number, key), &value);
    assert_int_equal(mr_quarantine_row_decode(&row, mr_buf_slice(&value)), 0);
    assert_int_equal(row.state, state);
    assert_int_equal(row.replaced_by, replaced_by);
    mr_buf_fini(&value);
}

static void check_one(struct hub_env *env, const struct mr_buf *event, uint64_t sequence,
        enum mr_verdict verdict, uint64_t number, const char *code)
{
    struct mr_intake *intake = hub_env_publish(env, "copmkp", event, 1, sequence);

    assert_int_equal(intake->items[0].verdict, verdict);
    assert_int_equal(intake->items[0].number, number);
    assert_true((intake->items[0].text != NULL) == (code[0] != '\0'));
    if (intake->items[0].text)
        assert_string_equal(intake->items[0].text->code, code);
    mr_intake_free(intake);
}

/* The sender corrects under the same id: quarantined again, then stored; after that the content is kept. */
static void what_waits_is_mended(struct hub_env *env, void (*between)(struct hub_env *env))
{
    struct mr_buf events[3] = {0};

    hub_env_deficit(&events[0], "e-1", WRONG_SNILS, NULL);
    hub_env_deficit(&events[1], "e-1", NULL, "nobody");
    hub_env_deficit(&events[2], "e-1", GOOD_SNILS, NULL);
    check_one(env, &events[0], 1, MR_VERDICT_QUARANTINED, 1, "snils-checkdigit");
    between(env);
    check_one(env, &events[0], 2, MR_VERDICT_DUPLICATE, 1, "quarantined-waiting");
    check_one(env, &events[1], 3, MR_VERDICT_QUARANTINED, 2, "person-unresolved");
    between(env);
    check_quarantine(env, 1, MR_QUARANTINE_REPLACED, 2);
    check_quarantine(env, 2, MR_QUARANTINE_WAITING, 0);
    check_one(env, &events[1], 4, MR_VERDICT_DUPLICATE, 2, "quarantined-waiting");
    check_one(env, &events[2], 5, MR_VERDICT_STORED, 3, "");
    between(env);
    check_quarantine(env, 2, MR_QUARANTINE_REPLACED, 3);
    check_one(env, &events[2], 6, MR_VERDICT_DUPLICATE, 3, "");
    check_one(env, &events[1], 7, MR_VERDICT_REFUSED, 0, "id-conflict");
    assert_int_equal(mr_log_head(env->house.log), 3);
    free_batch(events, 3);
}

static void nothing_between(struct hub_env *env)
{
    (void)env;
}

static void restart(struct hub_env *env)
{
    hub_env_close(env);
    hub_env_open(env);
}

static void what_waits_is_mended_in_the_tail(void **state)
{
    what_waits_is_mended(*state, nothing_between);
}

static void what_waits_is_mended_after_a_restart(void **state)
{
    what_waits_is_mended(*state, restart);
}

static void what_waits_is_mended_within_a_batch(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[3] = {0};
    struct mr_intake *intake;

    hub_env_deficit(&events[0], "e-1", WRONG_SNILS, NULL);
    hub_env_deficit(&events[1], "e-1", GOOD_SNILS, NULL);
    hub_env_deficit(&events[2], "e-1", GOOD_SNILS, NULL);
    intake = hub_env_publish(env, "copmkp", events, 3, 1);
    assert_int_equal(intake->items[0].verdict, MR_VERDICT_QUARANTINED);
    assert_int_equal(intake->items[1].verdict, MR_VERDICT_STORED);
    assert_int_equal(intake->items[2].verdict, MR_VERDICT_DUPLICATE);
    assert_int_equal(intake->items[2].number, 2);
    check_quarantine(env, 1, MR_QUARANTINE_REPLACED, 2);
    mr_intake_free(intake);
    free_batch(events, 3);
}

static void what_waits_is_mended_from_the_index(void **state)
{
    what_waits_is_mended(*state, hub_env_index_idents);
}

/* ---- what an event rests on ---- */

static void put_diagnostic(struct mr_buf *out, const char *id, const char *snils)
{
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:copmkp", id, "nms.diagnostic.completed.v1");
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__AreaScore score = NMS__EVENT__V1__AREA_SCORE__INIT, *scores[] = {&score};
    Nms__Event__V1__DiagnosticCompleted m = NMS__EVENT__V1__DIAGNOSTIC_COMPLETED__INIT;

    person.snils = (char *)snils;
    score.area = (char *)"ict";
    m.person = &person;
    m.areas = scores;
    m.n_areas = 1;
    m.diagnostic_id = (char *)"g-1";
    m.scale_id = (char *)"krsk-5";
    m.completed_on = (char *)"2026-10-29";
    hub_env_encode(out, &a, &m.base);
}

static void put_deficit_by(struct mr_buf *out, const char *id, const char *source, const char *evidence)
{
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:copmkp", id, "nms.deficit.identified.v1");
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__EventRef ref = NMS__EVENT__V1__EVENT_REF__INIT;
    Nms__Event__V1__DeficitIdentified m = NMS__EVENT__V1__DEFICIT_IDENTIFIED__INIT;

    person.snils = (char *)GOOD_SNILS;
    ref.source = (char *)source;
    ref.id = (char *)evidence;
    m.person = &person;
    m.evidence = &ref;
    m.deficit_id = (char *)"d-1";
    m.area = (char *)"ict";
    m.identified_on = (char *)"2026-10-30";
    hub_env_encode(out, &a, &m.base);
}

static void put_annulment(struct mr_buf *out, const char *id, const char *annulled)
{
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:copmkp", id, "nms.event.annulled.v1");
    Nms__Event__V1__EventRef ref = NMS__EVENT__V1__EVENT_REF__INIT;
    Nms__Event__V1__EventAnnulled m = NMS__EVENT__V1__EVENT_ANNULLED__INIT;

    ref.source = (char *)"urn:marshrut:24:copmkp";
    ref.id = (char *)annulled;
    m.event = &ref;
    m.reason = (char *)"mistake";
    hub_env_encode(out, &a, &m.base);
}

/* Evidence that is quarantined holds back what rests on it, until it is mended and the rest is sent again. */
static void evidence_must_be_in_the_log(void **state)
{
    static const char own[] = "urn:marshrut:24:copmkp";
    struct hub_env *env = *state;
    struct mr_buf events[5] = {0};
    struct mr_intake *intake;

    put_diagnostic(&events[0], "g-1", WRONG_SNILS);
    put_deficit_by(&events[1], "e-1", own, "g-1");
    put_deficit_by(&events[2], "e-2", own, "nothing");
    put_deficit_by(&events[3], "e-3", "urn:marshrut:24:school", "nothing");
    put_diagnostic(&events[4], "g-1", GOOD_SNILS);
    intake = hub_env_publish(env, "copmkp", events, 4, 1);
    assert_string_equal(intake->items[0].text->code, "snils-checkdigit");
    for (size_t i = 1; i <= 2; i++) {
        assert_int_equal(intake->items[i].verdict, MR_VERDICT_QUARANTINED);
        assert_string_equal(intake->items[i].text->code, "evidence-unknown");
        assert_string_equal(intake->items[i].text->field, "evidence");
    }
    assert_int_equal(intake->items[3].verdict, MR_VERDICT_STORED);
    mr_intake_free(intake);
    check_one(env, &events[1], 5, MR_VERDICT_DUPLICATE, 2, "quarantined-waiting");
    check_one(env, &events[4], 6, MR_VERDICT_STORED, 5, "");
    check_one(env, &events[1], 7, MR_VERDICT_STORED, 6, "");
    check_quarantine(env, 2, MR_QUARANTINE_REPLACED, 6);
    check_one(env, &events[1], 8, MR_VERDICT_DUPLICATE, 6, "");
    free_batch(events, 5);
}

static void evidence_of_the_same_batch_is_known(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[2] = {0};
    struct mr_intake *intake;

    put_diagnostic(&events[0], "g-1", GOOD_SNILS);
    put_deficit_by(&events[1], "e-1", "urn:marshrut:24:copmkp", "g-1");
    intake = hub_env_publish(env, "copmkp", events, 2, 1);
    assert_int_equal(intake->items[0].verdict, MR_VERDICT_STORED);
    assert_int_equal(intake->items[1].verdict, MR_VERDICT_STORED);
    mr_intake_free(intake);
    free_batch(events, 2);
}

static void what_is_annulled_must_be_known(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[3] = {0};
    struct mr_intake *intake;

    hub_env_deficit(&events[0], "e-1", GOOD_SNILS, NULL);
    put_annulment(&events[1], "e-2", "e-1");
    put_annulment(&events[2], "e-3", "never");
    intake = hub_env_publish(env, "copmkp", events, 3, 1);
    assert_int_equal(intake->items[1].verdict, MR_VERDICT_STORED);
    assert_int_equal(intake->items[2].verdict, MR_VERDICT_QUARANTINED);
    assert_string_equal(intake->items[2].text->code, "annul-unknown");
    assert_string_equal(intake->items[2].text->field, "event");
    mr_intake_free(intake);
    free_batch(events, 3);
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, hub_env_setup, hub_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            HUB_TEST(what_waits_is_mended_in_the_tail),
            HUB_TEST(what_waits_is_mended_after_a_restart),
            HUB_TEST(what_waits_is_mended_within_a_batch),
            HUB_TEST(what_waits_is_mended_from_the_index),
            HUB_TEST(evidence_must_be_in_the_log),
            HUB_TEST(evidence_of_the_same_batch_is_known),
            HUB_TEST(what_is_annulled_must_be_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
