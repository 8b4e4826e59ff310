/* The entries in memory against a plain list of them, which is searched from its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hub/intake/known.h"

enum { ENTRIES_MAX = 12000, IDENTS = 4000, ROUNDS = 600 };

struct model {
    struct mr_dedup_entry *entries; /* from first to end */
    size_t first, end;
    uint64_t next; /* number */
    uint64_t seed;
};

static uint64_t any(struct model *model, uint64_t below)
{
    model->seed = model->seed * 6364136223846793005U + 1442695040888963407U;
    return (model->seed >> 33) % below;
}

/* All bits of it depend on `which`, as of a digest. `narrow`: they agree in all that the table looks at. */
static void ident_of(uint64_t which, bool narrow, uint8_t ret[static MR_RECORD_IDENT_BYTES])
{
    uint64_t bits = (which + 1) * UINT64_C(0x9e3779b97f4a7c15);

    bits ^= bits >> 29;
    bits *= UINT64_C(0xbf58476d1ce4e5b9);
    bits ^= bits >> 32;
    memset(ret, 0, MR_RECORD_IDENT_BYTES);
    if (!narrow)
        memcpy(ret, &bits, sizeof bits);
    memcpy(ret + 8, &which, sizeof which);
}

static const struct mr_dedup_entry *find(const struct model *model, const uint8_t *ident)
{
    for (size_t i = model->end; i-- > model->first;)
        if (memcmp(model->entries[i].ident, ident, MR_RECORD_IDENT_BYTES) == 0)
            return &model->entries[i];
    return NULL;
}

static void check_one(const struct model *model, const struct mr_known *known, uint64_t which, bool narrow)
{
    uint8_t ident[MR_RECORD_IDENT_BYTES];
    const struct mr_dedup_entry *got, *wanted;

    ident_of(which, narrow, ident);
    mr_known_expect(known, ident);
    got = mr_known_find(known, ident);
    wanted = find(model, ident);
    assert_int_equal(got != NULL, wanted != NULL);
    if (!wanted)
        return;
    assert_int_equal(got->number, wanted->number);
    assert_memory_equal(got->ident, wanted->ident, sizeof got->ident);
    assert_memory_equal(got->digest, wanted->digest, sizeof got->digest);
    assert_memory_equal(got->leaf_hash, wanted->leaf_hash, sizeof got->leaf_hash);
    assert_int_equal(got->quarantined, wanted->quarantined);
    assert_int_equal(got->erased, wanted->erased);
}

static void add(struct model *model, struct mr_known *known, uint64_t which, bool narrow)
{
    struct mr_dedup_entry *entry = &model->entries[model->end], bare;

    assert_true(model->end < ENTRIES_MAX);
    memset(entry, 0, sizeof *entry);
    ident_of(which, narrow, entry->ident);
    entry->number = model->next;
    model->next += 1 + any(model, 2); /* one that is damaged is left out */
    memset(entry->digest, (int)any(model, 256), sizeof entry->digest);
    memset(entry->leaf_hash, (int)any(model, 256), sizeof entry->leaf_hash);
    entry->quarantined = any(model, 2);
    entry->erased = any(model, 2);
    bare = *entry;
    memset(bare.leaf_hash, 0, sizeof bare.leaf_hash);
    assert_int_equal(mr_known_add(known, &bare), 0);
    mr_known_hashed(known, entry->number, entry->leaf_hash);
    model->end++;
}

static void rollback(struct model *model, struct mr_known *known, size_t count)
{
    uint64_t from = count == 0 ? model->next : model->entries[model->end - count].number;

    mr_known_rollback(known, from);
    model->end -= count;
    model->next = from;
}

static void forget(struct model *model, struct mr_known *known, size_t count)
{
    mr_known_forget(known, count == 0 ? 0 : model->entries[model->first + count - 1].number);
    model->first += count;
}

/* A few are added, looked for, taken back and forgotten; `grows` times as many come as go. */
static void one_round(struct model *model, struct mr_known *known, unsigned grows, uint64_t idents)
{
    size_t there = model->end - model->first, room = ENTRIES_MAX - model->end;
    uint64_t adds = any(model, 60 * grows);

    for (uint64_t i = 0; i < adds && i < room; i++)
        add(model, known, any(model, idents), false);
    switch (any(model, 4)) {
    case 0:
        rollback(model, known, any(model, there < 60 ? there + 1 : 60));
        break;
    case 1:
        forget(model, known, any(model, there < 90 ? there + 1 : 90));
        break;
    default:
        break;
    }
    assert_int_equal(mr_known_count(known), model->end - model->first);
    for (int i = 0; i < 20; i++)
        check_one(model, known, any(model, idents), false);
}

static struct model model_of(uint64_t seed)
{
    struct model model = {.entries = calloc(ENTRIES_MAX, sizeof *model.entries), .next = 1, .seed = seed};

    assert_non_null(model.entries);
    return model;
}

/* Many repeats: the same idents come again while their older ones are there, and go at both ends. */
static void what_comes_and_goes(uint64_t seed, uint64_t idents, uint32_t first_place)
{
    struct model model = model_of(seed);
    struct mr_known known;

    mr_known_init(&known);
    known.first = known.end = first_place;
    for (unsigned grows = 1; grows <= 2; grows++)
        for (int i = 0; i < ROUNDS / 4; i++)
            one_round(&model, &known, grows, idents);
    for (uint64_t which = 0; which < idents; which++)
        check_one(&model, &known, which, false);
    forget(&model, &known, model.end - model.first);
    assert_int_equal(mr_known_count(&known), 0);
    one_round(&model, &known, 1, idents);
    mr_known_fini(&known);
    free(model.entries);
}

static void as_a_list_would(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        what_comes_and_goes(seed, IDENTS, 0);
        what_comes_and_goes(seed, 5, 0);
    }
}

/* Places are counted for ever, and wrap round. */
static void also_when_places_wrap(void **state)
{
    (void)state;
    what_comes_and_goes(7, IDENTS, UINT32_MAX - 1500);
    what_comes_and_goes(8, 50, UINT32_MAX - 1023);
}

/* ... and the ring of blocks stays as large as what is there: a long tail may lie across the end. */
static void no_more_room_where_they_wrap(void **state)
{
    enum { BLOCK = 1024, TAIL = 12 * BLOCK, COME = 16 * BLOCK };
    struct mr_dedup_entry entry = {.number = 0};
    struct mr_known known;

    (void)state;
    mr_known_init(&known);
    known.first = known.end = UINT32_MAX - TAIL - BLOCK / 2;
    while (entry.number < TAIL + COME) {
        entry.number++;
        ident_of(entry.number, false, entry.ident);
        assert_int_equal(mr_known_add(&known, &entry), 0);
        if (entry.number > TAIL)
            mr_known_forget(&known, entry.number - TAIL);
        assert_in_range(known.capacity, 1, 16);
    }
    assert_int_equal(mr_known_count(&known), TAIL);
    assert_true(known.first < known.end); /* all of it has wrapped */
    mr_known_fini(&known);
}

/* Pages are split many times, and every entry is found afterwards; then all go, from either end. */
static void many_are_found(void **state)
{
    struct model model = model_of(3);
    struct mr_known known;

    (void)state;
    mr_known_init(&known);
    for (uint64_t which = 0; which < ENTRIES_MAX; which++)
        add(&model, &known, which, false);
    for (uint64_t which = 0; which < ENTRIES_MAX; which++) {
        uint8_t ident[MR_RECORD_IDENT_BYTES];
        const struct mr_dedup_entry *got;

        ident_of(which, false, ident);
        got = mr_known_find(&known, ident);
        assert_non_null(got);
        assert_int_equal(got->number, model.entries[which].number);
    }
    rollback(&model, &known, ENTRIES_MAX / 2);
    forget(&model, &known, ENTRIES_MAX / 2 - 1);
    assert_int_equal(mr_known_count(&known), 1);
    check_one(&model, &known, ENTRIES_MAX / 2 - 1, false);
    check_one(&model, &known, ENTRIES_MAX / 2, false);
    check_one(&model, &known, 0, false);
    mr_known_fini(&known);
    free(model.entries);
}

/* Idents that agree in what the table looks at are told apart by the rest of them. */
static void the_whole_ident_counts(void **state)
{
    enum { ALIKE = 200 };
    struct model model = model_of(5);
    struct mr_known known;

    (void)state;
    mr_known_init(&known);
    for (uint64_t which = 0; which < ALIKE; which++)
        add(&model, &known, which, true);
    for (uint64_t which = 0; which < 2 * ALIKE; which++)
        check_one(&model, &known, which, true);
    forget(&model, &known, ALIKE / 2);
    rollback(&model, &known, ALIKE / 4);
    for (uint64_t which = 0; which < 2 * ALIKE; which++)
        check_one(&model, &known, which, true);
    mr_known_fini(&known);
    free(model.entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(as_a_list_would),
            cmocka_unit_test(also_when_places_wrap),
            cmocka_unit_test(no_more_room_where_they_wrap),
            cmocka_unit_test(many_are_found),
            cmocka_unit_test(the_whole_ident_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
