/*
 * mr-bench-ceiling DIR EVENTS WINDOW [SIZE]: what ZeroMQ and LMDB carry here when nothing is done with an
 * event but to keep it: a producer and a consumer, a thread each, and a server in a process of its own, over
 * TCP, 64 events a message, without encryption. One line of JSON like the others'.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/peers/ceiling.h"
#include "tests/bench/peers/figures.h"
#include "tests/bench/peers/peer.h"

enum { BATCH = 64, SIZE_DEFAULT = 400 };

struct load {
    struct figures figures;
    void *producer, *consumer;
};

static uint64_t send_batches(struct load *load, uint64_t sent)
{
    struct figures *figures = &load->figures;
    zmq_msg_t message;

    while (sent < figures->events) {
        uint64_t left = figures->events - sent, count = left < BATCH ? left : BATCH;
        uint32_t at_us = (uint32_t)(figures_now_us() - figures->start_us);

        if (sent - figures->acked.count + count > figures->window)
            break;
        ceiling_check(zmq_msg_init_size(&message, count * figures->size) == 0, "message");
        memset(zmq_msg_data(&message), 'x', count * figures->size);
        for (uint64_t i = 0; i < count; i++, sent++) {
            memcpy((uint8_t *)zmq_msg_data(&message) + i * figures->size, &sent, sizeof sent);
            atomic_store_explicit(&figures->sent_us[sent], at_us, memory_order_relaxed);
        }
        ceiling_check(zmq_msg_send(&message, load->producer, 0) >= 0, "send");
    }
    return sent;
}

static void *produce(void *arg)
{
    struct load *load = arg;
    struct figures *figures = &load->figures;
    uint64_t sent = 0, stored;
    zmq_msg_t message;

    while (figures->acked.count < figures->events) {
        sent = send_batches(load, sent);
        if (!ceiling_receive(load->producer, &message, CEILING_WAIT_MS)) {
            figures_check_stall(figures, &figures->acked, "events are not acknowledged");
            continue;
        }
        memcpy(&stored, zmq_msg_data(&message), sizeof stored);
        (void)zmq_msg_close(&message);
        figures_note_ack(figures, stored - figures->acked.count);
    }
    return NULL;
}

static void *consume(void *arg)
{
    struct load *load = arg;
    struct figures *figures = &load->figures;

    while (figures->taken.count < figures->events) {
        uint64_t told;
        zmq_msg_t message;

        if (!ceiling_receive(load->consumer, &message, CEILING_WAIT_MS)) {
            figures_check_stall(figures, &figures->taken, "events do not come");
            continue;
        }
        for (size_t at = 0; at < zmq_msg_size(&message); at += figures->size)
            figures_note_event(figures, (uint8_t *)zmq_msg_data(&message) + at, figures->size);
        (void)zmq_msg_close(&message);
        told = figures->taken.count;
        ceiling_check(zmq_send(load->consumer, &told, sizeof told, 0) >= 0, "send");
    }
    return NULL;
}

static void run(struct load *load, int fd, pid_t server)
{
    void *zmq = zmq_ctx_new();
    struct ceiling_ends ends;
    pthread_t producer, consumer;
    int status;

    ceiling_check(read(fd, &ends, sizeof ends) == sizeof ends, "the server did not start");
    load->producer = ceiling_socket(zmq);
    load->consumer = ceiling_socket(zmq);
    ceiling_check(zmq_connect(load->producer, ends.producer) == 0, "connect");
    ceiling_check(zmq_connect(load->consumer, ends.consumer) == 0, "connect");
    figures_init(&load->figures);
    load->figures.start_us = figures_now_us();
    ceiling_check(pthread_create(&consumer, NULL, consume, load) == 0, "thread");
    ceiling_check(pthread_create(&producer, NULL, produce, load) == 0, "thread");
    (void)pthread_join(producer, NULL);
    (void)pthread_join(consumer, NULL);
    ceiling_check(waitpid(server, &status, 0) == server && status == 0, "the server failed");
}

int main(int argc, char **argv)
{
    struct load load = {.figures = {.name = "ceiling",
                                .size = SIZE_DEFAULT,
                                .durability = "on disk (one fsync for what came together); nothing else is "
                                              "done with it; no encryption"}};
    struct figures *figures = &load.figures;
    double cpu_s = figures_cpu_s(RUSAGE_SELF);
    int pipes[2];
    pid_t child;

    if (argc < 4)
        peer_die("usage", "mr-bench-ceiling DIR EVENTS WINDOW [SIZE]");
    figures->events = strtoull(argv[2], NULL, 10);
    figures->window = strtoull(argv[3], NULL, 10);
    if (argc > 4)
        figures->size = strtoul(argv[4], NULL, 10);
    if (figures->events == 0 || figures->window < BATCH || figures->size < sizeof(uint64_t))
        peer_die("usage", "a number that is none, or a window below a message");
    ceiling_check(pipe(pipes) == 0, "pipe");
    child = fork();
    ceiling_check(child >= 0, "process");
    if (child == 0)
        ceiling_serve(argv[1], figures->events, figures->size, pipes[1]);
    (void)close(pipes[1]);
    run(&load, pipes[0], child);
    figures_print(figures, figures_cpu_s(RUSAGE_SELF) - cpu_s, figures_cpu_s(RUSAGE_CHILDREN));
    return 0;
}
