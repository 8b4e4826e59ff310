/* A small blocking client of the bus protocol for tests: sends raw frames, receives with a deadline. */
#ifndef MR_TESTS_BUS_CLIENT_H
#define MR_TESTS_BUS_CLIENT_H

#include <jansson.h>

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/loop/curvekey.h"
#include "proto/wire/frame.h"
#include "tests/support/spawn.h"

typedef Marshrut__Bus__V1__Frame bus_frame;

struct bus_client {
    void *zmq;
    void *socket;
    struct mr_arena arena; /* of the frame received last */
    bus_frame *frame;
};

/* key NULL: no encryption. */
void bus_connect(struct bus_client *client, const char *endpoint, const char *server_key,
        const struct mr_curvekey *key);
void bus_connect_as(struct bus_client *client, const struct spawn *spawn, int system);
void bus_close(struct bus_client *client);

void bus_send_bytes(struct bus_client *client, const void *data, size_t size);
void bus_send(struct bus_client *client, const bus_frame *frame);

/* The next frame that is no Ping (those are answered) and no progress; NULL after timeout_ms. Valid until the
 * next call. */
bus_frame *bus_receive(struct bus_client *client, int timeout_ms);
/* The next frame must be of this kind. */
bus_frame *bus_expect(struct bus_client *client, Marshrut__Bus__V1__Frame__BodyCase body);

/* Hello, and the Welcome. epoch 0: this client does not publish. */
Marshrut__Bus__V1__Welcome *bus_hello(struct bus_client *client, uint64_t epoch, uint64_t acknowledged);
void bus_send_hello(struct bus_client *client, const char *software, uint64_t epoch, uint64_t acknowledged);
/* Publishes `count` events whose bytes are in events[i]. */
void bus_publish(
        struct bus_client *client, uint64_t first_sequence, const struct mr_buf *events, size_t count);
/* nms.programme.listed.v1 by the portal over a connection of its own, until they have their verdicts. */
void bus_publish_programmes(const struct spawn *spawn, uint64_t first_sequence, size_t count);
void bus_subscribe(
        struct bus_client *client, const char *subscription, uint32_t credit, uint64_t from_number);
void bus_ack(struct bus_client *client, const char *subscription, uint64_t through);
void bus_nack(struct bus_client *client, const char *subscription, uint64_t number, bool park);
void bus_credit(struct bus_client *client, const char *subscription, uint32_t events);
/* Query hub.status on an admin connection: the JSON text. */
const char *bus_query(struct bus_client *client, const char *method, const char *arguments);
const char *bus_query_long(
        struct bus_client *client, const char *method, const char *arguments, int timeout_ms);

/*
 * One question of an operator ("" none) on the admin endpoint, over a connection of its own. The first
 * document of the answer, or {"error", "what"}; a new reference.
 */
json_t *bus_ask(
        const struct spawn *spawn, const char *operator_name, const char *method, const char *arguments);

/* The cursor of a subscription, when all rows are on the disk; else 0. */
json_int_t bus_settled_cursor(const struct spawn *spawn, const char *subscription);
/* The number of that name in hub.status, or in a part of it. */
long bus_status_number(const struct spawn *spawn, const char *name);

#endif
