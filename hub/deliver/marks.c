#include "hub/deliver/marks.h"

#include <stdlib.h>
#include <string.h>

void mr_marks_fini(struct mr_marks *marks)
{
    free(marks->items);
    *marks = (struct mr_marks){0};
}

/* Index of the first that is not below. */
static size_t lower(const struct mr_marks *marks, uint64_t number)
{
    size_t low = 0, high = marks->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (marks->items[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct mr_mark *mr_marks_find(const struct mr_marks *marks, uint64_t number)
{
    size_t i = lower(marks, number);

    return i < marks->count && marks->items[i].number == number ? &marks->items[i] : NULL;
}

struct mr_mark *mr_marks_put(struct mr_marks *marks, uint64_t number)
{
    size_t i = lower(marks, number);

    if (i < marks->count && marks->items[i].number == number)
        return &marks->items[i];
    if (marks->count == marks->capacity) {
        size_t capacity = marks->capacity ? 2 * marks->capacity : 16;
        struct mr_mark *grown = realloc(marks->items, capacity * sizeof *grown);

        if (!grown)
            return NULL;
        marks->items = grown;
        marks->capacity = capacity;
    }
    memmove(&marks->items[i + 1], &marks->items[i], (marks->count - i) * sizeof *marks->items);
    marks->items[i] = (struct mr_mark){.number = number};
    marks->count++;
    return &marks->items[i];
}

void mr_marks_pass(struct mr_marks *marks, uint64_t through)
{
    size_t gone = 0;

    if (marks->count == 0 || marks->items[0].number > through)
        return;
    gone = lower(marks, through + 1);
    memmove(marks->items, marks->items + gone, (marks->count - gone) * sizeof *marks->items);
    marks->count -= gone;
}
