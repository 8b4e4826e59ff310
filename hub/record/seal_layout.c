#include "hub/record/seal_layout.h"

#include <assert.h>

#include "proto/base/list.h"
#include "proto/wire/wire.h"

enum { WIRE_LENGTH_DELIMITED = 2, PERSON_TAG_MAX = MR_FIELD_ATTRIBUTE - MR_FIELD_PERSON - 1 };

/* The number is the index, and a promise: commitments are made over it. Append only, at most 16. */
static const size_t attribute_offsets[] = {
        offsetof(struct mr_attributes, subject),
        offsetof(struct mr_attributes, time),
        offsetof(struct mr_attributes, id),
        offsetof(struct mr_attributes, correlationid),
        offsetof(struct mr_attributes, causationid),
        offsetof(struct mr_attributes, partitionkey),
        offsetof(struct mr_attributes, orgid),
        offsetof(struct mr_attributes, oktmo),
        offsetof(struct mr_attributes, basis),
        offsetof(struct mr_attributes, actor),
        offsetof(struct mr_attributes, actorrole),
        offsetof(struct mr_attributes, traceparent),
        offsetof(struct mr_attributes, dataschema),
};
_Static_assert(MR_COUNT(attribute_offsets) <= 16, "attributes have field numbers 48 to 63");

void mr_slot_plan_add(struct mr_slot_plan *plan, uint16_t field, bool derived, struct mr_slice value)
{
    assert(plan->count < MR_SLOT_FIELDS_MAX);
    assert(plan->count == 0 || plan->fields[plan->count - 1].field < field);
    plan->fields[plan->count++] = (struct mr_slot_field){.field = field, .derived = derived, .value = value};
}

void mr_slot_plan_add_person(struct mr_slot_plan *plan, struct mr_slice block)
{
    struct mr_slice values[PERSON_TAG_MAX + 1] = {0};
    struct mr_wire_field field;

    while (mr_wire_take(&block, &field) == 1) {
        bool fits = field.number <= PERSON_TAG_MAX && field.wire_type == WIRE_LENGTH_DELIMITED;

        if (fits && !values[field.number].data)
            values[field.number] = field.bytes;
    }
    for (uint16_t tag = 1; tag <= PERSON_TAG_MAX; tag++) {
        if (values[tag].data)
            mr_slot_plan_add(plan, (uint16_t)(MR_FIELD_PERSON + tag), true, values[tag]);
    }
}

void mr_slot_plan_add_attributes(struct mr_slot_plan *plan, const struct mr_attributes *attributes)
{
    for (size_t i = 0; i < MR_COUNT(attribute_offsets); i++) {
        const char *value = *(const char *const *)((const char *)attributes + attribute_offsets[i]);

        if (value)
            mr_slot_plan_add(plan, (uint16_t)(MR_FIELD_ATTRIBUTE + i), true, mr_slice_str(value));
    }
}

void mr_seal_cut(const struct mr_event *event, const uint8_t *person_of_span, struct mr_buf *skeleton,
        struct mr_buf *spans)
{
    size_t from = 0;

    for (size_t i = 0; i < event->persons_count; i++) {
        const struct mr_person_span *span = &event->persons[i];

        assert(span->offset >= from && span->offset + span->size <= event->bytes.size);
        mr_buf_put(skeleton, event->bytes.data + from, span->offset - from);
        from = span->offset + span->size;
        mr_buf_put_be32(spans, (uint32_t)span->offset);
        mr_buf_put_be32(spans, (uint32_t)span->size);
        mr_buf_put_u8(spans, person_of_span[i]);
    }
    mr_buf_put(skeleton, event->bytes.data + from, event->bytes.size - from);
}
