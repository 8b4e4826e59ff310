/* What the process that looks at a store holds: shared by reopened.c and finish.c. */
#ifndef MR_TESTS_REOPENED_INTERNAL_H
#define MR_TESTS_REOPENED_INTERNAL_H

#include <semaphore.h>

#include "hub/sign/log_key.h"
#include "hub/intake/prepare.h"
#include "tests/crash/replay/reopened.h"

struct look {
    const struct reopened *all;
    const struct history *history;
    uint64_t cut;
    const char *dir;
    int problem_fd;
    struct mr_config *config;
    struct mr_house house;
    struct mr_note_signer signer;
    struct mr_log_reader *reader;
    struct mr_record_view view;
    uint8_t (*idents)[MR_RECORD_IDENT_BYTES];
    uint64_t head;
    uint64_t own;  /* records of the hub itself */
    bool finished; /* what was to go has to be gone */
};

/* Threads of a hub on that store. */
struct again {
    struct mr_matcher *matcher;
    struct mr_writer *writer;
    struct mr_prepare *prepare;
    sem_t done;
};

/* Tells it and ends the process. */
__attribute__((format(printf, 2, 3), noreturn)) void look_found(
        const struct look *look, const char *what, ...);
void look_want(const struct look *look, int r, const char *what, const struct mr_error *error);

#endif
