/*
 * Minimisation for one receiver (decision 7). What a receiver without names may have of an event about a
 * person is a list of what stays, not of what goes: a new field of a schema is withheld until somebody adds
 * it here.
 */
#include <stdio.h>
#include <string.h>

#include "event/common.pb-c.h"
#include "hub/payload.h"
#include "hub/seal.h"
#include "hub/staffof.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "proto/wire/digest.h"
#include "proto/wire/prescan.h"

enum {
    DISCLOSE_ARENA_BYTES = 4 * 1024 * 1024,
    LEAF_FIELD_HUB_ID = 2,
    LEAF_FIELD_SOURCE = 8,
    ID_HEX_MAX = 2 * MR_PERSON_ID_BYTES + 1
};

/* Fields of payloads about a person that subscriptions with `none` get: fixed words, codes of lists, numbers
 * and dates, never an id or free text. Sorted. */
static const char *const fields_none[] = {
        "area",
        "areas",
        "changes",
        "competence",
        "competences",
        "document_kind",
        "ends_on",
        "form",
        "funding",
        "hours",
        "instrument",
        "kind",
        "level",
        "level_after",
        "level_before",
        "outcome",
        "pace",
        "part_time",
        "result",
        "scale_id",
        "severity",
        "staff_group",
        "starts_on",
        "steps",
        "study_form",
        "technology",
};

/* ... and what `pseudonymous` does not: numbers of documents lead to the person in public registers. Sorted.
 */
static const char *const fields_not_pseudonymous[] = {
        "document_number",
        "education_number",
        "education_series",
        "employment_id",
        "number",
        "registration_number",
        "series",
};

enum { PSEUDONYMOUS = 1 << MR_PERSONAL_PSEUDONYMOUS, NONE = 1 << MR_PERSONAL_NONE };

static const struct {
    size_t offset;     /* in struct mr_attributes */
    unsigned withheld; /* from which kinds of subscriptions, PSEUDONYMOUS | NONE */
} attributes[] = {
        {offsetof(struct mr_attributes, subject), NONE},
        {offsetof(struct mr_attributes, partitionkey), PSEUDONYMOUS | NONE},
        {offsetof(struct mr_attributes, orgid), NONE},
        {offsetof(struct mr_attributes, correlationid), PSEUDONYMOUS | NONE},
        {offsetof(struct mr_attributes, causationid), PSEUDONYMOUS | NONE},
        {offsetof(struct mr_attributes, actor), PSEUDONYMOUS | NONE},
        {offsetof(struct mr_attributes, traceparent), PSEUDONYMOUS | NONE},
};

struct disclosure {
    const struct mr_house *house;
    const struct mr_record *record;
    const struct mr_config_subscription *subscription;
    struct mr_unsealed unsealed;
    struct mr_arena arena;
    struct mr_event event;
    struct mr_attributes attributes;
    char event_id[MR_UUID_TEXT_MAX];
};

static bool listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static bool keep_none(const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field)
{
    (void)message;
    return listed(fields_none, MR_COUNT(fields_none), field->name);
}

/* References carry the ids under which other receivers know the events: here they would lead nowhere, or too
 * far. */
static bool keep_pseudonymous(
        const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && field->descriptor == &nms__event__v1__event_ref__descriptor)
        return false;
    if (message == &nms__event__v1__person__descriptor)
        return true; /* has nothing but the pseudonym by now */
    return !listed(fields_not_pseudonymous, MR_COUNT(fields_not_pseudonymous), field->name);
}

/* The person's id as this receiver may know it, in hex. */
static int receiver_id(const struct disclosure *d, const uint8_t *id, char hex[static ID_HEX_MAX])
{
    uint8_t pseudonym[MR_PERSON_ID_BYTES];
    int r = 0;

    if (d->subscription->personal == MR_PERSONAL_PSEUDONYMOUS) {
        r = mr_keyring_pseudonym(d->house->keyring, d->subscription->system, id, pseudonym);
        id = pseudonym;
    }
    if (r == 0)
        (void)mr_hex_encode(id, MR_PERSON_ID_BYTES, hex);
    return r;
}

/* Person blocks get the id; in `pseudonymous` they keep nothing else. The structs are the arena's, made by
 * decode. */
static int mark_persons(struct disclosure *d)
{
    for (size_t i = 0; i < d->event.persons_count; i++) {
        Nms__Event__V1__Person *person = (Nms__Event__V1__Person *)d->event.persons[i].person;
        char hex[ID_HEX_MAX];
        int r = receiver_id(d, d->unsealed.persons[d->unsealed.person_of_span[i]].id, hex);

        if (r < 0)
            return r;
        if (d->subscription->personal == MR_PERSONAL_PSEUDONYMOUS)
            nms__event__v1__person__init(person);
        person->person_id = mr_arena_strdup(&d->arena, hex);
        if (!person->person_id)
            return MR_ENOMEM;
    }
    return 0;
}

/* An id that is the receiver's own: the sender's may say more than it should, and is the same for all
 * receivers. */
static int own_event_id(struct disclosure *d)
{
    struct mr_slice hub_id = mr_wire_find(d->record->leaf, LEAF_FIELD_HUB_ID);
    uint8_t own[MR_PERSON_ID_BYTES];
    int r;

    _Static_assert((int)MR_UUID_BYTES == (int)MR_PERSON_ID_BYTES, "a pseudonym is of one block");
    if (hub_id.size != MR_UUID_BYTES)
        return MR_ECORRUPT;
    r = mr_keyring_pseudonym(d->house->keyring, d->subscription->system, hub_id.data, own);
    if (r == 0)
        d->attributes.id = mr_uuid_format(own, d->event_id);
    return r;
}

/* The sender's configured source: one below it may name an organisation, or a person's only employer. */
static int base_source(struct disclosure *d)
{
    const char *source = mr_house_source(d->house, d->record->system);
    struct mr_slice leaf = mr_wire_find(d->record->leaf, LEAF_FIELD_SOURCE);

    if (!source) /* not configured any more: what it was then */
        source = mr_arena_printf(&d->arena, "%.*s", (int)leaf.size, (const char *)leaf.data);
    d->attributes.source = source;
    return source ? 0 : MR_ENOMEM;
}

static void withhold_attributes(struct disclosure *d)
{
    unsigned kind = 1u << d->subscription->personal;

    for (size_t i = 0; i < MR_COUNT(attributes); i++) {
        if (attributes[i].withheld & kind)
            *(const char **)((char *)&d->attributes + attributes[i].offset) = NULL;
    }
}

static int set_subject(struct disclosure *d)
{
    char hex[ID_HEX_MAX];
    int r;

    if (d->unsealed.persons_count == 0 || d->subscription->personal == MR_PERSONAL_NONE)
        return 0;
    r = receiver_id(d, d->unsealed.persons[0].id, hex);
    if (r < 0)
        return r;
    d->attributes.subject = mr_arena_strdup(&d->arena, hex);
    return d->attributes.subject ? 0 : MR_ENOMEM;
}

static int minimise(struct disclosure *d, const ProtobufCMessage **payload)
{
    bool none = d->subscription->personal == MR_PERSONAL_NONE;
    int r;

    withhold_attributes(d);
    if (d->unsealed.persons_count == 0)
        return 0;
    r = own_event_id(d);
    if (r == 0)
        r = base_source(d);
    if (r < 0)
        return r;
    *payload = mr_payload_filter(*payload, &d->arena, none ? keep_none : keep_pseudonymous);
    return *payload ? 0 : MR_ENOMEM;
}

static int put_recipients(struct disclosure *d, struct mr_buf *recipients)
{
    struct mr_slice orgs;

    d->attributes.staffof = NULL;
    if (d->subscription->scope != MR_SCOPE_STAFF || d->subscription->personal == MR_PERSONAL_NONE ||
            d->unsealed.staffof.size == 0)
        return 0;
    orgs = mr_staffof_of((const char *)d->unsealed.staffof.data, d->subscription->system);
    if (orgs.size == 0)
        return 0;
    mr_buf_put_slice(recipients, orgs);
    d->attributes.staffof = mr_arena_printf(&d->arena, "%.*s", (int)orgs.size, (const char *)orgs.data);
    return mr_buf_failed(recipients) || !d->attributes.staffof ? MR_ENOMEM : 0;
}

static int build(struct disclosure *d, struct mr_buf *out, struct mr_buf *recipients)
{
    bool full = d->subscription->personal == MR_PERSONAL_FULL;
    const ProtobufCMessage *payload;
    int r = mr_event_decode(&d->event, mr_buf_slice(&d->unsealed.bytes), &d->arena, NULL);

    if (r == MR_ENOMEM)
        return r;
    if (r < 0 || d->event.persons_count != d->unsealed.spans_count)
        return MR_ECORRUPT; /* it decoded when it was taken */
    payload = d->event.payload;
    d->attributes = d->event.a;
    if (d->subscription->personal != MR_PERSONAL_NONE)
        r = mark_persons(d);
    if (r == 0)
        r = put_recipients(d, recipients);
    if (r == 0 && !full)
        r = minimise(d, &payload);
    if (r == 0)
        r = set_subject(d);
    return r < 0 ? r : mr_event_reencode(out, &d->event, &d->attributes, payload, full);
}

static int copy_whole(const struct disclosure *d, struct mr_buf *out)
{
    mr_buf_put_slice(out, mr_buf_slice(&d->unsealed.bytes));
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

int mr_disclose(struct mr_buf *out, struct mr_buf *recipients, const struct mr_house *house,
        const struct mr_record *record, const struct mr_config_subscription *subscription,
        struct mr_error *reterr)
{
    struct disclosure d = {.house = house, .record = record, .subscription = subscription};
    char where[48];
    int r = mr_unseal(&d.unsealed, house, record, MR_PURPOSE_DELIVER, reterr);

    if (r < 0)
        return r;
    mr_arena_init(&d.arena, DISCLOSE_ARENA_BYTES);
    if (d.unsealed.persons_count == 0 && subscription->personal == MR_PERSONAL_FULL)
        r = copy_whole(&d, out);
    else
        r = build(&d, out, recipients);
    mr_arena_fini(&d.arena);
    mr_unsealed_fini(&d.unsealed);
    if (r == 0)
        return 0;
    (void)snprintf(where, sizeof where, "log record %llu", (unsigned long long)record->number);
    return mr_error_set(
            reterr, r, where, "", "the event cannot be prepared for delivery: %s", mr_err_text(r));
}
