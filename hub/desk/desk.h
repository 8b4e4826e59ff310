/*
 * The desk of the quarantine (ADR 0017, 0018): what waits for correction is released as it is, corrected by
 * two operators, or discarded. Each of them is one commit: the new record, the hub's event about it, and the
 * row of what waited. A thread of its own releases what waited behind another one, in the order of the log,
 * and destroys bodies that are not needed any more: at once what is discarded, the rest 30 days after it
 * ended, and corrections that nobody has approved in time.
 */
#ifndef MR_HUB_DESK_DESK_H
#define MR_HUB_DESK_DESK_H

#include <jansson.h>

#include "hub/intake/prepare.h"
#include "proto/wire/codec.h"

struct mr_desk;

struct mr_desk_options {
    struct mr_house *house; /* the thread's own */
    struct mr_prepare *prepare;
    void (*said)(void *ctx); /* any thread: there is something new in the log; may be NULL */
    void (*owes)(void *ctx); /* any thread: the index owes something (hub/index/owed.h); may be NULL */
    void *ctx;
};
int mr_desk_start(struct mr_desk **ret, const struct mr_desk_options *options, struct mr_error *reterr);
void mr_desk_wake(struct mr_desk *desk); /* any thread: something waits no longer; NULL is fine */
/* Ends what runs; before prepare stops. What is called afterwards is told MR_ECLOSED. NULL is fine. */
void mr_desk_stop(struct mr_desk *desk);
void mr_desk_free(struct mr_desk *desk); /* nobody calls any more; NULL is fine */

/* Who acts, and what allows it: a reference that names nobody; may be empty. */
struct mr_desk_word {
    const char *operator_name;
    const char *role;
    const char *reason;
};

struct mr_desk_done {
    uint64_t number; /* of the new record; 0: none */
    uint64_t event;  /* of the hub's event about it */
};

/*
 * Any thread that may wait, several at once; with the house of the caller's turn. MR_ENOTFOUND; MR_EINVAL: it
 * does not wait any more, or would wait again (the words say why; the row gets them too); MR_EDESTROYED,
 * MR_EEXPIRED, MR_ECORRUPT: there is no body.
 */
int mr_desk_release(struct mr_desk *desk, const struct mr_house *house, uint64_t number,
        const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr);
/* The body's key is destroyed when it returns. */
int mr_desk_discard(struct mr_desk *desk, const struct mr_house *house, uint64_t number,
        const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr);

/* ---- a correction, by two operators ---- */

/* One of the two. */
struct mr_desk_change {
    const json_t *set;   /* object: path -> text; hub/desk/correction.h */
    const json_t *event; /* a whole CloudEvents object in the place of the one that waits */
};
struct mr_desk_proposed {
    uint64_t event; /* number of the hub's event about it */
    int64_t expires_us;
    json_t *fields; /* paths of what differs, none: more than are listed; a new reference */
};
/*
 * Any thread that may wait. The content is sealed under a key of its own. It is what the rules for a system's
 * events take, now; whether the person is known shows when it is approved. MR_EEXISTS: another proposal
 * waits; MR_EBLOCKED: a person in it; MR_EINVAL: nothing is changed, or it breaks a rule; else as of release.
 */
int mr_desk_propose(struct mr_desk *desk, const struct mr_house *house, uint64_t number,
        const struct mr_desk_change *change, const struct mr_desk_word *word, struct mr_desk_proposed *ret,
        struct mr_error *reterr);
/* As of release, with what was proposed. proposal: number of the event of the one that was looked at.
 * MR_EDENIED: by who proposed it; MR_ENOTFOUND: nothing is proposed; MR_ECHANGED: another one is by now.
 * The proposal stays when it would not be taken now. */
int mr_desk_approve(struct mr_desk *desk, const struct mr_house *house, uint64_t number, uint64_t proposal,
        const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr);
/* The event goes on waiting. The proposal's key is destroyed when it returns. */
int mr_desk_reject(struct mr_desk *desk, const struct mr_house *house, uint64_t number,
        const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr);

/* Before the values of an event that waits are shown: 0, or MR_EBLOCKED, as far as a person is known by the
 * identifiers in it. system: who has sent it. */
int mr_desk_may_show(
        struct mr_desk *desk, const char *system, const struct mr_event *event, struct mr_error *reterr);

#endif
