/* Shared by the files of hub/erasure: the eraser and the request that it works on. */
#ifndef MR_HUB_ERASURE_ERASER_INTERNAL_H
#define MR_HUB_ERASURE_ERASER_INTERNAL_H

#include <pthread.h>
#include <protobuf-c/protobuf-c.h>

#include "hub/erasure/eraser.h"
#include "hub/own.h"
#include "proto/wire/digest.h"
#include "store/erasure.h"

enum { MR_ERASER_WAITS = 32 };

struct mr_eraser {
    struct mr_eraser_options options;
    struct mr_house *house;
    pthread_mutex_t asking; /* one request, approval or rejection at a time */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t news;
    bool woken, stopping;
    struct mr_eraser_status status;
    struct {
        uint64_t number;
        char text[MR_ERASER_WAITS_BYTES];
    } waits[MR_ERASER_WAITS]; /* by the number's remainder: the younger of two wins */
    int64_t escrow_next_us;   /* the thread's: when the copies in escrow are made anew; monotonic */
    int64_t compact_next_us;  /* the thread's: no attempt before, somebody read for long; monotonic */
    uint64_t looked_through;  /* the thread's: answers up to here are taken; 0: not yet known */
};

/* One request at work. request and secret are the arena's; secret is NULL once it is over. */
struct mr_erasing {
    struct mr_eraser *eraser;
    struct mr_arena arena;
    struct mr_log_reader *reader;
    mr_erasure_request *request;
    mr_erasure_secret *secret;
    struct mr_slot_key key; /* of the secret */
    struct mr_error error;
};

/* A step: 0 done; 1 not yet, try again later (says why); negative: failed, tried again later too. */
enum { MR_STEP_DONE = 0, MR_STEP_WAIT = 1 };
int mr_step_wait(struct mr_erasing *e, const char *waits_for);

int mr_erasure_collect(struct mr_erasing *e);
/* What could not be read then, and can be now, is added; ret_back gets the u64 numbers. */
int mr_erasure_collect_again(struct mr_erasing *e, struct mr_buf *ret_back);
/* Proposed corrections in which the person is, or of events that go with the person. */
struct mr_identity;
int mr_erasure_proposals(struct mr_erasing *e, struct mr_identity *identity);
int mr_erasure_tell(struct mr_erasing *e);
int mr_erasure_clean(struct mr_erasing *e);
int mr_erasure_prepare(struct mr_erasing *e);
int mr_erasure_destroy(struct mr_erasing *e);
int mr_erasure_confirm(struct mr_erasing *e);
int mr_erasure_await_strip(struct mr_erasing *e);
int mr_erasure_write_act(struct mr_erasing *e);
int mr_erasure_complete(struct mr_erasing *e);

/* 0, with e->key and e->secret. MR_EDESTROYED: it is over, or the keys are gone already. */
int mr_erasing_open_secret(struct mr_erasing *e);

/* ---- damaged.c: records that cannot be read ---- */

uint64_t mr_erasure_damaged_count(const mr_erasure_request *request);
/* The next one behind *number (0: the first). */
bool mr_erasure_damaged_next(const mr_erasure_request *request, uint64_t *number);
/* These, ascending u64 as they are in memory; add: besides those that are known. */
int mr_erasure_damaged_set(struct mr_erasing *e, struct mr_slice numbers);
int mr_erasure_damaged_add(struct mr_erasing *e, struct mr_slice numbers);
void mr_erasure_damaged_say(const struct mr_erasing *e); /* a line of the log */
/* Once the keys are gone: what can be read again is emptied, and no longer one of them. */
int mr_erasure_damaged_finish(struct mr_erasing *e);

/* Answers of systems, and terms that have passed. */
int mr_erasure_answers(struct mr_eraser *eraser);

/*
 * Says events with the request's row. `set` (may be NULL) fills in what depends on the numbers, on the writer
 * thread; `rows` (may be NULL) puts others.
 */
struct mr_erasure_saying {
    struct mr_eraser *eraser;
    mr_erasure_request *request;
    struct mr_own_event *events;
    size_t count;
    void (*set)(struct mr_erasure_saying *saying);
    int (*rows)(struct mr_erasure_saying *saying, struct mr_log_batch *batch);
    struct mr_slice secret; /* sealed; empty: stays as it is */
    bool drop_secret;
    void *ctx;
};
int mr_erasure_say(struct mr_erasure_saying *saying, struct mr_error *reterr);
/* The request's row, with the secret when it is not NULL, in one commit, with no event; rows may be NULL. */
int mr_erasing_save_with(struct mr_erasing *e, enum mr_erasure_state state,
        int (*rows)(struct mr_erasure_saying *saying, struct mr_log_batch *batch), void *ctx);
int mr_erasing_save(struct mr_erasing *e, enum mr_erasure_state state);

/* An event of the hub's about request `number`; what: "started" makes hub.erasure.started.v1. */
int mr_erasure_event(struct mr_buf *out, const struct mr_house *house, const char *what, const char *id,
        const ProtobufCMessage *payload);

/* 2026-12-31 of a time. */
enum { MR_ERASURE_DATE_MAX = 11 };
const char *mr_erasure_date(int64_t wall_us, char out[static MR_ERASURE_DATE_MAX]);

/* Who is meant. MR_ENOTFOUND, MR_EINVAL, with words. The transaction's thread. */
int mr_erasure_find_person(struct mr_keyring_txn *txn, const struct mr_erasure_wish *wish,
        uint8_t ret[static MR_PERSON_ID_BYTES], struct mr_error *reterr);
/* The last request there is, and the one for this person that is not over (number 0: none). */
struct mr_erasure_other {
    uint64_t last, number;
    uint32_t state;
};
int mr_erasure_other(struct mr_eraser *eraser, const uint8_t person[static MR_PERSON_ID_BYTES],
        struct mr_erasure_other *ret);

/* Blocks and unblocks a person; one that is destroyed stays so. */
int mr_erasure_set_state(struct mr_eraser *eraser, const uint8_t person[static MR_PERSON_ID_BYTES],
        enum mr_person_state state);

/* Batch id of mr_keyring_erase for a step of a request: the same again after a kill. */
void mr_erasure_batch_id(uint64_t request, uint8_t step, uint64_t part, uint8_t ret[static 16]);
/* Erases persons or items on the prepare thread, and lets escrow confirm. persons: ids one after another. */
int mr_erasure_erase_keys(struct mr_eraser *eraser, struct mr_slice persons,
        const uint8_t batch_id[static 16], struct mr_erasure_result *ret, struct mr_error *reterr);
/* Confirms at the escrow places, and destroys the old root. */
int mr_erasure_finish_keys(struct mr_eraser *eraser, struct mr_error *reterr);

/* ---- escrow.c ---- */

const char *mr_erasure_escrow_word(const struct mr_house *house); /* "confirmed" or "none" */
/* Ends what an earlier process left of an erasure of keys, and makes the copies anew, a day after the last
 * time: that of keys/ is of use for whom it knows. Says how it went; a place that is not there is tried at
 * the next look around. */
void mr_erasure_keep_escrow(struct mr_eraser *eraser);

/* Adds slots to what is to be stripped of a record. Writer thread. */
int mr_erasure_strip(struct mr_log_batch *batch, uint64_t number, uint16_t slots);

#endif
