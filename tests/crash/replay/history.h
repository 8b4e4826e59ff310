/*
 * What clients did with a hub and what they were told: events of two producers in batches, open and about
 * persons, some sent twice, some wrong; a receiver that acknowledges. For each event it is kept when (in
 * entries of the trace) its sender was told that it is stored, and under which number.
 */
#ifndef MR_TESTS_HISTORY_H
#define MR_TESTS_HISTORY_H

#include "proto/base/buf.h"
#include "tests/crash/replay/trace.h"
#include "tests/support/bus_client.h"

enum { HISTORY_EVENTS_MAX = 20000, HISTORY_EPOCH = 5 };
enum { HISTORY_COPMKP, HISTORY_PORTAL, HISTORY_PRODUCERS };

struct history_event {
    struct mr_buf bytes;
    bool wrong;       /* it will be quarantined */
    uint64_t told_at; /* entries of the trace when its sender knew; UINT64_MAX: never */
    uint64_t number;  /* of the log, as told; 0: not told which */
    /* It is to expire, or its person to be erased: from this moment on it may be gone, from that one on it
     * must be. UINT64_MAX: never. */
    uint64_t leaves_at, gone_at;
    int gone; /* MR_EEXPIRED, MR_EDESTROYED */
};

struct history_producer {
    int system; /* SPAWN_... */
    struct bus_client client;
    bool refused;                           /* read-only: to be sent again */
    uint64_t sent, told;                    /* sequences */
    size_t of_sequence[HISTORY_EVENTS_MAX]; /* sequence - 1 -> event */
    struct history_event events[HISTORY_EVENTS_MAX];
    size_t count;
    uint64_t told_at[HISTORY_EVENTS_MAX]; /* sequence - 1 -> as above */
};

struct history {
    uint64_t seed;
    struct spawn hub;
    struct trace trace;
    struct history_producer producers[HISTORY_PRODUCERS];
    struct bus_client receiver;
    uint64_t received; /* the last number delivered and acknowledged */
    size_t batches;
};

/* seed: the same events in the same batches. spawn and trace are the caller's to set up and start. */
struct history *history_new(uint64_t seed);
void history_free(struct history *history);

/* Connects to the running hub; what was sent and not told is sent again. */
void history_connect(struct history *history);
void history_disconnect(struct history *history);
/* One batch of one producer. Takes answers as they come; waits for them when `settle`. */
void history_step(struct history *history, bool settle);
/* The same, with a hub that may end: false when it is gone (and not yet waited for). */
bool history_step_or_gone(struct history *history);
/* One event of this producer; its index. Stolen. */
size_t history_send_unsettled(struct history *history, int producer, struct mr_buf *event);
/* A deficit of a person of its own, whom no other event names (serial < 1000), told:
 * its index of HISTORY_COPMKP. */
size_t history_send_person(struct history *history, unsigned serial, char ret_snils[static 12]);
/* From now on what the portal sent so far may expire; from now on it has. */
void history_expiring(struct history *history);
void history_expired(struct history *history);

/* Takes what has come, so that the hub hears of its clients while the test waits for something else. */
void history_serve(struct history *history);
/* Waits until everything that was sent was told. */
void history_settle(struct history *history);
/* Waits until a checkpoint covers all that was told. */
void history_await_signed(struct history *history);

/* Waits until the index has all of it. */
void history_await_indexed(struct history *history);

/* Waits until everything is delivered, and the cursors are durable. */
void history_await_delivered(struct history *history);

#endif
