/*
 * Records that have just become durable, as the writer got them: delivery has them from here while it looks
 * at the end of the log, and from the log when they are not here any more. They are kept until all who may
 * use them have gone past, never more than so many bytes, and never for longer than MR_FRESH_AGE_MS; who lags
 * further reads the log. Loop thread.
 */
#ifndef MR_HUB_DELIVER_FRESH_H
#define MR_HUB_DELIVER_FRESH_H

#include <stdbool.h>
#include <stddef.h>

#include "store/record.h"

struct mr_intake;
struct mr_fresh_batch;

enum {
    MR_FRESH_BYTES = 32 * 1024 * 1024, /* of memory: what a buffer has room for, not what is in it */
    MR_FRESH_AGE_MS = 10 * 1000
};

struct mr_fresh {
    struct mr_fresh_batch **batches; /* by number, from `first` up to `end`; a zeroed one is empty */
    size_t first, end, capacity;
    size_t bytes;
    size_t at; /* where the last one was found, or not */
};

void mr_fresh_init(struct mr_fresh *fresh);
void mr_fresh_clear(struct mr_fresh *fresh); /* wipes; what it takes goes, and it is usable again */
/* What lies before this number, as far as batches are whole before it. */
void mr_fresh_forget(struct mr_fresh *fresh, uint64_t before);
uint64_t mr_fresh_first(const struct mr_fresh *fresh); /* 0: nothing is here */

/* Keeps the records of an intake, when it is durable and there is room for them; they are taken out of it.
 * Now is of the monotonic clock; what is too old by then goes. */
void mr_fresh_keep(struct mr_fresh *fresh, struct mr_intake *intake, int64_t now_us);
/* What is too old goes. In so many milliseconds the next one will be: at least 1; 0: nothing is here. */
unsigned mr_fresh_age(struct mr_fresh *fresh, int64_t now_us);

/*
 * A record as mr_log_read() would give it; its slices live until the next turn of delivery. false: it is not
 * here.
 */
bool mr_fresh_find(struct mr_fresh *fresh, uint64_t number, struct mr_record_view *ret);

#endif
