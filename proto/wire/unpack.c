#include "proto/wire/unpack.h"

#include <assert.h>
#include <string.h>

#include "proto/wire/plain.h"
#include "proto/wire/wire.h"

enum { FIELDS_MAX = 256 /* of one message type: ours have far less */ };

/* One message that is being unpacked. */
struct level {
    const ProtobufCMessageDescriptor *descriptor;
    const ProtobufCFieldDescriptor *field; /* whose content the next level is */
    ProtobufCMessage *message;
    struct mr_slice content;
    struct mr_slice rest;
    uint64_t seen[FIELDS_MAX / 64]; /* by index in descriptor->fields */
};

struct walk {
    struct level levels[MR_UNPACK_DEPTH_MAX];
    uint32_t depth; /* of levels in use */
    uint32_t fields;
    const struct mr_unpack_limits *limits;
    const struct mr_unpack_watch *watch;
    struct mr_arena *arena;
    struct mr_error *reterr;
};

/* By the names of the fields that are being walked: "person.snils". */
static void path_of(const struct walk *walk, char *ret, size_t size)
{
    size_t used = 0;

    for (uint32_t i = 0; i < walk->depth; i++) {
        const ProtobufCFieldDescriptor *field = walk->levels[i].field;
        size_t length = field ? strlen(field->name) : 0;

        if (!field || used + length + 2 > size)
            break;
        if (used > 0)
            ret[used++] = '.';
        memcpy(ret + used, field->name, length + 1);
        used += length;
    }
}

static int refuse(const struct walk *walk, int code, const char *what)
{
    char where[sizeof walk->reterr->where] = "";

    path_of(walk, where, sizeof where);
    return mr_error_set(walk->reterr, code, where,
            code == MR_EMALFORMED ? "send a protobuf message of the published schema"
                                  : "send less in one message",
            "%s", what);
}

static int no_memory(const struct walk *walk)
{
    return refuse(walk, MR_ENOMEM, "the message needs more memory than it may");
}

static int twice(const struct walk *walk)
{
    return refuse(walk, MR_EMALFORMED, "a field that may occur once occurs twice");
}

static int push(struct walk *walk, const ProtobufCMessageDescriptor *descriptor, struct mr_slice bytes)
{
    ProtobufCMessage *message;
    struct level *level;

    assert(descriptor->n_fields <= FIELDS_MAX);
    if (walk->depth == walk->limits->depth_max || walk->depth == MR_UNPACK_DEPTH_MAX)
        return refuse(walk, MR_ETOOBIG, "messages are nested too deep");
    message = mr_arena_alloc(walk->arena, descriptor->sizeof_message);
    if (!message)
        return no_memory(walk);
    protobuf_c_message_init(descriptor, message);
    level = &walk->levels[walk->depth++];
    level->descriptor = descriptor;
    level->field = NULL;
    level->message = message;
    level->content = level->rest = bytes;
    for (size_t i = 0; i < (descriptor->n_fields + 63) / 64; i++)
        level->seen[i] = 0;
    return 0;
}

static bool count_fields(struct walk *walk, size_t count)
{
    if (count > walk->limits->fields_max - walk->fields)
        return false;
    walk->fields += (uint32_t)count;
    return true;
}

/* How a single value of a type is written, and how large it is in memory. */
static const struct {
    uint8_t wire_type;
    uint8_t size;
} kinds[] = {
        [PROTOBUF_C_TYPE_INT32] = {MR_WIRE_VARINT, sizeof(int32_t)},
        [PROTOBUF_C_TYPE_SINT32] = {MR_WIRE_VARINT, sizeof(int32_t)},
        [PROTOBUF_C_TYPE_SFIXED32] = {MR_WIRE_32BIT, sizeof(int32_t)},
        [PROTOBUF_C_TYPE_INT64] = {MR_WIRE_VARINT, sizeof(int64_t)},
        [PROTOBUF_C_TYPE_SINT64] = {MR_WIRE_VARINT, sizeof(int64_t)},
        [PROTOBUF_C_TYPE_SFIXED64] = {MR_WIRE_64BIT, sizeof(int64_t)},
        [PROTOBUF_C_TYPE_UINT32] = {MR_WIRE_VARINT, sizeof(uint32_t)},
        [PROTOBUF_C_TYPE_FIXED32] = {MR_WIRE_32BIT, sizeof(uint32_t)},
        [PROTOBUF_C_TYPE_UINT64] = {MR_WIRE_VARINT, sizeof(uint64_t)},
        [PROTOBUF_C_TYPE_FIXED64] = {MR_WIRE_64BIT, sizeof(uint64_t)},
        [PROTOBUF_C_TYPE_FLOAT] = {MR_WIRE_32BIT, sizeof(float)},
        [PROTOBUF_C_TYPE_DOUBLE] = {MR_WIRE_64BIT, sizeof(double)},
        [PROTOBUF_C_TYPE_BOOL] = {MR_WIRE_VARINT, sizeof(protobuf_c_boolean)},
        [PROTOBUF_C_TYPE_ENUM] = {MR_WIRE_VARINT, sizeof(int)},
        [PROTOBUF_C_TYPE_STRING] = {MR_WIRE_BYTES, sizeof(char *)},
        [PROTOBUF_C_TYPE_BYTES] = {MR_WIRE_BYTES, sizeof(ProtobufCBinaryData)},
        [PROTOBUF_C_TYPE_MESSAGE] = {MR_WIRE_BYTES, sizeof(ProtobufCMessage *)},
};

/* Decoders cut what does not fit, each in its own way: such a value has no one meaning. */
static bool varint_fits(ProtobufCType type, uint64_t value)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL:
        return value <= 1;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_SINT32:
        return value <= UINT32_MAX;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        return value <= INT32_MAX || value >= (uint64_t)INT32_MIN;
    default:
        return true;
    }
}

static void put_number(ProtobufCType type, uint64_t raw, void *to)
{
    uint64_t value = raw;
    uint32_t low;

    if (type == PROTOBUF_C_TYPE_SINT32 || type == PROTOBUF_C_TYPE_SINT64)
        value = (raw >> 1) ^ (0 - (raw & 1)); /* zigzag */
    low = (uint32_t)value;
    if (kinds[type].size == sizeof value)
        memcpy(to, &value, sizeof value);
    else
        memcpy(to, &low, sizeof low);
}

/* ---- repeated fields ---- */

/* How many elements the field has from here to the end of the message. A broken rest is found broken when it
 * is reached. */
static size_t count_elements(const ProtobufCFieldDescriptor *field, struct mr_slice rest)
{
    uint8_t expected = kinds[field->type].wire_type;
    struct mr_wire_field raw;
    size_t count = 0;

    while (mr_wire_take(&rest, &raw) == 1) {
        if (raw.number != field->id)
            continue;
        if (raw.wire_type == expected)
            count++;
        else if (raw.wire_type == MR_WIRE_BYTES && expected == MR_WIRE_VARINT)
            for (size_t i = 0; i < raw.bytes.size; i++)
                count += !(raw.bytes.data[i] & 0x80);
        else if (raw.wire_type == MR_WIRE_BYTES)
            count += raw.bytes.size / (expected == MR_WIRE_64BIT ? 8 : 4);
    }
    return count;
}

/* Room for all elements, when the first one comes: it is counted from there, `from`. */
static int make_room(struct walk *walk, const struct level *level, struct mr_slice from)
{
    const ProtobufCFieldDescriptor *field = level->field;
    void **array = (void **)((char *)level->message + field->offset);
    size_t count;

    if (*array)
        return 0;
    count = count_elements(field, from);
    if (count > walk->limits->fields_max)
        return refuse(walk, MR_ETOOBIG, "too many fields");
    *array = mr_arena_alloc(walk->arena, count * kinds[field->type].size);
    return *array ? 0 : no_memory(walk);
}

static void *next_element(const struct level *level)
{
    const ProtobufCFieldDescriptor *field = level->field;
    char *message = (char *)level->message;
    size_t *count = (size_t *)(void *)(message + field->quantifier_offset);

    return *(char **)(void *)(message + field->offset) + (*count)++ * kinds[field->type].size;
}

static int unpack_packed(struct walk *walk, const struct level *level, struct mr_slice bytes)
{
    ProtobufCType type = level->field->type;
    uint8_t wire_type = kinds[type].wire_type;
    size_t width = wire_type == MR_WIRE_64BIT ? 8 : 4;
    uint64_t value;
    int r = 1;

    if (wire_type != MR_WIRE_VARINT && bytes.size % width != 0)
        return refuse(walk, MR_EMALFORMED, "packed numbers end within a number");
    while (bytes.size > 0) {
        if (wire_type == MR_WIRE_VARINT) {
            r = mr_wire_take_varint(&bytes, &value);
        } else {
            value = mr_wire_little_endian(bytes.data, width);
            bytes = mr_slice(bytes.data + width, bytes.size - width);
        }
        if (r < 0)
            return refuse(walk, r, "broken packed number");
        if (wire_type == MR_WIRE_VARINT && !varint_fits(type, value))
            return refuse(walk, MR_EMALFORMED, "number out of the range of its type");
        if (!count_fields(walk, 1))
            return refuse(walk, MR_ETOOBIG, "too many fields");
        put_number(type, value, next_element(level));
    }
    return 0;
}

/* ---- one field ---- */

/* The members of a oneof count as one field. */
static void mark_oneof(struct level *level, const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *descriptor = level->descriptor;

    for (size_t i = 0; i < descriptor->n_fields; i++)
        if (descriptor->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
                descriptor->fields[i].quantifier_offset == field->quantifier_offset)
            level->seen[i / 64] |= UINT64_C(1) << (i % 64);
    *(uint32_t *)(void *)((char *)level->message + field->quantifier_offset) = field->id;
}

/* Marks the field, and the other members of its oneof, as seen; false when it was. */
static inline bool mark_seen(struct level *level, const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *descriptor = level->descriptor;
    size_t index = (size_t)(field - descriptor->fields);

    if (level->seen[index / 64] >> (index % 64) & 1)
        return false;
    level->seen[index / 64] |= UINT64_C(1) << (index % 64);
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        mark_oneof(level, field);
    return true;
}

static int put_string(struct walk *walk, struct mr_slice bytes, char **to)
{
    char *text;

    if (bytes.size == 0) {
        *to = (char *)protobuf_c_empty_string;
        return 0;
    }
    text = mr_arena_alloc(walk->arena, bytes.size + 1);
    if (!text)
        return no_memory(walk);
    if (!mr_plain_copy(text, bytes.data, bytes.size) && !mr_utf8_valid(bytes))
        return refuse(walk, MR_EMALFORMED, "text is not UTF-8 or has a NUL");
    text[bytes.size] = 0;
    *to = text;
    return 0;
}

static int put_bytes(struct walk *walk, struct mr_slice bytes, ProtobufCBinaryData *to)
{
    uint8_t *data = NULL;

    if (bytes.size > 0)
        data = walk->limits->borrow ? (uint8_t *)(uintptr_t)bytes.data
                                    : mr_arena_dup(walk->arena, bytes.data, bytes.size);
    if (bytes.size > 0 && !data)
        return no_memory(walk);
    *to = (ProtobufCBinaryData){bytes.size, data};
    return 0;
}

static int put_message(struct walk *walk, const ProtobufCFieldDescriptor *field, struct mr_slice bytes,
        ProtobufCMessage **to)
{
    int r = push(walk, field->descriptor, bytes);

    if (r == 0)
        *to = walk->levels[walk->depth - 1].message;
    return r;
}

static int put_value(
        struct walk *walk, const ProtobufCFieldDescriptor *field, const struct mr_wire_field *raw, void *to)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return put_string(walk, raw->bytes, to);
    case PROTOBUF_C_TYPE_BYTES:
        return put_bytes(walk, raw->bytes, to);
    case PROTOBUF_C_TYPE_MESSAGE:
        return put_message(walk, field, raw->bytes, to);
    default:
        if (raw->wire_type == MR_WIRE_VARINT && !varint_fits(field->type, raw->varint))
            return refuse(walk, MR_EMALFORMED, "number out of the range of its type");
        put_number(field->type, raw->varint, to);
        return 0;
    }
}

static int unpack_repeated(
        struct walk *walk, struct level *level, const struct mr_wire_field *raw, struct mr_slice from)
{
    const ProtobufCFieldDescriptor *field = level->field;
    uint8_t expected = kinds[field->type].wire_type;
    int r;

    if (raw->wire_type != expected && raw->wire_type != MR_WIRE_BYTES)
        return refuse(walk, MR_EMALFORMED, "wrong wire type of a known field");
    r = make_room(walk, level, from);
    if (r < 0)
        return r;
    if (raw->wire_type != expected)
        return unpack_packed(walk, level, raw->bytes);
    return put_value(walk, field, raw, next_element(level));
}

static int unpack_single(struct walk *walk, struct level *level, const struct mr_wire_field *raw)
{
    const ProtobufCFieldDescriptor *field = level->field;

    assert(field->label == PROTOBUF_C_LABEL_NONE);
    if (!mark_seen(level, field))
        return twice(walk);
    if (raw->wire_type != kinds[field->type].wire_type)
        return refuse(walk, MR_EMALFORMED, "wrong wire type of a known field");
    return put_value(walk, field, raw, (char *)level->message + field->offset);
}

/* Most messages number their fields from 1 without gaps. */
static inline const ProtobufCFieldDescriptor *find_field(
        const ProtobufCMessageDescriptor *descriptor, uint32_t number)
{
    if (number <= descriptor->n_fields && descriptor->fields[number - 1].id == number)
        return &descriptor->fields[number - 1];
    return protobuf_c_message_descriptor_get_field(descriptor, number);
}

static size_t count_unknown(const struct level *level, struct mr_slice rest)
{
    struct mr_wire_field raw;
    size_t count = 0;

    while (mr_wire_take(&rest, &raw) == 1)
        count += !find_field(level->descriptor, raw.number);
    return count;
}

/* As make_room(): before there is memory for them it is known that there are not too many. */
static int make_unknown_room(struct walk *walk, const struct level *level, struct mr_slice from)
{
    ProtobufCMessage *message = level->message;
    size_t count = count_unknown(level, from);

    if (count > walk->limits->fields_max)
        return refuse(walk, MR_ETOOBIG, "too many fields");
    message->unknown_fields = mr_arena_alloc(walk->arena, count * sizeof *message->unknown_fields);
    return message->unknown_fields ? 0 : no_memory(walk);
}

/* As protobuf-c keeps it: all behind the tag, the length too. */
static int keep_unknown(
        struct walk *walk, struct level *level, const struct mr_wire_field *raw, struct mr_slice from)
{
    ProtobufCMessage *message = level->message;
    struct mr_slice after = raw->raw;
    ProtobufCMessageUnknownField *unknown;
    uint64_t tag;
    int r;

    if (walk->limits->strict)
        return refuse(walk, MR_EMALFORMED, "unknown field");
    r = message->unknown_fields ? 0 : make_unknown_room(walk, level, from);
    if (r < 0)
        return r;
    (void)mr_wire_take_varint(&after, &tag);
    unknown = &message->unknown_fields[message->n_unknown_fields];
    *unknown = (ProtobufCMessageUnknownField){.tag = raw->number,
            .wire_type = (ProtobufCWireType)raw->wire_type,
            .len = after.size,
            .data = mr_arena_dup(walk->arena, after.data, after.size)};
    if (!unknown->data)
        return no_memory(walk);
    message->n_unknown_fields++;
    return 0;
}

static int end_message(struct walk *walk)
{
    const struct level *level = &walk->levels[walk->depth - 1];
    int r = 0;

    if (walk->watch && walk->depth > 1)
        r = walk->watch->inner(walk->watch->ctx, level->message, level->content, walk->reterr);
    if (r < 0 && walk->reterr)
        path_of(walk, walk->reterr->where, sizeof walk->reterr->where);
    walk->depth--;
    return r;
}

/* A short text that may occur once, as most fields are: 1; 0: it is something else, and still to be taken. */
static inline int step_text(struct walk *walk, struct level *level)
{
    const uint8_t *end = level->rest.data + level->rest.size, *content;
    uint32_t number;
    int r;

    content = mr_wire_short_bytes(level->rest.data, end, &number);
    level->field = content ? find_field(level->descriptor, number) : NULL;
    if (!level->field || level->field->type != PROTOBUF_C_TYPE_STRING ||
            level->field->label != PROTOBUF_C_LABEL_NONE || !count_fields(walk, 1))
        return 0;
    level->rest = mr_slice(content + content[-1], (size_t)(end - content) - content[-1]);
    if (!mark_seen(level, level->field))
        return twice(walk);
    r = put_string(walk, mr_slice(content, content[-1]),
            (char **)(void *)((char *)level->message + level->field->offset));
    return r < 0 ? r : 1;
}

/* The next field of the innermost message, or out of it at its end. */
static int step(struct walk *walk)
{
    struct level *level = &walk->levels[walk->depth - 1];
    struct mr_slice from = level->rest;
    struct mr_wire_field raw;
    int r = from.size > 0 ? step_text(walk, level) : 0;

    if (r != 0)
        return r < 0 ? r : 0;
    level->field = NULL;
    r = mr_wire_take(&level->rest, &raw);
    if (r < 0)
        return refuse(walk, r, "broken field: tag, length or number");
    if (r == 0)
        return end_message(walk);
    level->field = find_field(level->descriptor, raw.number);
    if (!count_fields(walk, 1))
        return refuse(walk, MR_ETOOBIG, "too many fields");
    if (!level->field)
        return keep_unknown(walk, level, &raw, from);
    return level->field->label == PROTOBUF_C_LABEL_REPEATED ? unpack_repeated(walk, level, &raw, from)
                                                            : unpack_single(walk, level, &raw);
}

int mr_unpack(const ProtobufCMessageDescriptor *descriptor, struct mr_slice bytes,
        const struct mr_unpack_limits *limits, const struct mr_unpack_watch *watch, struct mr_arena *arena,
        ProtobufCMessage **ret, struct mr_error *reterr)
{
    struct walk walk;
    int r;

    walk.depth = 0;
    walk.fields = 0;
    walk.limits = limits;
    walk.watch = watch;
    walk.arena = arena;
    walk.reterr = reterr;
    r = push(&walk, descriptor, bytes);
    if (r < 0)
        return r;
    while (r == 0 && walk.depth > 0)
        r = step(&walk);
    if (r == 0)
        *ret = walk.levels[0].message;
    return r;
}
