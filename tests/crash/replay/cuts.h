/* Moments of a trace at which the power fails: for each the folder is made anew and opened. */
#ifndef MR_TESTS_CUTS_H
#define MR_TESTS_CUTS_H

#include "tests/crash/replay/disk.h"
#include "tests/crash/replay/reopened.h"
#include "tests/crash/replay/scene.h"

enum { CUTS_AT_ONCE = 2 };

struct cut {
    uint64_t at; /* entries of the trace that happened */
    enum disk_choice choice;
    uint64_t seed;
    char *dir;
    struct reopened_run run;
};

struct cuts {
    const struct scene *scene;
    reopened_finish_fn finish; /* as of struct reopened */
    const void *finish_ctx;
    bool quiet; /* findings are expected: they are counted, not told */
    struct reopened reopened;
    struct cut open[CUTS_AT_ONCE];
    size_t open_count;
    uint64_t done, bad; /* the folder of the first bad one is kept unless quiet */
};

/* `count` moments between two of the trace, spread evenly with a random offset each; one may come twice. */
void cuts_make(struct cuts *cuts, uint64_t from, uint64_t to, uint64_t count);
/* Prints the counts, and fails the test when one was bad. */
void cuts_expect_good(const struct cuts *cuts);

/* The hub's configuration, so that `dir` can be opened. */
void cuts_copy_config(const struct scene *scene, const char *dir);
/* A new folder, in memory where there is such a place: thousands of stores are made and synced. */
char *cuts_folder(void);

#endif
