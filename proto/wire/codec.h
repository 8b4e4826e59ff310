/*
 * CloudEvents (CloudEvents 1.0.2 specification, protobuf format) from and to bytes.
 * Not thread-safe by object; no shared state.
 */
#ifndef MR_WIRE_CODEC_H
#define MR_WIRE_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "event/person.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"
#include "proto/wire/attribute.h"
#include "proto/wire/registry.h"

enum {
    MR_EVENT_BYTES_MAX = 48 * 1024,
    MR_EVENT_PERSONS_MAX = 8,
    MR_EVENT_ATTRIBUTES_MAX = 64, /* of the map */
    MR_EVENT_FIELDS_MAX = 4096,   /* of the payload, nested ones included */
    MR_EVENT_DEPTH_MAX = 8,
    MR_EVENT_ID_MAX = 256,        /* bytes; source too */
    MR_ATTRIBUTE_BYTES_MAX = 512, /* every other attribute */
};

/* The attributes that Marshrut knows. Strings are NUL-terminated; NULL = absent. */
struct mr_attributes {
    const char *id;
    const char *source;
    const char *type;
    const char *subject;
    const char *time; /* RFC 3339, years 1 to 9999 */
    const char *dataschema;
    const char *regioncode; /* code of the subject of the federation, "24" */
    const char *oktmo;
    const char *orgid; /* OGRN */
    const char *correlationid;
    const char *causationid;
    const char
            *mends; /* id of the event of the same source, waiting for correction, that this one replaces */
    const char *partitionkey;
    const char *basis; /* legal basis code */
    const char *actor; /* opaque id */
    const char *actorrole;
    const char *traceparent;
    const char *staffof; /* set by the hub on delivery only */
};

/* Where a Person block's content (without tag and length) lies in the event's bytes. */
struct mr_person_span {
    size_t offset;
    size_t size;
    const Nms__Event__V1__Person *person; /* in the payload */
};

/* A decoded event. Everything lives in the arena given to decode; `bytes` is borrowed from the caller. */
struct mr_event {
    struct mr_slice bytes;
    struct mr_attributes a;
    int64_t time_us;                  /* 0 when absent */
    const struct mr_event_type *type; /* NULL: not in the registry, and then payload is NULL */
    ProtobufCMessage *payload;
    struct mr_slice payload_bytes; /* of any data, in `bytes` */
    enum mr_data_kind data_kind;
    const struct mr_attribute *attributes; /* of the map, known or not, in the order of the bytes */
    size_t attributes_count;
    struct mr_person_span persons[MR_EVENT_PERSONS_MAX]; /* in order of offset */
    size_t persons_count;
};

/*
 * Decodes and validates the form (well-formed bytes, required attributes, spec_version 1.0, attribute names,
 * payload of the registered type). `known` attributes may be ce_string, ce_uri, ce_uri_ref or ce_timestamp
 * (time); others are in `attributes` only. 0; MR_EMALFORMED, MR_ETOOBIG, MR_EINVAL (attribute missing or
 * wrong: field in where), MR_ENOMEM (arena budget). An unknown type is no failure: ret->type is NULL. After a
 * failure *ret is not to be used. Unknown fields of the payload are kept in it, and pass through re-encoding.
 */
int mr_event_decode(
        struct mr_event *ret, struct mr_slice bytes, struct mr_arena *arena, struct mr_error *reterr);

/*
 * Appends the serialized CloudEvent: payload as proto_data, none when NULL. Deterministic: attributes sorted
 * by name. id, source and type must be there. 0; MR_EINVAL when time is not RFC 3339; MR_ENOMEM. After a
 * failure out is as before.
 */
int mr_event_encode(
        struct mr_buf *out, const struct mr_attributes *attributes, const ProtobufCMessage *payload);

/*
 * Encodes with other attributes and payload in the place of the original's: for deliveries. Attributes of the
 * original that Marshrut does not know are kept when keep_unknown, but for datacontenttype: the payload is
 * proto_data now. Results as of encode.
 */
int mr_event_reencode(struct mr_buf *out, const struct mr_event *original,
        const struct mr_attributes *attributes, const ProtobufCMessage *payload, bool keep_unknown);

/* The protobuf-c allocator over an arena: unpack fails cleanly when the budget is used up; never call
 * free_unpacked. */
ProtobufCAllocator mr_arena_allocator(struct mr_arena *arena);

#endif
