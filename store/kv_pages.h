/*
 * The pages of an environment, read without LMDB (format: docs/storage.md, "Pages"; ADR 0011). LMDB has no
 * checksums and trusts what it reads: a flipped bit ends the process, or ends a scan before its end without a
 * word. So every page is held against what it must be before LMDB follows it, and what is damaged is named
 * and left out while the rest can still be read.
 *
 * Works on one snapshot: of a store that nobody has open, or of an open mr_kv, whose reader slot keeps the
 * pages from being used again meanwhile. Reads by pread only. One thread; blocking.
 */
#ifndef MR_STORE_KV_PAGES_H
#define MR_STORE_KV_PAGES_H

#include "store/kv.h"

struct mr_kv_pages;
struct mr_kv_pages_cursor;

/* Something that is not as it must be. Slices and texts are valid during the call. */
struct mr_kv_damage {
    const char *table; /* "" of the file as a whole */
    uint64_t page;
    const char *what;
    /* Keys that can no longer be found lie from `from` on and before `to`. from empty: from the first; to
     * empty: to the last; both the same: that key alone. lost false: it is no loss of keys. */
    bool lost;
    struct mr_slice from, to;
};
typedef void (*mr_kv_damage_fn)(void *ctx, const struct mr_kv_damage *damage);

/*
 * kv: its newest snapshot, kept until close; NULL: the file DIR/data.mdb, which nobody may be writing to.
 * Damage of what must be read first is told at once. MR_ENOTFOUND (no file), MR_ECORRUPT (nothing can be
 * read: told to fn too), MR_EUNSUPPORTED (of another LMDB), MR_EIO, MR_ENOMEM.
 */
int mr_kv_pages_open(struct mr_kv_pages **ret, const char *dir, struct mr_kv *kv, mr_kv_damage_fn fn,
        void *ctx, struct mr_error *reterr);
void mr_kv_pages_close(struct mr_kv_pages *pages); /* after its cursors; NULL is fine */

size_t mr_kv_pages_tables(const struct mr_kv_pages *pages);
const char *mr_kv_pages_table(const struct mr_kv_pages *pages, size_t index);
uint64_t mr_kv_pages_rows(const struct mr_kv_pages *pages, size_t index); /* as many as the table says */
uint64_t mr_kv_pages_read(const struct mr_kv_pages *pages);               /* how many were read so far */

/*
 * The rows of a table in order, damaged places left out after they were told. MR_ENOTFOUND: no such table.
 * next: 0; MR_ENOTFOUND at the end, where the table's counts are held against what was seen; MR_EIO,
 * MR_ENOMEM. seek instead of the first next: begins at the first key >= key; counts are not compared, and its
 * pages may be read again by another cursor. Key and value are valid until the next call.
 */
int mr_kv_pages_cursor_open(struct mr_kv_pages_cursor **ret, struct mr_kv_pages *pages, const char *table);
void mr_kv_pages_cursor_close(struct mr_kv_pages_cursor *cursor); /* NULL is fine */
int mr_kv_pages_cursor_seek(struct mr_kv_pages_cursor *cursor, struct mr_slice key);
int mr_kv_pages_cursor_next(
        struct mr_kv_pages_cursor *cursor, struct mr_slice *ret_key, struct mr_slice *ret_value);

/* After all tables were read to their ends: is a page both in use and free? */
int mr_kv_pages_free_list(struct mr_kv_pages *pages);

/*
 * What must hold before LMDB opens the file: metas, tables, free list, all branch pages, all pages of
 * tables up to 32 MiB, the last page of larger ones. MR_ECORRUPT with the first damage in reterr. A missing
 * or empty file is fine.
 */
int mr_kv_pages_check(const char *dir, struct mr_error *reterr);

/* Of a closed segment, each time it is opened: metas and list of tables only. */
int mr_kv_pages_check_metas(const char *dir, struct mr_error *reterr);

/* A checked row's value (struct mr_kv_options) as it lies in the file. MR_ECORRUPT: it is another. */
int mr_kv_row_check(
        const char *table, struct mr_slice key, struct mr_slice stored, struct mr_slice *ret_value);

#endif
