#include "proto/wire/prescan.h"

#include <assert.h>
#include <string.h>

enum {
    WIRE_VARINT = 0,
    WIRE_64BIT = 1,
    WIRE_BYTES = 2,
    WIRE_32BIT = 5,
    FIELDS_MAX = 256, /* of one message type: ours have far less */
    FIELD_NUMBER_MAX = (1 << 29) - 1,
};

/* One message that is being walked. */
struct level {
    const ProtobufCMessageDescriptor *descriptor;
    const ProtobufCFieldDescriptor *field; /* whose content the next level is */
    struct mr_slice rest;
    uint64_t seen[FIELDS_MAX / 64]; /* by index in descriptor->fields */
};

struct walk {
    struct level levels[MR_PRESCAN_DEPTH_MAX];
    uint32_t depth; /* of levels in use */
    uint32_t fields;
    const struct mr_prescan_limits *limits;
    struct mr_error *reterr;
};

static bool utf8_tail(const uint8_t *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((in[i] & 0xc0) != 0x80)
            return false;
    return true;
}

/* Bytes of the sequence that starts at in, 0 when it is not well-formed (RFC 3629 section 4). */
static size_t utf8_sequence(const uint8_t *in, size_t size)
{
    uint8_t a = in[0];
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    size_t need;

    if (a < 0x80)
        return a != 0;
    if (a < 0xc2 || a > 0xf4)
        return 0;
    need = a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4;
    if (size < need)
        return 0;
    if (a == 0xe0)
        low = 0xa0; /* overlong */
    else if (a == 0xed)
        high = 0x9f; /* surrogates */
    else if (a == 0xf0)
        low = 0x90; /* overlong */
    else if (a == 0xf4)
        high = 0x8f; /* above U+10FFFF */
    return in[1] >= low && in[1] <= high && utf8_tail(in + 2, need - 2) ? need : 0;
}

/* How many bytes from the start are plain: ASCII and no NUL. Eight at a time: nearly all of the text is. */
static size_t plain_bytes(struct mr_slice text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t i = 0;

    for (; i + 8 <= text.size; i += 8) {
        uint64_t word;

        memcpy(&word, text.data + i, sizeof word);
        if ((word & tops) != 0 || ((word - ones) & ~word & tops) != 0)
            break;
    }
    while (i < text.size && text.data[i] - 1u < 0x7f)
        i++;
    return i;
}

bool mr_utf8_valid(struct mr_slice text)
{
    for (size_t i = plain_bytes(text); i < text.size;) {
        size_t step = utf8_sequence(text.data + i, text.size - i);

        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

static struct mr_slice take(struct mr_slice *rest, size_t size)
{
    struct mr_slice taken = {rest->data, size};

    rest->data += size;
    rest->size -= size;
    return taken;
}

/* Of two bytes and more. */
static int long_varint(struct mr_slice *rest, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < 10 && i < rest->size; i++) {
        uint8_t byte = rest->data[i];

        if (i == 9 && byte > 1)
            return MR_EMALFORMED; /* above 64 bits */
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        if (i > 0 && byte == 0)
            return MR_EMALFORMED; /* longer than need be */
        (void)take(rest, i + 1);
        *ret = value;
        return 1;
    }
    return MR_EMALFORMED;
}

static inline int varint(struct mr_slice *rest, uint64_t *ret)
{
    if (rest->size == 0)
        return 0;
    if (rest->data[0] & 0x80)
        return long_varint(rest, ret);
    *ret = rest->data[0];
    rest->data++;
    rest->size--;
    return 1;
}

int mr_wire_varint(struct mr_slice *rest, uint64_t *ret)
{
    return varint(rest, ret);
}

static uint64_t little_endian(struct mr_slice bytes)
{
    uint64_t value = 0;

    for (size_t i = bytes.size; i > 0; i--)
        value = value << 8 | bytes.data[i - 1];
    return value;
}

static inline int take_value(struct mr_slice *rest, struct mr_wire_field *ret)
{
    uint64_t size;

    switch (ret->wire_type) {
    case WIRE_VARINT:
        return varint(rest, &ret->varint) == 1 ? 1 : MR_EMALFORMED;
    case WIRE_64BIT:
    case WIRE_32BIT:
        size = ret->wire_type == WIRE_64BIT ? 8 : 4;
        if (rest->size < size)
            return MR_EMALFORMED;
        ret->varint = little_endian(take(rest, size));
        return 1;
    case WIRE_BYTES:
        if (varint(rest, &size) != 1 || size > rest->size)
            return MR_EMALFORMED;
        ret->bytes = take(rest, size);
        return 1;
    default:
        return MR_EMALFORMED; /* groups, and numbers that have no meaning */
    }
}

static inline int next_field(struct mr_slice *rest, struct mr_wire_field *ret)
{
    struct mr_slice at = *rest;
    uint64_t tag;
    int r = varint(&at, &tag);

    if (r <= 0)
        return r;
    if (tag >> 3 == 0 || tag >> 3 > FIELD_NUMBER_MAX)
        return MR_EMALFORMED;
    *ret = (struct mr_wire_field){.number = (uint32_t)(tag >> 3), .wire_type = tag & 7};
    r = take_value(&at, ret);
    if (r < 0)
        return r;
    ret->raw = mr_slice(rest->data, rest->size - at.size);
    *rest = at;
    return 1;
}

int mr_wire_next(struct mr_slice *rest, struct mr_wire_field *ret)
{
    int r = next_field(rest, ret);

    if (r <= 0)
        *ret = (struct mr_wire_field){0};
    return r;
}

struct mr_slice mr_wire_find(struct mr_slice message, uint32_t number)
{
    struct mr_wire_field field;

    while (next_field(&message, &field) == 1)
        if (field.number == number && field.wire_type == WIRE_BYTES)
            return field.bytes;
    return mr_slice(NULL, 0);
}

/* Says where by the names of the fields that are being walked: "person.snils". */
static int refuse(const struct walk *walk, int code, const char *what)
{
    char where[sizeof walk->reterr->where] = "";
    size_t used = 0;

    for (uint32_t i = 0; i < walk->depth; i++) {
        const ProtobufCFieldDescriptor *field = walk->levels[i].field;
        size_t size = field ? strlen(field->name) : 0;

        if (!field || used + size + 2 > sizeof where)
            break;
        if (used > 0)
            where[used++] = '.';
        memcpy(where + used, field->name, size + 1);
        used += size;
    }
    return mr_error_set(walk->reterr, code, where,
            code == MR_ETOOBIG ? "send less in one message"
                               : "send a protobuf message of the published schema",
            "%s", what);
}

static int push(struct walk *walk, const ProtobufCMessageDescriptor *descriptor, struct mr_slice bytes)
{
    assert(descriptor->n_fields <= FIELDS_MAX);
    if (walk->depth == walk->limits->depth_max || walk->depth == MR_PRESCAN_DEPTH_MAX)
        return refuse(walk, MR_ETOOBIG, "messages are nested too deep");
    walk->levels[walk->depth++] = (struct level){.descriptor = descriptor, .rest = bytes};
    return 0;
}

static bool count_fields(struct walk *walk, size_t count)
{
    if (count > walk->limits->fields_max - walk->fields)
        return false;
    walk->fields += (uint32_t)count;
    return true;
}

/* The wire type of a single value of the field. */
static uint8_t wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_32BIT;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_BYTES;
    default:
        return WIRE_VARINT;
    }
}

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

static int scan_packed(struct walk *walk, ProtobufCType type, struct mr_slice bytes)
{
    uint8_t wire_type = wire_type_of(type);
    size_t width = wire_type == WIRE_64BIT ? 8 : 4;
    uint64_t value;
    int r;

    if (wire_type != WIRE_VARINT) {
        if (bytes.size % width != 0)
            return refuse(walk, MR_EMALFORMED, "packed numbers end within a number");
        if (!count_fields(walk, bytes.size / width))
            return refuse(walk, MR_ETOOBIG, "too many fields");
        return 0;
    }
    while ((r = varint(&bytes, &value)) == 1) {
        if (!varint_fits(type, value))
            return refuse(walk, MR_EMALFORMED, "number out of the range of its type");
        if (!count_fields(walk, 1))
            return refuse(walk, MR_ETOOBIG, "too many fields");
    }
    return r < 0 ? refuse(walk, r, "broken packed number") : 0;
}

/* Marks the field, and the other members of its oneof, as seen; false when it was. */
static bool mark_seen(struct level *level, const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *descriptor = level->descriptor;
    size_t index = (size_t)(field - descriptor->fields);

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return true;
    if (level->seen[index / 64] >> (index % 64) & 1)
        return false;
    level->seen[index / 64] |= UINT64_C(1) << (index % 64);
    for (size_t i = 0; field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF && i < descriptor->n_fields; i++)
        if (descriptor->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
                descriptor->fields[i].quantifier_offset == field->quantifier_offset)
            level->seen[i / 64] |= UINT64_C(1) << (i % 64);
    return true;
}

static int scan_known(struct walk *walk, struct level *level, const struct mr_wire_field *raw)
{
    const ProtobufCFieldDescriptor *field = level->field;
    uint8_t expected = wire_type_of(field->type);

    if (!mark_seen(level, field))
        return refuse(walk, MR_EMALFORMED, "a field that may occur once occurs twice");
    if (raw->wire_type != expected) {
        if (raw->wire_type == WIRE_BYTES && field->label == PROTOBUF_C_LABEL_REPEATED)
            return scan_packed(walk, field->type, raw->bytes);
        return refuse(walk, MR_EMALFORMED, "wrong wire type of a known field");
    }
    if (expected == WIRE_VARINT && !varint_fits(field->type, raw->varint))
        return refuse(walk, MR_EMALFORMED, "number out of the range of its type");
    if (field->type == PROTOBUF_C_TYPE_STRING && !mr_utf8_valid(raw->bytes))
        return refuse(walk, MR_EMALFORMED, "text is not UTF-8 or has a NUL");
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return push(walk, field->descriptor, raw->bytes);
    return 0;
}

/* Most messages number their fields from 1 without gaps. */
static inline const ProtobufCFieldDescriptor *find_field(
        const ProtobufCMessageDescriptor *descriptor, uint32_t number)
{
    if (number <= descriptor->n_fields && descriptor->fields[number - 1].id == number)
        return &descriptor->fields[number - 1];
    return protobuf_c_message_descriptor_get_field(descriptor, number);
}

/* The next field of the innermost message, or out of it at its end. */
static int scan_step(struct walk *walk)
{
    struct level *level = &walk->levels[walk->depth - 1];
    struct mr_wire_field raw;
    int r;

    level->field = NULL;
    r = next_field(&level->rest, &raw);
    if (r < 0)
        return refuse(walk, r, "broken field: tag, length or number");
    if (r == 0) {
        walk->depth--;
        return 0;
    }
    level->field = find_field(level->descriptor, raw.number);
    if (!count_fields(walk, 1))
        return refuse(walk, MR_ETOOBIG, "too many fields");
    if (level->field)
        return scan_known(walk, level, &raw);
    return walk->limits->strict ? refuse(walk, MR_EMALFORMED, "unknown field") : 0;
}

int mr_prescan(const ProtobufCMessageDescriptor *descriptor, struct mr_slice bytes,
        const struct mr_prescan_limits *limits, struct mr_error *reterr)
{
    struct walk walk;
    int r;

    walk.depth = 0;
    walk.fields = 0;
    walk.limits = limits;
    walk.reterr = reterr;
    r = push(&walk, descriptor, bytes);
    while (r == 0 && walk.depth > 0)
        r = scan_step(&walk);
    return r;
}
