#include "hub/deliver/whole.h"

#include <string.h>

#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "proto/wire/wire.h"

enum {
    ID_HEX_BYTES = 2 * MR_PERSON_ID_BYTES,
    EDIT_BYTES_MAX = 2 + ID_HEX_BYTES, /* tag, length, id */
    DEPTH_MAX = MR_EVENT_DEPTH_MAX + 4,
    EDITS_MAX = MR_EVENT_PERSONS_MAX * (DEPTH_MAX + 2),
    VARINT_MAX = 10,
};
enum { EVENT_TYPE = 4, EVENT_ATTRIBUTES = 5, ENTRY_KEY = 1, ENTRY_VALUE = 2, PERSON_ID = 1 };

/* ---- the payload: lengths and ids ---- */

/* `size` bytes in the place of `skip` ones. */
struct edit {
    const uint8_t *at;
    size_t skip, size;
    uint8_t bytes[EDIT_BYTES_MAX];
};

struct edits {
    const struct mr_unsealed *unsealed;
    size_t next; /* span */
    struct edit list[EDITS_MAX];
    size_t count;
};

static size_t put_varint(uint8_t *out, uint64_t value)
{
    size_t size = 0;

    for (; value >= 0x80; value >>= 7)
        out[size++] = (uint8_t)(value | 0x80);
    out[size++] = (uint8_t)value;
    return size;
}

static struct edit *add_edit(struct edits *edits, const uint8_t *at, size_t skip)
{
    struct edit *edit = &edits->list[edits->count];

    if (edits->count == EDITS_MAX)
        return NULL;
    edits->count++;
    edit->at = at;
    edit->skip = skip;
    edit->size = 0;
    return edit;
}

static const struct mr_unsealed_span *next_span(const struct edits *edits)
{
    return edits->next < edits->unsealed->spans_count ? &edits->unsealed->spans[edits->next] : NULL;
}

/* Does the next span lie in it? */
static bool has_span(const struct edits *edits, struct mr_slice content)
{
    const struct mr_unsealed_span *span = next_span(edits);
    size_t offset = (size_t)(content.data - edits->unsealed->bytes.data);

    return span && span->offset >= offset && span->offset + span->size <= offset + content.size;
}

static bool is_span(const struct edits *edits, struct mr_slice content)
{
    const struct mr_unsealed_span *span = next_span(edits);

    return content.size == span->size && content.data == edits->unsealed->bytes.data + span->offset;
}

/* The hub's id first; one that the sender gave goes. */
static int edit_person(struct edits *edits, struct mr_slice block, size_t *new_size)
{
    const struct mr_unsealed *unsealed = edits->unsealed;
    const uint8_t *id = unsealed->persons[unsealed->person_of_span[edits->next]].id;
    struct edit *edit = add_edit(edits, block.data, 0);
    char hex[ID_HEX_BYTES + 1];
    struct mr_wire_field field;
    int r;

    if (!edit)
        return MR_ECORRUPT;
    (void)mr_hex_encode(id, MR_PERSON_ID_BYTES, hex);
    edit->bytes[0] = PERSON_ID << 3 | MR_WIRE_BYTES;
    edit->bytes[1] = ID_HEX_BYTES;
    memcpy(edit->bytes + 2, hex, ID_HEX_BYTES);
    edit->size = EDIT_BYTES_MAX;
    *new_size = block.size + edit->size;
    edits->next++;
    while ((r = mr_wire_take(&block, &field)) == 1) {
        if (field.number != PERSON_ID)
            continue;
        if (!add_edit(edits, field.raw.data, field.raw.size))
            return MR_ECORRUPT;
        *new_size -= field.raw.size;
    }
    return r;
}

static int edit_field(
        struct edits *edits, const struct mr_wire_field *field, unsigned depth, size_t *new_raw_size);

/* A message in which the next span lies. */
static int edit_message(struct edits *edits, struct mr_slice content, unsigned depth, size_t *new_size)
{
    struct mr_wire_field field;
    int r;

    if (is_span(edits, content))
        return edit_person(edits, content, new_size);
    if (depth == DEPTH_MAX)
        return MR_ECORRUPT;
    *new_size = 0;
    while ((r = mr_wire_take(&content, &field)) == 1) {
        size_t size = field.raw.size;

        if (field.wire_type == MR_WIRE_BYTES && has_span(edits, field.bytes))
            r = edit_field(edits, &field, depth + 1, &size);
        if (r < 0)
            return r;
        *new_size += size;
    }
    return r;
}

/* Its length is written anew, once that is known. */
static int edit_field(
        struct edits *edits, const struct mr_wire_field *field, unsigned depth, size_t *new_raw_size)
{
    uint8_t tag[VARINT_MAX];
    size_t tag_size = put_varint(tag, (uint64_t)field->number << 3 | MR_WIRE_BYTES);
    size_t length_size = field->raw.size - field->bytes.size - tag_size, new_size;
    struct edit *length = add_edit(edits, field->raw.data + tag_size, length_size);
    int r = length ? edit_message(edits, field->bytes, depth, &new_size) : MR_ECORRUPT;

    if (r < 0)
        return r;
    length->size = put_varint(length->bytes, new_size);
    *new_raw_size = tag_size + length->size + new_size;
    return 0;
}

static void apply(struct mr_buf *out, const struct edits *edits, struct mr_slice raw)
{
    const uint8_t *from = raw.data;

    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->list[i];

        mr_buf_put(out, from, (size_t)(edit->at - from));
        mr_buf_put(out, edit->bytes, edit->size);
        from = edit->at + edit->skip;
    }
    mr_buf_put(out, from, (size_t)(raw.data + raw.size - from));
}

static int put_data(struct mr_buf *out, const struct mr_unsealed *unsealed, const struct mr_wire_field *field)
{
    struct edits edits;
    size_t size;
    int r;

    edits.unsealed = unsealed;
    edits.next = edits.count = 0;
    if (!has_span(&edits, field->bytes))
        return MR_ECORRUPT;
    r = edit_field(&edits, field, 0, &size);
    if (r == 0 && edits.next != unsealed->spans_count)
        r = MR_ECORRUPT;
    if (r == 0)
        apply(out, &edits, field->raw);
    return r;
}

/* ---- the attributes ---- */

/* Those of the hub, in the order of their names, each before the first one behind it. */
struct own {
    const char *name;
    struct mr_slice text; /* empty: it is left out */
    bool put;
};

struct attributes {
    struct own own[2];
    size_t count; /* of all that were put */
};

static size_t bytes_field_size(size_t size)
{
    uint8_t length[VARINT_MAX];

    return 1 + put_varint(length, size) + size;
}

static void put_bytes_field(struct mr_buf *out, unsigned number, size_t size)
{
    mr_buf_put_u8(out, (uint8_t)(number << 3 | MR_WIRE_BYTES));
    mr_buf_put_varint(out, size);
}

static void put_own(struct mr_buf *out, const struct own *own)
{
    size_t name_size = strlen(own->name), value_size = bytes_field_size(own->text.size);

    put_bytes_field(out, EVENT_ATTRIBUTES, bytes_field_size(name_size) + bytes_field_size(value_size));
    put_bytes_field(out, ENTRY_KEY, name_size);
    mr_buf_put(out, own->name, name_size);
    put_bytes_field(out, ENTRY_VALUE, value_size);
    put_bytes_field(out, MR_ATTRIBUTE_STRING, own->text.size);
    mr_buf_put_slice(out, own->text);
}

static int compare(struct mr_slice a, const char *b)
{
    size_t size;
    int r;

    if (a.size > 0 && a.data[0] != (uint8_t)*b) /* most names differ in their first letter */
        return a.data[0] - (uint8_t)*b;
    size = strlen(b);
    r = memcmp(a.data, b, a.size < size ? a.size : size);
    return r ? r : (a.size > size) - (a.size < size);
}

/* Those that stand before the name; without one, all. */
static void put_own_before(struct mr_buf *out, struct attributes *attributes, const struct mr_slice *name)
{
    for (size_t i = 0; i < MR_COUNT(attributes->own); i++) {
        struct own *own = &attributes->own[i];

        if (own->put || (name && compare(*name, own->name) < 0))
            continue;
        own->put = true;
        if (own->text.size == 0)
            continue;
        put_own(out, own);
        attributes->count++;
    }
}

/* The hub says these itself; and the content is of protobuf, whatever was said of it. */
static bool is_left_out(const struct attributes *attributes, struct mr_slice name)
{
    for (size_t i = 0; i < MR_COUNT(attributes->own); i++) {
        if (compare(name, attributes->own[i].name) == 0)
            return true;
    }
    return compare(name, "datacontenttype") == 0;
}

static void put_attribute(
        struct mr_buf *out, struct attributes *attributes, const struct mr_wire_field *field)
{
    struct mr_slice name = mr_wire_find(field->bytes, ENTRY_KEY);

    put_own_before(out, attributes, &name);
    if (is_left_out(attributes, name))
        return;
    mr_buf_put_slice(out, field->raw);
    attributes->count++;
}

/* ---- the event ---- */

static int put_field(struct mr_buf *out, const struct mr_unsealed *unsealed, struct attributes *attributes,
        const struct mr_wire_field *field)
{
    if (field->number <= EVENT_TYPE)
        mr_buf_put_slice(out, field->raw);
    else if (field->number == EVENT_ATTRIBUTES)
        put_attribute(out, attributes, field);
    if (field->number != MR_DATA_PROTO)
        return 0; /* of a later version of the format: left out */
    put_own_before(out, attributes, NULL);
    return put_data(out, unsealed, field);
}

static int put_event(struct mr_buf *out, const struct mr_unsealed *unsealed, struct attributes *attributes)
{
    struct mr_slice rest = mr_buf_slice(&unsealed->bytes);
    struct mr_wire_field field;
    bool data = false;
    int r;

    while ((r = mr_wire_take(&rest, &field)) == 1) {
        data = data || field.number == MR_DATA_PROTO;
        r = put_field(out, unsealed, attributes, &field);
        if (r < 0)
            return r;
    }
    if (r < 0 || !data)
        return MR_ECORRUPT; /* it was well-formed when it was taken */
    put_own_before(out, attributes, NULL);
    return attributes->count > MR_EVENT_ATTRIBUTES_MAX ? MR_ETOOBIG : 0;
}

int mr_whole_put(struct mr_buf *out, const struct mr_unsealed *unsealed, struct mr_slice staffof)
{
    struct attributes attributes = {.own = {{.name = "staffof"}, {.name = "subject"}}};
    char subject[ID_HEX_BYTES + 1];
    size_t before = out->size;
    int r;

    if (unsealed->persons_count == 0 || unsealed->spans_count == 0)
        return MR_ECORRUPT;
    (void)mr_hex_encode(unsealed->persons[0].id, MR_PERSON_ID_BYTES, subject);
    attributes.own[0].text = staffof;
    attributes.own[1].text = mr_slice(subject, ID_HEX_BYTES);
    r = put_event(out, unsealed, &attributes);
    if (r == 0 && mr_buf_failed(out))
        r = MR_ENOMEM;
    if (r < 0)
        out->size = before;
    return r;
}
