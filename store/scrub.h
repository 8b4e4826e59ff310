/*
 * Scrubbing: one environment of the store is read from its first page to its last, and what is not as it must
 * be is named. Reads pages without LMDB (store/kv_pages.h), so that damage is told and not died of; changes
 * nothing. Checked: pages; the CRC of rows; records (CRC, bounds, number, time, leaf against the tree, key
 * ids known); the tree (each row against the one below it, checkpoints against its roots); rows of `keys/`
 * against their keys.
 *
 * Either whole, in one snapshot, or piece by piece with a place to go on from. One thread; blocking.
 */
#ifndef MR_STORE_SCRUB_H
#define MR_STORE_SCRUB_H

#include "proto/base/tick.h"
#include "store/keyring.h"
#include "store/kv.h"

/* Texts are valid during the call. */
struct mr_scrub_finding {
    const char *environment;
    const char *table; /* "" of the file as a whole */
    const char *what;
    const char *cure;
    uint64_t page;        /* 0: not of a page */
    uint64_t first, last; /* numbers of the records concerned; 0: none, or not known */
};
typedef void (*mr_scrub_fn)(void *ctx, const struct mr_scrub_finding *finding);

struct mr_scrub_options {
    const char *environment; /* "log", "keys", "index", "views" */
    const char *dir;         /* its folder */
    struct mr_kv *kv;        /* opened; NULL: nobody has it open, and dir is read */
    /* dir is a closed segment of this log: it has records only, the log their tree. NULL: none. */
    struct mr_kv *tree;
    /* For `keys`: rows are opened with their keys; for `log`: key ids are looked up. NULL: neither. Looks
     * into `keys` with LMDB: only after its pages were found sound. */
    struct mr_keyring *keyring;
    mr_scrub_fn fn;
    void *ctx;
    const struct mr_tick *tick; /* rows so far; NULL: nobody wants to know */
};

struct mr_scrub_counts { /* added to */
    uint64_t pages, rows, records, findings;
    /* Of a whole log: the tree over all its records, from row0. */
    uint64_t tree_size;
    uint8_t tree_root[32];
};

/* Where a piecewise scrub goes on; zeros: at the beginning. */
struct mr_scrub_place {
    char table[32];
    size_t key_size;
    uint8_t key[511];
};

/* All of it. 0, with findings or without; negative: it cannot be read at all (told as a finding too when
 * MR_ECORRUPT). MR_ENOTFOUND: no such environment. */
int mr_scrub(const struct mr_scrub_options *options, struct mr_scrub_counts *counts, struct mr_error *reterr);
/* At most rows_max rows. 1: there is more; 0: the end was reached, and the place is the beginning again.
 * Counts of tables and the free list are for the whole only. */
int mr_scrub_some(const struct mr_scrub_options *options, struct mr_scrub_place *place, uint64_t rows_max,
        struct mr_scrub_counts *counts, struct mr_error *reterr);

/* For scrubbing what is open already: its environment. */
struct mr_index;
struct mr_log;
struct mr_view;
struct mr_kv *mr_index_kv(struct mr_index *index);
struct mr_kv *mr_keyring_kv(struct mr_keyring *keyring);
struct mr_kv *mr_log_kv(struct mr_log *log);
struct mr_kv *mr_view_kv(struct mr_view *view);

/* A row of `keys` opened with its key, and what it points at. 0, MR_ECORRUPT. Any thread. */
int mr_keyring_check_row(
        struct mr_keyring *keyring, const char *table, struct mr_slice key, struct mr_slice value);

#endif
