#include "proto/wire/registry.h"

#include <string.h>

#include "event/annulment.pb-c.h"
#include "event/assessment.pb-c.h"
#include "event/course.pb-c.h"
#include "event/employment.pb-c.h"
#include "event/erasure.pb-c.h"
#include "event/hub.pb-c.h"
#include "event/informal.pb-c.h"
#include "event/org.pb-c.h"
#include "event/passport.pb-c.h"
#include "event/person.pb-c.h"
#include "event/route.pb-c.h"
#include "proto/base/bytes.h"

#define REGISTRY_VERSION 7
/* Deeper than any schema of ours; a guard, not a limit that is ever met. */
#define DEPTH_MAX     8
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* clang-format off */
#define D(message) (&nms__event__v1__##message##__descriptor)

/* Sorted by name, byte by byte: the search is binary. */
static const struct mr_event_type types[] = {
    {"hub.access.granted.v1",              D(hub_access_granted), MR_TYPE_HUB},
    {"hub.access.logged.v1",               D(hub_access_logged), MR_TYPE_HUB},
    {"hub.account.changed.v1",             D(hub_account_changed), MR_TYPE_HUB},
    {"hub.config.applied.v1",              D(hub_config_applied), MR_TYPE_HUB},
    {"hub.correction.proposed.v1",         D(hub_correction_proposed), MR_TYPE_HUB},
    {"hub.correction.rejected.v1",         D(hub_correction_rejected), MR_TYPE_HUB},
    {"hub.delivery.discarded.v1",          D(hub_delivery_discarded), MR_TYPE_HUB},
    {"hub.delivery.parked.v1",             D(hub_delivery_parked), MR_TYPE_HUB},
    {"hub.delivery.released.v1",           D(hub_delivery_released), MR_TYPE_HUB},
    {"hub.delivery.replayed.v1",           D(hub_delivery_replayed), MR_TYPE_HUB},
    {"hub.erasure.answered.v1",            D(hub_erasure_answered), MR_TYPE_HUB},
    {"hub.erasure.completed.v1",           D(hub_erasure_completed), MR_TYPE_HUB},
    {"hub.erasure.notice.v1",              D(hub_erasure_notice), MR_TYPE_HUB | MR_TYPE_TO_ONE},
    {"hub.erasure.refused.v1",             D(hub_erasure_refused), MR_TYPE_HUB},
    {"hub.erasure.rejected.v1",            D(hub_erasure_rejected), MR_TYPE_HUB},
    {"hub.erasure.requested.v1",           D(hub_erasure_requested), MR_TYPE_HUB},
    {"hub.erasure.started.v1",             D(hub_erasure_started), MR_TYPE_HUB},
    {"hub.event.discarded.v1",             D(hub_event_discarded), MR_TYPE_HUB},
    {"hub.event.quarantined.v1",           D(hub_event_quarantined), MR_TYPE_HUB},
    {"hub.event.released.v1",              D(hub_event_released), MR_TYPE_HUB},
    {"hub.hold.placed.v1",                 D(hub_hold_placed), MR_TYPE_HUB},
    {"hub.hold.released.v1",               D(hub_hold_released), MR_TYPE_HUB},
    {"hub.retention.completed.v1",         D(hub_retention_completed), MR_TYPE_HUB},
    {"hub.token.issued.v1",                D(hub_token_issued), MR_TYPE_HUB},
    {"hub.token.revoked.v1",               D(hub_token_revoked), MR_TYPE_HUB},
    {"nms.activity.attended.v1",           D(activity_attended), 0},
    {"nms.contest.participated.v1",        D(contest_participated), 0},
    {"nms.course.enrolled.v1",             D(course_enrolled), 0},
    {"nms.course.failed.v1",               D(course_failed), 0},
    {"nms.course.finished.v1",             D(course_finished), 0},
    {"nms.course.withdrawn.v1",            D(course_withdrawn), 0},
    {"nms.deficit.closed.v1",              D(deficit_closed), 0},
    {"nms.deficit.identified.v1",          D(deficit_identified), 0},
    {"nms.diagnostic.completed.v1",        D(diagnostic_completed), 0},
    {"nms.document.issued.v1",             D(document_issued), 0},
    {"nms.employment.ended.v1",            D(employment_ended), MR_TYPE_EMPLOYMENT},
    {"nms.employment.started.v1",          D(employment_started), MR_TYPE_EMPLOYMENT},
    {"nms.erasure.acknowledged.v1",        D(erasure_acknowledged), MR_TYPE_OF_EVERYBODY},
    {"nms.event.annulled.v1",              D(event_annulled), MR_TYPE_ANNULS},
    {"nms.internship.completed.v1",        D(internship_completed), 0},
    {"nms.mentoring.ended.v1",             D(mentoring_ended), 0},
    {"nms.mentoring.started.v1",           D(mentoring_started), 0},
    {"nms.org.closed.v1",                  D(org_closed), 0},
    {"nms.org.upserted.v1",                D(org_upserted), 0},
    {"nms.passport.agreed.v1",             D(passport_agreed), 0},
    {"nms.passport.approved.v1",           D(passport_approved), 0},
    {"nms.passport.campaign.opened.v1",    D(passport_campaign_opened), 0},
    {"nms.passport.filled.v1",             D(passport_filled), 0},
    {"nms.passport.handedback.v1",         D(passport_handedback), 0},
    {"nms.passport.returned.v1",           D(passport_returned), 0},
    {"nms.passport.section.copied.v1",     D(passport_section_copied), 0},
    {"nms.passport.section.filled.v1",     D(passport_section_filled), 0},
    {"nms.passport.section.overridden.v1", D(passport_section_overridden), 0},
    {"nms.passport.sent.v1",               D(passport_sent), 0},
    {"nms.person.merged.v1",               D(person_merged), MR_TYPE_MERGES_PERSON},
    {"nms.person.registered.v1",           D(person_registered), MR_TYPE_REGISTERS_PERSON},
    {"nms.person.updated.v1",              D(person_updated), MR_TYPE_UPDATES_PERSON},
    {"nms.programme.listed.v1",            D(programme_listed), 0},
    {"nms.programme.removed.v1",           D(programme_removed), 0},
    {"nms.rediagnostic.completed.v1",      D(rediagnostic_completed), 0},
    {"nms.route.assigned.v1",              D(route_assigned), 0},
    {"nms.route.closed.v1",                D(route_closed), 0},
    {"nms.route.revised.v1",               D(route_revised), 0},
    {"nms.route.step.completed.v1",        D(route_step_completed), 0},
};

struct mark {
    const ProtobufCMessageDescriptor *message;
    const char *field;
};

/*
 * Public marks. The rule: a value of a short closed list, or hours, that many persons of a region share. Never ids,
 * organisations, dates, free text, results of a person; nor rare values such as the qualification category.
 */
static const struct mark marks[] = {
    {D(activity_attended), "kind"},
    {D(activity_attended), "level"},
    {D(contest_participated), "level"},
    {D(course_enrolled), "kind"},
    {D(course_enrolled), "hours"},
    {D(course_enrolled), "funding"},
    {D(course_failed), "kind"},
    {D(course_failed), "hours"},
    {D(course_failed), "funding"},
    {D(course_finished), "kind"},
    {D(course_finished), "hours"},
    {D(course_finished), "funding"},
    {D(course_withdrawn), "kind"},
    {D(course_withdrawn), "hours"},
    {D(course_withdrawn), "funding"},
    {D(deficit_closed), "area"},
    {D(deficit_closed), "outcome"},
    {D(deficit_identified), "area"},
    {D(deficit_identified), "severity"},
    {D(diagnostic_completed), "instrument"},
    {D(diagnostic_completed), "scale_id"},
    {D(diagnostic_completed), "level"},
    {D(document_issued), "document_kind"},
    {D(document_issued), "kind"},
    {D(document_issued), "hours"},
    {D(employment_started), "staff_group"},
    {D(rediagnostic_completed), "instrument"},
    {D(rediagnostic_completed), "scale_id"},
    {D(rediagnostic_completed), "level"},
    {D(route_closed), "outcome"},
    {D(route_step_completed), "form"},
};
/* clang-format on */

enum { HEAD_BYTES = 16 /* registry_test: every name has more */ };

/* As a number that orders as the bytes do. */
static uint64_t word_at(const char *text)
{
    return mr_get_be64((const uint8_t *)text);
}

/* Names differ within their second word more often than not: the first is "hub." or "nms." and some. */
static int compare(const char *name, size_t len, const char *other)
{
    enum { HALF = HEAD_BYTES / 2 };
    uint64_t a = word_at(name), b = word_at(other);
    int order;

    if (a == b) {
        a = word_at(name + HALF);
        b = word_at(other + HALF);
    }
    if (a != b)
        return a < b ? -1 : 1;
    order = strncmp(name + HEAD_BYTES, other + HEAD_BYTES, len - HEAD_BYTES);
    if (order != 0)
        return order;
    return other[len] == '\0' ? 0 : -1;
}

const struct mr_event_type *mr_registry_find(const char *name, size_t len)
{
    size_t low = 0, high = LENGTH(types);

    if (!name || len <= HEAD_BYTES || memchr(name, '\0', len))
        return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(name, len, types[middle].name);

        if (order == 0)
            return &types[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct mr_event_type *mr_registry_at(size_t index)
{
    return index < LENGTH(types) ? &types[index] : NULL;
}

size_t mr_registry_count(void)
{
    return LENGTH(types);
}

uint32_t mr_registry_version(void)
{
    return REGISTRY_VERSION;
}

static bool holds_person(const ProtobufCMessageDescriptor *message, unsigned depth)
{
    if (message == D(person))
        return true;
    if (depth == 0)
        return true; /* too deep to know: sealed is the safe answer */
    for (unsigned i = 0; i < message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->fields[i];

        if (field->type == PROTOBUF_C_TYPE_MESSAGE && holds_person(field->descriptor, depth - 1))
            return true;
    }
    return false;
}

bool mr_registry_has_person(const ProtobufCMessageDescriptor *payload)
{
    return holds_person(payload, DEPTH_MAX);
}

bool mr_registry_field_public(
        const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field)
{
    for (size_t i = 0; i < LENGTH(marks); i++) {
        if (marks[i].message == message && strcmp(marks[i].field, field->name) == 0)
            return true;
    }
    return false;
}

bool mr_registry_mark_at(size_t index, const ProtobufCMessageDescriptor **ret_message, const char **ret_field)
{
    if (index >= LENGTH(marks))
        return false;
    *ret_message = marks[index].message;
    *ret_field = marks[index].field;
    return true;
}
