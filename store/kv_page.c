/* What a single page must be. Pure functions over its bytes; every read is within them. */
#include "store/kv_page.h"

#include "proto/base/list.h"

enum {
    AT_FLAGS = 10,
    AT_LOWER = 12,
    AT_UPPER = 14,
    AT_MAGIC = PAGE_HEAD,
    AT_VERSION = AT_MAGIC + 4,
    AT_FREE = AT_VERSION + 4 + 8 + 8, /* behind address and size of the map */
    AT_MAIN = AT_FREE + PAGE_DB_BYTES,
    AT_LAST = AT_MAIN + PAGE_DB_BYTES,
    AT_TXN = AT_LAST + 8,
    DATA_VERSION = 1,
    FLAG_NUMBERS = 8, /* MDB_INTEGERKEY: of the free list, for ever */
};
static const uint32_t MAGIC = 0xBEEFC0DE;

void page_db_parse(const uint8_t at[static PAGE_DB_BYTES], struct page_db *ret)
{
    *ret = (struct page_db){.pad = page_u32(at),
            .flags = page_u16(at + 4),
            .depth = page_u16(at + 6),
            .branch_pages = page_u64(at + 8),
            .leaf_pages = page_u64(at + 16),
            .overflow_pages = page_u64(at + 24),
            .entries = page_u64(at + 32),
            .root = page_u64(at + 40)};
}

const char *page_db_wrong(const struct page_db *db, const struct page_meta *meta, uint16_t flags)
{
    bool empty = db->root == PAGE_NONE;

    if (db->flags != flags)
        return "the table has flags that ours never have";
    if (empty && (db->depth || db->entries || db->branch_pages || db->leaf_pages || db->overflow_pages))
        return "the table has no root, but counts";
    if (!empty && (db->root < PAGE_META_COUNT || db->root > meta->last))
        return "the table's root is outside of the file";
    if (!empty && (db->depth == 0 || db->depth > PAGE_DEPTH_MAX || db->entries == 0))
        return "the table's depth or count cannot be";
    return NULL;
}

/* ---- meta pages ---- */

const char *page_meta_wrong(const uint8_t *page, unsigned index, uint32_t *ret_page_bytes)
{
    uint32_t bytes = page_u32(page + AT_FREE);
    struct page_meta meta;

    if (page_u64(page) != index || page_u16(page + AT_FLAGS) != PAGE_META ||
            page_u32(page + AT_MAGIC) != MAGIC)
        return "it is no meta page";
    if (page_u32(page + AT_VERSION) != DATA_VERSION)
        return "it is of another version";
    if (bytes < 512 || bytes > PAGE_BYTES_MAX || (bytes & (bytes - 1)) != 0)
        return "its page size cannot be";
    page_meta_parse(page, &meta);
    if (meta.txn > 0 && (meta.txn & 1) != index)
        return "its transaction belongs to the other one";
    if (meta.last < PAGE_META_COUNT - 1 || meta.last > ((uint64_t)1 << 48))
        return "its last page cannot be";
    *ret_page_bytes = bytes;
    return NULL;
}

const char *page_meta_tables_wrong(const struct page_meta *meta)
{
    const char *wrong = page_db_wrong(&meta->free, meta, FLAG_NUMBERS);

    return wrong ? wrong : page_db_wrong(&meta->main, meta, 0);
}

void page_meta_parse(const uint8_t *page, struct page_meta *ret)
{
    page_db_parse(page + AT_FREE, &ret->free);
    page_db_parse(page + AT_MAIN, &ret->main);
    ret->last = page_u64(page + AT_LAST);
    ret->txn = page_u64(page + AT_TXN);
}

/* ---- branch and leaf pages ---- */

static size_t node_at(const uint8_t *page, size_t i)
{
    return page_u16(page + PAGE_HEAD + 2 * i);
}

void page_node(const uint8_t *page, size_t i, bool leaf, struct page_node *ret)
{
    const uint8_t *node = page + node_at(page, i);
    uint16_t key_size = page_u16(node + 6);

    *ret = (struct page_node){.key = mr_slice(node + PAGE_NODE_HEAD, key_size)};
    if (leaf) {
        ret->size = page_u32(node);
        ret->flags = page_u16(node + 4);
        ret->at = node + PAGE_NODE_HEAD + key_size;
    } else {
        ret->child = (uint64_t)page_u32(node) | (uint64_t)page_u16(node + 4) << 32;
    }
}

/* Bytes of a node, even; 0: it does not fit into the page. */
static size_t node_bytes(const uint8_t *page, size_t at, const struct page_want *want)
{
    size_t left = want->page_bytes - at;
    size_t size = PAGE_NODE_HEAD;

    if (left < size)
        return 0;
    size += page_u16(page + at + 6);
    if (want->leaf)
        size += page_u16(page + at + 4) & PAGE_NODE_BIG ? 8 : (size_t)page_u32(page + at);
    size += size & 1;
    return size <= left ? size : 0;
}

/*
 * Nodes fill the page from `upper` to its end, each once. Where nodes begin is collected first; then the walk
 * from node to node must meet every one of them and end exactly at the page's end.
 */
static const char *nodes_wrong(const uint8_t *page, size_t upper, const struct page_want *want)
{
    static const char broken[] = "its entries do not fit into the page";
    uint8_t begins[PAGE_BYTES_MAX / 16]; /* a bit for two bytes */
    size_t count = page_nodes(page), met = 0;

    memset(begins, 0, want->page_bytes / 16);
    for (size_t i = 0; i < count; i++) {
        size_t at = node_at(page, i);

        if (at < upper || at >= want->page_bytes || at & 1 || node_bytes(page, at, want) == 0)
            return broken;
        begins[at / 16] |= (uint8_t)(1 << at / 2 % 8);
    }
    for (size_t at = upper; at < want->page_bytes; at += node_bytes(page, at, want), met++)
        if (!(begins[at / 16] & 1 << at / 2 % 8))
            return broken;
    return met == count ? NULL : broken;
}

int page_compare(bool numbers, struct mr_slice a, struct mr_slice b)
{
    uint64_t x, y;

    if (!numbers)
        return mr_slice_compare(a, b);
    x = page_u64(a.data);
    y = page_u64(b.data);
    return x < y ? -1 : x > y;
}

static const char *node_wrong(const struct page_node *node, const struct page_want *want)
{
    if (node->key.size == 0 || node->key.size > PAGE_KEY_MAX || (want->numbers && node->key.size != 8))
        return "a key's size cannot be";
    if (want->leaf && node->flags & ~want->node_flags)
        return "an entry is of a kind that ours never are";
    return NULL;
}

/* Keys ascend, and are within what the pages above say. The first key of a branch stands for "all before". */
static const char *keys_wrong(const uint8_t *page, const struct page_want *want)
{
    static const char order[] = "its keys are not in order";
    struct mr_slice before = want->low;
    struct page_node node;
    const char *wrong;

    for (size_t i = want->leaf ? 0 : 1; i < page_nodes(page); i++) {
        page_node(page, i, want->leaf, &node);
        if ((wrong = node_wrong(&node, want)))
            return wrong;
        if (before.size) {
            int compared = page_compare(want->numbers, before, node.key);

            if (compared > 0 || (compared == 0 && i > 0))
                return order;
        }
        before = node.key;
    }
    if (want->high.size && before.size && page_compare(want->numbers, before, want->high) >= 0)
        return order;
    return NULL;
}

const char *page_wrong(const uint8_t *page, const struct page_want *want)
{
    uint16_t lower = page_u16(page + AT_LOWER), upper = page_u16(page + AT_UPPER);
    const char *wrong;

    if (page_u64(page) != want->number)
        return "it says that it is another page";
    if (page_u16(page + AT_FLAGS) != (want->leaf ? PAGE_LEAF : PAGE_BRANCH))
        return "it is of another kind";
    if (lower < PAGE_HEAD || lower & 1 || upper & 1 || lower > upper || upper > want->page_bytes)
        return "its bounds cannot be";
    if (page_nodes(page) == 0)
        return "it is empty";
    wrong = nodes_wrong(page, upper, want);
    return wrong ? wrong : keys_wrong(page, want);
}
