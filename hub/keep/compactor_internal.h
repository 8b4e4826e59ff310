/* Shared by the compactor*.c files only. */
#ifndef MR_HUB_KEEP_COMPACTOR_INTERNAL_H
#define MR_HUB_KEEP_COMPACTOR_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "hub/keep/compactor.h"
#include "store/writer.h"

struct mr_compactor {
    struct mr_compactor_options options;
    struct mr_log_reader *reader; /* paused between two pieces of work */
    uint64_t trimmed;             /* the thread's own, as the next one */
    bool owing;                   /* index or views owe something that they have not come to yet */
    int64_t last_run_us;          /* when retention ran last; 0: never */
    pthread_t thread;
    atomic_bool stopping; /* set under the lock */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;  /* something to do, an answer, or stop */
    pthread_cond_t ended; /* a run has ended, or stop */
    bool woken;
    bool answered; /* the job or the intake is done, with this status */
    int status;
    uint64_t asked; /* tickets given out */
    struct mr_compactor_stats stats;
};

/* A job for the writer: fill() as in store/writer.h. Waits for its commit; MR_ECLOSED: the hub is stopping.
 */
struct compactor_job {
    struct mr_writer_job job;
    struct mr_compactor *compactor;
};
int mr_compactor_commit(struct mr_compactor *c, struct compactor_job *job);

/* An event of the hub's own, through prepare; waits for its commit. Takes the intake. */
int mr_compactor_publish(struct mr_compactor *c, struct mr_intake *intake);

bool mr_compactor_stopping(void *compactor);

/* ---- segments (compactor_segment.c) ---- */

/* Takes what segments have out of the growing environment. */
int mr_compactor_trim(struct mr_compactor *c);

struct compactor_range {
    uint64_t first, last;
    uint32_t generation;     /* of the new segment */
    mr_log_change_fn change; /* of the records */
    void *ctx;
    /* In the commit of the row: 1: go on, 0: it does not count any more, begin again; or negative. May be
     * NULL. */
    int (*agree)(void *ctx, struct mr_log_batch *batch);
};
/* Writes, commits the row, removes the generation before. 1: not agreed to. */
int mr_compactor_segment(
        struct mr_compactor *c, const struct compactor_range *range, struct mr_error *reterr);
/*
 * The next piece of the growing environment on its way into a segment, at most up to `last`: the last segment
 * goes on while it is small. false: nothing is left up to `last`.
 */
bool mr_compactor_piece(struct mr_compactor *c, uint64_t last, struct compactor_range *ret);
/* Rolls what the growing environment has too much. */
int mr_compactor_roll(struct mr_compactor *c, struct mr_error *reterr);
/* Segments for hub.status, out of a fresh snapshot. */
int mr_compactor_look(struct mr_compactor *c);

/* ---- what index and views owe to the log (compactor_owed.c) ---- */

/* Settles all of it (hub/index/owed.h); what they have not come to yet stays, c->owing says so. */
int mr_compactor_settle(struct mr_compactor *c);

/* ---- slots to empty (compactor_strip.c) ---- */

int mr_compactor_strip(struct mr_compactor *c, struct mr_error *reterr);

/* ---- retention (compactor_retain.c) ---- */

/* One run; *ret says what it did. */
int mr_compactor_retain(struct mr_compactor *c, struct mr_compactor_run *ret, struct mr_error *reterr);
/* Reads c->last_run_us from the log. */
int mr_compactor_last_run(struct mr_compactor *c);

#endif
