#include "tests/bench/peers/figures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/bench/peers/peer.h"

enum { STALL_S = 60 };

void peer_die(const char *what, const char *detail)
{
    (void)fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, detail);
    exit(1);
}

int64_t figures_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void *figures_allocate(size_t count, size_t size)
{
    void *p = calloc(count, size);

    if (!p)
        peer_die("memory", "none left");
    return p;
}

void figures_init(struct figures *figures)
{
    figures->acked.us = figures_allocate(figures->events, sizeof(double));
    figures->taken.us = figures_allocate(figures->events, sizeof(double));
    figures->seen = figures_allocate(figures->events, 1);
    figures->sent_us = figures_allocate(figures->events, sizeof *figures->sent_us);
}

void figures_note_ack(struct figures *figures, uint64_t count)
{
    int64_t at_us = figures_now_us() - figures->start_us;
    struct side *acked = &figures->acked;

    if (count > 0)
        acked->end_us = at_us;
    for (; count > 0 && acked->count < figures->events; count--, acked->count++)
        acked->us[acked->count] = (double)at_us - (double)figures->sent_us[acked->count];
}

void figures_note_event(struct figures *figures, const uint8_t *payload, size_t size)
{
    int64_t at_us = figures_now_us() - figures->start_us;
    uint64_t number;

    if (size != figures->size)
        peer_die(figures->name, "an event came with another size");
    memcpy(&number, payload, sizeof number);
    if (number >= figures->events || figures->seen[number])
        peer_die(figures->name, "an event came twice, or was never sent");
    figures->seen[number] = 1;
    figures->taken.us[figures->taken.count++] =
            (double)at_us - (double)atomic_load_explicit(&figures->sent_us[number], memory_order_relaxed);
    figures->taken.end_us = at_us;
}

void figures_check_stall(const struct figures *figures, const struct side *side, const char *what)
{
    if (figures_now_us() - figures->start_us - side->end_us > STALL_S * 1000000LL)
        peer_die(figures->name, what);
}

double figures_cpu_s(int who)
{
    struct rusage use;

    (void)getrusage(who, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

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

void figures_print(struct figures *figures, double cpu_s, double server_cpu_s)
{
    double events = (double)figures->events;

    (void)printf("{\"peer\":\"%s\",\"durability\":\"%s\",\"events\":%llu,\"size\":%zu,\"window\":%llu,"
                 "\"published_per_s\":%.0f,\"delivered_per_s\":%.0f",
            figures->name, figures->durability, (unsigned long long)figures->events, figures->size,
            (unsigned long long)figures->window, events * 1e6 / (double)figures->acked.end_us,
            events * 1e6 / (double)figures->taken.end_us);
    print_latency("ack_us", &figures->acked);
    print_latency("e2e_us", &figures->taken);
    if (server_cpu_s >= 0)
        (void)printf(",\"cpu_s_per_million\":%.2f", server_cpu_s * 1e6 / events);
    (void)printf(",\"client_cpu_s_per_million\":%.2f}\n", cpu_s * 1e6 / events);
}
