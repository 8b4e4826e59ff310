/* LMDB's file format 1 (0.9), as its pages lie on the disk; shared by the kv_page*.c files only. */
#ifndef MR_STORE_KV_PAGE_H
#define MR_STORE_KV_PAGE_H

#include <string.h>

#include "store/kv_pages.h"

enum {
    PAGE_HEAD = 16,
    PAGE_BYTES_MAX = 65536,
    PAGE_DEPTH_MAX = 32,
    PAGE_KEY_MAX = 511,
    PAGE_META_COUNT = 2,
    PAGE_NODE_HEAD = 8,
    PAGE_DB_BYTES = 48,
    PAGE_UNWRITTEN_MAX = 64, /* pages at the end that were taken and given back need not be written */
};

enum page_kind { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_META = 8 };
enum page_node_kind { PAGE_NODE_BIG = 1, PAGE_NODE_TABLE = 2 };

static const uint64_t PAGE_NONE = UINT64_MAX;

/* What a table says of itself (MDB_db). */
struct page_db {
    uint32_t pad;
    uint16_t flags, depth;
    uint64_t branch_pages, leaf_pages, overflow_pages, entries, root;
};

struct page_meta {
    uint64_t last; /* page */
    uint64_t txn;
    struct page_db free, main;
};

struct page_node {
    struct mr_slice key;
    uint64_t child;    /* of a branch */
    uint32_t size;     /* of a leaf's value */
    uint16_t flags;    /* of a leaf */
    const uint8_t *at; /* of a leaf: the value, or the number of its first overflow page */
};

struct page_table {
    char *name;
    struct page_db db;
};

struct mr_kv_pages {
    int fd;
    bool own_fd;
    struct mr_kv_txn *txn; /* of a live store: holds the snapshot */
    uint32_t page_bytes;
    uint64_t file_pages;
    uint64_t read; /* pages */
    struct page_meta meta;
    struct page_table *tables;
    size_t tables_count;
    uint8_t *seen; /* a bit a page */
    mr_kv_damage_fn fn;
    void *ctx;
};

/* Host order: LMDB writes as the machine has it, and this program runs on little-endian ones only. */
static inline uint16_t page_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t page_u32(const uint8_t *at)
{
    return (uint32_t)page_u16(at) | (uint32_t)page_u16(at + 2) << 16;
}

static inline uint64_t page_u64(const uint8_t *at)
{
    return (uint64_t)page_u32(at) | (uint64_t)page_u32(at + 4) << 32;
}

static inline size_t page_nodes(const uint8_t *page)
{
    return (size_t)(page_u16(page + 12) - PAGE_HEAD) / 2;
}

void page_db_parse(const uint8_t at[static PAGE_DB_BYTES], struct page_db *ret);
/* NULL, or what is wrong with what a table says of itself. */
const char *page_db_wrong(const struct page_db *db, const struct page_meta *meta, uint16_t flags);

/* Node i of a page that page_wrong() found sound. */
void page_node(const uint8_t *page, size_t i, bool leaf, struct page_node *ret);

/* What a page must be. */
struct page_want {
    uint64_t number;
    uint32_t page_bytes;
    bool leaf;
    bool numbers;              /* keys are 8-byte numbers in host order: the free list */
    uint16_t node_flags;       /* that a leaf's node may have */
    struct mr_slice low, high; /* keys are from low on and before high; empty: no bound */
};
/* NULL, or what is wrong. */
const char *page_wrong(const uint8_t *page, const struct page_want *want);
int page_compare(bool numbers, struct mr_slice a, struct mr_slice b);

/* NULL, or what is wrong with a meta page. page: what the file has there, at least 4 KiB. */
const char *page_meta_wrong(const uint8_t *page, unsigned index, uint32_t *ret_page_bytes);
/* The same of the two tables that it leads to. */
const char *page_meta_tables_wrong(const struct page_meta *meta);
void page_meta_parse(const uint8_t *page, struct page_meta *ret);

/* pread of pages; 0, or MR_EIO (what the file does not have is MR_ECORRUPT). */
int page_load(struct mr_kv_pages *pages, uint64_t number, size_t count, uint8_t *ret);
bool page_is_inside(const struct mr_kv_pages *pages, uint64_t number, uint64_t count);
/* Takes `count` pages as in use. False: one is outside of the file, or in use already. */
bool page_take(struct mr_kv_pages *pages, uint64_t number, uint64_t count);
void page_damage(struct mr_kv_pages *pages, const char *table, uint64_t page, const char *what, bool lost,
        struct mr_slice from, struct mr_slice to);

/* A cursor over any of the trees. skim: branch pages only; next then says MR_ENOTFOUND at once. */
int page_cursor_new(struct mr_kv_pages_cursor **ret, struct mr_kv_pages *pages, const char *name,
        const struct page_db *db, bool skim);
/* The flags of the node that next returned last. */
uint16_t page_cursor_flags(const struct mr_kv_pages_cursor *cursor);

#endif
