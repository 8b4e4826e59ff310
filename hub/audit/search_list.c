#include "hub/audit/search_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct mr_condition *mr_conditions_add(struct mr_conditions *conditions)
{
    assert(conditions->count < MR_CONDITIONS_MAX);
    return &conditions->items[conditions->count++];
}

int mr_condition_lane(
        struct mr_condition *condition, enum mr_index_kind kind, const uint8_t key[static MR_INDEX_KEY_BYTES])
{
    struct mr_lane *lane;

    if (condition->count == condition->capacity) {
        size_t capacity = condition->capacity ? condition->capacity * 2 : 4;
        struct mr_lane *lanes = realloc(condition->lanes, capacity * sizeof *lanes);

        if (!lanes)
            return MR_ENOMEM;
        condition->lanes = lanes;
        condition->capacity = capacity;
    }
    lane = &condition->lanes[condition->count++];
    lane->kind = kind;
    memcpy(lane->key, key, sizeof lane->key);
    lane->count = lane->at = 0;
    lane->asked = lane->ended = false;
    return 0;
}

void mr_conditions_fini(struct mr_conditions *conditions)
{
    for (size_t i = 0; i < conditions->count; i++)
        free(conditions->items[i].lanes);
    conditions->count = 0;
}

/* Numbers from the newest on are an ascending list in the mirror. It is its own inverse. */
static uint64_t place_of(const struct mr_conditions *conditions, uint64_t number)
{
    return conditions->newest ? UINT64_MAX - number : number;
}

static int read_page(const struct mr_conditions *conditions, struct mr_lane *lane, uint64_t from)
{
    uint64_t number = place_of(conditions, from);
    int r = conditions->newest ? mr_index_reader_find_last(conditions->reader, lane->kind, lane->key,
                                         number + 1, lane->places, MR_LANE_NUMBERS)
                               : mr_index_reader_find(conditions->reader, lane->kind, lane->key, number - 1,
                                         lane->places, MR_LANE_NUMBERS);

    for (int i = 0; i < r; i++)
        lane->places[i] = place_of(conditions, lane->places[i]);
    return r;
}

/* Stands at its first place >= from afterwards, or at its end. */
static int lane_seek(const struct mr_conditions *conditions, struct mr_lane *lane, uint64_t from)
{
    int r;

    while (lane->at < lane->count && lane->places[lane->at] < from)
        lane->at++;
    if (lane->at < lane->count || (lane->asked && lane->ended))
        return 0;
    r = read_page(conditions, lane, from);
    if (r < 0)
        return r;
    lane->asked = true;
    lane->ended = r < MR_LANE_NUMBERS;
    lane->count = (size_t)r;
    lane->at = 0;
    return 0;
}

/* The condition's first place >= from; UINT64_MAX: none. */
static int condition_seek(
        const struct mr_conditions *conditions, struct mr_condition *condition, uint64_t from, uint64_t *ret)
{
    *ret = UINT64_MAX;
    for (size_t i = 0; i < condition->count; i++) {
        struct mr_lane *lane = &condition->lanes[i];
        int r = lane_seek(conditions, lane, from);

        if (r < 0)
            return r;
        if (lane->at < lane->count && lane->places[lane->at] < *ret)
            *ret = lane->places[lane->at];
    }
    return 0;
}

/* How far a page of it reaches: the further, the rarer. */
static uint64_t reach(const struct mr_condition *condition)
{
    uint64_t nearest = UINT64_MAX;

    for (size_t i = 0; i < condition->count; i++) {
        const struct mr_lane *lane = &condition->lanes[i];

        if (!lane->ended && lane->count > 0 && lane->places[lane->count - 1] < nearest)
            nearest = lane->places[lane->count - 1];
    }
    return nearest;
}

static int by_reach(const void *a, const void *b)
{
    uint64_t x = reach(a), y = reach(b);

    return (x < y) - (x > y);
}

int mr_conditions_order(struct mr_conditions *conditions, uint64_t from)
{
    for (size_t i = 0; i < conditions->count; i++) {
        uint64_t first;
        int r = condition_seek(conditions, &conditions->items[i], place_of(conditions, from), &first);

        if (r < 0)
            return r;
    }
    if (conditions->count > 1)
        qsort(conditions->items, conditions->count, sizeof conditions->items[0], by_reach);
    return 0;
}

int mr_conditions_next(struct mr_conditions *conditions, uint64_t from, uint64_t *ret)
{
    size_t agreed = 0;
    uint64_t at = place_of(conditions, from);

    assert(conditions->count > 0);
    for (size_t i = 0; agreed < conditions->count; i = (i + 1) % conditions->count) {
        uint64_t place;
        int r = condition_seek(conditions, &conditions->items[i], at, &place);

        if (r < 0)
            return r;
        if (place == UINT64_MAX) {
            *ret = 0;
            return 0;
        }
        agreed = place == at ? agreed + 1 : 1;
        at = place;
    }
    *ret = place_of(conditions, at);
    return 0;
}
