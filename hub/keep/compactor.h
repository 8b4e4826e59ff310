/*
 * Behind the commit path, on a thread of its own: rolls the older part of the log into closed segments, lets
 * records expire whose term has passed (hub/keep/retention.h), and empties the slots that MR_LOG_STRIP names.
 * New files are written beside the old ones; the writer then commits the row that makes them count, and the
 * old ones go. Readers never stop (store/log_segment.h says why a kill at any point does no harm).
 *
 * It looks for work when it is woken, and every second for a log that has grown or a day that has passed.
 */
#ifndef MR_HUB_KEEP_COMPACTOR_H
#define MR_HUB_KEEP_COMPACTOR_H

#include "hub/intake/prepare.h"
#include "hub/keep/retention.h"

struct mr_compactor;

struct mr_compactor_options {
    struct mr_house *house;
    struct mr_writer *writer;
    struct mr_prepare *prepare; /* for the event of a run */
    /* An event of its own is durable: those who look for news may look. Its thread; may be NULL. */
    void (*news)(void *ctx);
    void (*stripped)(void *ctx); /* slots were emptied. Its thread; may be NULL */
    void *ctx;
};

int mr_compactor_start(
        struct mr_compactor **ret, const struct mr_compactor_options *options, struct mr_error *reterr);
void mr_compactor_wake(struct mr_compactor *compactor); /* any thread: there are rows in MR_LOG_STRIP */

/* Asks for a run of retention now; any thread. Returns what to wait for. */
uint64_t mr_compactor_ask(struct mr_compactor *compactor);

/* What one run did. */
struct mr_compactor_run {
    uint64_t ticket; /* of mr_compactor_ask(); 0: none of this process has ended */
    int64_t ended_us;
    int status; /* 0, or why it failed */
    uint64_t expired, held, waiting;
    int64_t freed_bytes; /* of segments; negative: they grew, by what was rolled into them */
};
/* 0 when the run of the ticket has ended (ret says how), MR_EAGAIN after timeout_ms, MR_ECLOSED. Not on the
 * loop. */
int mr_compactor_wait(
        struct mr_compactor *compactor, uint64_t ticket, int timeout_ms, struct mr_compactor_run *ret);

struct mr_compactor_stats {
    uint64_t segments, rolled; /* rolled: records in segments */
    uint64_t expired, stripped;
    uint64_t bytes;
    struct mr_compactor_run last; /* ended last */
    bool running;                 /* a run of retention, just now */
};
void mr_compactor_stats(struct mr_compactor *compactor, struct mr_compactor_stats *ret); /* any thread */

/* First: it submits nothing more. Then stop prepare and writer, and then this. */
void mr_compactor_quiet(struct mr_compactor *compactor); /* NULL is fine */
void mr_compactor_stop(struct mr_compactor *compactor);  /* NULL is fine */

#endif
