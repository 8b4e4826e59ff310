#include "hub/project/facts.h"

#include <assert.h>
#include <string.h>

#include "event/annulment.pb-c.h"
#include "event/common.pb-c.h"
#include "event/passport.pb-c.h"
#include "hub/intake/annul.h"
#include "proto/base/clock.h"
#include "proto/base/err.h"
#include "proto/base/list.h"
#include "proto/wire/field_named.h"

enum how { COPY_NONE, COPY_TEXT, COPY_DATE, COPY_INT, COPY_REF, COPY_REF2 };

struct copy {
    const char *field; /* of the payload; "person.x" is inside of the person block */
    enum how how;
    size_t at; /* in struct mr_fact */
};

struct recipe {
    const char *type;
    enum mr_fact_kind kind;
    enum mr_fact_kind second; /* another fact, about the person in field 2 */
    struct copy copies[MR_FACTS_COPIES_MAX];
};

/* clang-format off */
#define AT(member)         offsetof(struct mr_fact, member)
#define TEXT(member, name) {name, COPY_TEXT, AT(member)}
#define DATE(member, name) {name, COPY_DATE, AT(member)}
#define INT(member, name)  {name, COPY_INT, AT(member)}
#define REF(name)          {name, COPY_REF, 0}
#define REF2(name)         {name, COPY_REF2, 0}

static const struct recipe recipes[] = {
    {"nms.activity.attended.v1", MR_FACT_ACTIVITY, MR_FACT_NONE,
        {TEXT(id, "activity_id"), TEXT(code, "kind"), DATE(on, "held_on"), INT(hours, "hours")}},
    {"nms.contest.participated.v1", MR_FACT_CONTEST, MR_FACT_NONE,
        {TEXT(id, "contest_id"), TEXT(code, "level"), TEXT(detail, "result"), DATE(on, "held_on"),
         TEXT(org, "org_ogrn")}},
    {"nms.course.enrolled.v1", MR_FACT_ENROLLED, MR_FACT_NONE,
        {TEXT(programme, "programme_id"), TEXT(code, "kind"), INT(hours, "hours"), TEXT(org, "provider_ogrn"),
         DATE(from, "starts_on"), DATE(on, "enrolled_on"), TEXT(id, "route_id")}},
    {"nms.course.finished.v1", MR_FACT_FINISHED, MR_FACT_NONE,
        {TEXT(programme, "programme_id"), TEXT(code, "kind"), INT(hours, "hours"), TEXT(org, "provider_ogrn"),
         DATE(from, "started_on"), DATE(on, "ended_on"), TEXT(document, "document_number"), TEXT(id, "route_id")}},
    {"nms.deficit.closed.v1", MR_FACT_DEFICIT_CLOSED, MR_FACT_NONE,
        {TEXT(id, "deficit_id"), TEXT(code, "outcome"), DATE(on, "closed_on")}},
    {"nms.deficit.identified.v1", MR_FACT_DEFICIT, MR_FACT_NONE,
        {TEXT(id, "deficit_id"), TEXT(code, "area"), TEXT(detail, "severity"), DATE(on, "identified_on"),
         REF("evidence")}},
    {"nms.diagnostic.completed.v1", MR_FACT_DIAGNOSTIC, MR_FACT_NONE,
        {TEXT(id, "diagnostic_id"), TEXT(code, "level"), DATE(on, "completed_on")}},
    {"nms.document.issued.v1", MR_FACT_DOCUMENT, MR_FACT_NONE,
        {TEXT(programme, "programme_id"), TEXT(code, "kind"), INT(hours, "hours"), TEXT(org, "provider_ogrn"),
         DATE(from, "started_on"), DATE(on, "ended_on"), DATE(until, "issued_on"), TEXT(document, "number"),
         TEXT(text, "registration_number"), TEXT(detail, "status"), REF("course")}},
    {"nms.employment.ended.v1", MR_FACT_EMPLOYMENT_ENDED, MR_FACT_NONE,
        {TEXT(id, "employment_id"), TEXT(org, "org_ogrn"), DATE(on, "ended_on")}},
    {"nms.employment.started.v1", MR_FACT_EMPLOYMENT, MR_FACT_NONE,
        {TEXT(id, "employment_id"), TEXT(org, "org_ogrn"), TEXT(code, "staff_group"), TEXT(detail, "qual_category"),
         TEXT(text, "part_time"), DATE(from, "started_on"), DATE(on, "service_since"),
         DATE(until, "qual_category_until")}},
    {"nms.internship.completed.v1", MR_FACT_INTERNSHIP, MR_FACT_NONE,
        {TEXT(id, "internship_id"), TEXT(org, "site_ogrn"), DATE(from, "started_on"), DATE(on, "ended_on"),
         INT(hours, "hours")}},
    {"nms.mentoring.ended.v1", MR_FACT_MENTORING_ENDED, MR_FACT_MENTORING_ENDED,
        {TEXT(id, "mentoring_id"), DATE(on, "ended_on")}},
    {"nms.mentoring.started.v1", MR_FACT_MENTORING, MR_FACT_MENTEE,
        {TEXT(id, "mentoring_id"), DATE(on, "started_on")}},
    {"nms.org.closed.v1", MR_FACT_ORG_CLOSED, MR_FACT_NONE, {TEXT(org, "ogrn"), DATE(on, "closed_on")}},
    {"nms.org.upserted.v1", MR_FACT_ORG, MR_FACT_NONE,
        {TEXT(org, "ogrn"), TEXT(code, "kind"), TEXT(detail, "oktmo"), TEXT(text, "name")}},
    {"nms.passport.campaign.opened.v1", MR_FACT_CAMPAIGN, MR_FACT_NONE,
        {TEXT(id, "campaign_id"), TEXT(text, "title"), DATE(from, "period_from"), DATE(until, "period_to"),
         DATE(on, "deadline_on")}},
    {"nms.person.merged.v1", MR_FACT_MERGED, MR_FACT_NONE, {{NULL}}},
    {"nms.person.registered.v1", MR_FACT_PERSON, MR_FACT_NONE, {DATE(from, "person.birth_date")}},
    {"nms.person.updated.v1", MR_FACT_PERSON, MR_FACT_NONE, {DATE(from, "person.birth_date")}},
    {"nms.programme.listed.v1", MR_FACT_PROGRAMME, MR_FACT_NONE,
        {TEXT(programme, "programme_id"), TEXT(code, "kind"), TEXT(detail, "registry"), TEXT(org, "provider_ogrn"),
         INT(hours, "hours"), DATE(on, "listed_on"), DATE(until, "valid_until"), TEXT(more, "title")}},
    {"nms.programme.removed.v1", MR_FACT_PROGRAMME_REMOVED, MR_FACT_NONE,
        {TEXT(programme, "programme_id"), TEXT(detail, "registry"), DATE(on, "removed_on")}},
    {"nms.rediagnostic.completed.v1", MR_FACT_REDIAGNOSTIC, MR_FACT_NONE,
        {TEXT(id, "diagnostic_id"), TEXT(code, "level"), DATE(on, "completed_on"), REF("baseline"), REF2("course")}},
    {"nms.route.assigned.v1", MR_FACT_ROUTE, MR_FACT_NONE,
        {TEXT(id, "route_id"), DATE(on, "assigned_on"), REF("diagnostic")}},
};
/* clang-format on */

static const void *field_at(const ProtobufCMessage *message, const char *name, const char **ret_rest)
{
    const char *dot = strchr(name, '.');
    const ProtobufCFieldDescriptor *field =
            mr_field_named(message->descriptor, name, dot ? (size_t)(dot - name) : strlen(name));

    *ret_rest = dot ? dot + 1 : NULL;
    return field ? (const char *)message + field->offset : NULL;
}

/* The field itself, "person.x" followed; NULL when the person block is not there. */
static const void *find(const ProtobufCMessage *message, const char *name)
{
    const char *rest;
    const void *at = field_at(message, name, &rest);
    const ProtobufCMessage *inner;

    if (!rest || !at)
        return at;
    memcpy(&inner, at, sizeof inner);
    return inner ? field_at(inner, rest, &rest) : NULL;
}

static void set_ref(const struct mr_fact_source *source, const void *at, uint8_t *ret, bool *ret_has)
{
    const Nms__Event__V1__EventRef *ref;

    memcpy(&ref, at, sizeof ref);
    *ret_has = ref && ref->id[0];
    if (*ret_has)
        source->ident_of(source->ctx, ref->source, ref->id, ret);
}

/* at: of the field; NULL: it is not there. */
static void apply(
        const struct mr_fact_source *source, const struct copy *copy, const void *at, struct mr_fact *fact)
{
    char *to = (char *)fact + copy->at;
    const char *text;
    uint32_t date;

    if (!at)
        return;
    switch (copy->how) {
    case COPY_TEXT:
        memcpy(to, at, sizeof text);
        break;
    case COPY_DATE:
        memcpy(&text, at, sizeof text);
        date = mr_fact_date(text);
        memcpy(to, &date, sizeof date);
        break;
    case COPY_INT:
        memcpy(to, at, sizeof(int32_t));
        break;
    case COPY_REF:
        set_ref(source, at, fact->ref, &fact->has_ref);
        break;
    case COPY_REF2:
        set_ref(source, at, fact->ref2, &fact->has_ref2);
        break;
    case COPY_NONE:
        break;
    }
}

/* Id of the person in field 1 (which = 0) or 2 of the payload. */
static bool person_in(const struct mr_fact_source *source, unsigned which, uint8_t *ret)
{
    const ProtobufCMessage *payload = source->event->payload;
    const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(payload->descriptor, which + 1);
    const void *block;

    if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    memcpy(&block, (const char *)payload + field->offset, sizeof block);
    for (size_t i = 0; block && i < source->event->persons_count; i++)
        if (source->event->persons[i].person == block && source->persons[i]) {
            memcpy(ret, source->persons[i], MR_FACT_ID_BYTES);
            return true;
        }
    return false;
}

static struct mr_fact begin(const struct mr_fact_source *source, enum mr_fact_kind kind)
{
    struct mr_fact fact = {.number = source->number, .system = source->system, .kind = kind};

    memcpy(fact.ident, source->ident, MR_FACT_ID_BYTES);
    return fact;
}

/* Who takes the facts. */
struct sink {
    mr_fact_fn take;
    void *ctx;
};

static int give(const struct sink *sink, const struct mr_fact *fact)
{
    return sink->take(sink->ctx, fact);
}

/* at: where the plan says the fields are; NULL: there is none. */
static int by_recipe(const struct recipe *recipe, const uint16_t *at, const struct mr_fact_source *source,
        const struct sink *sink)
{
    const ProtobufCMessage *payload = source->event->payload;
    struct mr_fact fact = begin(source, recipe->kind);
    int r;

    for (size_t i = 0; i < MR_COUNT(recipe->copies) && recipe->copies[i].field; i++) {
        const struct copy *copy = &recipe->copies[i];

        apply(source, copy, at && at[i] ? (const char *)payload + at[i] : find(payload, copy->field), &fact);
    }
    fact.has_person = person_in(source, 0, fact.person);
    if (recipe->kind == MR_FACT_MERGED)
        fact.has_other = person_in(source, 1, fact.other);
    if (recipe->kind == MR_FACT_PERSON && !fact.from)
        return 0;
    r = give(sink, &fact);
    if (r < 0 || recipe->second == MR_FACT_NONE || !person_in(source, 1, fact.person))
        return r;
    fact.kind = recipe->second;
    fact.part = 1;
    fact.has_person = true;
    return give(sink, &fact);
}

static const char *actor_of(const struct mr_fact_source *source)
{
    return source->event->a.actor ? source->event->a.actor : "";
}

/* The same rule as at admission, from what the log holds: "own" by its source or its system, "two" by two
 * operators. */
static const char *annulment_right(
        const struct mr_fact_source *source, const Nms__Event__V1__EventAnnulled *annulled)
{
    const char *said = source->event->a.source;

    if (!annulled->event)
        return "";
    if ((said && strcmp(said, annulled->event->source) == 0) ||
            mr_source_within(source->own, annulled->event->source))
        return "own";
    return source->config && mr_annul_by_two(source->config, actor_of(source), annulled->second_actor) ? "two"
                                                                                                       : "";
}

static int annulment(const struct mr_fact_source *source, const struct sink *sink)
{
    const Nms__Event__V1__EventAnnulled *m = (const Nms__Event__V1__EventAnnulled *)source->event->payload;
    struct mr_fact fact = begin(source, MR_FACT_ANNULMENT);

    set_ref(source, &m->event, fact.ref, &fact.has_ref);
    fact.code = annulment_right(source, m);
    return give(sink, &fact);
}

static int filled(const struct mr_fact_source *source, const struct sink *sink)
{
    const Nms__Event__V1__PassportSectionFilled *m =
            (const Nms__Event__V1__PassportSectionFilled *)source->event->payload;
    int r = 0;

    for (size_t i = 0; r == 0 && i < m->n_cells && i < UINT8_MAX; i++) {
        struct mr_fact fact = begin(source, MR_FACT_CELL);

        fact.part = (uint8_t)i;
        fact.id = m->cells[i]->cell;
        fact.text = m->cells[i]->value;
        fact.code = m->cells[i]->unit;
        fact.more = m->basis;
        fact.document = actor_of(source);
        fact.detail = m->oktmo;
        fact.hours = m->section;
        r = give(sink, &fact);
    }
    return r;
}

static int overridden(const struct mr_fact_source *source, const struct sink *sink)
{
    const Nms__Event__V1__PassportSectionOverridden *m =
            (const Nms__Event__V1__PassportSectionOverridden *)source->event->payload;
    struct mr_fact fact = begin(source, MR_FACT_OVERRIDE);

    if (!m->cell)
        return 0;
    fact.id = m->cell->cell;
    fact.text = m->cell->value;
    fact.code = m->cell->unit;
    fact.more = m->reason;
    fact.document = actor_of(source);
    fact.detail = m->oktmo;
    fact.hours = m->section;
    return give(sink, &fact);
}

static int copied(const struct mr_fact_source *source, const struct sink *sink)
{
    const Nms__Event__V1__PassportSectionCopied *m =
            (const Nms__Event__V1__PassportSectionCopied *)source->event->payload;
    char day[MR_TIME_TEXT_MAX];
    int r = 0;

    mr_time_format(source->event->time_us, day);
    day[10] = '\0';
    for (size_t i = 0; r == 0 && i < m->n_cells && i < UINT8_MAX; i++) {
        struct mr_fact fact = begin(source, MR_FACT_COPIED);

        fact.part = (uint8_t)i;
        fact.id = m->cells[i]->cell;
        fact.text = m->cells[i]->value;
        fact.code = m->cells[i]->unit;
        fact.document = actor_of(source);
        fact.on = mr_fact_date(day);
        fact.hours = m->section;
        r = give(sink, &fact);
    }
    return r;
}

/* Types whose facts are no copies of fields. */
static const struct {
    const char *type;
    int (*make)(const struct mr_fact_source *source, const struct sink *sink);
} makers[] = {
        {"nms.event.annulled.v1", annulment},
        {"nms.passport.section.copied.v1", copied},
        {"nms.passport.section.filled.v1", filled},
        {"nms.passport.section.overridden.v1", overridden},
};

/* Types of the registry: what is behind "nms." differs in its first letter more often than not. */
static bool same_type(const char *a, const char *b)
{
    enum { PREFIX = sizeof "nms." - 1 };

    return a[PREFIX] == b[PREFIX] && strcmp(a, b) == 0;
}

static const struct recipe *recipe_of(const struct mr_event_type *type)
{
    for (size_t i = 0; i < MR_COUNT(recipes); i++)
        if (same_type(recipes[i].type, type->name))
            return &recipes[i];
    return NULL;
}

/* The field itself, in each payload of the type; 0 when it is inside of another one. */
static uint16_t offset_of(const struct mr_event_type *type, const char *name)
{
    const ProtobufCFieldDescriptor *field =
            strchr(name, '.') ? NULL : mr_field_named(type->payload, name, strlen(name));

    assert(!field || field->offset <= UINT16_MAX);
    return field ? (uint16_t)field->offset : 0;
}

void mr_facts_plan_init(struct mr_facts_plan *plan)
{
    assert(mr_registry_count() <= MR_FACTS_TYPES_MAX);
    *plan = (struct mr_facts_plan){0};
    for (size_t i = 0; i < mr_registry_count(); i++) {
        const struct mr_event_type *type = mr_registry_at(i);
        const struct recipe *recipe = recipe_of(type);

        if (!recipe)
            continue;
        plan->types[i].recipe = (uint8_t)(1 + (recipe - recipes));
        for (size_t k = 0; k < MR_COUNT(recipe->copies) && recipe->copies[k].field; k++)
            plan->types[i].at[k] = offset_of(type, recipe->copies[k].field);
    }
}

static int made_otherwise(
        const struct mr_event_type *type, const struct mr_fact_source *source, const struct sink *sink)
{
    for (size_t i = 0; i < MR_COUNT(makers); i++)
        if (strcmp(makers[i].type, type->name) == 0)
            return makers[i].make(source, sink);
    return 0;
}

int mr_facts_each(const struct mr_fact_source *source, mr_fact_fn fn, void *ctx)
{
    const struct mr_event_type *type = source->event->type;
    const struct sink sink = {fn, ctx};
    const struct recipe *recipe;
    const uint16_t *at = NULL;

    if (!type || !source->event->payload)
        return 0;
    if (source->plan) {
        size_t i = (size_t)(type - mr_registry_at(0));

        recipe = source->plan->types[i].recipe ? &recipes[source->plan->types[i].recipe - 1] : NULL;
        at = source->plan->types[i].at;
    } else {
        recipe = recipe_of(type);
    }
    return recipe ? by_recipe(recipe, at, source, &sink) : made_otherwise(type, source, &sink);
}

static int add_to_set(void *ctx, const struct mr_fact *fact)
{
    return mr_fact_set_add(ctx, fact);
}

int mr_facts_of(const struct mr_fact_source *source, struct mr_fact_set *set)
{
    return mr_facts_each(source, add_to_set, set);
}
