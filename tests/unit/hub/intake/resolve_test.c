/* Persons from blocks, one table of steps in order: each step sees what the ones before it left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "event/informal.pb-c.h"
#include "event/person.pb-c.h"
#include "hub/intake/resolve.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "tests/support/hub_env.h"

#define A "11223344595"
#define B "12345678964"
#define C "00101998900"

struct resolve_env {
    struct hub_env *hub;
    struct mr_keyring_txn *txn;
    struct mr_arena arena;
    struct mr_buf bytes;
    struct mr_event event;
    struct mr_resolved resolved;
    struct mr_decision decision;
};

static int setup(void **state)
{
    struct resolve_env *env = calloc(1, sizeof *env);
    void *hub = NULL;

    assert_int_equal(hub_env_setup(&hub), 0);
    env->hub = hub;
    mr_arena_init(&env->arena, 1 << 20);
    assert_int_equal(mr_keyring_begin(env->hub->house.keyring, &env->txn), 0);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct resolve_env *env = *state;
    void *hub = env->hub;

    assert_int_equal(mr_keyring_commit(env->txn), 0);
    mr_resolved_fini(&env->resolved);
    mr_buf_fini(&env->bytes);
    mr_arena_fini(&env->arena);
    assert_int_equal(hub_env_teardown(&hub), 0);
    free(env);
    return 0;
}

/* One identifier each; NULL: not given. */
struct who {
    const char *person_id;
    const char *snils;
    const char *local_id;
};

static char *text(const char *s)
{
    return s ? (char *)s : (char *)protobuf_c_empty_string;
}

static Nms__Event__V1__Person person_of(const struct who *who)
{
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;

    person.person_id = text(who->person_id);
    person.snils = text(who->snils);
    person.local_id = text(who->local_id);
    return person;
}

static void resolve_bytes(struct resolve_env *env, const char *system)
{
    struct mr_resolver resolver = {env->hub->house.keyring, env->txn, env->hub->config, system, 5};

    mr_arena_reset(&env->arena);
    assert_int_equal(mr_event_decode(&env->event, mr_buf_slice(&env->bytes), &env->arena, NULL), 0);
    assert_int_equal(mr_resolve(&resolver, &env->event, &env->resolved, &env->decision), 0);
}

/* A merge (of `first` with `second` as the previous one) or a mentoring pair; or one person, when second is
 * NULL. */
static void resolve(struct resolve_env *env, const char *system, const struct who *first,
        const struct who *second, bool merge)
{
    struct mr_attributes a = hub_env_attributes("urn:x", "1", "nms.person.registered.v1");
    Nms__Event__V1__Person one = person_of(first);
    Nms__Event__V1__Person two = second ? person_of(second) : one;
    Nms__Event__V1__PersonRegistered registered = NMS__EVENT__V1__PERSON_REGISTERED__INIT;
    Nms__Event__V1__PersonMerged merged = NMS__EVENT__V1__PERSON_MERGED__INIT;
    Nms__Event__V1__MentoringStarted pair = NMS__EVENT__V1__MENTORING_STARTED__INIT;

    registered.person = merged.person = pair.person = &one;
    merged.previous = pair.mentee = &two;
    a.type = !second ? a.type : merge ? "nms.person.merged.v1" : "nms.mentoring.started.v1";
    mr_buf_reset(&env->bytes);
    hub_env_encode(&env->bytes, &a, !second ? &registered.base : merge ? &merged.base : &pair.base);
    resolve_bytes(env, system);
}

static void identifiers_in_order(void **state)
{
    static const struct {
        struct who who;
        const char *system;
        const char *code; /* "": resolved */
        const char *field;
        int person; /* the same number: the same person */
    } steps[] = {
            {{NULL, NULL, "1"}, "school", "person-unresolved", "person", 0},
            {{NULL, NULL, NULL}, "school", "person-unresolved", "person", 0},
            {{NULL, A, NULL}, "school", "", "", 1},
            {{NULL, "112-233-445 95", "1"}, "school", "", "", 1}, /* binds school's local id 1 */
            {{NULL, NULL, "1"}, "school", "", "", 1},
            {{NULL, NULL, "1"}, "copmkp", "person-unresolved", "person", 0}, /* another system's ids */
            {{NULL, B, "1"}, "copmkp", "", "", 2},
            {{NULL, NULL, "1"}, "copmkp", "", "", 2},
            {{NULL, B, "1"}, "school", "person-conflict", "person.local_id", 0},
            {{NULL, C, "1"}, "school", "person-conflict", "person.snils", 0}, /* makes nobody */
            {{NULL, "12345678900", NULL}, "school", "person-unresolved", "person", 0},
            {{"00000000000000000000000000000001", A, NULL}, "school", "person-unresolved", "person.person_id",
                    0},
            {{"not hex", A, NULL}, "school", "person-unresolved", "person.person_id", 0},
            {{NULL, A, "2"}, "school", "", "", 1},
            {{NULL, NULL, "2"}, "school", "", "", 1},
    };
    struct resolve_env *env = *state;
    uint8_t persons[3][MR_PERSON_ID_BYTES] = {{0}};
    uint8_t nobody[MR_PERSON_ID_BYTES];

    for (size_t i = 0; i < MR_COUNT(steps); i++) {
        resolve(env, steps[i].system, &steps[i].who, NULL, false);
        if (strcmp(env->decision.text.code, steps[i].code) != 0)
            print_error("step %zu: %s %s\n", i, env->decision.text.code, env->decision.text.field);
        assert_string_equal(env->decision.text.code, steps[i].code);
        assert_string_equal(env->decision.text.field, steps[i].field);
        assert_int_equal(env->decision.verdict, *steps[i].code ? MR_VERDICT_QUARANTINED : MR_VERDICT_STORED);
        if (steps[i].person == 0)
            continue;
        assert_int_equal(env->resolved.persons_count, 1);
        if (sodium_is_zero(persons[steps[i].person], MR_PERSON_ID_BYTES))
            memcpy(persons[steps[i].person], env->resolved.persons[0].id, MR_PERSON_ID_BYTES);
        assert_memory_equal(env->resolved.persons[0].id, persons[steps[i].person], MR_PERSON_ID_BYTES);
    }
    assert_memory_not_equal(persons[1], persons[2], MR_PERSON_ID_BYTES);
    assert_int_equal(mr_person_find(env->txn, MR_IDENTIFIER_SNILS, mr_slice_str(C), nobody), MR_ENOTFOUND);
}

static void the_hubs_id_and_the_receivers_pseudonym(void **state)
{
    struct resolve_env *env = *state;
    struct who by_snils = {NULL, A, NULL};
    struct who by_id = {0};
    uint8_t id[MR_PERSON_ID_BYTES];
    uint8_t pseudonym[MR_PERSON_ID_BYTES];
    char hex[2 * MR_PERSON_ID_BYTES + 1];

    resolve(env, "school", &by_snils, NULL, false);
    memcpy(id, env->resolved.persons[0].id, sizeof id);
    by_id.person_id = mr_hex_encode(id, sizeof id, hex);
    resolve(env, "cnppm", &by_id, NULL, false);
    assert_memory_equal(env->resolved.persons[0].id, id, sizeof id);
    by_id.snils = B; /* somebody else's, whether it is known or not */
    resolve(env, "cnppm", &by_id, NULL, false);
    assert_string_equal(env->decision.text.code, "person-conflict");
    by_id.snils = NULL;
    assert_int_equal(mr_keyring_pseudonym(env->hub->house.keyring, "portal", id, pseudonym), 0);
    by_id.person_id = mr_hex_encode(pseudonym, sizeof pseudonym, hex);
    resolve(env, "portal", &by_id, NULL, false);
    assert_int_equal(env->decision.verdict, MR_VERDICT_STORED);
    assert_memory_equal(env->resolved.persons[0].id, id, sizeof id);
    resolve(env, "cnppm", &by_id, NULL, false);
    assert_string_equal(env->decision.text.code, "person-unresolved");
}

static void blocked_and_erased_are_refused(void **state)
{
    struct resolve_env *env = *state;
    struct who by_snils = {NULL, A, NULL};
    struct who by_id = {0};
    char hex[2 * MR_PERSON_ID_BYTES + 1];
    uint8_t id[MR_PERSON_ID_BYTES];

    resolve(env, "school", &by_snils, NULL, false);
    memcpy(id, env->resolved.persons[0].id, sizeof id);
    by_id.person_id = mr_hex_encode(id, sizeof id, hex);
    assert_int_equal(mr_person_set_state(env->txn, id, MR_PERSON_BLOCKED), 0);
    resolve(env, "school", &by_snils, NULL, false);
    assert_int_equal(env->decision.verdict, MR_VERDICT_REFUSED);
    assert_string_equal(env->decision.text.code, "person-blocked");
    assert_int_equal(mr_person_set_state(env->txn, id, MR_PERSON_DESTROYED), 0);
    resolve(env, "school", &by_id, NULL, false);
    assert_int_equal(env->decision.verdict, MR_VERDICT_REFUSED);
    assert_string_equal(env->decision.text.code, "person-erased");
    resolve(env, "school", &by_snils, NULL, false); /* the link is gone too: this is a new person */
    assert_int_equal(env->decision.verdict, MR_VERDICT_STORED);
    assert_memory_not_equal(env->resolved.persons[0].id, id, sizeof id);
}

static void merging_takes_effect_in_order(void **state)
{
    struct resolve_env *env = *state;
    struct who a = {NULL, A, NULL};
    struct who b = {NULL, B, NULL};
    struct mr_seal_person first[2];
    uint8_t survivor[MR_PERSON_ID_BYTES];

    resolve(env, "school", &a, &b, true);
    memcpy(first, env->resolved.persons, sizeof first);
    assert_int_equal(env->decision.verdict, MR_VERDICT_STORED);
    assert_int_equal(env->resolved.persons_count, 2); /* the merge itself still has two slots */
    memcpy(survivor, env->resolved.persons[0].id, sizeof survivor);
    assert_memory_not_equal(
            env->resolved.persons[0].key.id, env->resolved.persons[1].key.id, MR_KEY_ID_BYTES);
    resolve(env, "school", &b, NULL, false);
    assert_memory_equal(env->resolved.persons[0].id, survivor, sizeof survivor);
    resolve(env, "school", &a, &b,
            true); /* once more, as after a crash between the two commits: the same slots */
    assert_int_equal(env->decision.verdict, MR_VERDICT_STORED);
    assert_int_equal(env->resolved.persons_count, 2);
    assert_memory_equal(&env->resolved.persons[0], &first[0], sizeof first[0]);
    assert_memory_equal(&env->resolved.persons[1], &first[1], sizeof first[1]);
    resolve(env, "school", &a, &a, true);
    assert_int_equal(env->decision.verdict, MR_VERDICT_REFUSED);
    assert_string_equal(env->decision.text.code, "merge-itself");
    assert_string_equal(env->decision.text.field, "previous");
}

static void two_blocks_may_not_share_a_local_id(void **state)
{
    struct resolve_env *env = *state;
    struct who a = {NULL, A, "9"};
    struct who b = {NULL, B, "9"};
    struct who nine = {NULL, NULL, "9"};

    resolve(env, "school", &a, &b, false);
    assert_string_equal(env->decision.text.code, "person-conflict");
    resolve(env, "school", &nine, NULL, false); /* and neither was bound */
    assert_string_equal(env->decision.text.code, "person-unresolved");
    b.local_id = "10";
    resolve(env, "school", &a, &b, false);
    assert_int_equal(env->decision.verdict, MR_VERDICT_STORED);
    assert_int_equal(env->resolved.persons_count, 2);
    resolve(env, "school", &a, &a, false);
    assert_int_equal(env->resolved.persons_count, 1);
    assert_int_equal(env->resolved.person_of_span[0], 0);
    assert_int_equal(env->resolved.person_of_span[1], 0);
}

/* ---- staff ---- */

static void employ(
        struct resolve_env *env, const char *system, const char *id, const char *ogrn, bool started)
{
    mr_buf_reset(&env->bytes);
    hub_env_employment(&env->bytes, "1", A, id, ogrn, started);
    resolve_bytes(env, system);
    assert_int_equal(env->decision.verdict, MR_VERDICT_STORED);
}

static void staff_is_told_in_order(void **state)
{
    struct resolve_env *env = *state;
    struct who a = {NULL, A, NULL};

    employ(env, "school", "1", "1022402127461", true);
    assert_string_equal(env->resolved.staffof.data, "school=1022402127461"); /* a start counts at once */
    employ(env, "school", "2", "1022402127461", true);
    employ(env, "cnppm", "1", "1022400000006", true);
    employ(env, "school", "3", "1022400000116", true);
    resolve(env, "copmkp", &a, NULL, false);
    assert_string_equal(env->resolved.staffof.data, "cnppm=1022400000006;school=1022400000116,1022402127461");
    assert_int_equal(env->resolved.employers_count, 2);
    assert_string_equal(env->resolved.employer_names[0], "cnppm");
    assert_string_equal(env->resolved.employer_names[1], "school");
    employ(env, "cnppm", "1", "1022400000006", false);
    assert_int_equal(env->resolved.employers_count, 2); /* an end counts from the next event on */
    employ(env, "school", "1", "1022402127461", false);
    resolve(env, "copmkp", &a, NULL, false); /* the second post in the same place is still there */
    assert_string_equal(env->resolved.staffof.data, "school=1022400000116,1022402127461");
    employ(env, "school", "2", "1022402127461", false);
    employ(env, "school", "3", "1022400000116", false);
    resolve(env, "copmkp", &a, NULL, false);
    assert_int_equal(env->resolved.employers_count, 0);
    assert_string_equal(env->resolved.staffof.data, "");
}

static void staffof_by_system(void **state)
{
    static const struct {
        const char *text;
        const char *system;
        const char *orgs;
    } rows[] = {
            {"", "school", ""},
            {NULL, "school", ""},
            {"school=1,2", "school", "1,2"},
            {"a=1;school=2,3;z=4", "school", "2,3"},
            {"a=1;school=2,3;z=4", "z", "4"},
            {"school-2=1", "school", ""},
            {"my-school=1", "school", ""},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++)
        assert_true(mr_slice_equal(mr_staffof_of(rows[i].text, rows[i].system), mr_slice_str(rows[i].orgs)));
}

#define RESOLVE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            RESOLVE_TEST(identifiers_in_order),
            RESOLVE_TEST(the_hubs_id_and_the_receivers_pseudonym),
            RESOLVE_TEST(blocked_and_erased_are_refused),
            RESOLVE_TEST(merging_takes_effect_in_order),
            RESOLVE_TEST(two_blocks_may_not_share_a_local_id),
            RESOLVE_TEST(staff_is_told_in_order),
            cmocka_unit_test(staffof_by_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
