/*
 * A passport of what is kept is byte for byte the one that is made anew: facts that come bit by bit, and a
 * hub's house in which events come, are annulled, projected late, and people are blocked, let free and
 * erased.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/annulment.pb-c.h"
#include "hub/index/indexer.h"
#include "hub/project/kept.h"
#include "tests/support/chance.h"
#include "tests/support/fact_log.h"
#include "tests/support/hub_env.h"

enum { RUNS = 60, PERSONS = 12, FACTS = 150, HOUSES = 4, STEPS = 90 };

static struct chance chance;

static void begin(unsigned run)
{
    const char *seed = getenv("MR_SEED");

    chance.state = 0x9e3779b97f4a7c15u + (seed ? strtoull(seed, NULL, 10) : 0) * 1000 + run;
}

/* The document, and what a screen is told. */
static void tell(const struct mr_passport *passport, struct mr_buf *out)
{
    json_t *shown = mr_passport_json(passport, false);
    char *text = json_dumps(shown, JSON_SORT_KEYS);
    uint8_t digest[32];

    mr_buf_reset(out);
    assert_int_equal(mr_passport_canonical(passport, out, digest), 0);
    mr_buf_put_str(out, text);
    free(text);
    json_decref(shown);
}

/* ---- facts alone ---- */

static void add_random(struct mr_fact_set *set)
{
    static const char *const ids[] = {"a", "b", "c"}, *const documents[] = {"", "", "N", "M"};
    const char *id = ids[chance_below(&chance, 3)];
    unsigned who = 1 + chance_below(&chance, PERSONS);
    uint32_t on = 20260101 + 100 * chance_below(&chance, 12) + chance_below(&chance, 28);

    switch (chance_below(&chance, 9)) {
    case 0:
        (void)fact_job(set, who, id, chance_below(&chance, 2) ? "PR" : "UK");
        break;
    case 1:
        (void)fact_of(set, who, (struct mr_fact){.kind = MR_FACT_EMPLOYMENT_ENDED, .id = id, .on = on});
        break;
    case 2:
    case 3:
        (void)fact_of(set, who,
                (struct mr_fact){.kind = MR_FACT_FINISHED,
                        .programme = id,
                        .document = documents[chance_below(&chance, 4)],
                        .on = 20260601 + chance_below(&chance, 2),
                        .system = (uint16_t)(2 + chance_below(&chance, 3))});
        break;
    case 4:
        (void)fact_ref(set, who, set->through ? 1 + chance_below(&chance, (unsigned)set->through) : 0,
                (struct mr_fact){.kind = MR_FACT_DOCUMENT,
                        .programme = id,
                        .document = documents[chance_below(&chance, 4)],
                        .code = "PK",
                        .on = 20260601});
        break;
    case 5:
        (void)fact_of(set, who, (struct mr_fact){.kind = MR_FACT_DEFICIT, .id = id, .on = on});
        break;
    case 6:
        (void)fact_of(set, who,
                (struct mr_fact){.kind = MR_FACT_DEFICIT_CLOSED, .id = id, .on = on, .code = "eliminated"});
        break;
    case 7: /* sometimes of an event that is to come */
        if (chance_below(&chance, 3) == 0)
            (void)fact_annul(set, 1 + chance_below(&chance, (unsigned)set->through + 4), 2);
        break;
    default:
        if (chance_below(&chance, 6) == 0)
            (void)fact_merge(set, who, 1 + chance_below(&chance, PERSONS));
        break;
    }
}

static void copy_set(const struct mr_fact_set *set, struct mr_fact_set *ret)
{
    mr_fact_set_init(ret);
    for (size_t i = 0; i < set->count; i++)
        assert_int_equal(mr_fact_set_add(ret, &set->items[i]), 0);
    ret->through = set->through;
    ret->recorded_us = set->recorded_us;
}

static void tell_anew(const struct mr_fact_set *set, struct mr_buf *out)
{
    struct mr_passport passport;
    struct mr_fact_set copy;

    copy_set(set, &copy);
    assert_int_equal(mr_passport_of_facts(&passport, &copy, fact_config(), NULL), 0);
    tell(&passport, out);
    mr_passport_fini(&passport);
}

/* The same of a fold that goes on. */
static void tell_more(const struct mr_fact_set *set, struct mr_fold *fold, struct mr_buf *out)
{
    struct mr_passport passport = {.facts = *set, .fold = fold, .config = fact_config()};

    assert_int_equal(mr_cells_create(&passport.cells, fold, passport.config, NULL), 0);
    tell(&passport, out);
    mr_cells_free(passport.cells);
}

static void test_more_is_anew(void **state)
{
    unsigned went_on = 0;

    (void)state;
    for (unsigned run = 0; run < RUNS; run++) {
        struct mr_buf one = MR_BUF_INIT, two = MR_BUF_INIT;
        struct mr_fact_set set;
        struct mr_fold *fold;

        begin(run);
        mr_fact_set_init(&set);
        assert_int_equal(mr_fold_create(&fold, &set, NULL), 0);
        for (unsigned i = 0; i < FACTS; i++) {
            int r;

            add_random(&set);
            if (chance_below(&chance, 4))
                continue;
            r = mr_fold_more(fold, NULL);
            assert_true(r == 0 || r == 1);
            went_on += r == 0;
            if (r == 1) {
                mr_fold_free(fold);
                assert_int_equal(mr_fold_create(&fold, &set, NULL), 0);
            }
            tell_more(&set, fold, &one);
            tell_anew(&set, &two);
            assert_string_equal(mr_buf_str(&one), mr_buf_str(&two));
        }
        mr_fold_free(fold);
        mr_fact_set_fini(&set);
        mr_buf_fini(&one);
        mr_buf_fini(&two);
    }
    assert_true(went_on > RUNS); /* and it is not made anew each time */
}

/* ---- a house ---- */

static const char *const numbers[] = {"11223344595", "12345678964", "00101998900"};

static void annul(struct hub_env *env, unsigned step, const char *id, const char *annulled)
{
    Nms__Event__V1__EventRef ref = NMS__EVENT__V1__EVENT_REF__INIT;
    Nms__Event__V1__EventAnnulled m = NMS__EVENT__V1__EVENT_ANNULLED__INIT;
    struct mr_attributes attributes =
            hub_env_attributes("urn:marshrut:24:school", id, "nms.event.annulled.v1");
    struct mr_buf event = MR_BUF_INIT;

    ref.source = (char *)"urn:marshrut:24:school";
    ref.id = (char *)annulled;
    m.event = &ref;
    m.reason = (char *)"a mistake";
    hub_env_encode(&event, &attributes, &m.base);
    mr_intake_free(hub_env_publish(env, "school", &event, 1, step));
    mr_buf_fini(&event);
}

static void publish(struct hub_env *env, unsigned step)
{
    const char *snils = numbers[chance_below(&chance, 3)];
    struct mr_buf event = MR_BUF_INIT;
    char id[24], other[24];
    const char *system = "school";

    (void)snprintf(id, sizeof id, "x-%u", step);
    (void)snprintf(other, sizeof other, "w-%u", chance_below(&chance, 4));
    switch (chance_below(&chance, 4)) {
    case 0:
        system = "copmkp";
        hub_env_deficit(&event, id, snils, NULL);
        break;
    case 1:
        system = "portal";
        hub_env_programme(&event, id);
        break;
    default:
        hub_env_employment(&event, id, snils, other, "1022402127461", chance_below(&chance, 3) != 0);
        break;
    }
    mr_intake_free(hub_env_publish(env, system, &event, 1, step));
    mr_buf_fini(&event);
}

/* Nothing happens to who is unknown, or erased already. */
static void set_state(struct hub_env *env, const char *snils, enum mr_person_state to)
{
    uint8_t person[MR_PERSON_ID_BYTES];
    struct mr_keyring_txn *txn;

    assert_int_equal(mr_keyring_begin(env->house.keyring, &txn), 0);
    if (mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str(snils), person) == 0)
        (void)mr_person_set_state(txn, person, to);
    assert_int_equal(mr_keyring_commit(txn), 0);
}

static void something(struct hub_env *env, unsigned step)
{
    char id[24], annulled[24];

    switch (chance_below(&chance, 12)) {
    case 0:
        (void)snprintf(id, sizeof id, "a-%u", step);
        (void)snprintf(annulled, sizeof annulled, "x-%u", chance_below(&chance, step + 2));
        annul(env, step, id, annulled);
        break;
    case 1:
        assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
        break;
    case 2:
        set_state(env, numbers[chance_below(&chance, 3)],
                chance_below(&chance, 2) ? MR_PERSON_BLOCKED : MR_PERSON_LIVE);
        break;
    case 3:
        if (step > STEPS / 2 && chance_below(&chance, 4) == 0)
            set_state(env, numbers[chance_below(&chance, 3)], MR_PERSON_DESTROYED);
        break;
    case 4:
        if (chance_below(&chance, 4) == 0)
            assert_int_equal(mr_view_clear(env->house.view), 0);
        break;
    case 5:
        mr_passport_kept_forget(env->house.kept);
        break;
    default:
        publish(env, step);
        break;
    }
}

static void expect_same(struct hub_env *env, uint64_t as_of, struct mr_buf *one, struct mr_buf *two)
{
    struct mr_house bare = env->house;
    struct mr_passport kept, anew;

    bare.kept = NULL;
    assert_int_equal(mr_passport_open(&kept, &env->house, as_of, NULL), 0);
    assert_non_null(kept.kept);
    tell(&kept, one);
    mr_passport_fini(&kept);
    assert_int_equal(mr_passport_open(&anew, &bare, as_of, NULL), 0);
    tell(&anew, two);
    mr_passport_fini(&anew);
    assert_string_equal(mr_buf_str(one), mr_buf_str(two));
}

static void test_kept_is_anew(void **state)
{
    (void)state;
    for (unsigned run = 0; run < HOUSES; run++) {
        struct mr_buf one = MR_BUF_INIT, two = MR_BUF_INIT;
        struct hub_env *env;

        begin(run);
        assert_int_equal(hub_env_setup((void **)&env), 0);
        for (unsigned step = 1; step <= STEPS; step++) {
            uint64_t head;

            something(env, step);
            head = mr_log_head(env->house.log);
            expect_same(env, 0, &one, &two);
            if (head > 1 && chance_below(&chance, 3) == 0)
                expect_same(env, 1 + chance_below(&chance, (unsigned)head), &one, &two);
        }
        assert_int_equal(hub_env_teardown((void **)&env), 0);
        mr_buf_fini(&one);
        mr_buf_fini(&two);
    }
}

/* Behind the end: refused, and nothing half made stays. */
static void test_behind_the_head(void **state)
{
    struct mr_buf one = MR_BUF_INIT, two = MR_BUF_INIT;
    struct mr_error error = {0};
    struct mr_passport passport;
    struct hub_env *env;

    (void)state;
    begin(0);
    assert_int_equal(hub_env_setup((void **)&env), 0);
    expect_same(env, 0, &one, &two); /* an empty log */
    publish(env, 1);
    assert_int_equal(mr_passport_open(&passport, &env->house, 9, &error), MR_ENOTFOUND);
    assert_string_equal(error.where, "as_of");
    expect_same(env, 0, &one, &two);
    assert_int_equal(hub_env_teardown((void **)&env), 0);
    mr_buf_fini(&one);
    mr_buf_fini(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_more_is_anew),
            cmocka_unit_test(test_kept_is_anew),
            cmocka_unit_test(test_behind_the_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
