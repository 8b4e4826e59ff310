#include "hub/audit/rests_json.h"

static bool rests_on(const struct mr_cell *cell, uint64_t number)
{
    size_t low = 0, high = cell->events_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (cell->events[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < cell->events_count && cell->events[low] == number;
}

json_t *mr_rests_json(const struct mr_passport *passport, uint64_t number)
{
    json_t *cells = json_array();

    for (size_t i = 0; cells && i < passport->cells->count; i++)
        if (rests_on(passport->cells->items[i], number))
            (void)json_array_append_new(cells, json_string(passport->cells->items[i]->code));
    return cells;
}
