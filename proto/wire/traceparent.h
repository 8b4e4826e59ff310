/*
 * The attribute traceparent (W3C Trace Context, level 1; CloudEvents' extension for distributed tracing): ids
 * of a trace, for logs and headers. Only one of the right form is shown anywhere: the attribute itself is any
 * text that a sender wrote. Pure functions.
 */
#ifndef MR_WIRE_TRACEPARENT_H
#define MR_WIRE_TRACEPARENT_H

#include <stdbool.h>

#include "proto/base/slice.h"

enum { MR_TRACEPARENT_TEXT_MAX = 56 }; /* with the NUL */

/* 2 + 32 + 16 + 2 digits of hex, ids not zero; of a later version than 00 the beginning. Copies it to ret. */
bool mr_traceparent_read(const char *text, char ret[static MR_TRACEPARENT_TEXT_MAX]);
/* That of a serialized CloudEvent, in whatever state its bytes are. false: none of the right form. */
bool mr_traceparent_of_event(struct mr_slice event, char ret[static MR_TRACEPARENT_TEXT_MAX]);

#endif
