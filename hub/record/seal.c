#include "hub/record/seal.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "event/hub.pb-c.h"
#include "hub/record/payload.h"
#include "hub/record/seal_layout.h"
#include "leaf.pb-c.h"
#include "proto/wire/digest.h"

enum { OPEN_ARENA_BYTES = 64 * 1024 };

void mr_sealed_fini(struct mr_sealed *sealed)
{
    if (!sealed)
        return;
    mr_buf_wipe(&sealed->leaf);
    mr_random_wipe(&sealed->random);
    for (size_t i = 0; i < MR_RECORD_SLOTS_MAX; i++)
        mr_buf_fini(&sealed->slots[i]);
    sealed->slots_count = 0;
    mr_buf_wipe(&sealed->skeleton);
    mr_buf_wipe(&sealed->spans);
    mr_buf_wipe(&sealed->open);
    mr_arena_fini(&sealed->arena);
}

void mr_sealed_reset(struct mr_sealed *sealed)
{
    mr_buf_reset(&sealed->leaf);
    for (size_t i = 0; i < MR_RECORD_SLOTS_MAX; i++)
        mr_buf_reset(&sealed->slots[i]);
    sealed->slots_count = 0;
}

/* Everything of one sealing. Large: only what is used of it is set. */
struct job {
    struct mr_slot_plan plans[MR_RECORD_SLOTS_MAX];
    size_t plans_count;
    const struct mr_slot_key *keys[MR_RECORD_SLOTS_MAX];
    uint8_t commitments[MR_RECORD_SLOTS_MAX][MR_COMMITMENT_BYTES];
    Marshrut__Log__V1__Commitment messages[MR_RECORD_SLOTS_MAX];
    Marshrut__Log__V1__Commitment *message_of[MR_RECORD_SLOTS_MAX];
};

static void job_init(struct job *job, size_t plans_count)
{
    job->plans_count = plans_count;
    for (size_t i = 0; i < plans_count; i++)
        job->plans[i].count = 0;
}

/* Its memory is for the next one. */
static void forget(struct mr_buf *plain)
{
    if (plain->size > 0)
        sodium_memzero(plain->data, plain->size);
    mr_buf_reset(plain);
}

static void job_fini(struct job *job, struct mr_sealed *ret)
{
    forget(&ret->skeleton);
    forget(&ret->spans);
    mr_buf_reset(&ret->open);
    for (size_t i = 0; i < job->plans_count; i++)
        sodium_memzero(job->plans[i].salt, sizeof job->plans[i].salt);
}

static char *text_or_empty(const char *text)
{
    return text ? (char *)text : (char *)protobuf_c_empty_string;
}

static void leaf_begin(Marshrut__Log__V1__Leaf *leaf, const struct mr_seal_input *input)
{
    marshrut__log__v1__leaf__init(leaf);
    leaf->v = MR_LEAF_VERSION;
    leaf->hub_id = (ProtobufCBinaryData){MR_UUID_BYTES, (uint8_t *)input->hub_id};
    leaf->recorded_us = (uint64_t)input->recorded_us;
    leaf->registry = mr_registry_version();
    leaf->system = text_or_empty(input->system);
}

static int leaf_end(struct mr_sealed *ret, const Marshrut__Log__V1__Leaf *leaf)
{
    int r = mr_payload_pack(&ret->leaf, &leaf->base);

    if (r == 0)
        mr_leaf_hash(mr_buf_slice(&ret->leaf), ret->leaf_hash);
    return r;
}

/* ---- the leaf of an open event: as protobuf-c packs it, which the tests hold it to, in one go ---- */

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, VARINT_BYTES_MAX = 10 };
enum { LEAF_FIELDS = 6, LEAF_FIXED_BYTES = LEAF_FIELDS * (1 + VARINT_BYTES_MAX) + MR_UUID_BYTES };

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_number(uint8_t *at, unsigned field, uint64_t value)
{
    if (value == 0)
        return at;
    *at++ = (uint8_t)(field << 3 | WIRE_VARINT);
    return put_varint(at, value);
}

static uint8_t *put_fixed(uint8_t *at, unsigned field, uint64_t value)
{
    if (value == 0)
        return at;
    *at++ = (uint8_t)(field << 3 | WIRE_FIXED64);
    for (size_t i = 0; i < sizeof value; i++)
        *at++ = (uint8_t)(value >> 8 * i);
    return at;
}

static uint8_t *put_bytes(uint8_t *at, unsigned field, struct mr_slice bytes)
{
    if (bytes.size == 0)
        return at;
    *at++ = (uint8_t)(field << 3 | WIRE_BYTES);
    at = put_varint(at, bytes.size);
    memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

static int seal_open_event(struct mr_sealed *ret, const struct mr_seal_input *input)
{
    struct mr_slice system = mr_slice_str(text_or_empty(input->system)), event = input->event->bytes;
    size_t room = LEAF_FIXED_BYTES + system.size + event.size;
    uint8_t *start = mr_buf_reserve(&ret->leaf, room), *at = start;

    if (!start)
        return MR_ENOMEM;
    at = put_number(at, 1, MR_LEAF_VERSION);
    at = put_bytes(at, 2, mr_slice(input->hub_id, MR_UUID_BYTES));
    at = put_fixed(at, 3, (uint64_t)input->recorded_us);
    at = put_number(at, 4, mr_registry_version());
    at = put_bytes(at, 5, system);
    at = put_bytes(at, LEAF_FIELDS, event);
    assert((size_t)(at - start) <= room);
    ret->leaf.size += (size_t)(at - start);
    if (!ret->hash_later)
        mr_leaf_hash(mr_buf_slice(&ret->leaf), ret->leaf_hash);
    return 0;
}

/* The first slot holds what belongs to no single person. */
static void plan_first(const struct mr_sealed *ret, struct job *job, const struct mr_seal_input *input)
{
    struct mr_slot_plan *plan = &job->plans[0];

    mr_slot_plan_add(plan, MR_FIELD_SKELETON, false, mr_buf_slice(&ret->skeleton));
    mr_slot_plan_add(plan, MR_FIELD_SPANS, false, mr_buf_slice(&ret->spans));
    if (input->staffof && *input->staffof)
        mr_slot_plan_add(plan, MR_FIELD_STAFFOF, false, mr_slice_str(input->staffof));
}

static void plan_person(
        const struct mr_sealed *ret, struct job *job, const struct mr_seal_input *input, size_t slot)
{
    const struct mr_event *event = input->event;
    struct mr_slot_plan *plan = &job->plans[slot];
    size_t span = 0;

    mr_slot_plan_add(plan, MR_FIELD_PERSON_ID, false, mr_slice(input->persons[slot].id, MR_PERSON_ID_BYTES));
    if (slot == 0)
        plan_first(ret, job, input);
    while (span < event->persons_count && input->person_of_span[span] != slot)
        span++;
    if (span < event->persons_count)
        mr_slot_plan_add_person(plan, mr_event_block(event, span));
    if (slot == 0)
        mr_slot_plan_add_attributes(plan, &event->a);
    for (; span < event->persons_count; span++) {
        if (input->person_of_span[span] == slot)
            mr_slot_plan_add(plan, (uint16_t)(MR_FIELD_BLOCK + span), false, mr_event_block(event, span));
    }
}

static void commit_slots(struct mr_sealed *ret, struct job *job)
{
    for (size_t i = 0; i < job->plans_count; i++) {
        struct mr_slot_plan *plan = &job->plans[i];

        mr_random_take(&ret->random, plan->salt, sizeof plan->salt);
        mr_slot_commit(plan->salt, plan->fields, plan->count, job->commitments[i]);
        marshrut__log__v1__commitment__init(&job->messages[i]);
        job->messages[i].c = (ProtobufCBinaryData){MR_COMMITMENT_BYTES, job->commitments[i]};
        job->message_of[i] = &job->messages[i];
    }
}

static int seal_slots(struct mr_sealed *ret, const struct job *job)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < job->plans_count; i++) {
        const struct mr_slot_plan *plan = &job->plans[i];

        r = mr_slot_seal(&ret->slots[i], job->keys[i], ret->leaf_hash, (uint8_t)i, plan->salt, plan->fields,
                plan->count, &ret->random);
    }
    ret->slots_count = job->plans_count;
    return r;
}

/* Leaf of a sealed event: what may stand openly, and the commitments. open is packed already. */
static int leaf_sealed(struct mr_sealed *ret, const struct mr_seal_input *input, struct job *job,
        const char *type, const struct mr_buf *open)
{
    Marshrut__Log__V1__Leaf leaf;

    leaf_begin(&leaf, input);
    leaf.type = text_or_empty(type);
    leaf.source = text_or_empty(input->source);
    leaf.regioncode = text_or_empty(input->event->a.regioncode);
    leaf.open = (ProtobufCBinaryData){open->size, open->data};
    leaf.n_commitments = job->plans_count;
    leaf.commitments = job->message_of;
    return leaf_end(ret, &leaf);
}

static uint64_t public_fields(const ProtobufCMessageDescriptor *message)
{
    uint64_t fields = 0;

    assert(message->n_fields <= 64);
    for (unsigned i = 0; i < message->n_fields; i++) {
        if (mr_registry_field_public(message, &message->fields[i]))
            fields |= UINT64_C(1) << i;
    }
    return fields;
}

static bool is_public(
        const void *ctx, const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field)
{
    struct mr_sealed *const *sealed = ctx;
    struct mr_seal_public *known = &(*sealed)->public[(uintptr_t)message / sizeof *message % MR_SEAL_PUBLIC];

    if (known->message != message)
        *known = (struct mr_seal_public){message, public_fields(message)};
    return known->fields >> (field - message->fields) & 1;
}

static int put_public_fields(struct mr_sealed *ret, const struct mr_event *event)
{
    const ProtobufCMessage *open;
    int r;

    if (!event->payload)
        return 0;
    if (ret->arena.budget == 0)
        mr_arena_init(&ret->arena, OPEN_ARENA_BYTES);
    open = mr_payload_filter(event->payload, &ret->arena, is_public, &ret);
    r = open ? mr_payload_pack(&ret->open, open) : MR_ENOMEM;
    mr_arena_reset(&ret->arena);
    return r;
}

static int plan_event(struct mr_sealed *ret, struct job *job, const struct mr_seal_input *input)
{
    mr_seal_cut(input->event, input->person_of_span, &ret->skeleton, &ret->spans);
    for (size_t i = 0; i < input->persons_count; i++) {
        job->keys[i] = &input->persons[i].key;
        plan_person(ret, job, input, i);
    }
    return mr_buf_failed(&ret->skeleton) || mr_buf_failed(&ret->spans) ? MR_ENOMEM : 0;
}

static int seal_event(struct mr_sealed *ret, const struct mr_seal_input *input)
{
    struct job job;
    int r;

    job_init(&job, input->persons_count);
    r = plan_event(ret, &job, input);
    if (r == 0)
        r = put_public_fields(ret, input->event);
    if (r == 0) {
        commit_slots(ret, &job);
        r = leaf_sealed(ret, input, &job, input->event->a.type, &ret->open);
    }
    if (r == 0)
        r = seal_slots(ret, &job);
    job_fini(&job, ret);
    return r;
}

static int failed(struct mr_error *reterr, int r)
{
    return r < 0 ? mr_error_set(reterr, r, "seal", "", "an event could not be sealed: %s", mr_err_text(r))
                 : 0;
}

int mr_seal(struct mr_sealed *ret, const struct mr_seal_input *input, struct mr_error *reterr)
{
    assert(input->persons_count <= MR_RECORD_SLOTS_MAX);
    assert(input->persons_count > 0 || input->event->persons_count == 0);
    mr_sealed_reset(ret);
    return failed(reterr, input->persons_count == 0 ? seal_open_event(ret, input) : seal_event(ret, input));
}

static int put_quarantined(struct mr_buf *out, const struct mr_seal_input *input, const struct job *job,
        const char *code, const char *field)
{
    Nms__Event__V1__HubEventQuarantined message;

    nms__event__v1__hub_event_quarantined__init(&message);
    message.source = text_or_empty(input->source);
    message.type = text_or_empty(input->event->a.type);
    message.code = text_or_empty(code);
    message.field = text_or_empty(field);
    message.commitment = job->messages[0].c;
    message.size_bytes = (uint32_t)input->event->bytes.size;
    return mr_payload_pack(out, &message.base);
}

/* The whole event in one slot, under a key that is nobody's. */
static void plan_item(struct mr_sealed *ret, struct job *job, const struct mr_seal_input *input,
        const struct mr_slot_key *item_key)
{
    job_init(job, 1);
    job->keys[0] = item_key;
    mr_slot_plan_add(&job->plans[0], MR_FIELD_SKELETON, false, input->event->bytes);
    mr_slot_plan_add(&job->plans[0], MR_FIELD_SPANS, false, (struct mr_slice){0});
    mr_slot_plan_add_attributes(&job->plans[0], &input->event->a);
    commit_slots(ret, job);
}

int mr_seal_quarantined(struct mr_sealed *ret, const struct mr_seal_input *input, const char *code,
        const char *field, const struct mr_slot_key *item_key)
{
    struct job job;
    int r;

    mr_sealed_reset(ret);
    plan_item(ret, &job, input, item_key);
    r = put_quarantined(&ret->open, input, &job, code, field);
    if (r == 0)
        r = leaf_sealed(ret, input, &job, MR_TYPE_QUARANTINED, &ret->open);
    if (r == 0)
        r = seal_slots(ret, &job);
    job_fini(&job, ret);
    return r;
}

int mr_seal_to_one(
        struct mr_sealed *ret, const struct mr_seal_input *input, const struct mr_slot_key *item_key)
{
    struct job job;
    int r;

    mr_sealed_reset(ret);
    plan_item(ret, &job, input, item_key);
    r = leaf_sealed(ret, input, &job, input->event->a.type, &ret->open);
    if (r == 0)
        r = seal_slots(ret, &job);
    job_fini(&job, ret);
    return r;
}
