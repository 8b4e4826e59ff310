/* One event as one receiver may have it (decision 7): ids and attributes here, the payload's fields in
 * minimise.h. */
#include <stdio.h>
#include <string.h>

#include "event/person.pb-c.h"
#include "hub/deliver/minimise.h"
#include "hub/deliver/whole.h"
#include "hub/record/payload.h"
#include "hub/record/seal.h"
#include "hub/intake/staffof.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "proto/wire/digest.h"
#include "proto/wire/wire.h"

enum {
    DISCLOSE_ARENA_BYTES = 4 * 1024 * 1024,
    LEAF_FIELD_HUB_ID = 2,
    LEAF_FIELD_EVENT = 6,
    LEAF_FIELD_SOURCE = 8,
    ID_HEX_MAX = 2 * MR_PERSON_ID_BYTES + 1
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
        {offsetof(struct mr_attributes, mends), PSEUDONYMOUS | NONE},
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
    if (d->subscription->person_fields_count > 0)
        d->attributes.partitionkey = NULL; /* a sender may have made it of the person's number or name */
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
    int r = 0;

    withhold_attributes(d);
    if (d->unsealed.persons_count == 0)
        return 0;
    if (d->subscription->personal != MR_PERSONAL_FULL) {
        r = own_event_id(d);
        if (r == 0)
            r = base_source(d);
    }
    if (r < 0)
        return r;
    *payload = mr_payload_filter(*payload, &d->arena, mr_minimise_keeps, d->subscription);
    return *payload ? 0 : MR_ENOMEM;
}

/* The receiver's organisations that the persons work for; empty: none, or it is not told. */
static struct mr_slice staffof(const struct disclosure *d)
{
    if (d->subscription->scope != MR_SCOPE_STAFF || d->subscription->personal == MR_PERSONAL_NONE ||
            d->unsealed.staffof.size == 0)
        return (struct mr_slice){0};
    return mr_staffof_of((const char *)d->unsealed.staffof.data, d->subscription->system);
}

static int set_staffof(struct disclosure *d, struct mr_slice orgs)
{
    d->attributes.staffof = NULL;
    if (orgs.size == 0)
        return 0;
    d->attributes.staffof = mr_arena_printf(&d->arena, "%.*s", (int)orgs.size, (const char *)orgs.data);
    return d->attributes.staffof ? 0 : MR_ENOMEM;
}

/* With less than all of it. */
static int build(struct disclosure *d, struct mr_buf *out, struct mr_slice orgs)
{
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
        r = set_staffof(d, orgs);
    if (r == 0)
        r = minimise(d, &payload);
    if (r == 0)
        r = set_subject(d);
    return r < 0 ? r : mr_event_reencode(out, &d->event, &d->attributes, payload, false);
}

static bool has_all(const struct mr_config_subscription *subscription)
{
    return subscription->personal == MR_PERSONAL_FULL && !mr_minimise_lists(subscription);
}

static int build_about_persons(struct disclosure *d, struct mr_buf *out, struct mr_buf *recipients)
{
    struct mr_slice orgs = staffof(d);

    mr_buf_put_slice(recipients, orgs);
    if (mr_buf_failed(recipients))
        return MR_ENOMEM;
    return has_all(d->subscription) ? mr_whole_put(out, &d->unsealed, orgs) : build(d, out, orgs);
}

/* Nobody is in it, and nothing is sealed: as it was received. */
static bool is_open(const struct mr_record *record)
{
    return !(record->flags & (MR_RECORD_SEALED | MR_RECORD_QUARANTINED | MR_RECORD_EXPIRED));
}

bool mr_disclose_as_is(const struct mr_record *record, const struct mr_config_subscription *subscription,
        struct mr_slice *ret)
{
    if (subscription->personal != MR_PERSONAL_FULL || !is_open(record))
        return false;
    *ret = mr_wire_find(record->leaf, LEAF_FIELD_EVENT);
    return ret->data != NULL;
}

static int copy_open(const struct mr_record *record, struct mr_buf *out)
{
    struct mr_slice event = mr_wire_find(record->leaf, LEAF_FIELD_EVENT);

    if (!event.data)
        return MR_ECORRUPT;
    mr_buf_put_slice(out, event);
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

static int copy_whole(const struct disclosure *d, struct mr_buf *out)
{
    mr_buf_put_slice(out, mr_buf_slice(&d->unsealed.bytes));
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

static int open_and_build(struct mr_buf *out, struct mr_buf *recipients, const struct mr_house *house,
        const struct mr_record *record, const struct mr_config_subscription *subscription)
{
    struct disclosure d = {.house = house, .record = record, .subscription = subscription};
    int r = mr_unseal(&d.unsealed, house, record, MR_PURPOSE_DELIVER, NULL);

    if (r < 0)
        return r;
    mr_arena_init(&d.arena, DISCLOSE_ARENA_BYTES);
    if (d.unsealed.persons_count == 0 && subscription->personal == MR_PERSONAL_FULL)
        r = copy_whole(&d, out);
    else
        r = build_about_persons(&d, out, recipients);
    mr_arena_fini(&d.arena);
    mr_unsealed_fini(&d.unsealed);
    return r;
}

int mr_disclose(struct mr_buf *out, struct mr_buf *recipients, const struct mr_house *house,
        const struct mr_record *record, const struct mr_config_subscription *subscription,
        struct mr_error *reterr)
{
    char where[48];
    int r = subscription->personal == MR_PERSONAL_FULL && is_open(record)
                    ? copy_open(record, out)
                    : open_and_build(out, recipients, house, record, subscription);

    if (r == 0)
        return 0;
    (void)snprintf(where, sizeof where, "log record %llu", (unsigned long long)record->number);
    return mr_error_set(
            reterr, r, where, "", "the event cannot be prepared for delivery: %s", mr_err_text(r));
}
