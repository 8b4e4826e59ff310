#include "adapters/cnppm/xapi.h"

#include <stdlib.h>
#include <string.h>

#include "event/course.pb-c.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "proto/wire/digest.h"
#include "proto/wire/ident.h"
#include "proto/wire/json.h"

#define VERB      "http://adlnet.gov/expapi/verbs/"
#define EXTENSION "urn:marshrut:xapi:"
#define PROGRAMME "urn:programme:"

enum { ROW_BYTES = 20 };
static const int64_t day_us = 86400LL * 1000000;

enum outcome { FINISHED, FAILED, ENROLLED };

static const struct kind {
    const char *type;
    const ProtobufCMessageDescriptor *payload;
    const char *date; /* member that gets the statement's day */
} kinds[] = {
        [FINISHED] = {"nms.course.finished.v1", &nms__event__v1__course_finished__descriptor, "endedOn"},
        [FAILED] = {"nms.course.failed.v1", &nms__event__v1__course_failed__descriptor, "endedOn"},
        [ENROLLED] = {"nms.course.enrolled.v1", &nms__event__v1__course_enrolled__descriptor, "enrolledOn"},
};

static const struct {
    const char *verb;
    enum outcome outcome;
    enum outcome without_success; /* when result.success is false */
} verbs[] = {
        {VERB "completed", FINISHED, FAILED},
        {VERB "passed", FINISHED, FAILED},
        {VERB "failed", FAILED, FAILED},
        {VERB "registered", ENROLLED, ENROLLED},
};

static const char *const course_types[] = {
        "http://adlnet.gov/expapi/activities/course", "http://id.tincanapi.com/activitytype/lms/course"};

/* Extension to the payload's member; those that a payload does not have are left out. */
static const struct {
    const char *extension;
    const char *member;
    unsigned kinds; /* bits of enum outcome */
} extensions[] = {
        {EXTENSION "programme-id", "programmeId", 7},
        {EXTENSION "kind", "kind", 7},
        {EXTENSION "hours", "hours", 7},
        {EXTENSION "provider-ogrn", "providerOgrn", 7},
        {EXTENSION "group-id", "groupId", 7},
        {EXTENSION "funding", "funding", 7},
        {EXTENSION "started-on", "startedOn", 1u << FINISHED | 1u << FAILED},
        {EXTENSION "ended-on", "endedOn", 1u << FINISHED | 1u << FAILED},
        {EXTENSION "started-on", "startsOn", 1u << ENROLLED},
        {EXTENSION "ended-on", "endsOn", 1u << ENROLLED},
        {EXTENSION "study-form", "studyForm", 1u << FINISHED | 1u << ENROLLED},
        {EXTENSION "route-id", "routeId", 1u << FINISHED | 1u << ENROLLED},
        {EXTENSION "step-id", "stepId", 1u << FINISHED | 1u << ENROLLED},
        {EXTENSION "document-number", "documentNumber", 1u << FINISHED},
        {EXTENSION "result", "result", 1u << FINISHED},
};

static json_t *at(const json_t *object, const char *a, const char *b)
{
    json_t *inner = json_object_get(object, a);

    return b ? json_object_get(inner, b) : inner;
}

static const char *text_at(const json_t *object, const char *a, const char *b)
{
    return json_string_value(at(object, a, b));
}

/* ---- identity ---- */

/* Keys sorted, so that the order in which a client writes members does not matter. `stored` is a server's to
 * set. */
static bool digest_of(const json_t *statement, const struct mr_post_store *store, uint8_t out[static 16])
{
    json_auto_t *copy = json_copy((json_t *)(uintptr_t)statement);
    char *text;

    (void)json_object_del(copy, "stored");
    text = copy ? json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (!text)
        return false;
    store->digest(store->ctx, mr_slice_str(text), out);
    free(text);
    return true;
}

/* 0 = new and now noted; 1 = seen with the same content; 2 = seen with other content; negative = failure. */
static int note_seen(const struct mr_xapi *xapi, const json_t *statement, const uint8_t id[static 16],
        const struct mr_post_store *store)
{
    uint8_t key[sizeof MR_XAPI_KEY_PREFIX - 1 + MR_UUID_BYTES];
    uint8_t row[ROW_BYTES];
    struct mr_slice old;
    int r;

    memcpy(key, MR_XAPI_KEY_PREFIX, sizeof MR_XAPI_KEY_PREFIX - 1);
    memcpy(key + sizeof MR_XAPI_KEY_PREFIX - 1, id, MR_UUID_BYTES);
    if (!digest_of(statement, store, row))
        return MR_ENOMEM;
    mr_put_be32(row + 16, (uint32_t)(mr_clock_wall_us(xapi->clock) / day_us));
    r = store->get(store->ctx, mr_slice(key, sizeof key), &old);
    if (r == 0)
        return old.size == ROW_BYTES && memcmp(old.data, row, 16) == 0 ? 1 : 2;
    if (r != MR_ENOTFOUND)
        return r;
    return store->put(store->ctx, mr_slice(key, sizeof key), mr_slice(row, sizeof row));
}

/* The statement's own id, or a new one. NULL: it has one that is no UUID. */
static const char *id_of(const struct mr_xapi *xapi, const json_t *statement, struct mr_post *post,
        uint8_t out[static MR_UUID_BYTES])
{
    const json_t *given = json_object_get(statement, "id");
    char *text = mr_arena_alloc(mr_post_arena(post), MR_UUID_TEXT_MAX);
    struct mr_uuid7 generator = {0};

    if (!text)
        return NULL;
    if (!given) {
        mr_uuid7_next(&generator, mr_clock_wall_us(xapi->clock), out);
        return mr_uuid_format(out, text);
    }
    if (json_is_string(given) && strlen(json_string_value(given)) == 36 &&
            mr_uuid_parse(json_string_value(given), 36, out) == 0)
        return mr_uuid_format(out, text);
    mr_post_problem(post, "invalid", "id", "not a UUID", "send a UUID, or leave the id out");
    return NULL;
}

/* ---- what it says ---- */

static bool has_type_of_course(const json_t *statement)
{
    const json_t *type = json_object_get(at(statement, "object", "definition"), "type");

    if (!type)
        return true;
    for (size_t i = 0; json_is_string(type) && i < MR_COUNT(course_types); i++)
        if (strcmp(json_string_value(type), course_types[i]) == 0)
            return true;
    return false;
}

/* NULL: nothing for us in it. */
static const struct kind *kind_of(const json_t *statement)
{
    const char *verb = text_at(statement, "verb", "id");
    bool failed = json_is_false(at(statement, "result", "success"));

    for (size_t i = 0; verb && i < MR_COUNT(verbs); i++)
        if (strcmp(verb, verbs[i].verb) == 0)
            return has_type_of_course(statement)
                           ? &kinds[failed ? verbs[i].without_success : verbs[i].outcome]
                           : NULL;
    return NULL;
}

static json_t *person_from(const char *home_page, const char *name, const char *mbox)
{
    char digits[12];

    if (name && mr_ident_snils_normalise(name, digits) == 0)
        return json_pack("{s:s}", "snils", digits);
    if (name && home_page)
        return json_pack("{s:o}", "localId", json_sprintf("%s#%s", home_page, name));
    if (mbox && strncmp(mbox, "mailto:", 7) == 0)
        return json_pack("{s:s}", "localId", mbox);
    return NULL;
}

static json_t *person_of(const json_t *statement, struct mr_post *post)
{
    const json_t *account = at(statement, "actor", "account");
    json_t *person = person_from(json_string_value(json_object_get(account, "homePage")),
            json_string_value(json_object_get(account, "name")), text_at(statement, "actor", "mbox"));

    if (!person)
        mr_post_problem(post, "invalid", "actor", "neither an account (homePage, name) nor an mbox",
                "send actor.account with homePage and name; a name that is a SNILS resolves best");
    return person;
}

static const char *title_of(const json_t *statement)
{
    json_t *names = json_object_get(at(statement, "object", "definition"), "name");
    json_t *name = json_object_get(names, "ru-RU");

    if (!name)
        name = json_object_get(names, "ru");
    if (!name && json_object_iter(names))
        name = json_object_iter_value(json_object_iter(names));
    return json_string_value(name);
}

static void put_extensions(const json_t *statement, const struct kind *kind, json_t *payload)
{
    const json_t *given = at(statement, "context", "extensions");

    for (size_t i = 0; i < MR_COUNT(extensions); i++) {
        json_t *value = json_object_get(given, extensions[i].extension);

        if (value && (extensions[i].kinds & 1u << (kind - kinds)))
            (void)json_object_set(payload, extensions[i].member, value);
    }
}

/* The payload as ProtoJSON. NULL: the post has the problem. */
static json_t *payload_of(
        const json_t *statement, const struct kind *kind, const char *time, struct mr_post *post)
{
    const char *object = text_at(statement, "object", "id");
    const char *title = title_of(statement);
    json_t *person = person_of(statement, post);
    json_t *payload;

    if (!person)
        return NULL;
    if (!object) {
        json_decref(person);
        mr_post_problem(post, "invalid", "object.id", "missing", "name the course by its IRI");
        return NULL;
    }
    if (strncmp(object, PROGRAMME, sizeof PROGRAMME - 1) == 0)
        object += sizeof PROGRAMME - 1;
    payload = json_pack(
            "{s:o, s:s, s:s%}", "person", person, "programmeId", object, kind->date, time, (size_t)10);
    if (payload && title && kind != &kinds[FAILED])
        (void)json_object_set_new(payload, "programmeTitle", json_string(title));
    put_extensions(statement, kind, payload);
    return payload;
}

/* The day is the one that the sender's clock shows, so the text's offset stays. */
static const char *time_of(const struct mr_xapi *xapi, const json_t *statement, struct mr_post *post)
{
    const json_t *given = json_object_get(statement, "timestamp");
    const char *text = json_string_value(given);
    int64_t time_us;
    char *now;

    if (!given) {
        now = mr_arena_alloc(mr_post_arena(post), MR_TIME_TEXT_MAX);
        return now ? mr_time_format(mr_clock_wall_us(xapi->clock), now) : NULL;
    }
    if (text && strlen(text) > 10 && mr_time_parse(text, strlen(text), &time_us) == 0)
        return text;
    mr_post_problem(
            post, "invalid", "timestamp", "not an ISO 8601 time", "send it as 2026-11-22T10:00:00+03:00");
    return NULL;
}

static void emit(const struct mr_xapi *xapi, const struct kind *kind, const json_t *statement, const char *id,
        struct mr_post *post)
{
    struct mr_attributes a = mr_speaker_attributes(&xapi->speaker, kind->type);
    json_auto_t *payload = NULL;
    struct mr_error error = {0};
    ProtobufCMessage *message;
    int r;

    a.id = id;
    a.time = time_of(xapi, statement, post);
    if (!a.time || !(payload = payload_of(statement, kind, a.time, post))) {
        mr_post_problem(post, "invalid", NULL, "not understood", NULL);
        return;
    }
    r = mr_json_to_message(payload, kind->payload, mr_post_arena(post), &message, &error);
    if (r < 0)
        mr_post_problem(post, "invalid", error.where, *error.what ? error.what : mr_err_text(r), error.cure);
    else
        mr_post_event(post, &a, message);
}

/* A statement is noted as seen only when nothing is wrong with it: mended, it may come again. */
static void take(const struct mr_xapi *xapi, const json_t *statement, struct mr_post *post)
{
    const struct kind *kind = kind_of(statement);
    uint8_t uuid[MR_UUID_BYTES];
    const char *id = id_of(xapi, statement, post, uuid);
    int seen;

    if (!id) {
        mr_post_problem(post, "invalid", "id", "not understood", NULL);
        return;
    }
    if (!kind) { /* most of what an environment sends; not worth a row */
        mr_post_id(post, id);
        mr_post_status(post, "ignored");
        return;
    }
    emit(xapi, kind, statement, id, post);
    if (mr_post_has_problem(post))
        return;
    seen = note_seen(xapi, statement, uuid, mr_post_store(post));
    if (seen < 0)
        mr_post_fail(post, seen);
    else if (seen == 2)
        mr_post_problem(post, "conflict", "id", "this id came before with other content",
                "a statement never changes: send a new one with a new id");
    else if (seen == 1)
        mr_post_repeated(post);
}

void mr_xapi_statement(const struct mr_xapi *xapi, json_t *statement, struct mr_post *post)
{
    mr_post_begin(post);
    if (!json_is_object(statement) || !text_at(statement, "verb", "id"))
        mr_post_problem(
                post, "invalid", "verb.id", "not a statement", "send an object with actor, verb and object");
    else
        take(xapi, statement, post);
    mr_post_end(post);
}
