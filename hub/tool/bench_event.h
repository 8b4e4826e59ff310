/*
 * The two events that `marshrut bench` measures with: 400 bytes as received, one without a person and
 * one with a person of eight fields. Made and decoded once; then the number of each event is written into its
 * places (ids, correlation, organisation, identifiers), so that no two are alike and none is decoded again.
 */
#ifndef MR_HUB_TOOL_BENCH_EVENT_H
#define MR_HUB_TOOL_BENCH_EVENT_H

#include "proto/wire/codec.h"

enum {
    BENCH_EVENT_BYTES = 400,
    BENCH_PLACES_MAX = 24,
    BENCH_KINDS = 5,        /* of what is written into places */
    BENCH_FILLER_MAX = 900, /* of the texts that make them longer: the rules allow two of 500 */
    BENCH_LENGTHS_MAX = 16  /* by how much one more byte of it may lengthen the event, in all */
};

struct bench_event_form {
    bool with_person;
    size_t bytes; /* as received */
    const char *source;
    const char *region;
};

struct bench_place {
    char *at;
    size_t size;
    int kind;
};

struct bench_event {
    struct mr_buf bytes;
    struct mr_arena arena;
    struct mr_event event; /* of bytes; in arena */
    struct bench_place places[BENCH_PLACES_MAX];
    size_t places_count;
    unsigned kinds;               /* bits of those that have places */
    uint64_t values[BENCH_KINDS]; /* what stands there, once it is numbered */
    bool numbered;
};

/* MR_EINVAL: the event cannot be made that long, or that short. */
int bench_event_init(struct bench_event *ret, const struct bench_event_form *form);
int bench_event_init_store(struct bench_event *ret, bool with_person); /* as the store is measured with */
void bench_event_fini(struct bench_event *event);
/* Makes it the event of this number, about this person. */
void bench_event_number(struct bench_event *event, uint64_t number, uint64_t person);

#endif
