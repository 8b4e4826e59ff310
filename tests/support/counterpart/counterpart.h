/*
 * An outside system for tests and the demo: takes what adapters push, serves a feed, and misbehaves when told
 * to. Everything is in memory. One per loop; loop thread only.
 */
#ifndef MR_TESTS_COUNTERPART_H
#define MR_TESTS_COUNTERPART_H

#include <jansson.h>
#include <uv.h>

#include "proto/loop/http_server.h"

enum counterpart_role { COUNTERPART_CNPPM, COUNTERPART_PORTAL };

/*
 * SLOW answers after slow_ms. DOWN closes what comes with 503. WRONG answers pushes with 422 and the feed
 * with what is no JSON. FLAKY answers every second request 500, after having taken it: a repeat must not
 * count twice.
 */
enum counterpart_mode {
    COUNTERPART_FINE,
    COUNTERPART_SLOW,
    COUNTERPART_DOWN,
    COUNTERPART_WRONG,
    COUNTERPART_FLAKY
};

struct counterpart_options {
    uv_loop_t *loop;
    enum counterpart_role role;
    enum counterpart_mode mode;
    const char *listen;  /* "127.0.0.1:0" */
    const char *feed;    /* JSON lines, read anew for each page; may not be there yet. Portal only */
    uint32_t page_items; /* default 100 */
    uint32_t slow_ms;    /* default 3000 */
};

struct counterpart;

int counterpart_open(
        struct counterpart **ret, const struct counterpart_options *options, struct mr_error *reterr);
void counterpart_close(struct counterpart *counterpart, void (*on_closed)(void *ctx), void *ctx);
uint16_t counterpart_port(const struct counterpart *counterpart);

void counterpart_set_mode(struct counterpart *counterpart, enum counterpart_mode mode);
/* -1: no such mode. */
int counterpart_mode_of(const char *name);

/* Distinct events taken, and requests that brought one that was there already. */
size_t counterpart_received(const struct counterpart *counterpart);
size_t counterpart_repeated(const struct counterpart *counterpart);
/* {id: event}; borrowed. */
const json_t *counterpart_events(const struct counterpart *counterpart);

#endif
