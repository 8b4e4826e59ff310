/* Runs one of our programs to its end and keeps what it printed. */
#ifndef MR_TESTS_RUN_PROGRAM_H
#define MR_TESTS_RUN_PROGRAM_H

#include "proto/base/buf.h"

enum { RUN_PROGRAM_SECONDS = 180 };

struct run_program {
    const char *input; /* for standard input; NULL: nothing */
    int seconds_max;   /* 0: RUN_PROGRAM_SECONDS; the test fails when it takes longer */
    const char *mark;  /* put into the environment of the program and all that it starts; NULL: none */

    /* what came of it */
    int status; /* exit status; negative: the signal that ended it */
    struct mr_buf out, err;
};

/* argv[0]: the program's name in the build's bin folder; ends with NULL. */
void run_program(struct run_program *run, const char *const argv[]);
void run_program_fini(struct run_program *run);
/* What it printed, with a NUL at the end. */
const char *run_program_out(struct run_program *run);
const char *run_program_err(struct run_program *run);

/* How many processes with this mark there are now. */
int run_program_marked(const char *mark);

#endif
