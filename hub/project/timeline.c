#include "hub/project/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/err.h"

static int by_person_and_day(const void *a, const void *b)
{
    const struct mr_fold_deed *x = a, *y = b;

    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    if (x->on != y->on)
        return x->on < y->on ? -1 : 1;
    return (x->fact->number > y->fact->number) - (x->fact->number < y->fact->number);
}

static int sort(struct mr_timeline *timeline)
{
    if (timeline->count)
        qsort(timeline->items, timeline->count, sizeof *timeline->items, by_person_and_day);
    return 0;
}

int mr_timeline_of_deeds(struct mr_timeline *ret, const struct mr_vec *deeds)
{
    *ret = (struct mr_timeline){.items = calloc(deeds->count + 1, sizeof *ret->items), .count = deeds->count};
    if (!ret->items)
        return MR_ENOMEM;
    if (deeds->count)
        memcpy(ret->items, deeds->items, deeds->count * sizeof *ret->items);
    return sort(ret);
}

int mr_timeline_of_courses(struct mr_timeline *ret, const struct mr_fold *fold)
{
    const struct mr_fold_course *courses = MR_VEC(fold->courses, struct mr_fold_course);

    *ret = (struct mr_timeline){.items = calloc(fold->courses.count + 1, sizeof *ret->items)};
    if (!ret->items)
        return MR_ENOMEM;
    for (size_t i = 0; i < fold->courses.count; i++)
        if (courses[i].finished)
            ret->items[ret->count++] =
                    (struct mr_fold_deed){courses[i].person, courses[i].ended_on, courses[i].finished};
    return sort(ret);
}

void mr_timeline_fini(struct mr_timeline *timeline)
{
    free(timeline->items);
    *timeline = (struct mr_timeline){0};
}

/* Index of the first item behind (person, on). */
static size_t behind(const struct mr_timeline *timeline, uint32_t person, uint32_t on)
{
    size_t low = 0, high = timeline->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct mr_fold_deed *d = &timeline->items[middle];

        if (d->person < person || (d->person == person && d->on <= on))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct mr_fold_deed *mr_timeline_before(
        const struct mr_timeline *timeline, uint32_t person, uint32_t on)
{
    size_t i = behind(timeline, person, on);

    return i > 0 && timeline->items[i - 1].person == person ? &timeline->items[i - 1] : NULL;
}

const struct mr_fold_deed *mr_timeline_by_id(
        const struct mr_timeline *timeline, uint32_t person, const char *id)
{
    for (size_t i = behind(timeline, person, UINT32_MAX);
            id[0] && i > 0 && timeline->items[i - 1].person == person; i--)
        if (strcmp(timeline->items[i - 1].fact->id, id) == 0)
            return &timeline->items[i - 1];
    return NULL;
}
