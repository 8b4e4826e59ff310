/* Admission row by row: what is changed in a good event, and by which name it is refused or quarantined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "event/annulment.pb-c.h"
#include "event/assessment.pb-c.h"
#include "event/hub.pb-c.h"
#include "hub/intake/admit.h"
#include "proto/base/list.h"
#include "tests/support/hub_env.h"

#define NOW_US 1793527200000000 /* 2026-11-01T10:00:00Z */

struct row {
    const char *what;
    void (*change)(struct mr_attributes *a, Nms__Event__V1__DeficitIdentified *d);
    enum mr_verdict verdict;
    const char *code;
    const char *field;
};

#define CHANGE(name) static void name(struct mr_attributes *a, Nms__Event__V1__DeficitIdentified *d)
#define UNUSED_A     (void)a
#define UNUSED_D     (void)d

CHANGE(nothing)
{
    UNUSED_A;
    UNUSED_D;
}
CHANGE(below_source)
{
    a->source = "urn:marshrut:24:copmkp:krsk";
    UNUSED_D;
}
CHANGE(beside_source)
{
    a->source = "urn:marshrut:24:copmkpx";
    UNUSED_D;
}
CHANGE(other_source)
{
    a->source = "urn:marshrut:24:school";
    UNUSED_D;
}
CHANGE(other_type)
{
    a->type = "nms.deficit.lost.v1";
    UNUSED_D;
}
CHANGE(no_region)
{
    a->regioncode = NULL;
    UNUSED_D;
}
CHANGE(other_region)
{
    a->regioncode = "61";
    UNUSED_D;
}
CHANGE(no_basis)
{
    a->basis = NULL;
    UNUSED_D;
}
CHANGE(no_actor)
{
    a->actor = NULL;
    UNUSED_D;
}
CHANGE(no_role)
{
    a->actorrole = NULL;
    UNUSED_D;
}
CHANGE(reserved)
{
    a->staffof = "1022402127461";
    UNUSED_D;
}
CHANGE(tomorrow)
{
    a->time = "2026-11-02T09:59:59Z";
    UNUSED_D;
}
CHANGE(after_tomorrow)
{
    a->time = "2026-11-02T10:00:01Z";
    UNUSED_D;
}
CHANGE(no_deficit_id)
{
    UNUSED_A;
    d->deficit_id = (char *)protobuf_c_empty_string;
}
CHANGE(missing_and_ahead)
{
    after_tomorrow(a, d);
    no_deficit_id(a, d);
}
CHANGE(wrong_snils)
{
    UNUSED_A;
    d->person->snils = (char *)"12345678900";
}
CHANGE(unknown_area)
{
    UNUSED_A;
    d->area = (char *)"cooking";
}

static const struct row rows[] = {
        {"good", nothing, MR_VERDICT_STORED, "", ""},
        {"below its source", below_source, MR_VERDICT_STORED, "", ""},
        {"beside its source", beside_source, MR_VERDICT_REFUSED, "right-source", "source"},
        {"other source", other_source, MR_VERDICT_REFUSED, "right-source", "source"},
        {"other type", other_type, MR_VERDICT_REFUSED, "type-unknown", "type"},
        {"no region", no_region, MR_VERDICT_REFUSED, "attribute-missing", "regioncode"},
        {"other region", other_region, MR_VERDICT_REFUSED, "right-region", "regioncode"},
        {"no basis", no_basis, MR_VERDICT_REFUSED, "attribute-missing", "basis"},
        {"no actor", no_actor, MR_VERDICT_REFUSED, "attribute-missing", "actor"},
        {"no role", no_role, MR_VERDICT_REFUSED, "attribute-missing", "actorrole"},
        {"reserved", reserved, MR_VERDICT_REFUSED, "attribute-reserved", "staffof"},
        {"within a day", tomorrow, MR_VERDICT_STORED, "", ""},
        {"ahead", after_tomorrow, MR_VERDICT_QUARANTINED, "time-ahead", "time"},
        {"field missing", no_deficit_id, MR_VERDICT_REFUSED, "field-missing", "deficit_id"},
        {"refusal before quarantine", missing_and_ahead, MR_VERDICT_REFUSED, "field-missing", "deficit_id"},
        {"check digits", wrong_snils, MR_VERDICT_QUARANTINED, "snils-checkdigit", "person.snils"},
        {"code list", unknown_area, MR_VERDICT_QUARANTINED, "code-unknown", "area"},
};

static void admit(
        const struct hub_env *env, const char *system, const struct mr_buf *bytes, struct mr_decision *ret)
{
    struct mr_admit rights = {env->config, system ? mr_config_system(env->config, system) : NULL, NOW_US};
    struct mr_arena arena;
    struct mr_event event;
    bool decoded;

    mr_arena_init(&arena, MR_ADMIT_ARENA_BYTES);
    mr_admit_event(&rights, mr_buf_slice(bytes), &arena, &event, &decoded, ret);
    mr_arena_fini(&arena);
}

static void each_check_has_a_name(void **state)
{
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_attributes a =
                hub_env_attributes("urn:marshrut:24:copmkp", "1", "nms.deficit.identified.v1");
        Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
        Nms__Event__V1__DeficitIdentified deficit = NMS__EVENT__V1__DEFICIT_IDENTIFIED__INIT;
        struct mr_buf bytes = MR_BUF_INIT;
        struct mr_decision decision;

        person.snils = (char *)"11223344595";
        deficit.person = &person;
        deficit.deficit_id = (char *)"d";
        deficit.area = (char *)"ict";
        deficit.identified_on = (char *)"2026-10-30";
        rows[i].change(&a, &deficit);
        hub_env_encode(&bytes, &a, &deficit.base);
        admit(*state, "copmkp", &bytes, &decision);
        if (decision.verdict != rows[i].verdict || strcmp(decision.text.code, rows[i].code) != 0)
            print_error("%s: %s %s\n", rows[i].what, decision.text.code, decision.text.field);
        assert_int_equal(decision.verdict, rows[i].verdict);
        assert_string_equal(decision.text.code, rows[i].code);
        assert_string_equal(decision.text.field, rows[i].field);
        assert_true(
                decision.verdict == MR_VERDICT_STORED || (decision.text.reason[0] && decision.text.cure[0]));
        assert_null(strstr(decision.text.reason, "12345678900"));
        mr_buf_fini(&bytes);
    }
}

static void rights_are_by_system(void **state)
{
    struct mr_buf bytes = MR_BUF_INIT;
    struct mr_decision decision;

    hub_env_deficit(&bytes, "1", "11223344595", NULL);
    admit(*state, "portal", &bytes, &decision);
    assert_string_equal(decision.text.code, "right-type");
    admit(*state, NULL, &bytes, &decision);
    assert_int_equal(decision.verdict, MR_VERDICT_STORED);
    mr_buf_fini(&bytes);
}

static void hub_types_are_the_hubs(void **state)
{
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:copmkp", "1", "hub.config.applied.v1");
    Nms__Event__V1__HubConfigApplied applied = NMS__EVENT__V1__HUB_CONFIG_APPLIED__INIT;
    struct mr_buf bytes = MR_BUF_INIT;
    struct mr_decision decision;
    uint8_t digest[32] = {1};

    applied.version = 1;
    applied.digest = (ProtobufCBinaryData){sizeof digest, digest};
    applied.systems = 4;
    a.regioncode = NULL;
    hub_env_encode(&bytes, &a, &applied.base);
    admit(*state, "copmkp", &bytes, &decision);
    assert_string_equal(decision.text.code, "right-type");
    admit(*state, NULL, &bytes, &decision);
    assert_string_equal(decision.text.code, "");
    assert_int_equal(decision.verdict, MR_VERDICT_STORED);
    mr_buf_fini(&bytes);
}

static void bytes_that_are_no_event(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *code;
    } raw[] = {
            {"", 0, "attribute-wrong"},
            {"\xff", 1, "malformed"},
            {"\x0a\x05no", 4, "malformed"},
            {"{\"specversion\":\"1.0\"}", 21, "malformed"},
    };

    for (size_t i = 0; i < MR_COUNT(raw); i++) {
        struct mr_buf bytes = MR_BUF_INIT;
        struct mr_decision decision;

        mr_buf_put(&bytes, raw[i].bytes, raw[i].size);
        admit(*state, "copmkp", &bytes, &decision);
        assert_int_equal(decision.verdict, MR_VERDICT_REFUSED);
        assert_string_equal(decision.text.code, raw[i].code);
        mr_buf_fini(&bytes);
    }
}

static void words_are_cut_between_letters(void **state)
{
    struct mr_decision decision;
    char text[200];

    (void)state;
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "я", 2);
    text[198] = '\0';
    mr_decide(&decision, MR_VERDICT_REFUSED, NULL, text, text, text);
    assert_string_equal(decision.text.code, "");
    assert_int_equal(strlen(decision.text.field), 62);
    assert_int_equal(strlen(decision.text.reason), 118);
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, hub_env_setup, hub_env_teardown)

static void only_its_source_or_two_people_annul(void **state)
{
    static const struct {
        const char *source, *id, *actor, *second;
        const char *code;
    } cases[] = {
            {"urn:marshrut:24:copmkp", "7", "a", "", ""},
            {"urn:marshrut:24:copmkp:krsk", "1", "a", "", ""},
            {"urn:marshrut:24:copmkp", "1", "a", "", "annul-itself"},
            {"urn:marshrut:24:school", "7", "op-1", "", "right-annul"},
            {"urn:marshrut:24:school", "7", "op-1", "op-1", "right-annul"},
            {"urn:marshrut:24:school", "7", "a", "b", "right-annul"},
            {"urn:marshrut:24:school", "7", "op-1", "b", "right-annul"},
            {"urn:marshrut:24:school", "7", "op-1", "op-2", ""},
    };

    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        struct mr_attributes a = hub_env_attributes("urn:marshrut:24:copmkp", "1", "nms.event.annulled.v1");
        Nms__Event__V1__EventRef ref = NMS__EVENT__V1__EVENT_REF__INIT;
        Nms__Event__V1__EventAnnulled annulled = NMS__EVENT__V1__EVENT_ANNULLED__INIT;
        struct mr_buf bytes = MR_BUF_INIT;
        struct mr_decision decision;

        ref.source = (char *)cases[i].source;
        ref.id = (char *)cases[i].id;
        annulled.event = &ref;
        annulled.reason = (char *)"mistake";
        annulled.second_actor = (char *)cases[i].second;
        a.actor = cases[i].actor;
        hub_env_encode(&bytes, &a, &annulled.base);
        admit(*state, "copmkp", &bytes, &decision);
        assert_string_equal(decision.text.code, cases[i].code);
        assert_int_equal(decision.verdict, *cases[i].code ? MR_VERDICT_REFUSED : MR_VERDICT_STORED);
        mr_buf_fini(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            HUB_TEST(each_check_has_a_name),
            HUB_TEST(rights_are_by_system),
            HUB_TEST(hub_types_are_the_hubs),
            HUB_TEST(bytes_that_are_no_event),
            cmocka_unit_test(words_are_cut_between_letters),
            HUB_TEST(only_its_source_or_two_people_annul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
