/*
 * Random facts: the fold against a naive evaluator that knows nothing of maps, the fold of what went through
 * the row's encoding, and repeats in any order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/project/passport.h"
#include "tests/support/chance.h"
#include "tests/support/fact_log.h"

enum { RUNS = 200, PERSONS = 12, FACTS = 120 };

static struct chance chance;

static void add_random(struct mr_fact_set *set)
{
    static const char *const ids[] = {"a", "b", "c"};
    static const char *const groups[] = {"PR", "UK"};
    const char *id = ids[chance_below(&chance, 3)];
    unsigned who = 1 + chance_below(&chance, PERSONS);
    uint32_t on = 20260101 + 100 * chance_below(&chance, 12) + chance_below(&chance, 28);

    switch (chance_below(&chance, 8)) {
    case 0:
    case 1:
        (void)fact_job(set, who, id, groups[chance_below(&chance, 2)]);
        break;
    case 2:
        (void)fact_of(set, who, (struct mr_fact){.kind = MR_FACT_EMPLOYMENT_ENDED, .id = id, .on = on});
        break;
    case 3:
        (void)fact_of(set, who,
                (struct mr_fact){.kind = MR_FACT_FINISHED,
                        .programme = id,
                        .on = 20260601 + chance_below(&chance, 2),
                        .system = (uint16_t)(2 + chance_below(&chance, 3))});
        break;
    case 4:
        (void)fact_of(set, who, (struct mr_fact){.kind = MR_FACT_DEFICIT, .id = id, .on = on});
        break;
    case 5:
        (void)fact_of(set, who,
                (struct mr_fact){.kind = MR_FACT_DEFICIT_CLOSED, .id = id, .on = on, .code = "eliminated"});
        break;
    case 6:
        if (set->count)
            (void)fact_annul(set, 1 + chance_below(&chance, (unsigned)set->count), 2);
        break;
    default:
        if (chance_below(&chance, 6) == 0)
            (void)fact_merge(set, who, 1 + chance_below(&chance, PERSONS));
        break;
    }
}

/* ---- the naive evaluator: quadratic, over plain arrays ---- */

static bool naive_annulled(const struct mr_fact_set *set, size_t i)
{
    for (size_t j = i + 1; j < set->count; j++) {
        const struct mr_fact *f = &set->items[j];

        if (f->kind == MR_FACT_ANNULMENT && memcmp(f->ref, set->items[i].ident, MR_FACT_ID_BYTES) == 0 &&
                f->system == set->items[i].system && !naive_annulled(set, j))
            return true;
    }
    return false;
}

/* Paints persons of one merge with one colour until nothing changes. */
static void naive_colours(const struct mr_fact_set *set, unsigned colours[static PERSONS + 1])
{
    bool changed = true;

    for (unsigned i = 0; i <= PERSONS; i++)
        colours[i] = i;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < set->count; i++) {
            const struct mr_fact *f = &set->items[i];
            unsigned *a = &colours[f->person[3]], *b = &colours[f->other[3]];

            if (f->kind != MR_FACT_MERGED || naive_annulled(set, i) || *a == *b)
                continue;
            *a = *b = *a < *b ? *a : *b;
            changed = true;
        }
    }
}

static unsigned naive_courses(const struct mr_fact_set *set, const unsigned *colours)
{
    unsigned count = 0;

    for (size_t i = 0; i < set->count; i++) {
        const struct mr_fact *f = &set->items[i];
        bool again = f->kind != MR_FACT_FINISHED || naive_annulled(set, i);

        for (size_t j = 0; !again && j < i; j++) {
            const struct mr_fact *g = &set->items[j];

            again = g->kind == MR_FACT_FINISHED && !naive_annulled(set, j) && g->on == f->on &&
                    strcmp(g->programme, f->programme) == 0 && colours[g->person[3]] == colours[f->person[3]];
        }
        count += !again;
    }
    return count;
}

static unsigned naive_deficits(const struct mr_fact_set *set, const unsigned *colours)
{
    unsigned count = 0;

    for (size_t i = 0; i < set->count; i++) {
        const struct mr_fact *f = &set->items[i];
        bool again = f->kind != MR_FACT_DEFICIT || naive_annulled(set, i);

        for (size_t j = 0; !again && j < i; j++) {
            const struct mr_fact *g = &set->items[j];

            again = g->kind == MR_FACT_DEFICIT && !naive_annulled(set, j) && strcmp(g->id, f->id) == 0 &&
                    colours[g->person[3]] == colours[f->person[3]];
        }
        count += !again;
    }
    return count;
}

/* Is there a job of this colour whose last word is that it holds? */
static bool naive_works(const struct mr_fact_set *set, const unsigned *colours, unsigned colour)
{
    static const char *const ids[] = {"a", "b", "c"};

    for (unsigned which = 0; which < 3; which++) {
        bool works = false;

        for (size_t i = 0; i < set->count; i++) {
            const struct mr_fact *f = &set->items[i];

            if ((f->kind != MR_FACT_EMPLOYMENT && f->kind != MR_FACT_EMPLOYMENT_ENDED) ||
                    naive_annulled(set, i) || strcmp(f->id, ids[which]) != 0 ||
                    colours[f->person[3]] != colour)
                continue;
            works = f->kind == MR_FACT_EMPLOYMENT;
        }
        if (works)
            return true;
    }
    return false;
}

static unsigned naive_total(const struct mr_fact_set *set, const unsigned *colours)
{
    unsigned count = 0;

    for (unsigned colour = 1; colour <= PERSONS; colour++)
        count += naive_works(set, colours, colour);
    return count;
}

static bool equals(const struct mr_fact_set *set, const char *cell, const char *want)
{
    char *have = fact_value(set, cell);
    bool same = have && strcmp(have, want) == 0;

    free(have);
    return same;
}

static void expect_number(const struct mr_fact_set *set, const char *cell, unsigned want, unsigned run)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%u", want);
    if (!equals(set, cell, text))
        fail_msg("seed %u: cell %s is not %s", run, cell, text);
}

static void test_fold_is_the_naive_evaluator(void **state)
{
    (void)state;
    for (unsigned run = 0; run < RUNS; run++) {
        struct mr_fact_set set;
        unsigned colours[PERSONS + 1];

        chance.state = 0x9e3779b97f4a7c15u + run;
        mr_fact_set_init(&set);
        for (unsigned i = 0; i < FACTS; i++)
            add_random(&set);
        naive_colours(&set, colours);
        expect_number(&set, "1.total", naive_total(&set, colours), run);
        expect_number(&set, "2.finished", naive_courses(&set, colours), run);
        expect_number(&set, "7.deficits.identified", naive_deficits(&set, colours), run);
        mr_fact_set_fini(&set);
    }
}

static void canonical(struct mr_fact_set *set, struct mr_buf *out)
{
    struct mr_passport passport;
    uint8_t digest[32];

    assert_int_equal(mr_passport_of_facts(&passport, set, fact_config(), NULL), 0);
    assert_int_equal(mr_passport_canonical(&passport, out, digest), 0);
    mr_passport_fini(&passport);
}

/* What the view gives back is what was put in. */
static void copy_through_rows(const struct mr_fact_set *set, struct mr_fact_set *ret)
{
    mr_fact_set_init(ret);
    for (size_t i = 0; i < set->count; i++) {
        struct mr_buf row = MR_BUF_INIT;
        struct mr_arena arena;
        struct mr_fact fact;

        mr_arena_init(&arena, 1 << 16);
        assert_int_equal(mr_fact_encode(&row, &set->items[i]), 0);
        assert_int_equal(mr_fact_decode(&fact, mr_buf_slice(&row), &arena), 0);
        fact.number = set->items[i].number;
        fact.part = set->items[i].part;
        assert_int_equal(mr_fact_set_add(ret, &fact), 0);
        mr_buf_fini(&row);
        mr_arena_fini(&arena);
    }
    ret->through = set->through;
    ret->recorded_us = set->recorded_us;
}

static void test_rebuilt_is_byte_for_byte(void **state)
{
    (void)state;
    for (unsigned run = 0; run < RUNS / 4; run++) {
        struct mr_buf one = MR_BUF_INIT, two = MR_BUF_INIT;
        struct mr_fact_set set, copy;

        chance.state = 0x2545f4914f6cdd1du + run;
        mr_fact_set_init(&set);
        for (unsigned i = 0; i < FACTS; i++)
            add_random(&set);
        copy_through_rows(&set, &copy);
        canonical(&set, &one);
        canonical(&copy, &two);
        assert_true(mr_slice_equal(mr_buf_slice(&one), mr_buf_slice(&two)));
        mr_buf_fini(&one);
        mr_buf_fini(&two);
    }
}

static void expect_end_and_issue(const struct mr_fact_set *set, uint32_t issued_on)
{
    struct mr_fold *fold;

    assert_int_equal(mr_fold_create(&fold, set, NULL), 0);
    assert_int_equal(MR_VEC(fold->courses, struct mr_fold_course)[0].issued_on, issued_on);
    assert_int_equal(MR_VEC(fold->courses, struct mr_fold_course)[0].ended_rank, 3);
    mr_fold_free(fold);
}

/* Three systems tell one course in any order: one course, and the same figures. */
static void test_order_of_tellings_does_not_matter(void **state)
{
    static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const struct mr_fact told[3] = {
            {.kind = MR_FACT_FINISHED, .programme = "P", .code = "PK", .on = 20260601, .system = 2},
            {.kind = MR_FACT_FINISHED,
                    .programme = "Q",
                    .code = "PK",
                    .on = 20260602,
                    .document = "N",
                    .system = 3},
            {.kind = MR_FACT_DOCUMENT,
                    .programme = "P",
                    .code = "PK",
                    .on = 20260601,
                    .document = "N",
                    .until = 20260610}};

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct mr_fact_set set;

        mr_fact_set_init(&set);
        (void)fact_job(&set, 1, "a", "PR");
        for (unsigned j = 0; j < 3; j++)
            (void)fact_of(&set, 1, told[orders[i][j]]);
        expect_cell(&set, "2.finished", "1");
        expect_cell(&set, "2.finished.pk", "1");
        expect_cell(&set, "7.indicator.aksay-2021.1", "100.00");
        expect_end_and_issue(&set, 20260610);
        mr_fact_set_fini(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_fold_is_the_naive_evaluator),
            cmocka_unit_test(test_rebuilt_is_byte_for_byte),
            cmocka_unit_test(test_order_of_tellings_does_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
