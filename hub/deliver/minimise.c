#include "hub/deliver/minimise.h"

#include <string.h>

#include "event/common.pb-c.h"
#include "event/person.pb-c.h"
#include "proto/base/list.h"

enum { PERSON_ID_TAG = 1 };

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

static bool listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* A list that is left out says everything. */
static bool in_list(char *const *names, uint32_t count, const char *name)
{
    return count == 0 || listed((const char *const *)names, count, name);
}

static bool is_of(const ProtobufCFieldDescriptor *field, const ProtobufCMessageDescriptor *message)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE && field->descriptor == message;
}

/* References carry the ids under which other receivers know the events: with pseudonyms they would lead
 * nowhere, or too far. Person blocks have nothing but the pseudonym by now. */
static bool keeps_pseudonymous(
        const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field)
{
    if (is_of(field, &nms__event__v1__event_ref__descriptor))
        return false;
    return message == &nms__event__v1__person__descriptor ||
           !listed(fields_not_pseudonymous, MR_COUNT(fields_not_pseudonymous), field->name);
}

static bool keeps_by_kind(enum mr_personal personal, const ProtobufCMessageDescriptor *message,
        const ProtobufCFieldDescriptor *field)
{
    switch (personal) {
    case MR_PERSONAL_FULL:
        return true;
    case MR_PERSONAL_PSEUDONYMOUS:
        return keeps_pseudonymous(message, field);
    default:
        return listed(fields_none, MR_COUNT(fields_none), field->name);
    }
}

/* The id of the person comes from the hub, and is what the receiver is asked by later: it always stays. A
 * reference goes or stays as a whole. */
static bool keeps_by_list(const struct mr_config_subscription *s, const ProtobufCMessageDescriptor *message,
        const ProtobufCFieldDescriptor *field)
{
    if (message == &nms__event__v1__person__descriptor)
        return field->id == PERSON_ID_TAG || in_list(s->person_fields, s->person_fields_count, field->name);
    return message == &nms__event__v1__event_ref__descriptor ||
           is_of(field, &nms__event__v1__person__descriptor) ||
           in_list(s->fields, s->fields_count, field->name);
}

bool mr_minimise_lists(const struct mr_config_subscription *subscription)
{
    return subscription->person_fields_count > 0 || subscription->fields_count > 0;
}

bool mr_minimise_keeps(
        const void *ctx, const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field)
{
    const struct mr_config_subscription *subscription = ctx;

    return keeps_by_kind(subscription->personal, message, field) &&
           keeps_by_list(subscription, message, field);
}

uint32_t mr_minimise_withheld(const struct mr_config_subscription *subscription)
{
    const ProtobufCMessageDescriptor *person = &nms__event__v1__person__descriptor;
    uint32_t bits = 0;

    for (unsigned i = 0; i < person->n_fields; i++)
        if (!keeps_by_list(subscription, person, &person->fields[i]))
            bits |= 1u << person->fields[i].id;
    return bits;
}
