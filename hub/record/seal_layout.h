/* What lies where in the slots of a sealed event (the table is in seal.h). For seal.c and unseal.c only. */
#ifndef MR_HUB_RECORD_SEAL_LAYOUT_H
#define MR_HUB_RECORD_SEAL_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/buf.h"
#include "proto/wire/codec.h"
#include "store/vault.h"

enum {
    MR_FIELD_PERSON_ID = 1,
    MR_FIELD_SKELETON = 3,
    MR_FIELD_SPANS = 4,
    MR_FIELD_STAFFOF = 5,
    MR_FIELD_PERSON = 32,    /* + tag, 1 to 15 */
    MR_FIELD_ATTRIBUTE = 48, /* + number, 0 to 15 */
    MR_FIELD_BLOCK = 512,    /* + span */
    MR_SPAN_BYTES = 9,
    MR_LEAF_VERSION = 1,
};

#define MR_TYPE_QUARANTINED "hub.event.quarantined.v1"

struct mr_slot_plan {
    struct mr_slot_field fields[MR_SLOT_FIELDS_MAX];
    size_t count;
    uint8_t salt[MR_SALT_BYTES];
};

/* Fields ascend: call in the order of the numbers. */
void mr_slot_plan_add(struct mr_slot_plan *plan, uint16_t field, bool derived, struct mr_slice value);
/* 32+t of one Person block. */
void mr_slot_plan_add_person(struct mr_slot_plan *plan, struct mr_slice block);
/* 48+a. */
void mr_slot_plan_add_attributes(struct mr_slot_plan *plan, const struct mr_attributes *attributes);

/* The event's bytes without the contents of its Person blocks, and the spans that say where they were. */
void mr_seal_cut(const struct mr_event *event, const uint8_t *person_of_span, struct mr_buf *skeleton,
        struct mr_buf *spans);

static inline struct mr_slice mr_event_block(const struct mr_event *event, size_t span)
{
    return mr_slice(event->bytes.data + event->persons[span].offset, event->persons[span].size);
}

#endif
