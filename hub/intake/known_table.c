#include "hub/intake/known_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/err.h"

/*
 * At 5/8 a search for what is not there looks at four slots on average, and at less than two in a page that
 * was just split; eight slots are one line of the processor's cache.
 */
enum { SLOTS = 512, SLOT_SHIFT = 23, FULL = SLOTS / 8 * 5, DEPTH_MAX = 22, CACHE_LINE = 64 };

struct slot {
    uint32_t hash; /* 0: nothing is here */
    uint32_t place;
};

struct mr_known_page {
    struct slot slots[SLOTS];
    unsigned depth; /* bits that are the same of all in it */
    unsigned count;
};

uint32_t mr_known_hash(const uint8_t *ident)
{
    uint32_t hash;

    memcpy(&hash, ident, sizeof hash);
    return hash ? hash : 1;
}

static struct mr_known_page *page_of(const struct mr_known_table *table, uint32_t hash)
{
    return table->pages[hash & (((uint32_t)1 << table->depth) - 1)];
}

/* The highest bits: the lowest lead to the page. */
static unsigned home_of(uint32_t hash)
{
    return hash >> SLOT_SHIFT;
}

static unsigned behind(unsigned at)
{
    return (at + 1) % SLOTS;
}

static struct mr_known_page *new_page(unsigned depth)
{
    size_t size = (sizeof(struct mr_known_page) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    struct mr_known_page *page = aligned_alloc(CACHE_LINE, size);

    if (!page)
        return NULL;
    memset(page, 0, sizeof *page);
    page->depth = depth;
    return page;
}

void mr_known_table_fini(struct mr_known_table *table)
{
    uint32_t count = table->pages ? (uint32_t)1 << table->depth : 0;

    /* From the end: the first of the places where a page stands is the one below 1 << its depth. */
    for (uint32_t i = count; i-- > 0;)
        if (i < (uint32_t)1 << table->pages[i]->depth)
            free(table->pages[i]);
    free(table->pages);
    *table = (struct mr_known_table){0};
}

/* ---- searching ---- */

uint32_t *mr_known_table_find(
        const struct mr_known_table *table, uint32_t hash, mr_known_is_fn is, const void *ctx)
{
    struct mr_known_page *page;

    if (!table->pages)
        return NULL;
    page = page_of(table, hash);
    for (unsigned at = home_of(hash); page->slots[at].hash; at = behind(at))
        if (page->slots[at].hash == hash && is(ctx, page->slots[at].place))
            return &page->slots[at].place;
    return NULL;
}

void mr_known_table_expect(const struct mr_known_table *table, uint32_t hash)
{
    const struct mr_known_page *page;

    if (!table->pages)
        return;
    page = page_of(table, hash);
    __builtin_prefetch(&page->slots[home_of(hash)]);
    __builtin_prefetch(&page->count);
}

/* ---- growing ---- */

static void put(struct mr_known_page *page, struct slot slot)
{
    unsigned at = home_of(slot.hash);

    while (page->slots[at].hash)
        at = behind(at);
    page->slots[at] = slot;
    page->count++;
}

static int double_pages(struct mr_known_table *table)
{
    size_t count = (size_t)1 << table->depth;
    struct mr_known_page **pages = realloc(table->pages, 2 * count * sizeof(struct mr_known_page *));

    if (!pages)
        return MR_ENOMEM;
    memcpy(pages + count, pages, count * sizeof(struct mr_known_page *));
    table->pages = pages;
    table->depth++;
    return 0;
}

/* Those whose next bit is set go to a page of their own. */
static void move_half(struct mr_known_page *page, struct mr_known_page *other)
{
    struct slot slots[SLOTS];
    uint32_t bit = (uint32_t)1 << page->depth;

    memcpy(slots, page->slots, sizeof slots);
    memset(page->slots, 0, sizeof page->slots);
    page->count = 0;
    page->depth++;
    for (unsigned i = 0; i < SLOTS; i++)
        if (slots[i].hash)
            put(slots[i].hash & bit ? other : page, slots[i]);
}

static int split(struct mr_known_table *table, uint32_t hash)
{
    struct mr_known_page *page = page_of(table, hash), *other;
    uint32_t bit = (uint32_t)1 << page->depth, lowest = hash & (bit - 1);

    if (page->depth == table->depth) {
        int r = page->depth < DEPTH_MAX ? double_pages(table) : MR_ENOMEM;

        if (r < 0)
            return r;
    }
    other = new_page(page->depth + 1);
    if (!other)
        return MR_ENOMEM;
    move_half(page, other);
    for (uint32_t i = lowest | bit; i < (uint32_t)1 << table->depth; i += 2 * bit)
        table->pages[i] = other;
    return 0;
}

static int begin(struct mr_known_table *table)
{
    struct mr_known_page **pages = malloc(sizeof(struct mr_known_page *));

    if (!pages)
        return MR_ENOMEM;
    pages[0] = new_page(0);
    if (!pages[0]) {
        free(pages);
        return MR_ENOMEM;
    }
    table->pages = pages;
    return 0;
}

int mr_known_table_add(struct mr_known_table *table, uint32_t hash, uint32_t place)
{
    int r = table->pages ? 0 : begin(table);

    while (r == 0 && page_of(table, hash)->count >= FULL)
        r = split(table, hash);
    if (r == 0)
        put(page_of(table, hash), (struct slot){hash, place});
    return r;
}

/* ---- removing ---- */

/* Those behind the hole that would not be found across it move into it, one after another. */
static void close_hole(struct mr_known_page *page, unsigned hole)
{
    for (unsigned at = behind(hole); page->slots[at].hash; at = behind(at)) {
        unsigned from_home = (at - home_of(page->slots[at].hash)) % SLOTS, from_hole = (at - hole) % SLOTS;

        if (from_home < from_hole)
            continue;
        page->slots[hole] = page->slots[at];
        hole = at;
    }
    page->slots[hole] = (struct slot){0};
}

void mr_known_table_remove(struct mr_known_table *table, uint32_t hash, uint32_t place)
{
    struct mr_known_page *page = page_of(table, hash);
    unsigned at = home_of(hash);

    while (page->slots[at].place != place || page->slots[at].hash != hash) {
        assert(page->slots[at].hash);
        at = behind(at);
    }
    close_hole(page, at);
    page->count--;
}
