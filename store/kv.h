/*
 * LMDB with our rules (design: docs/storage.md): default durability (a commit returns after fdatasync),
 * MDB_NOTLS, one huge map set once, an environment is opened at most once in a process, errors mapped to
 * proto/base/err.h.
 *
 * Threads: an open mr_kv may be used from any thread. A transaction belongs to the thread that uses it; one
 * write transaction at a time (LMDB serialises writers). Values are views into the map: valid until the
 * transaction ends, for a write transaction until its next write; 2-byte aligned only. Keys have 1 to 511
 * bytes.
 *
 * Errors are sticky in a transaction (as in Knot's LMDB layer): after the first failure every call returns
 * the same code and commit aborts, so a builder may check once.
 */
#ifndef MR_STORE_KV_H
#define MR_STORE_KV_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"

struct mr_kv;
struct mr_kv_txn;
struct mr_kv_cursor;

enum { MR_KV_TABLES_MAX = 40 };

struct mr_kv_options {
    const char *dir;           /* created (0700) when missing, unless read_only */
    const char *const *tables; /* names; a table is then named by its index. Borrowed for the call */
    uint32_t tables_count;
    /* Bit i: rows of table i end in a CRC32C over its name, key and value, added by put and checked by every
     * read: MR_ECORRUPT (not sticky) for a row that is not as it was written. Not for reserve. Part of the
     * format: the same in every program. */
    uint64_t checked;
    bool read_only; /* for a tool beside a running or stopped hub; every table must be there */
    /*
     * Without lock file and reader slots: a closed environment that nobody writes any more (read_only), or
     * one that only its maker knows.
     */
    bool unlocked;
    bool exclusive; /* the one owning process: takes the lock DIR/owner.lock; not with read_only */
};

/*
 * MR_ENOTFOUND (read_only and no store, or the folder above dir is missing), MR_EEXISTS (already open in this
 * process, or owned by another process), MR_ECORRUPT, MR_EUNSUPPORTED (file of another LMDB), MR_EDENIED,
 * MR_ESYSTEM ... A process that forked while an environment was open must not use it in the child (asserted
 * at each begin).
 */
int mr_kv_open(struct mr_kv **ret, const struct mr_kv_options *options, struct mr_error *reterr);
void mr_kv_close(struct mr_kv *kv); /* NULL is fine; no transaction may be open */
const char *mr_kv_dir(const struct mr_kv *kv);

/*
 * Keeps owners away from a store while its file is read as it lies. MR_EEXISTS: it has one (open it then);
 * MR_ENOTFOUND: no such folder. let_go takes -1 too.
 */
int mr_kv_hold(const char *dir, int *ret, struct mr_error *reterr);
void mr_kv_let_go(int held);

/* Clears the slots of readers that died. Call at start and every 10 to 30 s. Returns how many, or negative.
 */
int mr_kv_reader_check(struct mr_kv *kv);

/*
 * The row "layout" of a table: written into a new store, compared in an old one. MR_EUNSUPPORTED: of another
 * version, or of the time before version 1; MR_ENOTFOUND: read_only, and its owner has not finished making
 * it.
 */
int mr_kv_layout(struct mr_kv *kv, uint32_t table, uint32_t version, struct mr_error *reterr);

/* The row "through" of a derived store: the log number up to which it is built. Absent: 0. */
int mr_kv_through(struct mr_kv_txn *txn, uint32_t table, uint64_t *ret);
int mr_kv_set_through(struct mr_kv_txn *txn, uint32_t table, uint64_t through);

int mr_kv_begin_read(struct mr_kv *kv, struct mr_kv_txn **ret);
int mr_kv_begin_write(struct mr_kv *kv, struct mr_kv_txn **ret);
/* Renews a read transaction to the newest snapshot; views taken before are invalid. Its cursors need
 * cursor_renew. */
int mr_kv_renew(struct mr_kv_txn *txn);
/* Gives a read transaction's snapshot back, keeping its slot: only renew or abort may follow. */
void mr_kv_pause(struct mr_kv_txn *txn);
/* Frees txn in every case. 0 = durable. MR_ENOSPACE: nothing happened, try again later. MR_EIO: stop (see
 * docs). */
int mr_kv_commit(struct mr_kv_txn *txn);
void mr_kv_abort(struct mr_kv_txn *txn); /* NULL is fine */

/* MR_ENOTFOUND is not sticky. */
int mr_kv_get(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key, struct mr_slice *ret);
int mr_kv_put(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key, struct mr_slice value);
/* key must be greater than every key of the table: MR_EEXISTS (sticky) otherwise. Packs pages full. */
int mr_kv_append(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key, struct mr_slice value);
/* As put, and room of value_size bytes for the caller to fill at once (MDB_RESERVE). */
int mr_kv_reserve(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key, size_t value_size, bool append,
        uint8_t **ret);
int mr_kv_del(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key); /* MR_ENOTFOUND is not sticky */
int mr_kv_clear(struct mr_kv_txn *txn, uint32_t table);                    /* every row of the table */
uint64_t mr_kv_count(struct mr_kv_txn *txn, uint32_t table);

int mr_kv_cursor_open(struct mr_kv_txn *txn, uint32_t table, struct mr_kv_cursor **ret);
void mr_kv_cursor_close(struct mr_kv_cursor *cursor); /* before the transaction ends; NULL is fine */
int mr_kv_cursor_renew(
        struct mr_kv_cursor *cursor); /* after mr_kv_renew of its transaction; unpositioned again */
/* 0, or MR_ENOTFOUND at the end (not sticky). seek: first key >= key; an empty key is the first of all. */
int mr_kv_cursor_seek(struct mr_kv_cursor *cursor, struct mr_slice key, struct mr_slice *ret_key,
        struct mr_slice *ret_value);
int mr_kv_cursor_next(struct mr_kv_cursor *cursor, struct mr_slice *ret_key, struct mr_slice *ret_value);
int mr_kv_cursor_prev(struct mr_kv_cursor *cursor, struct mr_slice *ret_key, struct mr_slice *ret_value);
int mr_kv_cursor_last(struct mr_kv_cursor *cursor, struct mr_slice *ret_key, struct mr_slice *ret_value);

/*
 * Calls fn for the rows from key `from` on (>=) whose key starts with `prefix` (either may be empty),
 * ascending, until fn returns non-zero. Returns that value, 0 at the end, or a negative failure. fn must not
 * write to the table.
 */
typedef int (*mr_kv_row_fn)(void *ctx, struct mr_slice key, struct mr_slice value);
int mr_kv_rows(struct mr_kv_txn *txn, uint32_t table, struct mr_slice prefix, struct mr_slice from,
        mr_kv_row_fn fn, void *ctx);
/* The same downwards: the rows with the prefix from key `last` (<=, not empty) on, descending. */
int mr_kv_rows_down(struct mr_kv_txn *txn, uint32_t table, struct mr_slice prefix, struct mr_slice last,
        mr_kv_row_fn fn, void *ctx);

/*
 * A compact copy of the newest snapshot as the new file `path` (0600), durable when it returns; readers and
 * writers go on beside it. MR_EEXISTS: there is a file. On failure no file is left.
 */
int mr_kv_copy(struct mr_kv *kv, const char *path, struct mr_error *reterr);
/*
 * The same row by row, as data.mdb in the empty folder `dir`: slower, and what was deleted is not in it, not
 * even as a border between pages. MR_EUNSUPPORTED: there are tables that kv was not opened with.
 */
int mr_kv_copy_rows(struct mr_kv *kv, const char *dir, struct mr_error *reterr);

/*
 * Compaction in place: the environment is written anew, row by row, and swapped for the old file,
 * which is overwritten unless another process still reads it. So rows that were deleted before are in no page
 * any more. Readers and writers go on beside it; writers wait for the last of what they wrote, both for the
 * swap; views taken before stay valid until their transactions end, and it waits for those. Not with
 * read_only. Any thread that has no transaction open here.
 *
 * MR_EAGAIN: transactions did not end in time, one of them needed another one, or more was written than it
 * could follow: try later. MR_ENOSPACE:
 * needs as much room as the live rows take, and that of pages that are freed meanwhile. Nothing happened when
 * negative, but MR_EIO after the swap: stop.
 */
struct mr_kv_compaction {
    uint64_t before_bytes;
    uint64_t after_bytes;
    bool overwritten; /* false: somebody else has the old file open, or its file system cannot tell */
};
int mr_kv_compact(struct mr_kv *kv, struct mr_kv_compaction *ret, struct mr_error *reterr);

struct mr_kv_usage {
    uint64_t used_bytes; /* pages in use, without the free ones */
    uint64_t file_bytes;
    uint32_t readers; /* reader slots ever in use at once */
};
int mr_kv_usage(struct mr_kv *kv, struct mr_kv_usage *ret);

#endif
