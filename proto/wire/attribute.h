/* One attribute of a CloudEvent's map, and what kinds of data an event may have. Source: CloudEvents 1.0.2,
 * protobuf format. */
#ifndef MR_WIRE_ATTRIBUTE_H
#define MR_WIRE_ATTRIBUTE_H

#include <stdint.h>

#include "proto/base/slice.h"

/* Values are the field numbers of CloudEventAttributeValue. */
enum mr_attribute_kind {
    MR_ATTRIBUTE_NONE = 0, /* without a value: malformed */
    MR_ATTRIBUTE_BOOLEAN = 1,
    MR_ATTRIBUTE_INTEGER = 2,
    MR_ATTRIBUTE_STRING = 3,
    MR_ATTRIBUTE_BYTES = 4,
    MR_ATTRIBUTE_URI = 5,
    MR_ATTRIBUTE_URI_REF = 6,
    MR_ATTRIBUTE_TIMESTAMP = 7,
};

struct mr_attribute {
    const char *name;
    enum mr_attribute_kind kind;
    struct mr_slice bytes; /* string, bytes, uri, uri_ref; of a decoded event NUL-terminated but for bytes */
    int64_t number;        /* boolean, integer; seconds of a timestamp */
    int32_t nanos;         /* timestamp */
};

/* Values are the field numbers of CloudEvent's oneof. */
enum mr_data_kind { MR_DATA_NONE = 0, MR_DATA_BINARY = 6, MR_DATA_TEXT = 7, MR_DATA_PROTO = 8 };

#endif
