/*
 * What the tool (and later the HTTP API) may ask the hub: a table of methods over the opened house. A reading
 * method runs on its own snapshot, off the loop, and works on a read-only house too (no hub running). An
 * acting method builds one event of the hub's own, with the rows that go into the same commit; the hub
 * appends it and then answers.
 *
 * Arguments and answers are JSON objects, documented in docs/protocol.md; times are RFC 3339, numbers are log
 * numbers.
 */
#ifndef MR_HUB_AUDIT_METHOD_H
#define MR_HUB_AUDIT_METHOD_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "hub/house.h"
#include "proto/base/buf.h"

struct mr_compactor;
struct mr_desk;
struct mr_eraser;

struct mr_method_call {
    struct mr_house *house;  /* a long method tells house->tick how far it is, some hundred times a second */
    const json_t *arguments; /* an object */
    const char *operator_name;      /* "" when none was given */
    bool hub_running;               /* false: read-only house; show no personal value (decision 24) */
    struct mr_eraser *eraser;       /* NULL without a running hub */
    struct mr_compactor *compactor; /* the same */
    const _Atomic bool
            *stop;        /* a long one ends with MR_ECLOSED when it becomes true; NULL: it runs to its end */
    struct mr_desk *desk; /* the same */
    const json_t *live;   /* of a method with `live`: see there; NULL without a running hub */
};

/* An answer of an acting method: the event to append and the rows that go into the same commit. */
struct mr_act_row {
    enum mr_log_table table;
    bool remove; /* instead of put */
    struct mr_buf key;
    struct mr_buf value;
};
/* What delivery is told, once it is durable. */
struct mr_act_delivery {
    bool parked;       /* rows of what is parked have changed */
    uint16_t replay;   /* id of a subscription that gets `from` to `to` again; 0: none does */
    uint64_t from, to; /* log numbers */
};
struct mr_act {
    struct mr_buf event; /* serialized CloudEvent, source = the hub's */
    struct mr_act_row rows[4];
    size_t rows_count;
    struct mr_buf many; /* more of them, as of hub/rows.h: for what is done to many things at once */
    struct mr_act_delivery delivery;
    struct mr_edition *begins; /* of the configuration, with the event; held; NULL: none */
    json_t *reply;             /* sent once durable; "number" is added to it */
};
void mr_act_fini(struct mr_act *act);
/* Its rows, into the commit of its event. Writer thread. */
int mr_act_put_rows(const struct mr_act *act, struct mr_log_batch *batch);
/* Sets act->event: an event of the hub's own, of now, by the call's operator in this role. 0 or MR_ENOMEM. */
int mr_act_event(const struct mr_method_call *call, struct mr_act *act, const char *type,
        const char *actorrole, const ProtobufCMessage *payload);

/* One answer document of a reading method; the callee takes the reference. Non-zero stops the method. */
typedef int (*mr_emit_fn)(void *ctx, json_t *document);

struct mr_method {
    const char *name;  /* "log.tail" */
    const char *roles; /* comma-separated: the operator must have one; NULL: no operator needed */
    int (*read)(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
    int (*act)(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
    bool appends; /* a reading one that has the hub append (call->eraser): as an acting one, not without space
                   */
    bool live;  /* call->live is the state of each subscription as the loop saw it when the question came: an
                   object of objects with `connected`, `sent_through`, `retrying` */
    bool grows; /* with the configuration, in one document: up to MR_ANSWER_BYTES_MAX to the tool */
    bool takes_long; /* may take more than a moment: asked over HTTP, one at a time (hub/query_turn.h) */
    bool bounded;    /* heeds house->territory: may be asked by who is limited to one */
    bool regional;   /* figures of the region, and no record: also for an operator who is limited */
};

/* NULL: no such method. Static, any thread. The table is in methods.c and names every method of the hub. */
const struct mr_method *mr_method_find(const char *name);
const struct mr_method *mr_method_at(size_t index); /* NULL past the end */

/*
 * May the operator of this call use the method, and with this argument? 0 or MR_EDENIED with a cure. Who is
 * limited to a territory (house->territory) may use the methods that heed it, and of those by `number` only
 * with one of theirs: else MR_ENOTFOUND, the same whether there is such a record or not.
 */
int mr_method_allowed(
        const struct mr_method *method, const struct mr_method_call *call, struct mr_error *reterr);
/* The same of hub.status, which is in no table: not of an operator who is limited. */
int mr_method_status_allowed(
        const struct mr_config *config, const char *operator_name, struct mr_error *reterr);

#endif
