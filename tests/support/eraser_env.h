/*
 * A hub_env with an indexer, an eraser, and as much of a compactor as empties slots: for unit tests of
 * hub/erasure.
 */
#ifndef MR_TESTS_ERASER_ENV_H
#define MR_TESTS_ERASER_ENV_H

#include "hub/erasure/eraser.h"
#include "hub/index/indexer.h"
#include "hub/record/seal.h"
#include "tests/support/hub_env.h"

#define SNILS_ANNA "11223344595"
#define SNILS_OLGA "08765430300"

struct eraser_env {
    struct hub_env *env;
    struct mr_indexer *indexer;
    struct mr_eraser *eraser;
    bool compactor_away;
    struct hub_env *elsewhere; /* where the indexer works; NULL: here */
};

/* What a request looks like now. */
struct eraser_seen {
    struct mr_log *log;
    uint64_t number;
    uint32_t state; /* wanted */
    size_t wanted;  /* unanswered */
    uint32_t found;
    size_t notices, unanswered;
    uint64_t events, quarantined, ended;
};

/* cmocka fixtures; *state is the environment, everything runs. */
int eraser_env_setup(void **state);
int eraser_env_teardown(void **state);
void eraser_env_start(struct eraser_env *f);
void eraser_env_stop(struct eraser_env *f);

/* One event; its number. Wipes it. */
uint64_t eraser_env_publish(struct eraser_env *f, const char *system, struct mr_buf *event);
/* A deficit from copmkp. */
uint64_t eraser_env_deficit(struct eraser_env *f, const char *id, const char *snils, const char *local_id);
/* By pd-1. */
int eraser_env_request(struct eraser_env *f, const char *snils, uint64_t *ret, struct mr_error *reterr);
/* For mr_erasure_all, ctx a struct eraser_seen. */
int eraser_env_look(void *ctx, const mr_erasure_request *request);
/* Until the request is in the state. */
struct eraser_seen eraser_env_await(struct eraser_env *f, uint64_t number, uint32_t state);
/* The indexer looks away, or comes back: index and views stay where they are. */
void eraser_env_indexer_rests(struct eraser_env *f, bool rests);
void eraser_env_await_indexed(struct eraser_env *f);
/* What opening the record for the purpose gives. */
int eraser_env_open(struct eraser_env *f, uint64_t number, enum mr_purpose purpose);
/* The index, cleared and built anew, has the same content. */
void eraser_env_expect_as_rebuilt(struct eraser_env *f);

#endif
