#include "hub/intake/known_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "proto/base/err.h"

/*
 * At 5/8 a search for what is not there looks at four slots on average, and at less than two in a page that
 * was just split; eight slots are one line of the processor's cache.
 */
enum {
    PAGE_BYTES = 4096,
    CACHE_LINE = 64,
    SLOTS = (PAGE_BYTES - CACHE_LINE) / 8,
    FULL = SLOTS / 8 * 5,
    DEPTH_MAX = 22,
    PIECE_MIN = 4,   /* pages */
    PIECE_MAX = 512, /* one large page of the processor */
};

struct slot {
    uint32_t hash; /* 0: nothing is here */
    uint32_t place;
};

/* One page of the processor too. */
struct mr_known_page {
    unsigned depth; /* bits that are the same of all in it */
    unsigned count;
    uint8_t line[CACHE_LINE - 2 * sizeof(unsigned)];
    struct slot slots[SLOTS];
};

_Static_assert(sizeof(struct mr_known_page) == PAGE_BYTES, "one page");

struct mr_known_piece {
    struct mr_known_piece *before;
    struct mr_known_page *pages;
    unsigned count;
    unsigned used;
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

/* By the highest bits: the lowest lead to the page. */
static unsigned home_of(uint32_t hash)
{
    return (hash >> 16) * SLOTS >> 16;
}

static unsigned behind(unsigned at)
{
    return at + 1 < SLOTS ? at + 1 : 0;
}

/* How far it is from one slot to another, onwards. */
static unsigned way(unsigned from, unsigned to)
{
    return to >= from ? to - from : to + SLOTS - from;
}

/* ---- memory ---- */

/* Each is twice the one before it; the largest may have a page of that size, if the system has some. */
static int add_piece(struct mr_known_table *table)
{
    unsigned count = table->piece ? 2 * table->piece->count : PIECE_MIN;
    struct mr_known_piece *piece = malloc(sizeof *piece);

    if (!piece)
        return MR_ENOMEM;
    if (count > PIECE_MAX)
        count = PIECE_MAX;
    *piece = (struct mr_known_piece){.before = table->piece, .count = count};
    piece->pages = aligned_alloc(
            (size_t)(count == PIECE_MAX ? PIECE_MAX : 1) * PAGE_BYTES, (size_t)count * PAGE_BYTES);
    if (!piece->pages) {
        free(piece);
        return MR_ENOMEM;
    }
    if (count == PIECE_MAX)
        (void)madvise(piece->pages, (size_t)count * PAGE_BYTES, MADV_HUGEPAGE); /* it is only faster */
    table->piece = piece;
    return 0;
}

static struct mr_known_page *new_page(struct mr_known_table *table, unsigned depth)
{
    struct mr_known_page *page;

    if ((!table->piece || table->piece->used == table->piece->count) && add_piece(table) < 0)
        return NULL;
    page = &table->piece->pages[table->piece->used++];
    memset(page, 0, sizeof *page);
    page->depth = depth;
    return page;
}

void mr_known_table_fini(struct mr_known_table *table)
{
    while (table->piece) {
        struct mr_known_piece *piece = table->piece;

        table->piece = piece->before;
        free(piece->pages);
        free(piece);
    }
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

void mr_known_table_foresee(const struct mr_known_table *table, uint32_t hash)
{
    if (table->pages)
        __builtin_prefetch(&table->pages[hash & (((uint32_t)1 << table->depth) - 1)]);
}

void mr_known_table_expect(const struct mr_known_table *table, uint32_t hash)
{
    const struct mr_known_page *page;

    if (!table->pages)
        return;
    page = page_of(table, hash);
    __builtin_prefetch(&page->slots[home_of(hash)]);
    __builtin_prefetch(page);
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
    other = new_page(table, page->depth + 1);
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
    pages[0] = new_page(table, 0);
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
        if (way(home_of(page->slots[at].hash), at) < way(hole, at))
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
