/*
 * The field of a message by its name. Our messages have some ten fields, which mostly differ in their first
 * letter: that is quicker than protobuf-c's look-up by halves, and the name need not end in a NUL. Any
 * thread.
 */
#ifndef MR_WIRE_FIELD_NAMED_H
#define MR_WIRE_FIELD_NAMED_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

/* NULL: there is none. The name is the first `size` bytes, at least one. */
const ProtobufCFieldDescriptor *mr_field_named(
        const ProtobufCMessageDescriptor *descriptor, const char *name, size_t size);

#endif
