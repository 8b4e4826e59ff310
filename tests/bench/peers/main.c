/* mr-bench-peer NAME PORT EVENTS WINDOW [SIZE]: one line of JSON as of `marshrut bench --json`. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/bench/peers/figures.h"
#include "tests/bench/peers/peer.h"

enum { BATCH_MAX = 256, ACK_STEP = 1024, WAIT_MS = 1000, SIZE_DEFAULT = 400 };

static const struct peer *const peers[] = {
        &peer_jetstream, &peer_jetstream_pull, &peer_redis, &peer_rabbitmq};

struct load {
    const struct peer *peer;
    struct figures figures;
    uint64_t batch;
    struct conn producer, consumer;
};

/* ---- the producer: whole batches within the window ---- */

static uint64_t send_batches(struct load *load, uint8_t *payload, uint64_t sent)
{
    struct figures *figures = &load->figures;

    while (sent < figures->events) {
        uint64_t left = figures->events - sent;
        uint64_t count = left < load->batch ? left : load->batch;
        uint32_t at_us = (uint32_t)(figures_now_us() - figures->start_us);

        if (sent - figures->acked.count + count > figures->window)
            break;
        for (uint64_t i = 0; i < count; i++, sent++) {
            memcpy(payload, &sent, sizeof sent);
            atomic_store_explicit(&figures->sent_us[sent], at_us, memory_order_relaxed);
            load->peer->publish(&load->producer, payload, figures->size);
        }
        conn_flush(&load->producer);
    }
    return sent;
}

static void *produce(void *arg)
{
    struct load *load = arg;
    struct figures *figures = &load->figures;
    uint8_t *payload = figures_allocate(1, figures->size);
    uint64_t sent = 0;

    memset(payload, 'x', figures->size);
    while (figures->acked.count < figures->events) {
        sent = send_batches(load, payload, sent);
        if (!conn_read(&load->producer, WAIT_MS))
            figures_check_stall(figures, &figures->acked, "events are not acknowledged");
        figures_note_ack(figures, load->peer->acks(&load->producer));
        conn_flush(&load->producer); /* pongs */
    }
    free(payload);
    return NULL;
}

/* ---- the consumer ---- */

static void on_event(void *ctx, const uint8_t *payload, size_t size)
{
    figures_note_event(ctx, payload, size);
}

static void *consume(void *arg)
{
    struct load *load = arg;
    struct figures *figures = &load->figures;
    struct conn *conn = &load->consumer;

    load->peer->take(conn, on_event, figures); /* what came with the answers */
    while (figures->taken.count < figures->events) {
        bool came;

        if (load->peer->want)
            load->peer->want(conn);
        conn_flush(conn);
        came = conn_read(conn, conn->untold > 0 && !load->peer->want ? 0 : WAIT_MS);
        if (came)
            load->peer->take(conn, on_event, figures);
        else
            figures_check_stall(figures, &figures->taken, "events do not come");
        if (conn->untold >= ACK_STEP || (conn->untold > 0 && (!came || load->peer->want)))
            load->peer->ack(conn);
    }
    if (conn->untold > 0)
        load->peer->ack(conn);
    conn_flush(conn);
    return NULL;
}

static void run(struct load *load, int port)
{
    pthread_t producer, consumer;
    double cpu_s;

    figures_init(&load->figures);
    conn_open(&load->producer, port);
    load->peer->open_producer(&load->producer);
    conn_open(&load->consumer, port);
    load->peer->open_consumer(&load->consumer);
    cpu_s = figures_cpu_s(RUSAGE_SELF);
    load->figures.start_us = figures_now_us();
    if (pthread_create(&consumer, NULL, consume, load) != 0 ||
            pthread_create(&producer, NULL, produce, load) != 0)
        peer_die("threads", "none more");
    (void)pthread_join(producer, NULL);
    (void)pthread_join(consumer, NULL);
    cpu_s = figures_cpu_s(RUSAGE_SELF) - cpu_s;
    if (load->peer->settle)
        load->peer->settle(&load->consumer);
    figures_print(&load->figures, cpu_s, -1);
}

int main(int argc, char **argv)
{
    struct load load = {.figures = {.size = SIZE_DEFAULT}};
    struct figures *figures = &load.figures;

    if (argc < 5)
        peer_die("usage", "mr-bench-peer jetstream|jetstream-pull|redis|rabbitmq PORT EVENTS WINDOW [SIZE]");
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++)
        if (strcmp(peers[i]->name, argv[1]) == 0)
            load.peer = peers[i];
    figures->events = strtoull(argv[3], NULL, 10);
    figures->window = strtoull(argv[4], NULL, 10);
    if (argc > 5)
        figures->size = strtoul(argv[5], NULL, 10);
    if (!load.peer || figures->events == 0 || figures->window == 0 || figures->size < sizeof(uint64_t))
        peer_die("usage", "an unknown broker, or a number that is none");
    figures->name = load.peer->name;
    figures->durability = load.peer->durability;
    load.batch = figures->window / 4 > BATCH_MAX ? BATCH_MAX : (figures->window + 3) / 4;
    run(&load, (int)strtol(argv[2], NULL, 10));
    return 0;
}
