#include "adapters/sdk/post.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/loop/http_route.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"
#include "proto/wire/json.h"
#include "proto/wire/rules.h"

enum { ITEM_ARENA_BYTES = 1024 * 1024 };

struct mr_post {
    struct mr_post_store store;
    struct mr_post_summary summary;
    struct mr_arena arena;
    struct mr_buf events; /* of the current item: size as be32, bytes */
    json_t *results;
    json_t *item; /* of results; NULL between items */
    json_t *ids;
    const char *status; /* success of the current item */
    bool problem;
};

int mr_post_new(struct mr_post **ret, const struct mr_post_store *store)
{
    struct mr_post *post = calloc(1, sizeof *post);

    if (!post)
        return MR_ENOMEM;
    post->store = *store;
    post->results = json_array();
    mr_arena_init(&post->arena, ITEM_ARENA_BYTES);
    if (!post->results) {
        mr_post_free(post);
        return MR_ENOMEM;
    }
    *ret = post;
    return 0;
}

void mr_post_free(struct mr_post *post)
{
    if (!post)
        return;
    json_decref(post->results);
    mr_buf_wipe(&post->events);
    mr_arena_fini(&post->arena);
    free(post);
}

struct mr_arena *mr_post_arena(struct mr_post *post)
{
    return &post->arena;
}

const struct mr_post_store *mr_post_store(const struct mr_post *post)
{
    return &post->store;
}

void mr_post_fail(struct mr_post *post, int code)
{
    if (post->summary.failed == 0)
        post->summary.failed = code;
}

bool mr_post_has_problem(const struct mr_post *post)
{
    return post->problem || post->summary.failed != 0;
}

void mr_post_status(struct mr_post *post, const char *status)
{
    post->status = status;
}

void mr_post_repeated(struct mr_post *post)
{
    post->status = "repeated";
    mr_buf_wipe(&post->events);
}

void mr_post_id(struct mr_post *post, const char *id)
{
    if (json_array_append_new(post->ids, json_string(id)) != 0)
        mr_post_fail(post, MR_ENOMEM);
}

void mr_post_begin(struct mr_post *post)
{
    assert(!post->item);
    post->item = json_object();
    post->ids = json_array();
    post->status = "accepted";
    post->problem = false;
    mr_arena_reset(&post->arena);
    mr_buf_wipe(&post->events);
    if (json_object_set_new(post->item, "index", json_integer(post->summary.items)) != 0 ||
            json_object_set_new(post->item, "ids", post->ids) != 0 ||
            json_array_append_new(post->results, post->item) != 0)
        mr_post_fail(post, MR_ENOMEM);
    post->summary.items++;
}

static void set_text(json_t *object, const char *key, const char *value)
{
    if (value && *value)
        (void)json_object_set_new(object, key, json_string(value));
}

void mr_post_problem(
        struct mr_post *post, const char *status, const char *field, const char *problem, const char *cure)
{
    if (post->problem)
        return;
    post->problem = true;
    if (strcmp(status, "conflict") == 0)
        post->summary.conflicts++;
    else
        post->summary.invalid++;
    post->status = status;
    set_text(post->item, "field", field);
    set_text(post->item, "problem", problem);
    set_text(post->item, "cure", cure);
}

static void problem_of(struct mr_post *post, int code, const struct mr_error *error)
{
    if (code == MR_ENOMEM && post->arena.used < post->arena.budget / 2) /* ours, not the item's doing */
        mr_post_fail(post, code);
    else
        mr_post_problem(
                post, "invalid", error->where, *error->what ? error->what : mr_err_text(code), error->cure);
}

static bool rules_ok(struct mr_post *post, const ProtobufCMessage *payload)
{
    struct mr_rule_violation violation;

    if (mr_rules_check(payload, NULL, &violation) == 0 || violation.severity != MR_RULE_REFUSE)
        return true;
    mr_post_problem(post, "invalid", violation.field, violation.code, violation.cure);
    return false;
}

/* One more event of the item; its id is reported too. */
static void keep(struct mr_post *post, const char *id, struct mr_slice bytes)
{
    if (bytes.size > MR_EVENT_BYTES_MAX) {
        mr_post_problem(
                post, "invalid", NULL, "the event is larger than 48 KiB", "split it, or shorten its texts");
        return;
    }
    mr_buf_put_be32(&post->events, (uint32_t)bytes.size);
    mr_buf_put_slice(&post->events, bytes);
    if (mr_buf_failed(&post->events))
        mr_post_fail(post, MR_ENOMEM);
    mr_post_id(post, id);
}

/* An UUID (version 8) of the whole content under the outbox's secret: the same content is the same event. */
static int id_from_content(struct mr_post *post, struct mr_attributes *attributes,
        const ProtobufCMessage *payload, char text[static MR_UUID_TEXT_MAX])
{
    struct mr_buf bytes = MR_BUF_INIT;
    uint8_t uuid[MR_UUID_BYTES];
    int r;

    attributes->id = "-";
    r = mr_event_encode(&bytes, attributes, payload);
    if (r == 0) {
        post->store.digest(post->store.ctx, mr_buf_slice(&bytes), uuid);
        uuid[6] = (uint8_t)(0x80 | (uuid[6] & 0x0f));
        uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
        attributes->id = mr_uuid_format(uuid, text);
    }
    mr_buf_wipe(&bytes);
    return r;
}

void mr_post_event(
        struct mr_post *post, const struct mr_attributes *attributes, const ProtobufCMessage *payload)
{
    struct mr_attributes a = *attributes;
    struct mr_buf bytes = MR_BUF_INIT;
    char text[MR_UUID_TEXT_MAX];
    int r = 0;

    if (mr_post_has_problem(post) || !rules_ok(post, payload))
        return;
    if (!a.id)
        r = id_from_content(post, &a, payload, text);
    if (r == 0)
        r = mr_event_encode(&bytes, &a, payload);
    if (r == 0)
        keep(post, a.id, mr_buf_slice(&bytes));
    else
        mr_post_fail(post, r);
    mr_buf_wipe(&bytes);
}

static void check_and_keep(struct mr_post *post, struct mr_slice bytes)
{
    struct mr_error error = {0};
    struct mr_event event;
    int r = mr_event_decode(&event, bytes, &post->arena, &error);

    if (r < 0)
        problem_of(post, r, &error);
    else if (!event.type)
        mr_post_problem(post, "invalid", "type", "no such event type", "docs/events.md lists the types");
    else if (rules_ok(post, event.payload))
        keep(post, event.a.id, bytes);
}

void mr_post_cloudevent(struct mr_post *post, const json_t *event)
{
    struct mr_buf bytes = MR_BUF_INIT;
    struct mr_error error = {0};
    int r = mr_event_from_json(event, &bytes, &error);

    if (r < 0)
        problem_of(post, r, &error);
    else
        check_and_keep(post, mr_buf_slice(&bytes));
    mr_buf_wipe(&bytes);
}

static int store_events(struct mr_post *post)
{
    struct mr_slice rest = mr_buf_slice(&post->events);

    while (rest.size > 0) {
        size_t size = (size_t)rest.data[0] << 24 | (size_t)rest.data[1] << 16 | (size_t)rest.data[2] << 8 |
                      rest.data[3];
        int r = post->store.add(post->store.ctx, mr_slice(rest.data + 4, size));

        if (r < 0)
            return r;
        rest = mr_slice(rest.data + 4 + size, rest.size - 4 - size);
        post->summary.events++;
    }
    return 0;
}

void mr_post_end(struct mr_post *post)
{
    assert(post->item);
    if (!post->problem && post->summary.failed == 0) {
        mr_post_fail(post, store_events(post));
        post->summary.good++;
    } else {
        (void)json_object_del(post->item, "ids");
    }
    set_text(post->item, "status", post->status);
    post->item = NULL;
    mr_buf_wipe(&post->events);
}

void mr_post_summary(const struct mr_post *post, struct mr_post_summary *ret)
{
    *ret = post->summary;
}

json_t *mr_post_results(const struct mr_post *post)
{
    return post->results;
}

void mr_post_answer(const struct mr_post *post, struct mr_http_exchange *exchange)
{
    const struct mr_post_summary *s = &post->summary;
    unsigned status = s->good == s->items ? 202 : s->good > 0 ? 207 : 400;

    mr_http_answer_json(exchange, status, json_pack("{s:O}", "results", post->results));
}
