/*
 * Publish from producers: in sequence, within window and limits, to the prepare thread; and the
 * acknowledgement after the commit. What a producer has in flight belongs to the system, not to the session:
 * a client that comes back while its batch is being committed gets the answer of that batch, and does not
 * send it twice. Loop thread.
 */
#ifndef MR_HUB_SESSION_PUBLISH_H
#define MR_HUB_SESSION_PUBLISH_H

#include "hub/job.h"
#include "hub/intake/prepare.h"
#include "hub/session/quota.h"
#include "hub/session/session.h"
#include "hub/session/verdict_log.h"

struct mr_producer {
    uint64_t epoch;
    uint64_t stored;                           /* every sequence up to here has a durable verdict */
    uint64_t submitted;                        /* ... or is with the prepare thread or the writer */
    uint64_t verdicts[MR_VERDICT_REFUSED + 1]; /* given since the start, by enum mr_verdict */
    struct mr_quota quota;
    bool rewound; /* told to resume after `submitted`: what was sent before it knew is dropped silently */
};

struct mr_publish {
    const struct mr_house *house;
    struct mr_sessions *sessions;
    struct mr_prepare *prepare;
    struct mr_jobs *jobs;
    struct mr_receipt_queue *receipts; /* NULL: none are given */
    struct mr_log_reader *reader;
    struct mr_producer *producers;          /* one a configured system, in its order */
    void (*done)(struct mr_intake *intake); /* writer thread: posts to the hub's mailbox */
    void *owner;
    struct mr_verdict_log verdict_log;
    bool read_only; /* the log has no space */
    bool stopping;
};

int mr_publish_open(
        struct mr_publish *publish, struct mr_error *reterr); /* the other members are set by the hub */
void mr_publish_close(struct mr_publish *publish);
/* Producers for the systems of a configuration that follows the house's. 0 or a failure: nothing changed. */
int mr_publish_take(struct mr_publish *publish, const struct mr_config *config);

/* Most events of the system that may be unacknowledged. */
uint32_t mr_publish_window(const struct mr_config *config, const struct mr_config_system *system);

/* A session begins. Returns the last sequence of this epoch with a durable verdict. Epoch 0: it does not
 * publish, and what is known of the system's numbering stays as it is. */
uint64_t mr_publish_hello(
        struct mr_publish *publish, struct mr_session *session, uint64_t epoch, uint64_t acknowledged);
void mr_publish_repeat_verdicts(
        struct mr_publish *publish, struct mr_session *session, uint64_t acknowledged);
void mr_publish_frame(
        struct mr_publish *publish, struct mr_session *session, const Marshrut__Bus__V1__Publish *frame);
void mr_publish_seen(struct mr_publish *publish, struct mr_session *session, uint64_t through);

/* Counts what a system sends against its events_per_s and bytes_per_s. 0: it may; else ms until it may. */
uint32_t mr_publish_quota(
        struct mr_publish *publish, const struct mr_config_system *system, uint64_t events, uint64_t bytes);

/* What became of what a system sent, over whichever way: counted for it, and logged where something is to be
 * mended. The intake is durable. */
void mr_publish_count(struct mr_publish *publish, const struct mr_intake *intake);
/* One that could not be read from its JSON: refused before it was an event. */
void mr_publish_count_unreadable(
        struct mr_publish *publish, const struct mr_config_system *system, const char *code);

/* The intake's commit is durable: acknowledge it to the session that its producer has now, if any. */
void mr_publish_durable(struct mr_publish *publish, const struct mr_intake *intake);

/* Fills an acknowledgement from an intake; results and texts borrow from it. For durable() and tests. */
int mr_publish_ack(Marshrut__Bus__V1__PublishAck *ret, Marshrut__Bus__V1__PublishResult *results,
        Marshrut__Bus__V1__PublishResult **pointers, const struct mr_intake *intake);

#endif
