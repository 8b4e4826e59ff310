/*
 * Forgetting a person (docs/erasure.md, ADR 0009): takes requests, and carries the approved ones out on a
 * thread of its own, step by step. After each step the request's row says where it stands
 * (hub/erasure/rows.h), in the same commit as what the step did to the log; every step may be done again, so
 * that a kill at any moment goes on at the next start. What depends on others (an escrow place, the
 * compactor, answers of systems) is waited for and shown.
 */
#ifndef MR_HUB_ERASURE_ERASER_H
#define MR_HUB_ERASURE_ERASER_H

#include "hub/erasure/rows.h"
#include "hub/index/indexer.h"
#include "hub/intake/prepare.h"

struct mr_eraser;

struct mr_eraser_options {
    struct mr_house *house;
    struct mr_prepare *prepare;
    struct mr_indexer *indexer;
    void (*said)(void *ctx);  /* any thread: there is something new in the log; may be NULL */
    void (*strip)(void *ctx); /* any thread: there are rows of MR_LOG_STRIP to carry out; may be NULL */
    void *ctx;
};
int mr_eraser_start(struct mr_eraser **ret, const struct mr_eraser_options *options, struct mr_error *reterr);
void mr_eraser_wake(struct mr_eraser *eraser); /* any thread: look what there is to do */
void mr_eraser_news(struct mr_eraser *eraser); /* any thread: the log grew; looked at while answers are due */
/* Ends the step that runs; before prepare stops. What is called afterwards is told MR_ECLOSED. NULL is fine.
 */
void mr_eraser_stop(struct mr_eraser *eraser);
void mr_eraser_free(struct mr_eraser *eraser); /* nobody calls any more; NULL is fine */

/* Who is to be forgotten: by one of them. */
struct mr_erasure_wish {
    const char *person; /* hub id, hex */
    const char *snils;  /* any spelling */
    const char *system, *local_id;
    const char *basis;     /* code */
    const char *case_text; /* of whose file; sealed */
    const char *operator_name;
};

/*
 * Any thread that may wait, several at once. request: the person is blocked and the event durable when it
 * returns; MR_ENOTFOUND, MR_EDESTROYED, MR_EDENIED (legal hold: the refusal is an event), MR_EEXISTS (there
 * is one already). approve and reject: MR_EDENIED for whoever asked (approve only), MR_EINVAL in another
 * state.
 */
int mr_eraser_request(struct mr_eraser *eraser, const struct mr_erasure_wish *wish, uint64_t *ret_number,
        struct mr_error *reterr);
int mr_eraser_approve(
        struct mr_eraser *eraser, uint64_t number, const char *operator_name, struct mr_error *reterr);
int mr_eraser_reject(struct mr_eraser *eraser, uint64_t number, const char *operator_name, const char *code,
        struct mr_error *reterr);

/*
 * Legal holds on a person: in `keys/`, with a row of MR_LOG_HOLD and an event that name nobody. case_text is
 * sealed. place: MR_EDENIED while an approved erasure runs; *ret is the hold's id in hex. Whoever releases
 * names the person.
 */
enum { MR_ERASURE_HOLD_HEX_MAX = 33 };
int mr_eraser_hold(struct mr_eraser *eraser, const struct mr_erasure_wish *wish,
        char ret[static MR_ERASURE_HOLD_HEX_MAX], struct mr_error *reterr);
int mr_eraser_release(struct mr_eraser *eraser, const struct mr_erasure_wish *wish, const char *hold,
        struct mr_error *reterr);

struct mr_eraser_status {
    uint32_t requested;  /* wait for a second operator */
    uint32_t running;    /* approved, not completed */
    uint32_t overdue;    /* the legal term has passed */
    uint32_t unanswered; /* notices */
    char waits_for[48];  /* "escrow", "compactor" ...; "" */
};
void mr_eraser_status(struct mr_eraser *eraser, struct mr_eraser_status *ret); /* any thread */

/* What a running request waits for, as above; "" when it does not. Any thread. */
enum { MR_ERASER_WAITS_BYTES = 48 };
void mr_eraser_waits(struct mr_eraser *eraser, uint64_t number, char ret[static MR_ERASER_WAITS_BYTES]);

/* The case text of a request, for those who decide on it; the caller wipes. MR_EDESTROYED: it is over. */
int mr_erasure_case(
        const struct mr_house *house, uint64_t number, struct mr_buf *ret, struct mr_error *reterr);

#endif
