/*
 * Fault points: named places where a test makes the process die or the disk fail. Compiled only with
 * MR_FAULT_POINTS (debug builds); else they cost nothing. Every point is in the one table below, so that a
 * test of all is complete.
 *
 *   MR_FAULT=name:nth:kill|stop|eio|enospc   at the nth hit (from 1) of the point, once: SIGKILL to itself;
 * SIGSTOP, until somebody continues it; or that failure
 *   MR_FAULT=name:nth:wait              from the nth hit on, at each: the thread waits for a byte of the pipe
 * (mkfifo) that MR_FAULT_GATE names
 *   MR_FAULT_WHEN=FILE                  hits count only while there is such a file
 */
#ifndef MR_STORE_FAULT_H
#define MR_STORE_FAULT_H

#define MR_FAULT_TABLE(X)                                                                                    \
    X("store.fill.before")     /* writer: before a job fills the batch */                                    \
    X("store.commit.before")   /* log: batch filled, nothing durable */                                      \
    X("store.commit.after")    /* log: durable, nobody told; a failure here cannot be a disk's: only kill */ \
    X("store.done.before")     /* writer: durable, before a job's done(); only kill */                       \
    X("segment.write.before")  /* compactor: a new segment is begun */                                       \
    X("segment.rename.before") /* compactor: it is written under its working name */                         \
    X("segment.rename.after")  /* compactor: it has its name, and no row */                                  \
    X("segment.row.before")    /* batch: its row is put */                                                   \
    X("segment.trim.before")   /* batch: records that it has are taken out of the growing environment */     \
    X("segment.strip.before")  /* batch: slots of a record there are emptied */                              \
    X("segment.remove.before") /* compactor: an older generation is removed */                               \
    X("owed.settle")           /* compactor: records expired durably, index and views have them still */     \
    X("index.commit.before")   /* indexer: a new run is there, nothing of it durable */                      \
    X("view.commit.before")    /* indexer: the same of new facts */                                          \
    X("kv.copy")               /* compaction, escrow: before an environment is copied */                     \
    X("kv.swap")               /* compaction: the copy is durable and open, before it takes the name */      \
    X("kv.swapped")            /* compaction: it has the name, which is not durable */                       \
    X("keys.erase.root")       /* erasure: before the next root key is written */                            \
    X("keys.erase.commit")     /* erasure: the next root key is there, keys/ before its commit */            \
    X("keys.erase.committed")  /* erasure: durable; only kill */                                             \
    X("keys.escrow.root")      /* before the root key is written into escrow */                              \
    X("keys.escrow.keys")      /* before keys/ is copied into escrow */                                      \
    X("keys.escrow.forget")    /* both confirmed, before older ones in escrow are destroyed */               \
    X("keys.erase.destroy")    /* before the old root key is destroyed here */                               \
    X("keys.erase.destroyed")  /* it is; only kill */                                                        \
    X("erase.requested")       /* request: said, the person is not blocked yet */                            \
    X("erase.collected")       /* eraser: a step is done, and not yet noted; so the ones below */            \
    X("erase.told")                                                                                          \
    X("erase.cleaned")                                                                                       \
    X("erase.drafted") /* eraser: the act is drafted, what is to be stripped is not noted */                 \
    X("erase.ready")                                                                                         \
    X("erase.keys") /* eraser: the keys are gone, that of the request too, and it is not noted */            \
    X("erase.destroyed")                                                                                     \
    X("erase.confirmed")                                                                                     \
    X("erase.stripped")                                                                                      \
    X("erase.written")                                                                                       \
    X("erase.completed")                                                                                     \
    X("erase.saved")    /* eraser: a step is noted */                                                        \
    X("erase.answered") /* eraser: a notice's key is gone, the answer is not noted */                        \
    X("desk.discarded") /* desk: the discarding is said, the body's key is there */                          \
    X("desk.proposed")  /* desk: a correction is proposed durably, nobody told */                            \
    X("desk.corrected") /* desk: it is approved and taken, the proposal's key is there */                    \
    X("desk.rejected")  /* desk: it is rejected, the proposal's key is there */                              \
    X("desk.emptied")   /* desk: the proposal's key is gone, its row is there */                             \
    X("restore.begun")  /* restore: its folder beside is there, and empty */                                 \
    X("restore.copied") /* restore: all is beside, nothing is in place */                                    \
    X("restore.keys")   /* restore: keys/ is in place, log/ is not */                                        \
    X("restore.log")    /* restore: log/ is in place */                                                      \
    X("rebuild.built")  /* rebuild --check: all is built beside */                                           \
    X("question.told")  /* a question of the tool: how far it is was told; only wait */

#ifdef MR_FAULT_POINTS

/* 0, or the negative failure that the point is told to give. Any thread. */
int mr_fault_hit(const char *name);
/* As MR_FAULT in the environment, for tests in the same process; NULL: none. Not while other threads hit
 * points. */
void mr_fault_set(const char *spec);
/* How often the point that was asked for was reached since. */
unsigned mr_fault_hits(void);

#define MR_FAULT(name) mr_fault_hit(name)
#else
#define MR_FAULT(name) 0
#endif

#endif
