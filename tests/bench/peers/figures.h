/* What a run of the load counts, and how it is said: one line of JSON as of `marshrut bench --json`. */
#ifndef MR_TESTS_FIGURES_H
#define MR_TESTS_FIGURES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct side {
    double *us; /* one an event */
    size_t count;
    int64_t end_us; /* of the last one; since the start */
};

struct figures {
    const char *name;
    const char *durability; /* what an acknowledgement of a publish means there */
    uint64_t events, window;
    size_t size;
    int64_t start_us;
    _Atomic uint32_t *sent_us; /* an event: when it was sent, since the start */
    struct side acked, taken;
    uint8_t *seen; /* an event: it has come */
};

int64_t figures_now_us(void);
void *figures_allocate(size_t count, size_t size); /* zeroed; or the program ends */
void figures_init(struct figures *figures);        /* events is set */
void figures_note_ack(struct figures *figures, uint64_t count);
/* An event came, which begins with its number: once, or the program ends. */
void figures_note_event(struct figures *figures, const uint8_t *payload, size_t size);
/* Ends the program when nothing has come for long. */
void figures_check_stall(const struct figures *figures, const struct side *side, const char *what);
double figures_cpu_s(int who); /* RUSAGE_SELF, RUSAGE_CHILDREN */
/* cpu_s: of the load's process. server_cpu_s: of the other one; below 0: not known. */
void figures_print(struct figures *figures, double cpu_s, double server_cpu_s);

#endif
