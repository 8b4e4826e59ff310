/*
 * marshrut bench: its subcommands, and the phases of `bench store`. These run in the order in which
 * cmd_bench_store.c has them, work in one temporary folder and add rows to one table; docs/bench-store.md
 * says what each row is. A phase fails with a negative code when something does not work, never because
 * something is slow.
 */
#ifndef MR_HUB_TOOL_BENCH_H
#define MR_HUB_TOOL_BENCH_H

#include <limits.h>

#include "hub/tool/bench_house.h"
#include "hub/tool/bench_result.h"

struct bench {
    char dir[PATH_MAX / 2]; /* temporary, removed at the end */
    uint64_t events;        /* N: of the large log */
    unsigned rounds;        /* of what is compared by turns */
    uint64_t round_events;
    double lag_seconds; /* how long events are offered to a running indexer */
    struct bench_house home;
    struct bench_results results;
    struct mr_error error;
};

/* Raw LMDB, open events, sealed events, by turns on empty logs; bytes on disk of each. The house is open. */
int bench_appending(struct bench *bench);
/* The large log: filled, appended to by turns with an empty one, indexed; lag under load. */
int bench_large(struct bench *bench);
/* The same, moved into closed segments by the compactor, as a hub does over time. */
int bench_rolling(struct bench *bench);
/* Of the large log: sequential reading, a person's history, inclusion proofs, full verification. */
int bench_reading(struct bench *bench);
/* Scrubbing, and commits while a backup is made. The house is closed, no thread runs. */
int bench_keeping(struct bench *bench);
/* Opening after kill -9, and the memory of a hub that has it open. The house is closed, no thread runs. */
int bench_starting(struct bench *bench);

/* Subcommands of `marshrut bench`: argv[0] is their name. Exit codes. */
int tool_bench_store(struct tool *tool, int argc, char **argv);
int tool_bench_bus(struct tool *tool, int argc, char **argv);
int tool_bench_keys(struct tool *tool, int argc, char **argv);

/* Progress, for people who wait. */
void bench_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
int bench_fail(struct bench *bench, int r, const char *where); /* sets error unless there is one; returns r */
/* Bytes that the files below a folder take on the disk. */
uint64_t bench_disk_bytes(const char *dir);

#endif
