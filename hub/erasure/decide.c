/* Approvals and rejections: said by operators, one at a time. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "event/erasure.pb-c.h"
#include "hub/erasure/eraser_internal.h"
#include "store/hold.h"

enum { EVENT_ID_MAX = 48 };

struct decision {
    struct mr_eraser *eraser;
    struct mr_arena arena;
    struct mr_log_reader *reader;
    mr_erasure_request *request;
    const char *operator_name;
    struct mr_error *error;
};

/* may: also in this state. */
static int open_decision(struct decision *d, uint64_t number, enum mr_erasure_state may)
{
    int r;

    mr_arena_init(&d->arena, MR_ERASURE_ARENA_BYTES);
    r = mr_log_reader_open(d->eraser->house->log, &d->reader);
    if (r == 0)
        r = mr_erasure_read(d->reader, number, &d->arena, &d->request, d->error);
    if (r == 0 && d->request->state != MR_ERASURE_REQUESTED && d->request->state != may)
        r = mr_error_set(d->error, MR_EINVAL, "request", "only one that waits can be decided on",
                "request No. %llu is %s", (unsigned long long)number,
                mr_erasure_state_name(d->request->state));
    return r;
}

static void close_decision(struct decision *d)
{
    mr_log_reader_close(d->reader);
    mr_arena_fini(&d->arena);
}

static int open_secret(struct decision *d, mr_erasure_secret **ret)
{
    struct mr_slot_key key;
    int r = mr_keyring_person_key(d->eraser->house->keyring, d->request->item.data, &key);

    if (r == 0)
        r = mr_erasure_secret_read(d->reader, d->request, &key, &d->arena, ret);
    sodium_memzero(&key, sizeof key);
    return r < 0 ? mr_error_set(d->error, r, "request", "", "the request cannot be read: %s", mr_err_text(r))
                 : 0;
}

/* Prepare thread. How many holds there are. */
static int count_holds(void *ctx, struct mr_keyring *keyring)
{
    struct mr_keyring_txn *txn;
    int r = mr_keyring_begin(keyring, &txn);

    if (r < 0)
        return r;
    r = mr_person_held(txn, ctx);
    mr_keyring_abort(txn);
    return r;
}

/* A hold may have come since the request; from the approval on none is placed (hold.c). */
static int check_held(struct decision *d, const mr_erasure_secret *secret)
{
    int r = mr_own_task(d->eraser->options.prepare, count_holds, secret->person.data);

    if (r > 0)
        return mr_error_set(d->error, MR_EDENIED, "request",
                "reject it, or release the hold when its case is over", "the person is under legal hold");
    return r;
}

/* The request may have failed at just that, and is there all the same. */
static int block(struct decision *d, const mr_erasure_secret *secret)
{
    int r = mr_erasure_set_state(d->eraser, secret->person.data, MR_PERSON_BLOCKED);

    return r < 0 ? mr_error_set(d->error, r, "keys", "approve it again", "the person is not blocked yet: %s",
                           mr_err_text(r))
                 : 0;
}

static void set_started(struct mr_erasure_saying *saying)
{
    saying->request->event_started = saying->events[0].number;
}

static int approve(struct decision *d)
{
    Nms__Event__V1__HubErasureStarted m = NMS__EVENT__V1__HUB_ERASURE_STARTED__INIT;
    struct mr_own_event event = {.bytes = MR_BUF_INIT};
    struct mr_erasure_saying saying = {
            .eraser = d->eraser, .request = d->request, .events = &event, .count = 1, .set = set_started};
    mr_erasure_secret *secret;
    char id[EVENT_ID_MAX];
    int r = open_secret(d, &secret);

    if (r == 0)
        r = check_held(d, secret);
    if (r < 0)
        return r;
    if (strcmp(d->request->requested_by, d->operator_name) == 0)
        return mr_error_set(d->error, MR_EDENIED, "operator", "let another operator approve it",
                "whoever asked for an erasure cannot approve it");
    if ((r = block(d, secret)) < 0)
        return r;
    m.request = d->request->number;
    m.basis = d->request->basis;
    m.actor = (char *)d->operator_name;
    m.requested_by = d->request->requested_by;
    m.persons = d->request->persons;
    d->request->state = MR_ERASURE_APPROVED;
    d->request->approved_by = (char *)d->operator_name;
    d->request->approved_us = mr_clock_wall_us(d->eraser->house->clock);
    (void)snprintf(id, sizeof id, "erasure-%llu-started", (unsigned long long)m.request);
    r = mr_erasure_event(&event.bytes, d->eraser->house, "started", id, &m.base);
    if (r == 0)
        r = mr_erasure_say(&saying, d->error);
    mr_own_fini(&event, 1);
    return r;
}

int mr_eraser_approve(
        struct mr_eraser *eraser, uint64_t number, const char *operator_name, struct mr_error *reterr)
{
    struct decision d = {.eraser = eraser, .operator_name = operator_name, .error = reterr};
    int r;

    (void)pthread_mutex_lock(&eraser->asking);
    r = open_decision(&d, number, MR_ERASURE_REQUESTED);
    if (r == 0)
        r = approve(&d);
    close_decision(&d);
    (void)pthread_mutex_unlock(&eraser->asking);
    mr_eraser_wake(eraser);
    return r;
}

static void set_rejected(struct mr_erasure_saying *saying)
{
    saying->request->event_ended = saying->events[0].number;
}

/* The row first: a kill before the person is unblocked is made good at the next start (mr_erasure_recover).
 */
static int reject(struct decision *d, const char *code, uint8_t person[static MR_PERSON_ID_BYTES])
{
    Nms__Event__V1__HubErasureRejected m = NMS__EVENT__V1__HUB_ERASURE_REJECTED__INIT;
    struct mr_own_event event = {.bytes = MR_BUF_INIT};
    struct mr_erasure_saying saying = {
            .eraser = d->eraser, .request = d->request, .events = &event, .count = 1, .set = set_rejected};
    mr_erasure_secret *secret;
    char id[EVENT_ID_MAX];
    int r = open_secret(d, &secret);

    if (r < 0)
        return r;
    memcpy(person, secret->person.data, MR_PERSON_ID_BYTES);
    m.request = d->request->number;
    m.actor = (char *)d->operator_name;
    m.code = (char *)code;
    d->request->state = MR_ERASURE_REJECTED;
    d->request->rejected_by = (char *)d->operator_name;
    d->request->code = (char *)code;
    d->request->ended_us = mr_clock_wall_us(d->eraser->house->clock);
    (void)snprintf(id, sizeof id, "erasure-%llu-rejected", (unsigned long long)m.request);
    r = mr_erasure_event(&event.bytes, d->eraser->house, "rejected", id, &m.base);
    if (r == 0)
        r = mr_erasure_say(&saying, d->error);
    mr_own_fini(&event, 1);
    return r;
}

int mr_eraser_reject(struct mr_eraser *eraser, uint64_t number, const char *operator_name, const char *code,
        struct mr_error *reterr)
{
    struct decision d = {.eraser = eraser, .operator_name = operator_name, .error = reterr};
    uint8_t person[MR_PERSON_ID_BYTES];
    int r;

    if (!mr_erasure_code_ok(code))
        return mr_error_set(reterr, MR_EINVAL, "reason",
                "give a code of small letters, digits and '-', as legal-duty", "no code");
    (void)pthread_mutex_lock(&eraser->asking);
    r = open_decision(&d, number, MR_ERASURE_APPROVED);
    if (r == 0)
        r = reject(&d, code, person);
    close_decision(&d);
    if (r == 0)
        r = mr_erasure_set_state(eraser, person, MR_PERSON_LIVE);
    (void)pthread_mutex_unlock(&eraser->asking);
    mr_eraser_wake(eraser);
    return r;
}
