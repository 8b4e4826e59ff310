/*
 * Durable pull (docs/api.md, ADR 0019): a system that asks for its deliveries with a token has a session like
 * one on the bus, with another way to be spoken to. Each question is answered with one frame of delivery;
 * what was given and is not acknowledged comes again. Loop thread.
 */
#ifndef MR_HUB_HTTP_PULL_H
#define MR_HUB_HTTP_PULL_H

#include <stdbool.h>
#include <uv.h>

#include "proto/base/list.h"
#include "proto/loop/http_server.h"

struct mr_api;
struct mr_api_request;
struct mr_deliver;
struct mr_session;
struct mr_sessions;

struct mr_pulls {
    struct mr_sessions *sessions;
    struct mr_deliver *deliver;
    struct mr_list list; /* systems with a session here */
    struct mr_list acks; /* answered when they are durable (pull_ack.c) */
    uint64_t acks_asked, acks_durable;
    uv_timer_t timer; /* for the first that has waited long enough */
};

/* sessions and deliver are the hub's, and outlive the API. */
void mr_pulls_open(
        struct mr_api *api, uv_loop_t *loop, struct mr_sessions *sessions, struct mr_deliver *deliver);
/* The server is closed: nobody is answered any more, and the sessions end. */
void mr_pulls_close(struct mr_api *api);

/* ---- between pull.c and pull_ack.c ---- */

bool mr_pull_may(const struct mr_api_request *request); /* false: answered why not */
/* The session of the system that the token speaks for, when this token has it; else NULL. */
struct mr_session *mr_pull_session(const struct mr_api_request *request);
void mr_pulls_plan(struct mr_api *api); /* the timer, after something else waits */
/* Acknowledgements that are durable, or have waited for it too long, are answered. */
void mr_pull_acks_look(struct mr_api *api, int64_t now_us);
int64_t mr_pull_acks_until(const struct mr_api *api); /* INT64_MAX: none waits */
void mr_pull_acks_drop(struct mr_api *api);

#endif
