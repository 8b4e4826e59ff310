/* A row sink that keeps what a mapper says, for tests of mappers. */
#ifndef MR_TESTS_ROW_SINK_H
#define MR_TESTS_ROW_SINK_H

#include "adapters/sdk/intake_file.h"
#include "proto/wire/codec.h"

enum { ROW_SINK_MAX = 256 };

struct row_sink {
    struct mr_row_sink sink; /* txn NULL: nothing is known of earlier files */
    struct mr_buf events[ROW_SINK_MAX];
    uint32_t event_lines[ROW_SINK_MAX];
    int events_count;
    struct {
        uint32_t line;
        char column[64];
        char problem[160];
    } problems[ROW_SINK_MAX];
    int problems_count;
    int rows;
    uint32_t row_line; /* the row announced last */
    struct mr_arena arena;
};

void row_sink_init(struct row_sink *sink);
void row_sink_fini(struct row_sink *sink);
/* Decoded; valid until fini. Fails the test when there is no such event. */
struct mr_event *row_sink_event(struct row_sink *sink, int index);
/* First event of that type from `from` on; -1. */
int row_sink_find(struct row_sink *sink, const char *type, int from);

#endif
