#include "proto/wire/person_walk.h"

#include <assert.h>

#include "proto/wire/prescan.h"
#include "proto/wire/timestamp.h"

enum { FIELDS_MAX = 256 };

static int walk(struct mr_event *event, const ProtobufCMessage *message, struct mr_slice bytes,
        struct mr_error *reterr);

static int add_person(struct mr_event *event, const ProtobufCMessage *person, struct mr_slice bytes,
        struct mr_error *reterr)
{
    if (event->persons_count == MR_EVENT_PERSONS_MAX)
        return mr_error_set(reterr, MR_ETOOBIG, "", "send several events", "more than %d persons in an event",
                MR_EVENT_PERSONS_MAX);
    event->persons[event->persons_count++] = (struct mr_person_span){
            .offset = (size_t)(bytes.data - event->bytes.data),
            .size = bytes.size,
            .person = (const Nms__Event__V1__Person *)person,
    };
    return 0;
}

/* The unpacked message of the field's n-th occurrence. */
static const ProtobufCMessage *unpacked(
        const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t n)
{
    const void *member = (const char *)message + field->offset;

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return (*(ProtobufCMessage *const *const *)member)[n];
    return *(ProtobufCMessage *const *)member;
}

static int visit(struct mr_event *event, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *inner,
        struct mr_slice bytes, struct mr_error *reterr)
{
    int r;

    if (field->descriptor == &nms__event__v1__person__descriptor) {
        r = add_person(event, inner, bytes, reterr);
    } else if (field->descriptor == &google__protobuf__timestamp__descriptor) {
        const Google__Protobuf__Timestamp *time = (const Google__Protobuf__Timestamp *)inner;

        r = mr_timestamp_valid(time->seconds, time->nanos)
                    ? 0
                    : mr_error_set(reterr, MR_EINVAL, "", "years 1 to 9999", "timestamp out of range");
    } else {
        r = walk(event, inner, bytes, reterr);
    }
    if (r < 0)
        mr_error_within(reterr, field->name);
    return r;
}

/* Recursion is as deep as the schema, which prescan has limited. */
static int walk(struct mr_event *event, const ProtobufCMessage *message, struct mr_slice bytes,
        struct mr_error *reterr)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    uint16_t occurrences[FIELDS_MAX] = {0};
    struct mr_wire_field raw;
    int r;

    assert(descriptor->n_fields <= FIELDS_MAX);
    while ((r = mr_wire_next(&bytes, &raw)) == 1) {
        const ProtobufCFieldDescriptor *field =
                protobuf_c_message_descriptor_get_field(descriptor, raw.number);

        if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        r = visit(event, field, unpacked(message, field, occurrences[field - descriptor->fields]++),
                raw.bytes, reterr);
        if (r < 0)
            return r;
    }
    assert(r == 0);
    return 0;
}

int mr_person_walk(struct mr_event *event, struct mr_error *reterr)
{
    int r = walk(event, event->payload, event->payload_bytes, reterr);

    if (r < 0)
        mr_error_within(reterr, "data");
    return r;
}
