/*
 * Appends to a log as the hub's store path does: seal (leaf, commitments, slots, leaf hash), encode the
 * record, and one writer job a batch, so that sealing the next batch and the commit of this one go on at
 * once, as the prepare and the writer thread do. Left out is what the hub does before: sockets, decoding,
 * rights, repeats, resolving. One thread.
 */
#ifndef MR_HUB_TOOL_BENCH_APPENDER_H
#define MR_HUB_TOOL_BENCH_APPENDER_H

#include "hub/tool/bench_event.h"
#include "hub/tool/bench_house.h"

enum bench_mix { BENCH_OPEN, BENCH_SEALED, BENCH_MIXED }; /* MIXED: every fifth is about a person */
enum { BENCH_BATCH = 500, BENCH_SEALED_EVERY = 5 };

struct bench_appender;

/* batch: events a commit. persons: whom sealed events are about, in turn; NULL: open events only. Borrowed.
 */
int bench_appender_open(struct bench_appender **ret, struct mr_log *log, const struct mr_seal_person *persons,
        size_t persons_count, size_t batch);
void bench_appender_close(struct bench_appender *appender); /* NULL is fine */

/* Appends `count` events; durable when it returns. */
int bench_appender_run(struct bench_appender *appender, enum bench_mix mix, uint64_t count);
/* One batch into the writer's hands; returns before it is durable, unless two are on their way already. */
int bench_appender_batch(struct bench_appender *appender, enum bench_mix mix, uint64_t count);
int bench_appender_wait(struct bench_appender *appender); /* until everything is durable */

#endif
