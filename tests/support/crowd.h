/*
 * Many systems on one hub, from one thread or from several processes: each speaks the protocol as an adapter
 * does (numbering, resume, inbox), publishes events that are addressed to the others in turn, and checks what
 * it gets: every event of every producer once, in that producer's order, none left out. Each may be away or
 * hang. Fails the test.
 */
#ifndef MR_TESTS_CROWD_H
#define MR_TESTS_CROWD_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/wire/frame.h"
#include "tests/support/spawn.h"

/* The step between having an event and having noted it, for processes that are killed in it. */
struct crowd_taking {
    bool under_way;
    size_t producer;
    uint64_t event, number, received;
};

/* In memory that the processes share: outbox and inbox outlive who is killed. */
struct crowd_member {
    char name[16];
    pid_t owner; /* the process that has connected it */
    struct crowd_taking taking;
    struct mr_curvekey key;
    void *zmq;     /* the caller's own context for it; NULL: that of the crowd */
    void *socket;  /* NULL: away */
    bool welcomed; /* in this session */
    bool hung;     /* it reads nothing and answers nothing */
    bool broken;   /* the hub has ended its session, or went */
    int64_t heard_us;
    uint64_t made;     /* its outbox: events 1 to this are there */
    uint64_t sent;     /* ... up to here in this session */
    uint64_t acked;    /* ... have a durable verdict */
    uint64_t number;   /* its inbox: log number of the event taken last */
    uint64_t received; /* how many it has taken */
    uint64_t again;    /* how many came that it had already */
    uint64_t refusals; /* that were not fatal */
};

struct crowd {
    struct spawn spawn;
    void *zmq;
    struct crowd_member *members;
    size_t count;
    uint64_t *last; /* [receiver * count + producer]: the producer's event that came last */
    struct mr_arena arena;
    struct mr_buf out;
    int64_t silence_us; /* so long without a word of the hub, and the connection is given up; 0: not */
};

/* The configuration of `count` systems, each with a subscription of its own. endpoint: where the hub listens;
 * NULL: on loopback. hub: more keys of the section hub, as in spawn_init_hub(). The hub is the caller's to
 * start: crowd->spawn. */
void crowd_init(struct crowd *crowd, size_t count, const char *endpoint, const char *hub);
void crowd_fini(struct crowd *crowd); /* the hub, too */

void crowd_connect(struct crowd *crowd, size_t member);
void crowd_leave(struct crowd *crowd, size_t member); /* without a word */
void crowd_mend(struct crowd *crowd);                 /* who is broken leaves and connects anew */
void crowd_publish(struct crowd *crowd, size_t member, size_t events); /* puts them into its outbox */

/* Waits up to timeout_ms for something to read, and does what there is to do for everybody. */
void crowd_turn(struct crowd *crowd, int timeout_ms);
/* Turns until fn(crowd) is true; fails with `what` after the deadline. */
void crowd_until(
        struct crowd *crowd, const char *what, bool (*fn)(const struct crowd *crowd), int deadline_ms);

/* A process that connects the members from `from` to below `to` and serves them until it is killed; what it
 * finds wrong ends it with SIGABRT. The caller may have none connected itself. */
pid_t crowd_fork(struct crowd *crowd, size_t from, size_t to);

bool crowd_all_welcomed(const struct crowd *crowd); /* of those who are not away */
bool crowd_all_acked(const struct crowd *crowd);
bool crowd_all_received(const struct crowd *crowd); /* everything that everybody has published */

/* The hub has no session of any member from `from` to below `to`. */
bool crowd_is_away(const struct crowd *crowd, size_t from, size_t to);
void crowd_expect_balance(const struct crowd *crowd);
long crowd_hub_kib(const struct crowd *crowd); /* its anonymous memory */

#endif
