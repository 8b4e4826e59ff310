/* Shared by the scrub*.c files only. */
#ifndef MR_STORE_SCRUB_INTERNAL_H
#define MR_STORE_SCRUB_INTERNAL_H

#include <stdbool.h>

#include "store/kv_pages.h"
#include "store/merkle.h"
#include "store/record.h"
#include "store/scrub.h"

/* A second cursor that keeps step with the table that is being read. */
struct scrub_pair {
    struct mr_kv_pages_cursor *cursor;
    struct mr_slice key, value;
    bool have;
};

struct scrub {
    const struct mr_scrub_options *options;
    struct mr_scrub_counts *counts;
    struct mr_kv_pages *pages;
    const char *table; /* being read */
    uint64_t row;      /* of this table so far */
    const char *environment;
    struct mr_kv_pages *tree; /* pages that have the tree: of a segment the growing environment's */
    struct mr_kv_pages *own_tree;
    bool whole; /* from its first row to its last in one snapshot */
    bool quiet; /* a second reading: its damage is told by the first */
    bool lost;  /* rows of this table were lost on the way to the next one */
    struct scrub_pair pair;

    /* of log/ */
    struct mr_record_view view;
    uint64_t next; /* number that must come; 0: any */
    int64_t recorded_us;
    struct mr_merkle_range range; /* over row0 so far */
    bool range_broken;
    struct scrub_segment *segments; /* as the rows say; the growing environment's */
    size_t segments_count;
    uint64_t segment_last; /* last number of the segment that is being read; 0: of none */
};

struct scrub_segment {
    uint64_t first, last;
    uint32_t generation;
};

int scrub_open(struct scrub **ret, const struct mr_scrub_options *options, struct mr_scrub_counts *counts,
        struct mr_error *reterr);
void scrub_close(struct scrub *s);
int scrub_tables(struct scrub *s); /* all of them, and the free list */

/* What the rows say. Damaged ones are told with their table. */
int scrub_segments_list(struct scrub *s);
int scrub_segments(struct scrub *s, struct mr_error *reterr); /* their files */

/* printf for a finding about the table that is being read. */
void scrub_tell(struct scrub *s, uint64_t first, uint64_t last, const char *what, ...)
        __attribute__((format(printf, 4, 5)));

int scrub_pair_open(struct scrub *s, const char *table, uint64_t index);
void scrub_pair_close(struct scrub *s);
/* The pair's row with this index in *ret; false: it is not there. */
bool scrub_pair_row(struct scrub *s, uint64_t index, struct mr_slice *ret);

/* What is known of a table. Members may be NULL. */
struct scrub_rule {
    const char *environment, *table; /* table NULL: any other of it */
    int (*begin)(struct scrub *s, uint64_t index);
    int (*row)(struct scrub *s, struct mr_slice key, struct mr_slice value);
    void (*end)(struct scrub *s);
};
int scrub_records_begin(struct scrub *s, uint64_t number);
int scrub_record(struct scrub *s, struct mr_slice key, struct mr_slice value);
void scrub_records_end(struct scrub *s);
int scrub_tree_begin(struct scrub *s, uint64_t index);
int scrub_tree_row(struct scrub *s, struct mr_slice key, struct mr_slice value);
void scrub_tree_end(struct scrub *s);
int scrub_index_block(struct scrub *s, struct mr_slice key, struct mr_slice value);
int scrub_index_run(struct scrub *s, struct mr_slice key, struct mr_slice value);
int scrub_index_filter_begin(struct scrub *s, uint64_t index);
int scrub_index_filter(struct scrub *s, struct mr_slice key, struct mr_slice value);
int scrub_checkpoint(struct scrub *s, struct mr_slice key, struct mr_slice value);

#endif
