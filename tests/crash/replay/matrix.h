/*
 * One store that lives through failures of all kinds, a cell of the fault matrix at a time: the hub is
 * started with one fault, clients go on until it has come to what must come of it; then the hub starts
 * without help, everything that was sent gets stored once, what was told is there, the checkpoints hold
 * (replay/reopened.h), and the balance adds up. A fault that is not met fails its cell.
 *
 * MR_CELL asks for the cells alone whose names have it.
 */
#ifndef MR_TESTS_MATRIX_H
#define MR_TESTS_MATRIX_H

#include "tests/crash/replay/cuts.h"

struct matrix;

/* What must come of a fault. */
enum outcome {
    KILLED,    /* the process is gone by SIGKILL */
    EXITS,     /* it says what failed, answers nothing more, and ends with EXIT_IO */
    WAITS,     /* no space: read-only, and on by itself; nobody loses anything */
    GOES_ON,   /* what was to be written is written later; or nobody can fail there: durable already */
    NOT_ASKED, /* there is no such failure here */
};

/* What the hub does in a cell besides taking events; NULL: nothing. */
struct matrix_job {
    const char *config, *hub;            /* as of scene_new() */
    void (*init)(struct matrix *matrix); /* before the first start; may be NULL */
    void (*prepare)(void *ctx);          /* the fault does not count yet; the hub may be started again */
    void (*go)(void *ctx);               /* it begins; the hub may end meanwhile */
    void (*finish)(void *ctx);           /* until it is done; the hub lives */
};

struct matrix {
    const struct matrix_job *job;
    void *ctx; /* of the job */
    struct scene *scene;
    struct disk *disk; /* the trace so far */
    const struct trace_entry *last;
    uint64_t entries;
};

struct matrix *matrix_new(const struct matrix_job *job, void *ctx);
void matrix_free(struct matrix *matrix);

/* cmocka fixtures: of the group, a store with a few events; of a test, away with what a failed one left. */
int matrix_group_setup(void **state);
int matrix_job_setup(void **state, const struct matrix_job *job, void *ctx); /* the same with a job */
int matrix_group_teardown(void **state);
int matrix_setup(void **state);

bool matrix_is_asked(const char *name);
/* fault: "MR_FAULT=..." or "MR_RECORD_FAIL=..."; met: the line that says that it was met. Fails the test. */
void matrix_cell(struct matrix *matrix, const char *fault, const char *met, enum outcome outcome);
/* The same for a hub that starts for the first time: it ends, and the next start makes what is missing. */
void matrix_first_start(const char *fault);

#endif
