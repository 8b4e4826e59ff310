#include "hub/deliver/parked.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 64 };

void mr_parked_fini(struct mr_parked *parked)
{
    free(parked->tags);
    *parked = (struct mr_parked){0};
}

void mr_parked_reset(struct mr_parked *parked)
{
    if (parked->used > 0)
        memset(parked->tags, 0, parked->capacity * sizeof *parked->tags);
    parked->used = 0;
    parked->rows = 0;
    parked->full = false;
}

/* Its place, or the free one where it would be; there is always a free one. */
static struct mr_parked_tag *place_of(const struct mr_parked *parked, uint64_t tag)
{
    size_t i = tag & (parked->capacity - 1);

    while (parked->tags[i].tag != 0 && parked->tags[i].tag != tag)
        i = (i + 1) & (parked->capacity - 1);
    return &parked->tags[i];
}

/* Twice the room for those that still count. */
static bool grow(struct mr_parked *parked)
{
    struct mr_parked next = {.rows = parked->rows, .full = parked->full};
    size_t live = 0;

    for (size_t i = 0; i < parked->capacity; i++)
        live += parked->tags[i].rows > 0;
    if (live >= MR_PARKED_TAGS_MAX)
        return false;
    for (next.capacity = CAPACITY_FIRST; next.capacity < 4 * live; next.capacity *= 2)
        ;
    next.tags = calloc(next.capacity, sizeof *next.tags);
    if (!next.tags)
        return false;
    for (size_t i = 0; i < parked->capacity; i++) {
        if (parked->tags[i].rows > 0) {
            *place_of(&next, parked->tags[i].tag) = parked->tags[i];
            next.used++;
        }
    }
    free(parked->tags);
    *parked = next;
    return true;
}

static void add_tag(struct mr_parked *parked, uint64_t tag)
{
    struct mr_parked_tag *place = parked->capacity > 0 ? place_of(parked, tag) : NULL;

    if (!place || (place->tag == 0 && 2 * (parked->used + 1) > parked->capacity)) {
        if (!grow(parked)) {
            parked->full = true;
            return;
        }
        place = place_of(parked, tag);
    }
    parked->used += place->tag == 0;
    place->tag = tag;
    place->rows++;
}

void mr_parked_add(struct mr_parked *parked, const struct mr_order *order)
{
    parked->rows++;
    for (size_t i = 0; i < order->count; i++)
        add_tag(parked, order->tags[i]);
}

void mr_parked_remove(struct mr_parked *parked, const struct mr_order *order)
{
    parked->rows -= parked->rows > 0;
    for (size_t i = 0; i < order->count && parked->capacity > 0; i++) {
        struct mr_parked_tag *place = place_of(parked, order->tags[i]);

        place->rows -= place->rows > 0;
    }
}

bool mr_parked_holds(const struct mr_parked *parked, const struct mr_order *order)
{
    for (size_t i = 0; i < order->count && parked->capacity > 0; i++)
        if (place_of(parked, order->tags[i])->rows > 0)
            return true;
    return false;
}
