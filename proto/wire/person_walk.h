/* Finds the Person blocks of a decoded payload. For the codec only. */
#ifndef MR_WIRE_PERSON_WALK_H
#define MR_WIRE_PERSON_WALK_H

#include "proto/wire/codec.h"

/*
 * Fills event->persons from payload and payload_bytes, which passed prescan and lie in event->bytes, and
 * refuses timestamps that are none. 0; MR_ETOOBIG: too many persons; MR_EINVAL: a timestamp, path in where.
 */
int mr_person_walk(struct mr_event *event, struct mr_error *reterr);

#endif
