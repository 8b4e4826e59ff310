/*
 * Legal holds on ranges of numbers and on types: rows of MR_LOG_HOLD, each put and taken away with the hub's
 * event of it. A hold on a person is in `keys/` (store/hold.h); its row here says only that there is one.
 */
#ifndef MR_HUB_KEEP_HOLD_ROWS_H
#define MR_HUB_KEEP_HOLD_ROWS_H

#include "proto/base/buf.h"
#include "store/log.h"

enum { MR_HOLD_ROW_KEY_BYTES = 16, MR_HOLD_TYPE_MAX = 128, MR_HOLD_CASE_MAX = 200 };
enum mr_hold_kind { MR_HOLD_NUMBERS = 1, MR_HOLD_TYPE, MR_HOLD_PERSON, MR_HOLD_KINDS };

struct mr_hold_row {
    enum mr_hold_kind kind;
    uint64_t from, to; /* numbers, inclusive; zeros for the other kinds */
    int64_t at_us;
    char type[MR_HOLD_TYPE_MAX + 1]; /* one that ends in '.' is a beginning; "" for the other kinds */
    char case_reference[MR_HOLD_CASE_MAX + 1];
    char operator_name[33]; /* who placed it */
};

const char *mr_hold_kind_name(enum mr_hold_kind kind); /* "numbers", "type", "person" */
/* Appends. 0 or MR_ENOMEM. */
int mr_hold_row_encode(struct mr_buf *out, const struct mr_hold_row *row);
int mr_hold_row_decode(struct mr_hold_row *ret, struct mr_slice value); /* 0 or MR_ECORRUPT */
/* Numbers and types only. */
bool mr_hold_row_holds(const struct mr_hold_row *row, uint64_t number, const char *type);

#endif
