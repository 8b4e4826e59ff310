/*
 * Rows of requests to erase a person (MR_LOG_DOCUMENT): what stands openly of a request, which names nobody,
 * and its secret, sealed under an item key of its own: who it is, where it was found, what to look for
 * elsewhere. The state is the place in the work: a kill goes on from it (hub/erasure/eraser.h). Any thread.
 */
#ifndef MR_HUB_ERASURE_ROWS_H
#define MR_HUB_ERASURE_ROWS_H

#include "erasure_row.pb-c.h"
#include "hub/house.h"
#include "proto/base/arena.h"
#include "proto/base/buf.h"

/* Values are in rows: never renumber. */
enum mr_erasure_state {
    MR_ERASURE_REQUESTED = 1, /* the person is blocked */
    MR_ERASURE_REJECTED = 2,
    MR_ERASURE_APPROVED = 3,
    MR_ERASURE_COLLECTED = 4,  /* it is known where the person occurs */
    MR_ERASURE_TOLD = 5,       /* the notices are in the log */
    MR_ERASURE_CLEANED = 6,    /* nothing of index and views leads to the events */
    MR_ERASURE_DESTROYED = 7,  /* the keys are gone, that of the request's secret too */
    MR_ERASURE_CONFIRMED = 8,  /* escrow has the new root, the old one is gone */
    MR_ERASURE_STRIPPED = 9,   /* the sealed parts are out of the log */
    MR_ERASURE_WRITTEN = 10,   /* the act is there */
    MR_ERASURE_COMPLETED = 11, /* the files were written anew without what was deleted */
    MR_ERASURE_READY = 12,     /* before DESTROYED: the act is drafted, what is to be stripped is noted */
    MR_ERASURE_STATES
};
const char *mr_erasure_state_name(uint32_t state);  /* "requested"; "unknown" */
const char *mr_erasure_state_title(uint32_t state); /* Russian */
/* Approved and not yet completed. */
bool mr_erasure_runs(uint32_t state);
/* In the order of the work, in which a rejected one is before all others. */
bool mr_erasure_reached(uint32_t state, enum mr_erasure_state wanted);

enum mr_notice_state { MR_NOTICE_WAITING = 1, MR_NOTICE_DONE = 2, MR_NOTICE_REFUSED = 3, MR_NOTICE_NONE = 4 };
const char *mr_notice_state_name(uint32_t state);

typedef Marshrut__Erasure__V1__Request mr_erasure_request;
typedef Marshrut__Erasure__V1__Secret mr_erasure_secret;

enum { MR_ERASURE_ARENA_BYTES = 64 << 20, MR_ERASURE_CODE_MAX = 40, MR_ERASURE_CASE_MAX = 500 };

/* Everything in the arena. MR_ENOTFOUND: no such request. */
int mr_erasure_read(struct mr_log_reader *reader, uint64_t number, struct mr_arena *arena,
        mr_erasure_request **ret, struct mr_error *reterr);
/* Ascending; the request is valid during the call. Until fn returns non-zero; returns that, 0, or negative.
 */
typedef int (*mr_erasure_fn)(void *ctx, const mr_erasure_request *request);
int mr_erasure_each(struct mr_log_reader *reader, mr_erasure_fn fn, void *ctx);
/* The same on a snapshot of its own. */
int mr_erasure_all(struct mr_log *log, mr_erasure_fn fn, void *ctx);

/* A row of the table `document` of a copy of the log. MR_ENOTFOUND: it is another one. */
int mr_erasure_row(
        struct mr_slice key, struct mr_slice value, struct mr_arena *arena, mr_erasure_request **ret);
/* The batch of mr_keyring_erase() that destroys the person. */
void mr_erasure_batch_of(uint64_t request, uint8_t ret[static 16]);

/* Persons of whom no fact is left: erased, and derived data cleaned of them. */
int mr_erasure_persons(struct mr_log *log, uint64_t *ret);

/* The number of the request on which a record was emptied; 0: there are several that it may have been. */
int mr_erasure_of(struct mr_log *log, uint64_t record, uint64_t *ret);

int mr_erasure_put(struct mr_log_batch *batch, const mr_erasure_request *request);

/* Seals and opens with the request's item key. MR_EDESTROYED: it is over. */
int mr_erasure_secret_seal(
        const struct mr_slot_key *key, uint64_t number, const mr_erasure_secret *secret, struct mr_buf *out);
int mr_erasure_secret_put(struct mr_log_batch *batch, uint64_t number, struct mr_slice sealed);
int mr_erasure_secret_drop(struct mr_log_batch *batch, uint64_t number);
int mr_erasure_secret_read(struct mr_log_reader *reader, const mr_erasure_request *request,
        const struct mr_slot_key *key, struct mr_arena *arena, mr_erasure_secret **ret);

/* A code of small letters, digits and '-', beginning with a letter, and no СНИЛС in it: it names nobody. */
bool mr_erasure_code_ok(const char *text);

#endif
