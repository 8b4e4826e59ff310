/* What each kind of subscription gets of one stored event, end to end through prepare and log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/assessment.pb-c.h"
#include "event/course.pb-c.h"
#include "event/route.pb-c.h"
#include "hub/record/seal.h"
#include "proto/base/list.h"
#include "tests/support/hub_env.h"

#define SNILS "11223344595"
#define OGRN  "1022402127461"
#define SITE  "1022402062046"

struct disclose_env {
    struct hub_env *hub;
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_arena arena;
    struct mr_event event; /* as disclosed */
    struct mr_buf out;
    struct mr_buf recipients;
};

static int setup(void **state)
{
    struct disclose_env *env = calloc(1, sizeof *env);
    void *hub = NULL;

    assert_int_equal(hub_env_setup(&hub), 0);
    env->hub = hub;
    mr_arena_init(&env->arena, 4 << 20);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct disclose_env *env = *state;
    void *hub = env->hub;

    if (env->reader)
        mr_log_reader_close(env->reader);
    mr_buf_fini(&env->out);
    mr_buf_fini(&env->recipients);
    mr_arena_fini(&env->arena);
    assert_int_equal(hub_env_teardown(&hub), 0);
    free(env);
    return 0;
}

/* A deficit with everything that links: own id, subject, correlation, a foreign attribute, a reference. */
static void put_deficit(struct mr_buf *out)
{
    struct mr_attributes a = hub_env_attributes(
            "urn:marshrut:24:copmkp:school:" SITE, "id-of-sender", "nms.deficit.identified.v1");
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__EventRef evidence = NMS__EVENT__V1__EVENT_REF__INIT;
    Nms__Event__V1__DeficitIdentified deficit = NMS__EVENT__V1__DEFICIT_IDENTIFIED__INIT;

    a.subject = "subject-of-sender";
    a.correlationid = "journey-1";
    a.causationid = "cause-1";
    a.partitionkey = "key-1";
    a.orgid = OGRN;
    a.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    person.snils = (char *)SNILS;
    person.family_name = (char *)"Petrova";
    person.local_id = (char *)"local-1";
    evidence.source = (char *)"urn:other";
    evidence.id = (char *)"other-1";
    deficit.person = &person;
    deficit.evidence = &evidence;
    deficit.deficit_id = (char *)"deficit-1";
    deficit.area = (char *)"ict";
    deficit.identified_on = (char *)"2026-10-30";
    deficit.recommendation = (char *)"course of IT";
    hub_env_encode(out, &a, &deficit.base);
}

static void publish(struct disclose_env *env, const char *system, struct mr_buf *event)
{
    struct mr_intake *intake = hub_env_publish(env->hub, system, event, 1, 1);
    uint64_t number = intake->items[0].number;

    assert_int_equal(intake->items[0].verdict, MR_VERDICT_STORED);
    mr_intake_free(intake);
    mr_buf_fini(event);
    if (env->reader)
        mr_log_reader_close(env->reader);
    assert_int_equal(mr_log_reader_open(env->hub->house.log, &env->reader), 0);
    assert_int_equal(mr_log_read(env->reader, number, &env->view, NULL), 0);
}

static void publish_deficit(struct disclose_env *env)
{
    struct mr_buf event = MR_BUF_INIT;

    hub_env_employment(&event, "work", SNILS, "1", OGRN, true);
    publish(env, "school", &event);
    put_deficit(&event);
    publish(env, "copmkp", &event);
}

static int disclose_to(struct disclose_env *env, const struct mr_config_subscription *subscription)
{
    int r;

    mr_buf_reset(&env->out);
    mr_buf_reset(&env->recipients);
    mr_arena_reset(&env->arena);
    r = mr_disclose(&env->out, &env->recipients, &env->hub->house, &env->view.record, subscription, NULL);
    if (r == 0)
        assert_int_equal(mr_event_decode(&env->event, mr_buf_slice(&env->out), &env->arena, NULL), 0);
    return r;
}

static int disclose(
        struct disclose_env *env, const char *system, enum mr_personal personal, enum mr_scope scope)
{
    return disclose_to(env,
            &(struct mr_config_subscription){.system = (char *)system, .personal = personal, .scope = scope});
}

static const Nms__Event__V1__DeficitIdentified *deficit_of(const struct disclose_env *env)
{
    return (const void *)env->event.payload;
}

static bool mentions(const struct disclose_env *env, const char *text)
{
    return memmem(env->out.data, env->out.size, text, strlen(text)) != NULL;
}

static void full_has_the_block_and_the_id(void **state)
{
    struct disclose_env *env = *state;
    const Nms__Event__V1__Person *person;

    publish_deficit(env);
    assert_int_equal(disclose(env, "school", MR_PERSONAL_FULL, MR_SCOPE_STAFF), 0);
    person = deficit_of(env)->person;
    assert_string_equal(person->snils, SNILS);
    assert_string_equal(person->family_name, "Petrova");
    assert_int_equal(strlen(person->person_id), 32);
    assert_string_equal(env->event.a.subject, person->person_id);
    assert_string_equal(env->event.a.id, "id-of-sender");
    assert_string_equal(env->event.a.source, "urn:marshrut:24:copmkp:school:" SITE);
    assert_null(memmem(env->view.record.leaf.data, env->view.record.leaf.size, SITE, strlen(SITE)));
    assert_string_equal(env->event.a.correlationid, "journey-1");
    assert_string_equal(deficit_of(env)->evidence->id, "other-1");
    assert_string_equal(env->event.a.staffof, OGRN);
    assert_true(mr_slice_equal(mr_buf_slice(&env->recipients), mr_slice_str(OGRN)));
    assert_int_equal(disclose(env, "cnppm", MR_PERSONAL_FULL, MR_SCOPE_ALL), 0);
    assert_null(env->event.a.staffof);
    assert_int_equal(env->recipients.size, 0);
}

static void pseudonymous_has_its_own_id_only(void **state)
{
    static const char *const withheld[] = {SNILS, "Petrova", "local-1", "id-of-sender", "subject-of-sender",
            "journey-1", "cause-1", "key-1", "other-1", "op-17", "0af7651916cd43dd", SITE};
    struct disclose_env *env = *state;
    char portal[40];
    char event_id[64];

    publish_deficit(env);
    assert_int_equal(disclose(env, "portal", MR_PERSONAL_PSEUDONYMOUS, MR_SCOPE_ALL), 0);
    for (size_t i = 0; i < MR_COUNT(withheld); i++)
        assert_false(mentions(env, withheld[i]));
    (void)snprintf(portal, sizeof portal, "%s", deficit_of(env)->person->person_id);
    (void)snprintf(event_id, sizeof event_id, "%s", env->event.a.id);
    assert_int_equal(strlen(portal), 32);
    assert_string_equal(env->event.a.subject, portal);
    assert_string_equal(deficit_of(env)->recommendation, "course of IT");
    assert_int_equal(disclose(env, "portal", MR_PERSONAL_PSEUDONYMOUS, MR_SCOPE_ALL), 0);
    assert_string_equal(deficit_of(env)->person->person_id, portal); /* the same each time */
    assert_string_equal(env->event.a.id, event_id);
    assert_int_equal(disclose(env, "cnppm", MR_PERSONAL_PSEUDONYMOUS, MR_SCOPE_ALL), 0);
    assert_string_not_equal(deficit_of(env)->person->person_id, portal); /* another for another */
    assert_string_not_equal(env->event.a.id, event_id);
    assert_int_equal(disclose(env, "portal", MR_PERSONAL_FULL, MR_SCOPE_ALL), 0);
    assert_string_not_equal(deficit_of(env)->person->person_id, portal);
}

static void none_has_nothing_that_links(void **state)
{
    static const char *const withheld[] = {SNILS, "Petrova", "local-1", "id-of-sender", "subject-of-sender",
            "journey-1", "cause-1", "key-1", "other-1", "op-17", "0af7651916cd43dd", OGRN, SITE, "deficit-1",
            "course of IT"};
    struct disclose_env *env = *state;

    publish_deficit(env);
    assert_int_equal(disclose(env, "school", MR_PERSONAL_NONE, MR_SCOPE_STAFF), 0);
    for (size_t i = 0; i < MR_COUNT(withheld); i++)
        assert_false(mentions(env, withheld[i]));
    assert_null(env->event.a.subject);
    assert_null(env->event.a.orgid);
    assert_null(env->event.a.staffof);
    assert_null(deficit_of(env)->person);
    assert_string_equal(deficit_of(env)->area, "ict");
    assert_string_equal(env->event.a.regioncode, "24");
    assert_string_equal(env->event.a.source, "urn:marshrut:24:copmkp");
    assert_int_equal(env->recipients.size, 0);
}

static void none_has_no_free_text_and_no_ids(void **state)
{
    static const char *const withheld[] = {
            SNILS, "route-7", "step-7", "programme-7", "of Petrova", "for Petrova"};
    struct disclose_env *env = *state;
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:cnppm", "r-1", "nms.route.assigned.v1");
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__RouteStep step = NMS__EVENT__V1__ROUTE_STEP__INIT, *steps[] = {&step};
    Nms__Event__V1__RouteAssigned route = NMS__EVENT__V1__ROUTE_ASSIGNED__INIT, *got;
    struct mr_buf event = MR_BUF_INIT;

    person.snils = (char *)SNILS;
    step.step_id = (char *)"step-7";
    step.form = (char *)"formal";
    step.title = (char *)"course of Petrova";
    step.programme_id = (char *)"programme-7";
    step.hours = 36;
    route.person = &person;
    route.route_id = (char *)"route-7";
    route.content = (char *)"route for Petrova";
    route.assigned_on = (char *)"2026-10-30";
    route.starts_on = (char *)"2026-11-10";
    route.steps = steps;
    route.n_steps = 1;
    hub_env_encode(&event, &a, &route.base);
    publish(env, "cnppm", &event);
    assert_int_equal(disclose(env, "portal", MR_PERSONAL_NONE, MR_SCOPE_ALL), 0);
    for (size_t i = 0; i < MR_COUNT(withheld); i++)
        assert_false(mentions(env, withheld[i]));
    got = (void *)env->event.payload;
    assert_string_equal(got->starts_on, "2026-11-10");
    assert_int_equal(got->steps[0]->hours, 36);
    assert_string_equal(got->steps[0]->form, "formal");
}

static void an_open_event_keeps_its_payload(void **state)
{
    struct disclose_env *env = *state;
    struct mr_buf event = MR_BUF_INIT;
    struct mr_buf copy = MR_BUF_INIT;

    hub_env_programme(&event, "p-1");
    mr_buf_put_slice(&copy, mr_buf_slice(&event));
    publish(env, "portal", &event);
    assert_int_equal(disclose(env, "cnppm", MR_PERSONAL_FULL, MR_SCOPE_ALL), 0);
    assert_true(mr_slice_equal(mr_buf_slice(&env->out), mr_buf_slice(&copy)));
    assert_int_equal(disclose(env, "cnppm", MR_PERSONAL_NONE, MR_SCOPE_ALL), 0);
    assert_string_equal(env->event.a.id, "p-1");
    assert_string_equal(
            ((const Nms__Event__V1__ProgrammeListed *)(const void *)env->event.payload)->provider_ogrn, OGRN);
    assert_null(env->event.a.actor);
    mr_buf_fini(&copy);
}

static void a_blocked_person_is_not_disclosed(void **state)
{
    struct disclose_env *env = *state;
    struct mr_keyring_txn *txn;
    uint8_t id[MR_PERSON_ID_BYTES];

    publish_deficit(env);
    assert_int_equal(mr_keyring_begin(env->hub->house.keyring, &txn), 0);
    assert_int_equal(mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str(SNILS), id), 0);
    assert_int_equal(mr_person_set_state(txn, id, MR_PERSON_BLOCKED), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
    assert_int_equal(disclose(env, "cnppm", MR_PERSONAL_FULL, MR_SCOPE_ALL), MR_EBLOCKED);
    assert_int_equal(disclose(env, "cnppm", MR_PERSONAL_NONE, MR_SCOPE_ALL), MR_EBLOCKED);
}

static char *str(const char *text)
{
    return (char *)text;
}

/* Of the person what is listed, and the id that the hub gives; nothing that no schema knows. */
static void a_list_of_person_fields(void **state)
{
    static const char *const withheld[] = {SNILS, "local-1", "key-1"};
    char *fields[] = {str("family_name"), str("birth_date")};
    struct mr_config_subscription subscription = {.system = str("school"),
            .personal = MR_PERSONAL_FULL,
            .scope = MR_SCOPE_STAFF,
            .person_fields = fields,
            .person_fields_count = 2};
    struct disclose_env *env = *state;
    const Nms__Event__V1__Person *person;

    publish_deficit(env);
    assert_int_equal(disclose_to(env, &subscription), 0);
    for (size_t i = 0; i < MR_COUNT(withheld); i++)
        if (mentions(env, withheld[i]))
            fail_msg("%s", withheld[i]);
    person = deficit_of(env)->person;
    assert_string_equal(person->family_name, "Petrova");
    assert_int_equal(strlen(person->person_id), 32);
    assert_string_equal(env->event.a.subject, person->person_id);
    assert_string_equal(env->event.a.id, "id-of-sender"); /* the rest is as in `full` */
    assert_string_equal(env->event.a.correlationid, "journey-1");
    assert_string_equal(deficit_of(env)->recommendation, "course of IT");
    assert_string_equal(deficit_of(env)->evidence->id, "other-1");
    assert_true(mr_slice_equal(mr_buf_slice(&env->recipients), mr_slice_str(OGRN)));
}

static void a_list_of_fields(void **state)
{
    char *fields[] = {str("area"), str("evidence"), str("deficit_id")};
    struct mr_config_subscription subscription = {
            .system = str("portal"), .personal = MR_PERSONAL_FULL, .fields = fields, .fields_count = 3};
    struct disclose_env *env = *state;

    publish_deficit(env);
    assert_int_equal(disclose_to(env, &subscription), 0);
    assert_false(mentions(env, "course of IT"));
    assert_false(mentions(env, "2026-10-30"));
    assert_string_equal(deficit_of(env)->area, "ict");
    assert_string_equal(deficit_of(env)->evidence->id, "other-1");
    assert_string_equal(deficit_of(env)->person->snils, SNILS);
    subscription.personal = MR_PERSONAL_PSEUDONYMOUS;
    assert_int_equal(disclose_to(env, &subscription), 0);
    assert_string_equal(deficit_of(env)->deficit_id, "deficit-1");
    assert_int_equal(strlen(deficit_of(env)->person->person_id), 32);
    assert_false(mentions(env, SNILS));
    assert_false(mentions(env, "course of IT"));
    assert_null(deficit_of(env)->evidence); /* a list gives nothing that `personal` withholds */
    subscription.personal = MR_PERSONAL_NONE;
    assert_int_equal(disclose_to(env, &subscription), 0);
    assert_string_equal(deficit_of(env)->area, "ict");
    assert_false(mentions(env, "deficit-1"));
}

static void a_list_is_for_events_about_persons(void **state)
{
    char *fields[] = {str("hours")};
    struct mr_config_subscription subscription = {
            .system = str("cnppm"), .personal = MR_PERSONAL_FULL, .fields = fields, .fields_count = 1};
    struct disclose_env *env = *state;
    struct mr_buf event = MR_BUF_INIT;
    struct mr_buf copy = MR_BUF_INIT;

    hub_env_programme(&event, "p-1");
    mr_buf_put_slice(&copy, mr_buf_slice(&event));
    publish(env, "portal", &event);
    assert_int_equal(disclose_to(env, &subscription), 0);
    assert_true(mr_slice_equal(mr_buf_slice(&env->out), mr_buf_slice(&copy)));
    mr_buf_fini(&copy);
}

#define DISCLOSE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            DISCLOSE_TEST(full_has_the_block_and_the_id),
            DISCLOSE_TEST(pseudonymous_has_its_own_id_only),
            DISCLOSE_TEST(none_has_nothing_that_links),
            DISCLOSE_TEST(none_has_no_free_text_and_no_ids),
            DISCLOSE_TEST(an_open_event_keeps_its_payload),
            DISCLOSE_TEST(a_blocked_person_is_not_disclosed),
            DISCLOSE_TEST(a_list_of_person_fields),
            DISCLOSE_TEST(a_list_of_fields),
            DISCLOSE_TEST(a_list_is_for_events_about_persons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
