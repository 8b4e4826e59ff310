/*
 * A received message that outlives its turn: the events of a Publish lie in it until they are durable, and
 * need not be copied. Wiped when it is let go, like everything that may have held a person. Any thread, one
 * at a time.
 */
#ifndef MR_HUB_SESSION_LENT_H
#define MR_HUB_SESSION_LENT_H

#include <protobuf-c/protobuf-c.h>
#include <zmq.h>

#include "hub/intake/prepare.h"
#include "proto/base/slice.h"

struct mr_lent;

/* Takes what is in the message, which is an empty one then. NULL: out of memory, and nothing has happened. */
struct mr_lent *mr_lent_take(zmq_msg_t *message);
/* Where they are now: a small message moves when it is taken. */
struct mr_slice mr_lent_bytes(struct mr_lent *lent);
void mr_lent_let_go(void *lent); /* a struct mr_lent; NULL is fine */

/*
 * Gives the intake its events, which lie in the message: one an item. It takes the message, or copies them
 * when they are the smaller part of it: else a sender could make each of them hold a whole frame in memory.
 * MR_ENOMEM.
 */
int mr_lent_events(struct mr_intake *intake, zmq_msg_t *message, const ProtobufCBinaryData *events);

#endif
