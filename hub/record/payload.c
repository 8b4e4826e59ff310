#include "hub/record/payload.h"

#include <stdint.h>
#include <string.h>

#include "proto/base/err.h"

/* Bytes of one value in the struct that protoc-c makes. */
static size_t value_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return sizeof(uint64_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return sizeof(uint32_t);
    }
}

static const void *member_of(const ProtobufCMessage *message, unsigned offset)
{
    return (const char *)message + offset;
}

static void copy_member(ProtobufCMessage *to, const ProtobufCMessage *from, unsigned offset, size_t size)
{
    memcpy((char *)to + offset, member_of(from, offset), size);
}

static bool in_oneof(const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

static bool filter_message(ProtobufCMessage *to, unsigned offset, struct mr_arena *arena,
        mr_payload_keep_fn keep, const void *ctx)
{
    ProtobufCMessage *inner;

    memcpy(&inner, (char *)to + offset, sizeof inner);
    if (!inner)
        return true;
    inner = mr_payload_filter(inner, arena, keep, ctx);
    memcpy((char *)to + offset, &inner, sizeof inner);
    return inner != NULL;
}

static bool filter_messages(ProtobufCMessage *to, const ProtobufCFieldDescriptor *field,
        struct mr_arena *arena, mr_payload_keep_fn keep, const void *ctx)
{
    size_t count;
    ProtobufCMessage **from;
    ProtobufCMessage **copies;

    memcpy(&count, member_of(to, field->quantifier_offset), sizeof count);
    memcpy(&from, member_of(to, field->offset), sizeof from);
    if (count == 0)
        return true;
    copies = mr_arena_alloc(arena, count * sizeof(ProtobufCMessage *));
    if (!copies)
        return false;
    for (size_t i = 0; i < count; i++) {
        copies[i] = mr_payload_filter(from[i], arena, keep, ctx);
        if (!copies[i])
            return false;
    }
    memcpy((char *)to + field->offset, &copies, sizeof copies);
    return true;
}

static bool copy_field(ProtobufCMessage *to, const ProtobufCMessage *from,
        const ProtobufCFieldDescriptor *field, struct mr_arena *arena, mr_payload_keep_fn keep,
        const void *ctx)
{
    bool is_message = field->type == PROTOBUF_C_TYPE_MESSAGE;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        copy_member(to, from, field->quantifier_offset, sizeof(size_t));
        copy_member(to, from, field->offset, sizeof(void *));
        return !is_message || filter_messages(to, field, arena, keep, ctx);
    }
    if (in_oneof(field)) {
        uint32_t chosen;

        memcpy(&chosen, member_of(from, field->quantifier_offset), sizeof chosen);
        if (chosen != field->id)
            return true;
        copy_member(to, from, field->quantifier_offset, sizeof chosen);
    } else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !is_message &&
               field->type != PROTOBUF_C_TYPE_STRING) {
        copy_member(to, from, field->quantifier_offset, sizeof(protobuf_c_boolean));
    }
    copy_member(to, from, field->offset, value_size(field));
    return !is_message || filter_message(to, field->offset, arena, keep, ctx);
}

ProtobufCMessage *mr_payload_filter(
        const ProtobufCMessage *payload, struct mr_arena *arena, mr_payload_keep_fn keep, const void *ctx)
{
    const ProtobufCMessageDescriptor *descriptor = payload->descriptor;
    ProtobufCMessage *copy = mr_arena_alloc(arena, descriptor->sizeof_message);

    if (!copy)
        return NULL;
    descriptor->message_init(copy);
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

        if (keep(ctx, descriptor, field) && !copy_field(copy, payload, field, arena, keep, ctx))
            return NULL;
    }
    return copy;
}

int mr_payload_pack(struct mr_buf *out, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *room = mr_buf_reserve(out, size);

    if (!room)
        return MR_ENOMEM;
    if (protobuf_c_message_pack(message, room) != size)
        return MR_EINVAL;
    out->size += size;
    return 0;
}
