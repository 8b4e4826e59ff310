/* mr-bench-peer NAME PORT EVENTS WINDOW [SIZE]: one line of JSON as of `marshrut bench --json`. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/bench/peers/peer.h"

enum { BATCH_MAX = 256, ACK_STEP = 1024, WAIT_MS = 1000, STALL_S = 60, SIZE_DEFAULT = 400 };

static const struct peer *const peers[] = {&peer_jetstream, &peer_redis, &peer_rabbitmq};

struct side {
    double *us; /* one an event */
    size_t count;
    int64_t end_us;
};

struct load {
    const struct peer *peer;
    uint64_t events, window, batch;
    size_t size;
    int64_t start_us;
    _Atomic uint32_t *sent_us;
    struct conn producer, consumer;
    struct side acked, taken;
    uint8_t *seen;
};

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void *allocate(size_t count, size_t size)
{
    void *p = calloc(count, size);

    if (!p)
        peer_die("memory", "none left");
    return p;
}

static void check_stall(const struct load *load, const struct side *side, const char *what)
{
    if (now_us() - load->start_us - side->end_us > STALL_S * 1000000LL)
        peer_die(load->peer->name, what);
}

/* ---- the producer: whole batches within the window ---- */

static uint64_t send_batches(struct load *load, uint8_t *payload, uint64_t sent)
{
    while (sent < load->events) {
        uint64_t left = load->events - sent;
        uint64_t count = left < load->batch ? left : load->batch;
        uint32_t at_us = (uint32_t)(now_us() - load->start_us);

        if (sent - load->acked.count + count > load->window)
            break;
        for (uint64_t i = 0; i < count; i++, sent++) {
            memcpy(payload, &sent, sizeof sent);
            atomic_store_explicit(&load->sent_us[sent], at_us, memory_order_relaxed);
            load->peer->publish(&load->producer, payload, load->size);
        }
        conn_flush(&load->producer);
    }
    return sent;
}

static void note_acks(struct load *load)
{
    uint64_t count = load->peer->acks(&load->producer);
    int64_t at_us = now_us() - load->start_us;

    if (count > 0)
        load->acked.end_us = at_us;
    for (; count > 0 && load->acked.count < load->events; count--, load->acked.count++)
        load->acked.us[load->acked.count] = (double)at_us - (double)load->sent_us[load->acked.count];
}

static void *produce(void *arg)
{
    struct load *load = arg;
    uint8_t *payload = allocate(1, load->size);
    uint64_t sent = 0;

    memset(payload, 'x', load->size);
    while (load->acked.count < load->events) {
        sent = send_batches(load, payload, sent);
        if (!conn_read(&load->producer, WAIT_MS))
            check_stall(load, &load->acked, "events are not acknowledged");
        note_acks(load);
        conn_flush(&load->producer); /* pongs */
    }
    free(payload);
    return NULL;
}

/* ---- the consumer ---- */

static void on_event(void *ctx, const uint8_t *payload, size_t size)
{
    struct load *load = ctx;
    int64_t at_us = now_us() - load->start_us;
    uint64_t number;

    if (size != load->size)
        peer_die(load->peer->name, "an event came with another size");
    memcpy(&number, payload, sizeof number);
    if (number >= load->events || load->seen[number])
        peer_die(load->peer->name, "an event came twice, or was never sent");
    load->seen[number] = 1;
    load->taken.us[load->taken.count++] =
            (double)at_us - (double)atomic_load_explicit(&load->sent_us[number], memory_order_relaxed);
    load->taken.end_us = at_us;
}

static void *consume(void *arg)
{
    struct load *load = arg;
    struct conn *conn = &load->consumer;

    load->peer->take(conn, on_event, load); /* what came with the answers */
    while (load->taken.count < load->events) {
        bool came;

        if (load->peer->want)
            load->peer->want(conn);
        conn_flush(conn);
        came = conn_read(conn, conn->untold > 0 && !load->peer->want ? 0 : WAIT_MS);
        if (came)
            load->peer->take(conn, on_event, load);
        else
            check_stall(load, &load->taken, "events do not come");
        if (conn->untold >= ACK_STEP || (conn->untold > 0 && (!came || load->peer->want)))
            load->peer->ack(conn);
    }
    if (conn->untold > 0)
        load->peer->ack(conn);
    conn_flush(conn);
    return NULL;
}

/* ---- the figures ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_latency(const char *name, struct side *side)
{
    size_t last = side->count - 1;

    qsort(side->us, side->count, sizeof *side->us, compare);
    (void)printf(",\"%s\":{\"p50\":%.0f,\"p99\":%.0f,\"p999\":%.0f}", name, side->us[last / 2],
            side->us[(size_t)((double)last * 0.99)], side->us[(size_t)((double)last * 0.999)]);
}

static double own_cpu_s(void)
{
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void print(struct load *load, double cpu_s)
{
    (void)printf("{\"peer\":\"%s\",\"durability\":\"%s\",\"events\":%llu,\"size\":%zu,\"window\":%llu,"
                 "\"published_per_s\":%.0f,\"delivered_per_s\":%.0f",
            load->peer->name, load->peer->durability, (unsigned long long)load->events, load->size,
            (unsigned long long)load->window, (double)load->events * 1e6 / (double)load->acked.end_us,
            (double)load->events * 1e6 / (double)load->taken.end_us);
    print_latency("ack_us", &load->acked);
    print_latency("e2e_us", &load->taken);
    (void)printf(",\"client_cpu_s_per_million\":%.2f}\n", cpu_s * 1e6 / (double)load->events);
}

static void run(struct load *load, int port)
{
    pthread_t producer, consumer;
    double cpu_s;

    load->acked.us = allocate(load->events, sizeof(double));
    load->taken.us = allocate(load->events, sizeof(double));
    load->seen = allocate(load->events, 1);
    load->sent_us = allocate(load->events, sizeof *load->sent_us);
    conn_open(&load->producer, port);
    load->peer->open_producer(&load->producer);
    conn_open(&load->consumer, port);
    load->peer->open_consumer(&load->consumer);
    cpu_s = own_cpu_s();
    load->start_us = now_us();
    if (pthread_create(&consumer, NULL, consume, load) != 0 ||
            pthread_create(&producer, NULL, produce, load) != 0)
        peer_die("threads", "none more");
    (void)pthread_join(producer, NULL);
    (void)pthread_join(consumer, NULL);
    print(load, own_cpu_s() - cpu_s);
}

int main(int argc, char **argv)
{
    struct load load = {.size = SIZE_DEFAULT};

    if (argc < 5)
        peer_die("usage", "mr-bench-peer jetstream|redis|rabbitmq PORT EVENTS WINDOW [SIZE]");
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++)
        if (strcmp(peers[i]->name, argv[1]) == 0)
            load.peer = peers[i];
    load.events = strtoull(argv[3], NULL, 10);
    load.window = strtoull(argv[4], NULL, 10);
    if (argc > 5)
        load.size = strtoul(argv[5], NULL, 10);
    if (!load.peer || load.events == 0 || load.window == 0 || load.size < sizeof(uint64_t))
        peer_die("usage", "an unknown broker, or a number that is none");
    load.batch = load.window / 4 > BATCH_MAX ? BATCH_MAX : (load.window + 3) / 4;
    run(&load, (int)strtol(argv[2], NULL, 10));
    return 0;
}
