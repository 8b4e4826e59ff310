/*
 * The numbers above a cursor of which more is known than that they wait: tried before, or parked. Few; in
 * order. One thread.
 */
#ifndef MR_HUB_DELIVER_MARKS_H
#define MR_HUB_DELIVER_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mr_mark {
    uint64_t number;
    uint32_t attempt; /* that was made and failed; 0: none */
    bool parked;
};

struct mr_marks {
    struct mr_mark *items;
    size_t count, capacity;
};

void mr_marks_fini(struct mr_marks *marks);
const struct mr_mark *mr_marks_find(const struct mr_marks *marks, uint64_t number); /* NULL: none */
/* Found or made; valid until the next call. NULL: out of memory. */
struct mr_mark *mr_marks_put(struct mr_marks *marks, uint64_t number);
void mr_marks_pass(struct mr_marks *marks, uint64_t through); /* forgets them up to here */

#endif
