/*
 * An event about to be written, and the table of the attributes that Marshrut knows. For codec and json only.
 * Everything is borrowed. Pure; any thread.
 */
#ifndef MR_WIRE_EVENT_PARTS_H
#define MR_WIRE_EVENT_PARTS_H

#include "proto/wire/codec.h"

struct mr_event_parts {
    const char *id;
    const char *source;
    const char *type;
    struct mr_attribute attributes[MR_EVENT_ATTRIBUTES_MAX]; /* of the map */
    size_t attributes_count;
    enum mr_data_kind data_kind;
    struct mr_slice data;            /* binary, text */
    const ProtobufCMessage *payload; /* proto */
};

/* One row of the table of known attributes: those of the map, so without id, source and type. */
struct mr_known_attribute {
    char name[16];
    size_t name_size;            /* 4 to 16 */
    enum mr_attribute_kind kind; /* as we write it */
    size_t offset;               /* of its const char * in struct mr_attributes */
};

/* NULL after the last row. */
const struct mr_known_attribute *mr_known_attribute_at(size_t index);
/* NULL: not known. */
const struct mr_known_attribute *mr_known_attribute_find(struct mr_slice name);
size_t mr_known_attribute_index(const struct mr_known_attribute *known); /* its row, below 64 */

static inline const char **mr_known_attribute_slot(
        const struct mr_known_attribute *known, struct mr_attributes *a)
{
    return (const char **)(void *)((char *)a + known->offset);
}

/* Adds a text, as what the table says for a known name, else as a string. 0; MR_EINVAL: no time; MR_ETOOBIG:
 * full. */
int mr_event_parts_add_text(struct mr_event_parts *parts, const char *name, struct mr_slice text);
/* 0; MR_ETOOBIG: full. */
int mr_event_parts_add(struct mr_event_parts *parts, const struct mr_attribute *attribute);

/* Sorts the attributes and appends the serialized CloudEvent. 0 or MR_ENOMEM, and then out is as before. */
int mr_event_parts_put(struct mr_buf *out, struct mr_event_parts *parts);

#endif
