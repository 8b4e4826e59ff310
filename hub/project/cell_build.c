#include "hub/project/cell_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/err.h"

static struct mr_cell *add(struct mr_cells *cells, const char *code)
{
    uint32_t index;
    struct mr_cell *cell;

    if (cells->count == cells->capacity) {
        size_t capacity = cells->capacity ? cells->capacity * 2 : 64;
        struct mr_cell **items = realloc(cells->items, capacity * sizeof(struct mr_cell *));

        if (!items)
            return NULL;
        cells->items = items;
        cells->capacity = capacity;
    }
    cell = calloc(1, sizeof *cell);
    if (!cell || mr_keymap_add(&cells->codes, mr_slice_str(code), &index) < 0) {
        free(cell);
        return NULL;
    }
    cells->items[cells->count++] = cell;
    return cell;
}

static void describe(struct mr_cell *cell, const char *code, enum mr_rule_id rule, unsigned rank)
{
    (void)snprintf(cell->code, sizeof cell->code, "%s", code);
    cell->rule = mr_cell_rule(rule);
    (void)snprintf(cell->unit, sizeof cell->unit, "%s", cell->rule->unit);
    cell->section = code[0] - '0';
    cell->rank = rank;
    cell->state = "complete";
    cell->by = "";
    cell->reason = "";
    cell->persons = strcmp(cell->unit, "чел.") == 0;
}

struct mr_cell *mr_cell_get(struct mr_cell_builder *b, const char *code, enum mr_rule_id rule, unsigned rank,
        const char *title, ...)
{
    static const char spare_code[] = "0.spare";
    struct mr_cell *cell;
    uint32_t index;
    va_list args;

    if (mr_keymap_find(&b->cells->codes, mr_slice_str(code), &index) == 0)
        return b->cells->items[index];
    cell = add(b->cells, code);
    if (!cell) {
        b->cells->failed = true;
        return b->cells->count ? b->cells->items[0] : add(b->cells, spare_code);
    }
    describe(cell, code, rule, rank);
    va_start(args, title);
    (void)vsnprintf(cell->title, sizeof cell->title, title, args);
    va_end(args);
    return cell;
}

void mr_cell_rest(struct mr_cell_builder *b, struct mr_cell *cell, const struct mr_fact *fact)
{
    if (!fact)
        return;
    if (cell->events_count == cell->events_capacity) {
        size_t capacity = cell->events_capacity ? cell->events_capacity * 2 : 16;
        uint64_t *events = realloc(cell->events, capacity * sizeof *events);

        if (!events) {
            b->cells->failed = true;
            return;
        }
        cell->events = events;
        cell->events_capacity = capacity;
    }
    cell->events[cell->events_count++] = fact->number;
}

void mr_cell_miss(struct mr_cell *cell, const char *code, uint64_t count)
{
    size_t i = 0;

    if (count == 0)
        return;
    while (i < cell->misses_count && strcmp(cell->misses[i].code, code) != 0)
        i++;
    if (i == MR_CELL_MISSES_MAX)
        return;
    if (i == cell->misses_count)
        cell->misses[cell->misses_count++] = (struct mr_cell_miss){.code = code};
    cell->misses[i].count += count;
}

/* Hundredths of a percent, rounded half up; no floating point, so that every machine writes the same bytes.
 */
void mr_cell_set_share(struct mr_cell *cell, uint64_t numerator, uint64_t denominator)
{
    uint64_t hundredths;

    cell->has_share = true;
    cell->numerator = numerator;
    cell->denominator = denominator;
    if (denominator == 0)
        return;
    hundredths = (numerator * 20000 + denominator) / (2 * denominator);
    (void)snprintf(cell->value, sizeof cell->value, "%llu.%02llu", (unsigned long long)(hundredths / 100),
            (unsigned long long)(hundredths % 100));
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

void mr_cell_set_median(struct mr_cell *cell, int64_t *days, size_t count)
{
    int64_t twice;

    cell->count = count;
    if (count == 0) {
        mr_cell_miss(cell, "no-value", 1);
        return;
    }
    qsort(days, count, sizeof *days, by_value);
    twice = days[(count - 1) / 2] + days[count / 2];
    (void)snprintf(cell->value, sizeof cell->value, "%lld%s", (long long)(twice / 2), twice % 2 ? ".5" : "");
}
