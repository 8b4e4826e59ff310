/*
 * A real marshrut-school under the recorder, with a hub of the test's own: it reads files, sends what is in
 * them, writes what is delivered, and is killed once in between. What the hub knew is kept with the moment of
 * the trace.
 */
#ifndef MR_TESTS_ADAPTER_RECORDING_H
#define MR_TESTS_ADAPTER_RECORDING_H

#include "tests/crash/replay/trace.h"
#include "tests/support/fake_hub.h"

enum {
    RECORDING_FILES = 6,
    RECORDING_ROWS = 8, /* of each */
    RECORDING_DELIVERIES = 12,
    RECORDING_EVENTS_MAX = 1024,
    RECORDING_ACKS_MAX = 256,
    RECORDING_ID_MAX = 96,
    RECORDING_PROBLEM_MAX = 256,
};

struct recording_event {
    char id[RECORDING_ID_MAX];
    uint32_t sum;
    uint64_t at; /* entries of the trace when the hub had it first */
};

struct recording_ack {
    uint64_t through, at;
};

/* The hub, and what it knows. */
struct recording_desk {
    uv_loop_t loop;
    struct fake_hub hub;
    const struct trace *trace; /* NULL: nobody records */
    struct recording_event events[RECORDING_EVENTS_MAX];
    size_t events_count;
    uint64_t taken_at[RECORDING_EVENTS_MAX]; /* by sequence - 1 */
    size_t taken_count;
    struct recording_ack acks[RECORDING_ACKS_MAX];
    size_t acks_count;
    uint64_t cursor; /* of what is delivered */
    char ogrn[14];   /* of the school */
    struct mr_curvekey school;
    char problem[RECORDING_PROBLEM_MAX]; /* "": none */
};

struct recording {
    struct recording_desk desk; /* closed; but for what it knows */
    uint64_t seed;
    char *dir; /* of the trace; all of it is in dir/box */
    struct trace trace;
    uint64_t from;      /* entries before it begins: the files in in/ */
    const char *mutant; /* of the recorder; NULL: none */
    pid_t pid;
    bool killed;
};

/* Opens the hub on a loop of its own; it delivers behind the cursor. Fails the test. */
void recording_desk_open(struct recording_desk *desk);
/* Keys, and the configuration of an adapter of this hub, in dir; what is recorded is in dir/box. */
void recording_desk_config(const struct recording_desk *desk, const char *dir);
/* NULL: the hub never had it. */
const struct recording_event *recording_desk_find(const struct recording_desk *desk, const char *id);

/* The school's folder: what is "in", "out", "done". */
const char *recording_folder(const struct recording_desk *desk, const char *dir, const char *what);
/* Files of a folder whose names begin and end so. */
unsigned recording_count(const char *path, const char *begin, const char *end);
/* The delivery's file is in out/, whole. */
bool recording_is_written(const struct recording_desk *desk, const char *dir, uint64_t number);

/* Runs it to its end: everything is read, sent and written. */
struct recording *recording_new(const char *mutant);
void recording_free(struct recording *r);

#endif
