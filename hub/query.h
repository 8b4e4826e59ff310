/*
 * Questions of the tool, on the admin endpoint, and of the HTTP API: a method of hub/audit/method.h runs on a
 * thread of libuv's pool with snapshots of its own, and its documents go out as they come, no faster than the
 * tool reads them. An acting method's event goes through prepare and writer like everybody's, and is answered
 * after its commit. Loop thread.
 */
#ifndef MR_HUB_QUERY_H
#define MR_HUB_QUERY_H

#include "hub/audit/method.h"
#include "hub/audit/territory.h"
#include "hub/session/gateway.h"
#include "hub/intake/prepare.h"
#include "hub/query_progress.h"
#include "hub/query_turn.h"
#include "proto/loop/mailbox.h"

struct call;
struct mr_publish;

/* Who asks beside the tool (hub/http): takes the documents of one call, in their order. Loop thread. */
struct mr_query_asker {
    char who[MR_TURN_WHO_BYTES]; /* whose share it takes (query_turn.h); "": nobody's */
    bool limited; /* to what is theirs by `limits` (hub/audit/territory.h); copied with the question */
    struct mr_limits limits;
    /*
     * One document; with more, others follow. The last time json may be "" (nothing more came), and code
     * negative with why it failed (error: never NULL then); the asker is not used after it.
     */
    void (*take)(struct mr_query_asker *asker, const char *json, bool more, int code,
            const struct mr_error *error);
};

/* Where answers go. */
struct mr_query_to {
    struct mr_query_asker *asker; /* NULL: a tool, at peer */
    struct mr_peer peer;
    uint64_t id;
};

struct mr_query {
    struct mr_house *house;
    struct mr_gateway *gateway;
    struct mr_prepare *prepare;
    struct mr_publish *publish; /* quotas and figures of systems that publish otherwise than by the bus */
    struct mr_eraser *eraser;
    struct mr_desk *desk;
    struct mr_compactor *compactor;
    struct mr_mailbox *intakes;   /* of the hub: durable intakes come back there */
    json_t *(*status)(void *ctx); /* the live state, for hub.status: answered on the loop */
    json_t *(*live)(void *ctx);   /* what struct mr_method tells of `live`; the same ctx */
    void *status_ctx;
    void (*acted)(void *ctx, const struct mr_act_delivery *delivery); /* loop; may be NULL */
    void *acted_ctx;
    const bool *read_only; /* the log has no space: nothing that appends is begun */
    uv_loop_t *loop;
    uv_async_t async;
    uv_timer_t timer; /* a tool that reads slowly */
    struct mr_list calls;
    struct mr_tellings tellings;
    struct mr_turns turns;       /* reading calls of the HTTP API */
    struct mr_list acts;         /* acting calls that wait for `acting` */
    struct call *acting;         /* each sees what the one before it has made durable */
    uint64_t published_sequence; /* of the method "publish" */
    size_t publications;         /* not yet answered */
    bool stopping;
};

/* house, gateway, prepare, eraser, intakes, status and read_only are set by the hub. */
int mr_query_open(struct mr_query *query, uv_loop_t *loop);
/* Cancels what runs and waits for it, turning the loop. Acting calls must be answered already. */
void mr_query_close(struct mr_query *query);

void mr_query_frame(
        struct mr_query *query, const struct mr_peer *peer, const Marshrut__Bus__V1__Query *frame);

/*
 * The same for an asker that is no tool: takes the reference to arguments, an object. Answered once or more,
 * also at once; at mr_query_close() at the latest. operator_name: "" for a method that asks for no operator.
 */
void mr_query_ask(struct mr_query *query, struct mr_query_asker *asker, const char *method, json_t *arguments,
        const char *operator_name);

/* May `who` ask one more of this method now? What is asked beyond it waits all the same. */
bool mr_query_may_ask(const struct mr_query *query, const char *who, const char *method);

/* An intake of the hub's own (sender NULL) is durable. */
void mr_query_durable(struct mr_query *query, const struct mr_intake *intake);

/* The method "publish" (query_publish.c); and its intake (by_tool) is durable or was not
 * stored. */
void mr_query_publish(struct mr_query *query, const struct mr_query_to *to, const json_t *arguments);
void mr_query_published(struct mr_intake *intake);

/* What is said to those who want to append while there is no space. Returns MR_ENOSPACE. */
int mr_query_no_space(struct mr_error *ret);

/* A Result; with more, others follow. MR_EAGAIN: the tool's queue is full. error may be NULL
 * (query_result.c). */
int mr_query_send(struct mr_query *query, const struct mr_query_to *to, const char *json, bool more, int code,
        const struct mr_error *error);
void mr_query_fail(struct mr_query *query, const struct mr_query_to *to, int code, const char *where,
        const char *cure, const char *what);
/* One last Result. error may be NULL. */
void mr_query_send_result(struct mr_query *query, const struct mr_query_to *to, const char *json, int code,
        const struct mr_error *error);

#endif
