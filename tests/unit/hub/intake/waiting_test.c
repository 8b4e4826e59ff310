/*
 * The order of the key, against a plain model that looks at everything: what holds back a place, and which of
 * those that wait behind are free, while events come, end, are given other reasons, and turns are taken back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hub/intake/waiting.h"
#include "proto/base/list.h"
#include "tests/support/hub_env.h"

enum { STEPS = 1500, MOST = 150, KEYS = 7, SYSTEM = 1, SEEDS = 3 };

static const char *const codes[] = {
        MR_CODE_BEHIND, MR_CODE_BEHIND, "snils-checkdigit", "person-unresolved", MR_CODE_BEHIND};

struct one {
    uint64_t number, place;
    const char *code;
    struct mr_waiting_tags tags;
};

struct model {
    struct one ones[MOST];
    size_t count;
    uint64_t last;
};

struct scene {
    struct mr_waiting *waiting;
    struct model now, before; /* before: as it was at the last keep */
    uint32_t random;
};

static uint32_t pick(struct scene *scene, uint32_t below)
{
    scene->random = scene->random * 1664525u + 1013904223u;
    return (scene->random >> 8) % below;
}

static bool holds(const struct one *one)
{
    return strcmp(one->code, "person-unresolved") != 0;
}

static bool share_a_key(const struct mr_waiting_tags *a, const struct mr_waiting_tags *b)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++)
            if (memcmp(a->tags[i], b->tags[k], MR_WAITING_TAG_BYTES) == 0)
                return true;
    return false;
}

static uint64_t model_before(const struct model *model, uint64_t place, const struct mr_waiting_tags *tags)
{
    const struct one *found = NULL;

    for (size_t i = 0; i < model->count; i++) {
        const struct one *one = &model->ones[i];

        if (one->place < place && holds(one) && share_a_key(&one->tags, tags) &&
                (!found || one->place > found->place))
            found = one;
    }
    return found ? found->number : 0;
}

static struct mr_waiting_tags pick_tags(struct scene *scene)
{
    struct mr_waiting_tags tags = {.count = 1 + pick(scene, 2)};
    uint32_t first = pick(scene, KEYS);

    tags.tags[0][0] = (uint8_t)first;
    tags.tags[1][0] = (uint8_t)((first + 1) % KEYS);
    return tags;
}

/* A new one comes last, or in the place of one that it mends, which is over. */
static void come(struct scene *scene)
{
    struct model *model = &scene->now;
    struct one *one = &model->ones[model->count];

    if (model->count == MOST)
        return;
    *one = (struct one){.number = ++model->last, .code = codes[pick(scene, MR_COUNT(codes))]};
    one->place = one->number;
    one->tags = pick_tags(scene);
    if (model->count > 0 && pick(scene, 4) == 0) {
        size_t mended = pick(scene, (uint32_t)model->count);

        one->place = model->ones[mended].place;
        mr_waiting_end(scene->waiting, model->ones[mended].number);
        model->ones[mended] = *one;
        model->count--;
        one = &model->ones[mended];
    }
    model->count++;
    assert_int_equal(
            mr_waiting_add(scene->waiting, one->number, one->place, SYSTEM, one->code, &one->tags), 0);
}

static void change(struct scene *scene)
{
    struct model *model = &scene->now;
    size_t at;

    if (model->count == 0)
        return;
    at = pick(scene, (uint32_t)model->count);
    if (pick(scene, 2) == 0) {
        model->ones[at].code = codes[pick(scene, MR_COUNT(codes))];
        mr_waiting_recode(scene->waiting, model->ones[at].number, model->ones[at].code);
        return;
    }
    mr_waiting_end(scene->waiting, model->ones[at].number);
    model->ones[at] = model->ones[--model->count];
}

static void end_turn(struct scene *scene)
{
    if (pick(scene, 3) > 0) {
        mr_waiting_keep(scene->waiting);
        scene->before = scene->now;
        return;
    }
    mr_waiting_rollback(scene->waiting);
    scene->before.last = scene->now.last;
    scene->now = scene->before;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void check(struct scene *scene)
{
    const struct model *model = &scene->now;
    uint64_t freed[MOST], wanted[MOST];
    size_t count = 0, n;
    struct mr_waiting_tags tags = pick_tags(scene);
    uint64_t place = 1 + pick(scene, (uint32_t)model->last + 2);

    assert_int_equal(mr_waiting_before(scene->waiting, place, &tags), model_before(model, place, &tags));
    for (size_t i = 0; i < model->count; i++) {
        const struct one *one = &model->ones[i];

        assert_true(mr_waiting_has(scene->waiting, one->number));
        assert_int_equal(mr_waiting_place(scene->waiting, one->number), one->place);
        if (strcmp(one->code, MR_CODE_BEHIND) == 0 && model_before(model, one->place, &one->tags) == 0)
            wanted[count++] = one->number;
    }
    n = mr_waiting_freed(scene->waiting, freed, MOST);
    assert_int_equal(n, count);
    qsort(wanted, count, sizeof *wanted, ascending);
    qsort(freed, n, sizeof *freed, ascending);
    assert_memory_equal(freed, wanted, count * sizeof *wanted);
    assert_int_equal(mr_waiting_of(scene->waiting, SYSTEM), model->count > 0);
}

static void as_a_plain_model(void **state)
{
    struct hub_env *env = *state;

    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        struct scene *scene = calloc(1, sizeof *scene);

        assert_non_null(scene);
        scene->random = seed;
        assert_int_equal(mr_waiting_open(&scene->waiting, &env->house, NULL), 0);
        for (int step = 0; step < STEPS; step++) {
            pick(scene, 5) < 3 ? come(scene) : change(scene);
            check(scene);
            if (pick(scene, 6) == 0)
                end_turn(scene);
        }
        mr_waiting_close(scene->waiting);
        free(scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(as_a_plain_model, hub_env_setup, hub_env_teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
