/*
 * A log of made-up records for tests of segments: every third record has two slots, some are larger than a
 * page. What the compactor does, one step a call. All assert with cmocka.
 */
#ifndef MR_TESTS_SEGMENT_LOG_H
#define MR_TESTS_SEGMENT_LOG_H

#include "store/log_segment.h"

enum { SEGMENT_LOG_TRIM = 150 }; /* records that one call takes out */

typedef bool (*segment_log_fn)(uint64_t number);
bool segment_log_never(uint64_t number);
bool segment_log_sixth(uint64_t number); /* every sixth one */
bool segment_log_seventh(uint64_t number);

struct mr_log *segment_log_open(const char *dir);
void segment_log_append(struct mr_log *log, unsigned count);
/* "leaf-of-record-7" */
const char *segment_log_text(char out[static 64], const char *what, uint64_t number);

/* As it was appended, but for its remnant ("rest-of-record-7") and its slot 1. */
void segment_log_assert_record(const struct mr_record *have, bool expired, bool stripped);
/* All of them, one after the other and some by search; the tree over what was appended. */
void segment_log_assert(struct mr_log *log, uint64_t head, segment_log_fn expired, segment_log_fn stripped);

struct mr_log_segment segment_log_write(struct mr_log *log, uint64_t first, uint64_t last,
        uint32_t generation, mr_log_change_fn change, void *ctx);
void segment_log_put_row(struct mr_log *log, const struct mr_log_segment *segment);
bool segment_log_trim(struct mr_log *log); /* one commit of it; is there more? */
void segment_log_roll(struct mr_log *log, uint64_t first, uint64_t last); /* all of it, nothing changed */

#endif
