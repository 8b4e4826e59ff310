/*
 * The method "publish": the tool speaks for a configured system on the admin endpoint, whose file permissions
 * are its right. No session and no producer sequence, so a running adapter of the same system is not
 * disturbed: the intake is marked by_tool and answered here once it is durable, item by item.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/edition/edition.h"
#include "hub/intake/prepare_write.h"
#include "hub/session/publish.h"
#include "hub/query.h"
#include "proto/wire/json.h"
#include "proto/wire/json_names.h"

enum { EVENTS_MAX = 1000, FIELD_TEXT_MAX = 128 };

struct publication {
    struct mr_query *query;
    struct mr_query_to to;
    json_t *events;  /* as they were given: a field is named as its sender wrote it */
    json_t *results; /* one an event given; null until its verdict is there */
    bool dry;        /* nothing is stored */
};

static void free_publication(struct publication *publication)
{
    json_decref(publication->events);
    json_decref(publication->results);
    free(publication);
}

static void answer(struct publication *publication, int code, const struct mr_error *error)
{
    char *text;
    json_t *document = json_pack("{s:O}", "results", publication->results);

    if (document && publication->dry)
        (void)json_object_set_new(document, "dry_run", json_true());
    text = code == 0 && document ? json_dumps(document, JSON_COMPACT) : NULL;

    mr_query_send_result(publication->query, &publication->to, text ? text : "",
            text ? 0 : (code ? code : MR_ENOMEM), code < 0 ? error : NULL);
    free(text);
    json_decref(document);
}

/* An event that cannot be read from its JSON is refused here; it never was an event. */
static json_t *unreadable(int code, const struct mr_error *error)
{
    bool big = code == MR_ETOOBIG || code == MR_ENOMEM; /* more than one event's share of memory */
    const char *what = error->what[0] ? error->what : mr_err_text(code);

    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "verdict", "refused", "code",
            big ? "event-too-big" : "malformed", "field", big && !*error->where ? "data" : error->where,
            "reason", what, "cure", error->cure[0] ? error->cure : "Send it as docs/protocol.md says.");
}

/* Fills the intake with the readable ones; results of the others are set. How many were readable, or
 * negative. */
static int read_events(struct mr_intake *intake, const json_t *events, json_t *results)
{
    size_t *ends = calloc(json_array_size(events) + 1, sizeof *ends);
    size_t i, n = 0;
    json_t *event;

    if (!ends)
        return MR_ENOMEM;
    json_array_foreach (events, i, event) {
        struct mr_error error = {0};
        size_t before = intake->bytes.size;
        int r = mr_event_from_json(event, &intake->bytes, &error);

        if (r == 0) {
            ends[n++] = intake->bytes.size;
            (void)json_array_append_new(results, json_null());
        } else {
            intake->bytes.size = before;
            (void)json_array_append_new(results, unreadable(r, &error));
        }
    }
    for (i = 0; i < n; i++) {
        size_t begin = i ? ends[i - 1] : 0;

        intake->items[i].event = mr_slice(intake->bytes.data + begin, ends[i] - begin);
    }
    free(ends);
    return mr_buf_failed(&intake->bytes) ? MR_ENOMEM : (int)n;
}

/* Those have no item in an intake: they are counted of their results. */
static void count_unreadable(const struct publication *publication, const struct mr_config_system *system)
{
    json_t *result;
    size_t i;

    json_array_foreach (publication->results, i, result)
        if (!publication->dry && !json_is_null(result))
            mr_publish_count_unreadable(
                    publication->query->publish, system, json_string_value(json_object_get(result, "code")));
}

static void on_done(struct mr_intake *intake)
{
    struct publication *publication = intake->owner;

    (void)mr_mailbox_post(publication->query->intakes, &intake->link);
}

static void submit(struct publication *publication, struct mr_intake *intake,
        const struct mr_config_system *system, size_t count)
{
    struct mr_query *query = publication->query;
    uint64_t now = (uint64_t)mr_clock_wall_us(query->house->clock);

    /* No producer's sequence: a name for the verdict rows, growing over restarts. */
    if (query->published_sequence < now)
        query->published_sequence = now;
    intake->count = count;
    intake->sender = system;
    intake->edition = mr_edition_hold(query->house->edition);
    intake->system = mr_names_id(query->house->names, MR_NAME_SYSTEM, system->name);
    intake->first_sequence = query->published_sequence;
    intake->by_tool = true;
    intake->dry = publication->dry;
    intake->done = on_done;
    intake->owner = publication;
    query->published_sequence += count;
    query->publications++;
    mr_prepare_submit(query->prepare, intake);
}

/* As on the bus. The tool is not asked: it is the administrator's. */
static int check_quota(const struct publication *publication, const struct mr_config_system *system,
        size_t events, size_t bytes, struct mr_error *error)
{
    uint32_t wait_ms =
            publication->to.asker ? mr_publish_quota(publication->query->publish, system, events, bytes) : 0;
    char cure[64];

    if (wait_ms == 0)
        return 0;
    (void)snprintf(cure, sizeof cure, "wait %u ms, then send it again", wait_ms);
    (void)mr_error_set(error, MR_EAGAIN, "system", cure,
            "this system publishes faster than events_per_s or bytes_per_s");
    error->wait_ms = wait_ms;
    return MR_EAGAIN;
}

static int start(struct publication *publication, const json_t *arguments, struct mr_error *error)
{
    const char *name = json_string_value(json_object_get(arguments, "system"));
    const json_t *events = json_object_get(arguments, "events");
    const struct mr_config_system *system =
            name ? mr_config_system(publication->query->house->config, name) : NULL;
    struct mr_intake *intake;
    int r, q;

    if (!system)
        return mr_error_set(
                error, MR_EINVAL, "system", "name one of the configured systems", "no such system");
    if (!json_is_array(events) || json_array_size(events) > EVENTS_MAX)
        return mr_error_set(error, MR_EINVAL, "events", "send CloudEvents JSON objects, fewer at once",
                "not an array of at most %d events", EVENTS_MAX);
    intake = mr_intake_new(json_array_size(events));
    if (!intake)
        return MR_ENOMEM;
    r = read_events(intake, events, publication->results);
    if (r > 0 && (q = check_quota(publication, system, (size_t)r, intake->bytes.size, error)) < 0)
        r = q;
    if (r > 0) {
        submit(publication, intake, system, (size_t)r);
        return 1;
    }
    mr_intake_free(intake);
    if (r == 0)
        count_unreadable(publication, system);
    return r;
}

void mr_query_publish(struct mr_query *query, const struct mr_query_to *to, const json_t *arguments)
{
    struct publication *publication = calloc(1, sizeof *publication);
    struct mr_error error = {0};
    int r;

    if (!publication) {
        mr_query_send_result(query, to, "", MR_ENOMEM, NULL);
        return;
    }
    *publication = (struct publication){query, *to, json_incref(json_object_get(arguments, "events")),
            json_array(), json_is_true(json_object_get(arguments, "dry_run"))};
    r = query->stopping     ? MR_ECLOSED
        : *query->read_only ? mr_query_no_space(&error)
                            : start(publication, arguments, &error);
    if (r == 1)
        return; /* answered when durable */
    answer(publication, r, &error);
    free_publication(publication);
}

/* Of one that would be stored: which subscriptions would get it. */
static json_t *subscriptions_of(
        const struct mr_query *query, const struct mr_intake *intake, const struct mr_intake_span *span)
{
    json_t *names = json_array();
    struct mr_record_view *view = malloc(sizeof *view);
    struct mr_slice bytes = mr_slice(intake->records.data + span->offset, span->size);

    if (view && mr_record_decode(view, span->number, bytes, NULL) == 0)
        for (size_t i = 0; i < view->record.subs_count; i++)
            (void)json_array_append_new(names, json_string(mr_names_text(query->house->names,
                                                       MR_NAME_SUBSCRIPTION, view->record.subs[i])));
    free(view);
    return names;
}

static json_t *verdict_of(const struct mr_intake_item *item, const json_t *event)
{
    static const char *const names[] = {"", "stored", "duplicate", "quarantined", "refused"};
    char field[FIELD_TEXT_MAX];
    json_t *result = json_pack("{s:s}", "verdict", names[item->verdict]);

    if (item->number)
        (void)json_object_set_new(result, "number", json_integer((json_int_t)item->number));
    if (item->text) {
        (void)json_object_set_new(result, "code", json_string(item->text->code));
        (void)json_object_set_new(result, "field",
                json_string(mr_json_path(
                        json_object_get(event, "data"), item->text->field, field, sizeof field)));
        (void)json_object_set_new(result, "reason", json_string(item->text->reason));
        (void)json_object_set_new(result, "cure", json_string(item->text->cure));
    }
    return result;
}

/* Where those of the bus are counted. Before the results of the readable ones are there. */
static void count(const struct publication *publication, const struct mr_intake *intake)
{
    const struct mr_query *query = publication->query;
    const struct mr_config_system *system = mr_config_system(query->house->config, intake->sender->name);

    if (intake->status != 0 || publication->dry || !system)
        return;
    count_unreadable(publication, system);
    mr_publish_count(query->publish, intake);
}

/* Of an item that was only tried out: the number of its record was taken back. *span: the next one. */
static json_t *what_would_be(const struct publication *publication, const struct mr_intake *intake,
        size_t item, const json_t *event, size_t *span)
{
    json_t *result = verdict_of(&intake->items[item], event);
    struct mr_intake_span record;

    if ((*span + 1) * sizeof record > intake->spans.size)
        return result;
    memcpy(&record, intake->spans.data + *span * sizeof record, sizeof record);
    if (record.item != item)
        return result;
    ++*span;
    (void)json_object_del(result, "number");
    if (intake->items[item].verdict == MR_VERDICT_STORED)
        (void)json_object_set_new(
                result, "subscriptions", subscriptions_of(publication->query, intake, &record));
    return result;
}

void mr_query_published(struct mr_intake *intake)
{
    struct publication *publication = intake->owner;
    struct mr_error error = {0};
    size_t item = 0, span = 0;

    count(publication, intake);
    for (size_t i = 0; i < json_array_size(publication->results) && item < intake->count; i++) {
        const json_t *event = json_array_get(publication->events, i);

        if (!json_is_null(json_array_get(publication->results, i)))
            continue;
        (void)json_array_set_new(publication->results, i,
                publication->dry ? what_would_be(publication, intake, item, event, &span)
                                 : verdict_of(&intake->items[item], event));
        item++;
    }
    if (intake->status == MR_ENOSPACE)
        (void)mr_query_no_space(&error);
    else if (intake->status == MR_EDENIED)
        (void)mr_error_set(&error, MR_EDENIED, "system", "name one that is configured now",
                "the system is not configured any more");
    answer(publication, intake->status, &error);
    publication->query->publications--;
    free_publication(publication);
}
