#include "tests/support/numbers_message.h"

#include "proto/base/list.h"

#define MANY(name_, id_, type_)                                                                              \
    {                                                                                                        \
        .name = #name_, .id = id_, .label = PROTOBUF_C_LABEL_REPEATED, .type = PROTOBUF_C_TYPE_##type_,      \
        .quantifier_offset = offsetof(struct numbers, n_##name_), .offset = offsetof(struct numbers, name_)  \
    }
#define ONE(name_, id_, type_)                                                                               \
    {                                                                                                        \
        .name = #name_, .id = id_, .label = PROTOBUF_C_LABEL_NONE, .type = PROTOBUF_C_TYPE_##type_,          \
        .offset = offsetof(struct numbers, name_)                                                            \
    }
static const ProtobufCFieldDescriptor number_fields[] = {
        MANY(ints, 1, INT32),
        MANY(fixed, 2, FIXED32),
        MANY(wide, 3, FIXED64),
        MANY(bools, 4, BOOL),
        ONE(kind, 5, ENUM),
        ONE(one, 6, UINT32),
        MANY(zigzag, 7, SINT64),
        ONE(ratio, 8, DOUBLE),
};
static const ProtobufCIntRange number_ranges[] = {{1, 0}, {0, 8}};

static void init_numbers(ProtobufCMessage *message);

const ProtobufCMessageDescriptor numbers_descriptor = {
        .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
        .name = "Numbers",
        .sizeof_message = sizeof(struct numbers),
        .n_fields = MR_COUNT(number_fields),
        .fields = number_fields,
        .n_field_ranges = 1,
        .field_ranges = number_ranges,
        .message_init = init_numbers,
};

static void init_numbers(ProtobufCMessage *message)
{
    *(struct numbers *)message = (struct numbers){.base = {.descriptor = &numbers_descriptor}};
}
