/*
 * A store as it may lie on a disk, opened as the hub does at its start, and held against what clients were
 * told and what was signed before. In a process of its own: a crash is a finding too.
 */
#ifndef MR_TESTS_REOPENED_H
#define MR_TESTS_REOPENED_H

#include "tests/crash/replay/history.h"

enum { REOPENED_PROBLEM_MAX = 512, SIGNED_MAX = 1024 };

/* A checkpoint that was signed: its bytes were written to a file, durable or not. */
struct reopened_signed {
    uint64_t at; /* entries of the trace before it */
    const uint8_t *note;
    size_t size;
};

struct look;
struct again;

/* Brings to its end what was under way when the power failed; in the process that looks. */
typedef void (*reopened_finish_fn)(struct look *look, struct again *again, const void *ctx);

struct reopened {
    const struct history *history;
    reopened_finish_fn finish; /* NULL: there is nothing */
    const void *finish_ctx;
    struct reopened_signed notes[SIGNED_MAX];
    size_t notes_count;
};

/* Reads the notes out of the trace. */
void reopened_init(struct reopened *reopened, const struct history *history);

struct reopened_run {
    int pid;
    int pipe;
};

/*
 * Starts to look at `dir` (configuration, store, root key) as it was when the trace had `cut` entries: it
 * opens without help; what was told is there, with the bytes that were sent; nothing is there twice; numbers
 * have no gaps; the tree is that of the records, and extends every checkpoint that was signed; log.checkpoint
 * and log.key let it start; and what clients send again after that is stored once.
 */
void reopened_begin(struct reopened_run *run, const struct reopened *reopened, const char *dir, uint64_t cut);
/* Waits for it. True: all is as it should be; false: `problem` says what is not. */
bool reopened_end(struct reopened_run *run, char problem[static REOPENED_PROBLEM_MAX]);

#endif
