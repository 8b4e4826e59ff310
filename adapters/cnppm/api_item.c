#include "adapters/cnppm/api_item.h"

#include <string.h>

#include "event/assessment.pb-c.h"
#include "event/route.pb-c.h"
#include "proto/base/list.h"
#include "proto/wire/ident.h"
#include "proto/wire/json.h"

/* What an item may be. The first of a face is meant when "event" is left out. */
struct kind {
    enum mr_api_face face;
    const char *event;
    const char *type;
    const ProtobufCMessageDescriptor *payload;
    const char *date;      /* member with the day of the event */
    const char *id_prefix; /* of the event id, before diagnosticId; NULL: id as given, or from the content */
    const char *children;  /* member with events that follow from this one */
    const struct kind *child;
};

static const struct kind identified = {.type = "nms.deficit.identified.v1",
        .payload = &nms__event__v1__deficit_identified__descriptor,
        .date = "identifiedOn",
        .id_prefix = "deficit-"};
static const struct kind closed = {.type = "nms.deficit.closed.v1",
        .payload = &nms__event__v1__deficit_closed__descriptor,
        .date = "closedOn",
        .id_prefix = "deficit-closed-"};

static const struct kind kinds[] = {
        {MR_API_ROUTES, "assigned", "nms.route.assigned.v1", &nms__event__v1__route_assigned__descriptor,
                "assignedOn"},
        {MR_API_ROUTES, "revised", "nms.route.revised.v1", &nms__event__v1__route_revised__descriptor,
                "revisedOn"},
        {MR_API_ROUTES, "stepCompleted", "nms.route.step.completed.v1",
                &nms__event__v1__route_step_completed__descriptor, "completedOn"},
        {MR_API_ROUTES, "closed", "nms.route.closed.v1", &nms__event__v1__route_closed__descriptor,
                "closedOn"},
        {MR_API_DIAGNOSTICS, "completed", "nms.diagnostic.completed.v1",
                &nms__event__v1__diagnostic_completed__descriptor, "completedOn", "diagnostic-", "deficits",
                &identified},
        {MR_API_DIAGNOSTICS, "recompleted", "nms.rediagnostic.completed.v1",
                &nms__event__v1__rediagnostic_completed__descriptor, "completedOn", "rediagnostic-", "closed",
                &closed},
};

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static const struct kind *kind_of(enum mr_api_face face, const json_t *item, struct mr_post *post)
{
    const json_t *event = json_object_get(item, "event");

    for (size_t i = 0; i < MR_COUNT(kinds); i++)
        if (kinds[i].face == face &&
                (!event || (json_is_string(event) && strcmp(json_string_value(event), kinds[i].event) == 0)))
            return &kinds[i];
    mr_post_problem(post, "invalid", "event", "unknown",
            face == MR_API_ROUTES ? "use assigned, revised, stepCompleted or closed"
                                  : "use completed or recompleted");
    return NULL;
}

/* The envelope's members become attributes; what is left is the message. */
static bool take_envelope(json_t *item, struct mr_arena *arena, struct mr_attributes *a, struct mr_post *post)
{
    const struct {
        const char *key;
        const char **to;
    } members[] = {{"id", &a->id}, {"time", &a->time}, {"correlationId", &a->correlationid},
            {"basis", &a->basis}, {"actor", &a->actor}, {"actorRole", &a->actorrole}};

    for (size_t i = 0; i < MR_COUNT(members); i++) {
        const json_t *value = json_object_get(item, members[i].key);

        if (!value || json_is_null(value))
            continue;
        if (!json_is_string(value) || *json_string_value(value) == '\0') {
            mr_post_problem(post, "invalid", members[i].key, "not a text", "send a string, or leave it out");
            return false;
        }
        *members[i].to = mr_arena_strdup(arena, json_string_value(value));
        (void)json_object_del(item, members[i].key);
    }
    (void)json_object_del(item, "event");
    return true;
}

/* "112-233-445 95" to digits; what is no СНИЛС at all stays, for the rules to name. */
static void normalise_person(json_t *person)
{
    const char *snils = text_of(person, "snils");
    char digits[12];

    if (snils && mr_ident_snils_normalise(snils, digits) == 0)
        (void)json_object_set_new(person, "snils", json_string(digits));
}

static void to_thousandths(json_t *object, const char *from, const char *to)
{
    json_t *value = json_object_get(object, from);
    double points;

    if (!json_is_number(value))
        return;
    points = json_number_value(value);
    if (points > 1e6 || points < -1e6)
        return; /* stays an unknown member, and is refused by its name */
    (void)json_object_set_new(
            object, to, json_integer((json_int_t)(points * 1000 + (points < 0 ? -0.5 : 0.5))));
    (void)json_object_del(object, from);
}

static void normalise(json_t *item)
{
    json_t *element;
    size_t i;

    normalise_person(json_object_get(item, "person"));
    normalise_person(json_object_get(item, "tutor"));
    json_array_foreach (json_object_get(item, "areas"), i, element) {
        to_thousandths(element, "score", "scoreThousandths");
        to_thousandths(element, "max", "maxThousandths");
    }
    json_array_foreach (json_object_get(item, "changes"), i, element)
        to_thousandths(element, "change", "changeThousandths");
}

/* Makes the event of `kind` from what is left in item. False: the post has the problem. */
static bool emit(const struct kind *kind, struct mr_attributes *a, json_t *item, const char *own_id,
        struct mr_post *post)
{
    struct mr_arena *arena = mr_post_arena(post);
    const char *date = text_of(item, kind->date);
    struct mr_error error = {0};
    ProtobufCMessage *payload;
    int r;

    if (kind->id_prefix && own_id)
        a->id = mr_arena_printf(arena, "%s%s", kind->id_prefix, own_id);
    if (!a->time && date && mr_ident_date_ok(date))
        a->time = mr_arena_printf(arena, "%sT00:00:00Z", date);
    a->type = kind->type;
    r = mr_json_to_message(item, kind->payload, arena, &payload, &error);
    if (r < 0) {
        mr_post_problem(post, "invalid", error.where, *error.what ? error.what : mr_err_text(r), error.cure);
        return false;
    }
    mr_post_event(post, a, payload);
    return !mr_post_has_problem(post);
}

static const char *deficit_id(json_t *child, const char *diagnostic_id, struct mr_arena *arena)
{
    const char *given = text_of(child, "deficitId");
    const char *area = text_of(child, "area");
    const char *competence = text_of(child, "competence");
    const char *id;

    if (given || !area || !diagnostic_id)
        return given;
    id = mr_arena_printf(
            arena, "%s:%s%s%s", diagnostic_id, area, competence ? ":" : "", competence ? competence : "");
    (void)json_object_set_new(child, "deficitId", json_string(id));
    return id;
}

static void set_default(json_t *object, const char *key, json_t *value)
{
    if (json_object_get(object, key))
        json_decref(value);
    else
        (void)json_object_set_new(object, key, value);
}

struct parent {
    const struct kind *kind;
    const struct mr_attributes *a;
    json_t *person;
    const char *diagnostic_id;
    const char *date;
};

/* A deficit of a diagnostic: person, evidence and day are the diagnostic's. */
static bool emit_child(const struct parent *parent, json_t *child, size_t index, struct mr_post *post)
{
    struct mr_attributes a = *parent->a;
    const char *baseline = text_of(child, "diagnosticId");
    const char *id;

    if (!json_is_object(child) || json_object_get(child, "person")) {
        mr_post_problem(post, "invalid",
                mr_arena_printf(mr_post_arena(post), "%s[%zu]", parent->kind->children, index),
                "not an object, or with a person of its own",
                "send area, competence, severity; the person is above");
        return false;
    }
    id = deficit_id(child, baseline ? baseline : parent->diagnostic_id, mr_post_arena(post));
    (void)json_object_del(child, "diagnosticId");
    (void)json_object_set(child, "person", parent->person);
    set_default(child, parent->kind->child->date, json_string(parent->date));
    set_default(child, "evidence", json_pack("{s:s, s:s}", "source", a.source, "id", a.id));
    if (parent->kind->child == &closed)
        set_default(child, "outcome", json_string("eliminated"));
    a.causationid = a.id;
    a.id = NULL;
    return emit(parent->kind->child, &a, child, id, post);
}

static void convert(const struct kind *kind, struct mr_attributes *a, json_t *item, struct mr_post *post)
{
    json_auto_t *children = kind->children ? json_incref(json_object_get(item, kind->children)) : NULL;
    struct parent parent = {.kind = kind, .a = a};
    json_t *child;
    size_t i;

    if (kind->children)
        (void)json_object_del(item, kind->children);
    normalise(item);
    parent.person = json_object_get(item, "person");
    parent.diagnostic_id = text_of(item, "diagnosticId");
    parent.date = text_of(item, kind->date);
    if (!emit(kind, a, item, parent.diagnostic_id, post) || !children)
        return;
    if (!json_is_array(children)) {
        mr_post_problem(post, "invalid", kind->children, "not an array", "send an array of objects");
        return;
    }
    json_array_foreach (children, i, child)
        if (!emit_child(&parent, child, i, post))
            return;
}

void mr_api_item(enum mr_api_face face, const struct mr_speaker *speaker, json_t *item, struct mr_post *post)
{
    struct mr_attributes a = mr_speaker_attributes(speaker, NULL);
    const struct kind *kind;

    mr_post_begin(post);
    if (!json_is_object(item)) {
        mr_post_problem(
                post, "invalid", NULL, "not a JSON object", "send one object, or an array of objects");
    } else if ((kind = kind_of(face, item, post)) && take_envelope(item, mr_post_arena(post), &a, post)) {
        convert(kind, &a, item, post);
    }
    mr_post_end(post);
}
