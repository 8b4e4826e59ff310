/*
 * marshrut bench: the load on a bus. One thread a producer and one a consumer, each a system of its own with
 * a key and a session of its own, in one process; what they count comes together in struct load.
 */
#ifndef MR_HUB_TOOL_LOAD_H
#define MR_HUB_TOOL_LOAD_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/err.h"
#include "proto/config/config.h"

enum {
    LOAD_PEERS_MAX = 64, /* producers; consumers too */
    LOAD_EVENTS_MAX = 50 * 1000 * 1000,
    LOAD_WINDOW_MAX = 1024 * 1024,
    LOAD_RUN_MAX = 24,
    LOAD_SAMPLES_MAX = 1 << 20
};

struct load_options {
    uint64_t events; /* of all producers together */
    uint32_t size;   /* bytes of an event */
    uint32_t window; /* unacknowledged events of a producer */
    uint32_t batch;  /* events of a Publish */
    uint32_t producers;
    uint32_t consumers;
    uint32_t rate; /* events offered a second, of all producers together; 0: as fast as it goes */
    uint32_t index_lag;
    bool person;
    bool spawn;
    const char *dir;  /* of --spawn: where its folder is made */
    const char *keys; /* otherwise: the folder of the keys */
    const char *hub;  /* endpoint; NULL: of the configuration */
};

struct load {
    const struct load_options *options;
    const struct mr_config *config; /* of the hub */
    const char *endpoint;
    const char *keys;
    char run[LOAD_RUN_MAX]; /* ends the sources of this run's events, so that ids are new in each run */
    void *zmq;
    pthread_barrier_t ready; /* everybody is in session, or has failed */
    pthread_barrier_t begin; /* start_us is set */
    int64_t start_us;
    _Atomic uint32_t *sent_us; /* an event: when it was sent, since the start */
    atomic_bool stop;          /* somebody failed */
    pthread_mutex_t lock;
    struct mr_error error; /* of the first who failed; under the lock */
};

struct load_samples {
    double *us;
    size_t count;
    size_t stride; /* one of so many is kept */
    uint64_t seen;
};

struct load_peer {
    struct load *load;
    uint32_t index; /* of the producers, or of the consumers; from 0 */
    pthread_t thread;
    struct load_samples latency; /* of acknowledgements; of deliveries */
    int64_t end_us;              /* last acknowledgement, last delivery; since the start */
    uint64_t done;               /* events acknowledged; delivered */
    uint64_t again;              /* consumer: delivered more than once */
};

/* Share of one producer: events [*first, *first + count). */
uint64_t load_share(const struct load_options *options, uint32_t producer, uint64_t *first);
int64_t load_now_us(const struct load *load); /* since the start */
/* Keeps the first error and stops everybody; code is returned. Any thread. */
int load_fail(struct load *load, const struct mr_error *error);

#define LOAD_PRODUCER_NAME "bench-p%u" /* systems of the configuration, from 1 */
#define LOAD_CONSUMER_NAME "bench-c%u" /* ... and so is its subscription called */

int load_samples_init(struct load_samples *samples, uint64_t expected);
void load_samples_fini(struct load_samples *samples);
void load_samples_add(struct load_samples *samples, double us);

/* Thread functions; the argument is a struct load_peer. */
void *load_produce(void *peer);
void *load_consume(void *peer);

#endif
