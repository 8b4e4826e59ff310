/* Down the pages of one tree and along its rows: each page is checked before it is followed. */
#include "store/kv_pages.h"

#include <stdlib.h>

#include "proto/base/buf.h"
#include "store/kv_page.h"

struct level {
    uint8_t *page;
    size_t next, count; /* nodes */
    struct mr_slice low, high;
};

struct mr_kv_pages_cursor {
    struct mr_kv_pages *pages;
    const char *name;
    struct page_db db;
    struct page_db met; /* the same, counted */
    bool skim, sought, ended, damaged;
    unsigned depth; /* levels in use */
    struct level levels[PAGE_DEPTH_MAX];
    struct mr_buf big; /* overflow pages of the row returned last */
    uint16_t flags;
};

int page_cursor_new(struct mr_kv_pages_cursor **ret, struct mr_kv_pages *pages, const char *name,
        const struct page_db *db, bool skim)
{
    struct mr_kv_pages_cursor *cursor = calloc(1, sizeof *cursor);

    if (!cursor)
        return MR_ENOMEM;
    cursor->pages = pages;
    cursor->name = name;
    cursor->db = *db;
    cursor->skim = skim;
    *ret = cursor;
    return 0;
}

int mr_kv_pages_cursor_open(struct mr_kv_pages_cursor **ret, struct mr_kv_pages *pages, const char *table)
{
    for (size_t i = 0; i < pages->tables_count; i++)
        if (strcmp(pages->tables[i].name, table) == 0)
            return page_cursor_new(ret, pages, pages->tables[i].name, &pages->tables[i].db, false);
    return MR_ENOTFOUND;
}

void mr_kv_pages_cursor_close(struct mr_kv_pages_cursor *cursor)
{
    if (!cursor)
        return;
    for (size_t i = 0; i < PAGE_DEPTH_MAX; i++)
        free(cursor->levels[i].page);
    mr_buf_fini(&cursor->big);
    free(cursor);
}

uint16_t page_cursor_flags(const struct mr_kv_pages_cursor *cursor)
{
    return cursor->flags;
}

static bool is_free_list(const struct mr_kv_pages_cursor *cursor)
{
    return cursor->db.flags != 0;
}

static bool is_main(const struct mr_kv_pages_cursor *cursor)
{
    return !is_free_list(cursor) && !cursor->name[0];
}

static void lose(struct mr_kv_pages_cursor *cursor, uint64_t page, const char *what, struct mr_slice low,
        struct mr_slice high)
{
    cursor->damaged = true;
    page_damage(cursor->pages, cursor->name, page, what, !is_free_list(cursor), low, high);
}

/* The first reading of a table takes its pages; a later one does not ask whose they are. */
static bool take(struct mr_kv_pages_cursor *cursor, uint64_t number, uint64_t count)
{
    return cursor->sought ? page_is_inside(cursor->pages, number, count)
                          : page_take(cursor->pages, number, count);
}

/* Only the bounds from above do not hold: the page above may be the damaged one, and this one is read. */
static bool is_sound_by_itself(const uint8_t *page, struct page_want want)
{
    want.low = want.high = mr_slice(NULL, 0);
    return page_wrong(page, &want) == NULL;
}

/* The page becomes the lowest level. 1: it is damaged, and told. */
static int enter(
        struct mr_kv_pages_cursor *cursor, uint64_t number, struct mr_slice low, struct mr_slice high)
{
    struct level *level = &cursor->levels[cursor->depth];
    struct page_want want = {.number = number,
            .page_bytes = cursor->pages->page_bytes,
            .leaf = cursor->depth + 1 == cursor->db.depth,
            .numbers = is_free_list(cursor),
            .node_flags = is_main(cursor) ? PAGE_NODE_TABLE : PAGE_NODE_BIG,
            .low = low,
            .high = high};
    const char *wrong;
    int r;

    if (!level->page && !(level->page = malloc(want.page_bytes)))
        return MR_ENOMEM;
    if (!take(cursor, number, 1)) {
        lose(cursor, number, "the page is outside of the file, or in use twice", low, high);
        return 1;
    }
    r = page_load(cursor->pages, number, 1, level->page);
    if (r < 0 && r != MR_ECORRUPT)
        return r;
    wrong = r < 0 ? "the file ends before it" : page_wrong(level->page, &want);
    if (wrong && r == 0 && cursor->depth > 0 && is_sound_by_itself(level->page, want)) {
        const struct level *above = &cursor->levels[cursor->depth - 1];

        lose(cursor, number, "it is sound, but the keys above it are others", above->low, above->high);
        low = high = mr_slice(NULL, 0);
        wrong = NULL;
    }
    if (wrong) {
        lose(cursor, number, wrong, low, high);
        return 1;
    }
    *(want.leaf ? &cursor->met.leaf_pages : &cursor->met.branch_pages) += 1;
    level->next = 0;
    level->count = page_nodes(level->page);
    level->low = low;
    level->high = high;
    cursor->depth++;
    return 0;
}

/* The child at level->next of the lowest level, which is a branch. */
static int descend(struct mr_kv_pages_cursor *cursor)
{
    struct level *level = &cursor->levels[cursor->depth - 1];
    struct mr_slice low = level->low, high = level->high;
    struct page_node node, after;

    page_node(level->page, level->next, false, &node);
    if (level->next > 0)
        low = node.key;
    if (++level->next < level->count) {
        page_node(level->page, level->next, false, &after);
        high = after.key;
    }
    if (!cursor->skim || cursor->depth + 1 < cursor->db.depth)
        return enter(cursor, node.child, low, high);
    if (!take(cursor, node.child, 1))
        lose(cursor, node.child, "the page is outside of the file, or in use twice", low, high);
    cursor->met.leaf_pages++;
    return 1;
}

/* A value that has pages of its own. 1: damaged, and told. */
static int read_big(
        struct mr_kv_pages_cursor *cursor, const struct page_node *node, struct mr_slice *ret_value)
{
    static const char broken[] = "the pages of a large value are damaged";
    struct mr_kv_pages *pages = cursor->pages;
    uint64_t number = page_u64(node->at);
    uint64_t least = ((uint64_t)node->size + PAGE_HEAD + pages->page_bytes - 1) / pages->page_bytes;
    uint64_t count = 0;
    uint8_t *room;
    int r;

    mr_buf_reset(&cursor->big);
    room = least <= pages->file_pages ? mr_buf_reserve(&cursor->big, least * pages->page_bytes) : NULL;
    if (!room && least <= pages->file_pages)
        return MR_ENOMEM;
    r = room ? page_load(pages, number, least, room) : MR_ECORRUPT;
    if (r < 0 && r != MR_ECORRUPT)
        return r;
    if (r == 0)
        count = page_u32(room + 12);
    if (r < 0 || page_u64(room) != number || page_u16(room + 10) != PAGE_OVERFLOW || count < least ||
            !take(cursor, number, count)) {
        lose(cursor, number, broken, node->key, node->key);
        return 1;
    }
    cursor->met.overflow_pages += count;
    *ret_value = mr_slice(room + PAGE_HEAD, node->size);
    return 0;
}

/* 1: the row is damaged, and told. */
static int take_row(struct mr_kv_pages_cursor *cursor, struct mr_slice *ret_key, struct mr_slice *ret_value)
{
    struct level *level = &cursor->levels[cursor->depth - 1];
    struct page_node node;

    page_node(level->page, level->next++, true, &node);
    cursor->met.entries++;
    cursor->flags = node.flags;
    *ret_key = node.key;
    if (node.flags & PAGE_NODE_BIG)
        return read_big(cursor, &node, ret_value);
    *ret_value = mr_slice(node.at, node.size);
    return 0;
}

/* What was met is compared only when nothing was left out. */
static int end(struct mr_kv_pages_cursor *cursor)
{
    const struct page_db *said = &cursor->db, *met = &cursor->met;
    bool same = said->branch_pages == met->branch_pages && said->leaf_pages == met->leaf_pages;

    if (!cursor->skim)
        same = same && said->overflow_pages == met->overflow_pages && said->entries == met->entries;
    else if (said->depth <= 1)
        same = true;
    if (!cursor->ended && !cursor->sought && !cursor->damaged && !same)
        page_damage(cursor->pages, cursor->name, said->root, "the table has other counts than it says", false,
                mr_slice(NULL, 0), mr_slice(NULL, 0));
    cursor->ended = true;
    return MR_ENOTFOUND;
}

static int start(struct mr_kv_pages_cursor *cursor)
{
    const struct mr_slice none = {0};

    return cursor->db.root == PAGE_NONE ? 1 : enter(cursor, cursor->db.root, none, none);
}

int mr_kv_pages_cursor_next(
        struct mr_kv_pages_cursor *cursor, struct mr_slice *ret_key, struct mr_slice *ret_value)
{
    bool fresh = cursor->depth == 0 && !cursor->sought && !cursor->ended && cursor->met.leaf_pages == 0 &&
                 cursor->met.branch_pages == 0 && !cursor->damaged;
    int r = fresh ? start(cursor) : 0;

    while (r >= 0 && cursor->depth > 0) {
        struct level *level = &cursor->levels[cursor->depth - 1];

        if (level->next == level->count)
            cursor->depth--;
        else if (cursor->depth < cursor->db.depth)
            r = descend(cursor);
        else if (cursor->skim)
            level->next = level->count;
        else if ((r = take_row(cursor, ret_key, ret_value)) == 0)
            return 0;
    }
    return r < 0 ? r : end(cursor);
}

/* The node to follow for a key: on a branch the last one not behind it, on a leaf the first not before it. */
static void aim(const struct mr_kv_pages_cursor *cursor, struct level *level, bool leaf, struct mr_slice key)
{
    struct page_node node;

    for (level->next = leaf ? 0 : 1; level->next < level->count; level->next++) {
        int compared;

        page_node(level->page, level->next, leaf, &node);
        compared = page_compare(is_free_list(cursor), node.key, key);
        if (leaf ? compared >= 0 : compared > 0)
            break;
    }
    if (!leaf)
        level->next--;
}

int mr_kv_pages_cursor_seek(struct mr_kv_pages_cursor *cursor, struct mr_slice key)
{
    int r;

    cursor->sought = true;
    r = start(cursor);
    while (r == 0) {
        bool leaf = cursor->depth == cursor->db.depth;

        aim(cursor, &cursor->levels[cursor->depth - 1], leaf, key);
        if (leaf)
            break;
        r = descend(cursor);
    }
    return r < 0 ? r : 0;
}
