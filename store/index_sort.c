/*
 * The order of a run: kind, hash, number. What a batch puts of one kind comes in the order of the numbers and
 * most kinds have few different hashes, so: by kind first; a kind that is in order is left; of the others the
 * hashes are sorted byte by byte from the lowest, which keeps the numbers of a hash in their order.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/index_internal.h"

enum { DIGITS = 256, KINDS = 256, HASH_BYTES = 8 };

static int compare(const void *a, const void *b)
{
    return mr_index_entry_compare(a, b);
}

/* Of each kind, that is: the kinds need not come together. */
static bool numbers_ascend(const struct mr_index_entry *entries, size_t count)
{
    uint64_t last[KINDS] = {0};

    for (size_t i = 0; i < count; i++) {
        if (entries[i].number < last[entries[i].kind])
            return false;
        last[entries[i].kind] = entries[i].number;
    }
    return true;
}

static bool in_order(const struct mr_index_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (mr_index_entry_compare(&entries[i - 1], &entries[i]) > 0)
            return false;
    return true;
}

/* Counts into places. True: there is more than one digit. */
static bool places_of(size_t places[static DIGITS], size_t count)
{
    size_t at = 0;
    bool several = true;

    for (size_t d = 0; d < DIGITS; d++) {
        size_t n = places[d];

        several = several && n != count;
        places[d] = at;
        at += n;
    }
    return several;
}

/* By the hashes; stable. */
static void sort_hashes(struct mr_index_entry *entries, struct mr_index_entry *spare, size_t count)
{
    struct mr_index_entry *from = entries, *to = spare;

    for (unsigned shift = 0; shift < 8 * HASH_BYTES; shift += 8) {
        size_t places[DIGITS] = {0};
        struct mr_index_entry *swap = from;

        for (size_t i = 0; i < count; i++)
            places[from[i].hash >> shift & 255]++;
        if (!places_of(places, count))
            continue;
        for (size_t i = 0; i < count; i++)
            to[places[from[i].hash >> shift & 255]++] = from[i];
        from = to;
        to = swap;
    }
    if (from != entries)
        memcpy(entries, from, count * sizeof *entries);
}

static void sort_ascending(struct mr_index_entry *entries, struct mr_index_entry *spare, size_t count)
{
    size_t places[DIGITS] = {0};

    for (size_t i = 0; i < count; i++)
        places[entries[i].kind]++;
    if (places_of(places, count)) {
        memcpy(spare, entries, count * sizeof *entries);
        for (size_t i = 0; i < count; i++)
            entries[places[spare[i].kind]++] = spare[i];
    }
    for (size_t end, from = 0; from < count; from = end) {
        for (end = from + 1; end < count && entries[end].kind == entries[from].kind; end++)
            continue;
        if (!in_order(entries + from, end - from))
            sort_hashes(entries + from, spare + from, end - from);
    }
}

void mr_index_sort(struct mr_index_entry *entries, size_t count)
{
    struct mr_index_entry *spare = NULL;

    if (in_order(entries, count))
        return;
    if (numbers_ascend(entries, count))
        spare = malloc(count * sizeof *spare);
    if (spare)
        sort_ascending(entries, spare, count);
    else
        qsort(entries, count, sizeof *entries, compare);
    free(spare);
}
