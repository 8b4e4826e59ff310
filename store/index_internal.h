/*
 * Shared by the index*.c files only: entries, runs, their blocks and filters (docs/storage.md "Tables of
 * index/").
 */
#ifndef MR_STORE_INDEX_INTERNAL_H
#define MR_STORE_INDEX_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "proto/base/buf.h"
#include "store/index.h"
#include "store/kv.h"

enum { MR_INDEX_BLOCK, MR_INDEX_RUN, MR_INDEX_FILTER, MR_INDEX_META, MR_INDEX_TABLES };

/* Order: kind, hash, number. */
struct mr_index_entry {
    uint64_t hash; /* the first 63 bits of the key */
    uint64_t number;
    uint8_t kind;
};

uint64_t mr_index_hash(const uint8_t key[static MR_INDEX_KEY_BYTES]);
int mr_index_entry_compare(const struct mr_index_entry *a, const struct mr_index_entry *b);
/* As qsort() by that; quick when the numbers of each kind ascend, as a batch puts them. */
void mr_index_sort(struct mr_index_entry *entries, size_t count);

/* ---- runs ---- */

enum mr_index_run_state {
    MR_INDEX_LIVE = 1,     /* answers */
    MR_INDEX_BUILDING = 2, /* a merge writes it; after a restart it is dropped */
    MR_INDEX_DROPPED = 3,  /* its rows are being deleted */
};

struct mr_index_run {
    uint64_t id; /* ascending in time, never used twice */
    uint64_t first, last;
    uint64_t entries;
    uint8_t state;
};

struct mr_index_runs {
    struct mr_index_run *items; /* by first, then id */
    size_t count, capacity;
};

/* Of one state, or of any (0). MR_ECORRUPT: a row that is none. */
int mr_index_runs_load(struct mr_kv_txn *txn, uint8_t state, struct mr_index_runs *ret);
void mr_index_runs_fini(struct mr_index_runs *runs);
int mr_index_run_decode(
        struct mr_index_run *run, struct mr_slice key, struct mr_slice value); /* MR_ECORRUPT */
int mr_index_run_put(struct mr_kv_txn *txn, const struct mr_index_run *run);
int mr_index_run_del(struct mr_kv_txn *txn, uint64_t id);

/* ---- blocks ---- */

enum {
    MR_INDEX_BLOCK_KEY_BYTES = 25,
    MR_INDEX_BLOCK_BYTES = 4080, /* one overflow page of LMDB */
};

void mr_index_block_key(
        uint64_t run, const struct mr_index_entry *first, uint8_t ret[static MR_INDEX_BLOCK_KEY_BYTES]);

/* Decoder: begins at the first entry. */
struct mr_index_block {
    struct mr_index_entry entry;
    const uint8_t *at, *end;
    uint64_t base; /* first number of the run */
};
int mr_index_block_open(struct mr_index_block *block, const struct mr_index_run *run, struct mr_slice key,
        struct mr_slice value);                        /* 0, MR_ECORRUPT */
int mr_index_block_next(struct mr_index_block *block); /* 1, 0 at the end, MR_ECORRUPT */

/* ---- filters: a split-block Bloom filter over the hashes of MR_INDEX_IDENT ---- */

struct mr_index_filter {
    uint8_t *row; /* head and blocks, as stored */
    size_t size;
};
int mr_index_filter_init(struct mr_index_filter *filter, uint64_t entries); /* MR_ENOMEM */
void mr_index_filter_fini(struct mr_index_filter *filter);
void mr_index_filter_add(struct mr_index_filter *filter, uint64_t hash);
int mr_index_filter_put(struct mr_kv_txn *txn, uint64_t run, struct mr_index_filter *filter);
/* Borrows from the snapshot. MR_ECORRUPT: there is none, or its head is damaged; then *ret is empty. */
int mr_index_filter_get(struct mr_kv_txn *txn, uint64_t run, struct mr_slice *ret);
int mr_index_filter_del(struct mr_kv_txn *txn, uint64_t run);
/* One more in a filter that is stored. A damaged one stays as it is. */
int mr_index_filter_grow(struct mr_kv_txn *txn, uint64_t run, uint64_t hash);
/* One for looking things up, as long as the row is there. */
struct mr_index_filter_view {
    const uint8_t *blocks; /* NULL: it is not used, and anything may be in the run */
    uint32_t count;
    uint32_t seed; /* CRC of the run's id */
};
struct mr_index_filter_view mr_index_filter_view(struct mr_slice row, uint64_t run); /* row as of get */
/* Fetches what the next one reads. */
void mr_index_filter_expect(const struct mr_index_filter_view *view, uint64_t hash);
/* May it be in the run? 1, 0, or MR_ECORRUPT: its block is damaged, and it may. */
int mr_index_filter_may(const struct mr_index_filter_view *view, uint64_t hash);
int mr_index_filter_check(struct mr_slice row, uint64_t run); /* all of it: 0, MR_ECORRUPT */
/* Any thread: for mr_index_mend(). Of several the one said last; a look-up says the others again. */
void mr_index_filter_damaged(struct mr_index *index, uint64_t run);

/* ---- writing a run: entries strictly ascending; failures are the transaction's ---- */

struct mr_index_out {
    struct mr_kv_txn *txn;
    struct mr_index_run *run;       /* counts its entries */
    struct mr_index_filter *filter; /* NULL: none */
    struct mr_index_entry last;
    size_t blocks; /* written */
    size_t size;   /* of the open block; 0: none is open */
    uint8_t key[MR_INDEX_BLOCK_KEY_BYTES];
    uint8_t bytes[MR_INDEX_BLOCK_BYTES];
};
void mr_index_out_begin(struct mr_index_out *out, struct mr_kv_txn *txn, struct mr_index_run *run,
        struct mr_index_filter *filter);
void mr_index_out_put(struct mr_index_out *out, const struct mr_index_entry *entry);
void mr_index_out_flush(struct mr_index_out *out); /* the open block, even if it is not full */

/* ---- reading a run in order ---- */

struct mr_index_scan {
    struct mr_kv_cursor *cursor; /* borrowed; of MR_INDEX_BLOCK */
    const struct mr_index_run *run;
    struct mr_index_block block; /* block.entry is where it stands */
};
/* 1: stands at the first entry >= wanted; 0: there is none; MR_ECORRUPT. */
int mr_index_scan_seek(struct mr_index_scan *scan, const struct mr_index_entry *wanted);
int mr_index_scan_next(struct mr_index_scan *scan);

/* Several runs as one, in order. */
struct mr_index_merged {
    struct mr_index_scan *scans;
    size_t *heap; /* of scans that stand at an entry */
    size_t count, left;
};
int mr_index_merged_open(struct mr_index_merged *merged, struct mr_kv_txn *txn,
        const struct mr_index_run *runs, size_t count, const struct mr_index_entry *from);
void mr_index_merged_close(struct mr_index_merged *merged);
const struct mr_index_entry *mr_index_merged_entry(const struct mr_index_merged *merged); /* NULL: the end */
int mr_index_merged_next(struct mr_index_merged *merged);                                 /* 0, MR_ECORRUPT */

/* ---- the index ---- */

/* A merge that goes on over several commits. id 0: none. */
struct mr_index_merging {
    struct mr_index_run run;
    struct mr_index_filter filter;
    struct mr_index_entry last; /* written and durable */
    bool begun;
};

struct mr_index {
    struct mr_kv *kv;
    bool read_only;
    _Atomic uint64_t through;
    _Atomic uint64_t damaged; /* run whose filter is; 0: none is known */
    pthread_mutex_t writing;  /* commit, merge, forget, clear */
    uint64_t next_run;
    struct mr_index_merging merging;
};

struct mr_index_batch {
    struct mr_index *index;
    struct mr_buf entries; /* struct mr_index_entry each */
};

void mr_index_merging_cancel(struct mr_index *index); /* its rows are dropped by later steps */

#endif
