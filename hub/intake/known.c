#include "hub/intake/known.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SHIFT = 10, BLOCK_NODES = 1 << BLOCK_SHIFT, CAPACITY_MIN = 4, EXPECT_AHEAD = 8 };

struct node {
    struct mr_dedup_entry entry;
    /* Of the same ident, by how many places away; 0: none. In the table is the newest. */
    uint32_t older;
    uint32_t newer;
};

struct mr_known_block {
    struct node nodes[BLOCK_NODES];
};

void mr_known_init(struct mr_known *known)
{
    *known = (struct mr_known){0};
}

void mr_known_fini(struct mr_known *known)
{
    mr_known_rollback(known, 0);
    free(known->spare);
    free(known->blocks);
    mr_known_init(known);
}

static uint32_t block_number(uint32_t place)
{
    return place >> BLOCK_SHIFT;
}

static struct mr_known_block **block_of(const struct mr_known *known, uint32_t place)
{
    return &known->blocks[block_number(place) & (known->capacity - 1)];
}

static struct node *node_at(const struct mr_known *known, uint32_t place)
{
    return &(*block_of(known, place))->nodes[place % BLOCK_NODES];
}

static uint32_t hash_at(const struct mr_known *known, uint32_t place)
{
    return mr_known_hash(node_at(known, place)->entry.ident);
}

/* ---- blocks ---- */

static bool has_block(const struct mr_known *known, uint32_t place)
{
    return known->first != known->end && block_number(place) == block_number(known->end - 1);
}

static int grow(struct mr_known *known)
{
    uint32_t capacity = known->capacity ? 2 * known->capacity : CAPACITY_MIN;
    struct mr_known_block **blocks = calloc(capacity, sizeof(struct mr_known_block *));

    if (!blocks)
        return MR_ENOMEM;
    for (uint32_t i = 0; i < known->capacity; i++) {
        uint32_t number = block_number(known->first) + i;

        blocks[number & (capacity - 1)] = known->blocks[number & (known->capacity - 1)];
    }
    free(known->blocks);
    known->blocks = blocks;
    known->capacity = capacity;
    return 0;
}

/* For the next entry. */
static int make_room(struct mr_known *known)
{
    uint32_t blocks = (known->end - known->first / BLOCK_NODES * BLOCK_NODES) / BLOCK_NODES + 1;
    struct mr_known_block *block;
    int r = 0;

    if (has_block(known, known->end))
        return 0;
    if (blocks > known->capacity)
        r = grow(known);
    if (r < 0)
        return r;
    block = known->spare ? known->spare : malloc(sizeof *block);
    if (!block)
        return MR_ENOMEM;
    known->spare = NULL;
    *block_of(known, known->end) = block;
    return 0;
}

/* The entry at `place` has just gone: nothing of its block is in use if it was the only one left in it. */
static void give_back(struct mr_known *known, uint32_t place)
{
    struct mr_known_block **block = block_of(known, place);

    if (known->first != known->end && (block_number(known->first) == block_number(place) ||
                                              block_number(known->end - 1) == block_number(place)))
        return;
    if (known->spare)
        free(*block);
    else
        known->spare = *block;
    *block = NULL;
    if (known->first == known->end)
        mr_known_table_fini(&known->table);
}

/* ---- the table ---- */

struct wanted {
    const struct mr_known *known;
    const uint8_t *ident;
};

static bool is_wanted(const void *ctx, uint32_t place)
{
    const struct wanted *wanted = ctx;

    return memcmp(node_at(wanted->known, place)->entry.ident, wanted->ident, MR_RECORD_IDENT_BYTES) == 0;
}

static uint32_t *place_of(const struct mr_known *known, const uint8_t *ident)
{
    const struct wanted wanted = {known, ident};

    return mr_known_table_find(&known->table, mr_known_hash(ident), is_wanted, &wanted);
}

const struct mr_dedup_entry *mr_known_find(
        const struct mr_known *known, const uint8_t ident[static MR_RECORD_IDENT_BYTES])
{
    const uint32_t *place = place_of(known, ident);

    return place ? &node_at(known, *place)->entry : NULL;
}

void mr_known_foresee(const struct mr_known *known, const uint8_t ident[static MR_RECORD_IDENT_BYTES])
{
    mr_known_table_foresee(&known->table, mr_known_hash(ident));
}

void mr_known_expect(const struct mr_known *known, const uint8_t ident[static MR_RECORD_IDENT_BYTES])
{
    mr_known_table_expect(&known->table, mr_known_hash(ident));
}

/* ---- coming and going ---- */

int mr_known_add(struct mr_known *known, const struct mr_dedup_entry *entry)
{
    uint32_t place = known->end, *older;
    struct node *node;
    int r = mr_known_count(known) < UINT32_MAX - BLOCK_NODES ? make_room(known) : MR_ENOMEM;

    if (r < 0)
        return r;
    assert(known->first == place || node_at(known, place - 1)->entry.number < entry->number);
    older = place_of(known, entry->ident);
    if (!older)
        r = mr_known_table_add(&known->table, mr_known_hash(entry->ident), place);
    if (r < 0) {
        if (!has_block(known, place)) /* it was made for this one */
            give_back(known, place);
        return r;
    }
    node = node_at(known, place);
    *node = (struct node){.entry = *entry};
    if (older) {
        node->older = place - *older;
        node_at(known, *older)->newer = node->older;
        *older = place;
    }
    known->end++;
    return 0;
}

void mr_known_hashed(struct mr_known *known, uint64_t number, const uint8_t leaf_hash[static 32])
{
    uint64_t from_end = node_at(known, known->end - 1)->entry.number - number;
    struct node *node = node_at(known, known->end - 1 - (uint32_t)from_end);

    assert(from_end < mr_known_count(known) && node->entry.number == number);
    memcpy(node->entry.leaf_hash, leaf_hash, sizeof node->entry.leaf_hash);
}

static void drop_first(struct mr_known *known)
{
    uint32_t place = known->first;
    const struct node *node = node_at(known, place);

    assert(node->older == 0);
    if (node->newer)
        node_at(known, place + node->newer)->older = 0;
    else
        mr_known_table_remove(&known->table, hash_at(known, place), place);
    known->first++;
    give_back(known, place);
}

static void drop_last(struct mr_known *known)
{
    uint32_t place = known->end - 1;
    const struct node *node = node_at(known, place);

    assert(node->newer == 0);
    if (node->older) {
        node_at(known, place - node->older)->newer = 0;
        *place_of(known, node->entry.ident) = place - node->older;
    } else {
        mr_known_table_remove(&known->table, hash_at(known, place), place);
    }
    known->end--;
    give_back(known, place);
}

void mr_known_forget(struct mr_known *known, uint64_t through)
{
    while (known->first != known->end && node_at(known, known->first)->entry.number <= through) {
        if (mr_known_count(known) > EXPECT_AHEAD)
            mr_known_table_expect(&known->table, hash_at(known, known->first + EXPECT_AHEAD));
        drop_first(known);
    }
}

void mr_known_rollback(struct mr_known *known, uint64_t from)
{
    while (known->first != known->end && node_at(known, known->end - 1)->entry.number >= from)
        drop_last(known);
}
