/*
 * Secondary indexes: derived, in their own environment, built behind the log in big batches by one thread,
 * with the number through which they are built in the same transaction. What lies behind that number is the
 * caller's to look at in the log itself (the tail). Keys that stand for a person's values are keyed digests,
 * never plain.
 *
 * A batch becomes a run: its entries in key order, in packed blocks that are never written again. Runs cover
 * ranges of numbers that follow each other; sixteen of a size are merged into one, in steps between the
 * batches (docs/storage.md, ADR 0010). A look-up asks each run, about 2 us each; for MR_INDEX_IDENT a filter
 * of 16 bits an entry answers for the runs that do not have it, with no reading of their blocks.
 *
 * Of a key 63 bits are kept. Two keys that agree in these are one to the index, once in 10^12 look-ups at
 * 10 million entries: whoever needs more compares with the record (its head has ident).
 */
#ifndef MR_STORE_INDEX_H
#define MR_STORE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"

enum { MR_INDEX_KEY_BYTES = 16 };

enum mr_index_kind {
    MR_INDEX_IDENT = 1,        /* keyed digest of (source, id): the numbers of an event and of its mendings */
    MR_INDEX_EVENT_ID = 2,     /* keyed digest of id, of any source */
    MR_INDEX_CORRELATION = 3,  /* keyed digest */
    MR_INDEX_SUBSCRIPTION = 4, /* u16 id in the first two bytes, zeros behind */
    MR_INDEX_TYPE = 5,         /* digest of the type name */
    MR_INDEX_ORGANISATION = 6, /* keyed digest */
    MR_INDEX_PERSON = 7,       /* digest under the person's key */
    MR_INDEX_DOCUMENT = 8,     /* keyed digest of a document's registration number */
    MR_INDEX_SYSTEM = 9,       /* u16 id of the sender in the first two bytes, zeros behind */
    MR_INDEX_DAMAGED = 10,     /* zeros: could not be read when it was its turn; may be of any key */
};
/* Those that come from inside of an event; the others come from the head of its record. */
#define MR_INDEX_INSIDE                                                                                      \
    (1u << MR_INDEX_EVENT_ID | 1u << MR_INDEX_CORRELATION | 1u << MR_INDEX_ORGANISATION |                    \
            1u << MR_INDEX_PERSON | 1u << MR_INDEX_DOCUMENT)

struct mr_index;
struct mr_index_batch;
struct mr_index_reader;

/* Not read_only: this process owns it. Failures as mr_log_open's; the cure for all of them is to delete and
 * rebuild. */
int mr_index_open(struct mr_index **ret, const char *dir, bool read_only, struct mr_error *reterr);
void mr_index_close(struct mr_index *index);
/* Last indexed log number. Any thread. A read-only index asks the store each time. */
uint64_t mr_index_through(struct mr_index *index);
int mr_index_maintain(struct mr_index *index); /* as mr_log_maintain */
/* mr_kv_compact (store/kv.h): after rows were deleted for good. Any thread without a batch or reader open. */
struct mr_kv_compaction;
int mr_index_compact(struct mr_index *index, struct mr_kv_compaction *ret, struct mr_error *reterr);

/*
 * The single builder. A batch gathers entries in memory (24 bytes each) and holds no transaction until its
 * commit, which writes them in key order. The same entry twice is one. Numbers are above the index's end and
 * not above `through` (asserted). Give it some 1,000 to 20,000 records.
 */
int mr_index_batch_begin(struct mr_index *index, struct mr_index_batch **ret);
int mr_index_batch_put(struct mr_index_batch *batch, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t number);
/* Frees in every case. through is not less than before (asserted). MR_ENOSPACE: nothing happened, build it
 * again. */
int mr_index_batch_commit(struct mr_index_batch *batch, uint64_t through);
/*
 * Instead of commit: its numbers are passed (asserted), and what was put belongs to records that could not be
 * read when it was their turn. One commit; an entry that is there already is no failure. Frees in every case.
 * Any thread of the owner. MR_ECORRUPT: a number has no run.
 */
int mr_index_batch_insert(struct mr_index_batch *batch);
void mr_index_batch_abort(struct mr_index_batch *batch);
int mr_index_clear(struct mr_index *index); /* everything, through = 0: before a rebuild */

/*
 * One step of what merging there is to do: a commit of at most 4 MiB. 1: there may be more; 0: nothing is
 * left. The builder's thread, between its batches; answers are the same before and after.
 */
int mr_index_merge(struct mr_index *index);
/*
 * The filter of a run that a look-up found damaged is made anew of the run's entries; look-ups read blocks in
 * its stead meanwhile. 1: *ret_run says which it was; 0: none is known. The builder's thread.
 */
int mr_index_mend(struct mr_index *index, uint64_t *ret_run);

/*
 * Erasure: takes entries out, in one commit. Those that are not there are no failure. Only what is indexed
 * by now can go: wait for mr_index_through() first. Old pages keep the bytes until the environment is
 * compacted. Any thread of the owner.
 */
struct mr_index_entry_ref {
    enum mr_index_kind kind;
    uint8_t key[MR_INDEX_KEY_BYTES];
    uint64_t number;
};
int mr_index_forget(struct mr_index *index, const struct mr_index_entry_ref *refs, size_t count);

/*
 * Retention: takes entries of these kinds (a bit each: 1 << kind) out whose number is in first..last and gone
 * says so; gone is asked for numbers outside of them too. Some commits of at most 1,024 blocks each, and what
 * is done stays done when one fails. The builder waits meanwhile: 0.09 s for a million records of which half
 * expired (mr-bench-index, release build, all in memory). Any thread of the owner.
 */
typedef bool (*mr_index_gone_fn)(void *ctx, uint64_t number);
int mr_index_thin(struct mr_index *index, uint32_t kinds, uint64_t first, uint64_t last,
        mr_index_gone_fn gone, void *ctx);

/* ---- looking up ---- */

/* A snapshot, of one thread. pause gives it back; renew before the next look-up. */
int mr_index_reader_open(struct mr_index *index, struct mr_index_reader **ret);
void mr_index_reader_close(struct mr_index_reader *reader); /* NULL is fine */
int mr_index_reader_renew(struct mr_index_reader *reader);
void mr_index_reader_pause(struct mr_index_reader *reader);
uint64_t mr_index_reader_through(const struct mr_index_reader *reader);
/* This identity is going to be looked for soon: what says in which run it may be is fetched from memory
 * meanwhile. */
void mr_index_reader_expect(
        const struct mr_index_reader *reader, const uint8_t ident[static MR_INDEX_KEY_BYTES]);
/* Numbers > after for a key, ascending, at most max (and INT_MAX). Returns how many, or negative:
 * MR_ECORRUPT when a block is damaged. */
int mr_index_reader_find(struct mr_index_reader *reader, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t after, uint64_t *ret_numbers, size_t max);
/* The same from the end: numbers < before, descending. */
int mr_index_reader_find_last(struct mr_index_reader *reader, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t before, uint64_t *ret_numbers, size_t max);

/* The same two with a snapshot of their own. Any thread. */
int mr_index_find(struct mr_index *index, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t after, uint64_t *ret_numbers, size_t max);
int mr_index_find_last(struct mr_index *index, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t before, uint64_t *ret_numbers, size_t max);

/* ---- care ---- */

/*
 * SHA-256 over every entry in order (u8 kind, u64 hash, u64 number, big-endian) and `through`: of the
 * content, however it is divided into runs. Reads every block and filter and checks them on the way:
 * MR_ECORRUPT with the run in reterr.
 */
int mr_index_digest(
        struct mr_index *index, uint8_t ret[static 32], uint64_t *ret_entries, struct mr_error *reterr);

struct mr_index_usage {
    uint64_t runs;
    uint64_t entries;
    uint64_t used_bytes; /* in use within the file */
    uint64_t file_bytes;
};
int mr_index_usage(struct mr_index *index, struct mr_index_usage *ret); /* any thread */

#endif
