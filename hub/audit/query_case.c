/*
 * log.case: the records that have the correlation of one, in their order, and which was the cause of which.
 * The record's own cause is looked for in the whole log. There is no index by cause: effects are exact within
 * the case, and of a record without a correlation they are not known, which the answer says. Ids and
 * correlation of an event of persons are sealed: they link here and are not shown.
 */
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/audit/search.h"
#include "hub/record/opened.h"
#include "proto/wire/digest.h"

enum { CASE_MAX = 500, CAUSES_MAX = 8, TEXTS_BYTES = 1 << 20, LOOKS_MAX = 200000 };

struct chapter {
    uint64_t number;
    const char *id;    /* of its source; NULL: it could not be opened */
    const char *cause; /* that it names; NULL: none */
    char hub_id[MR_UUID_TEXT_MAX];
    json_t *json; /* borrowed from the list */
};

struct kase {
    const struct mr_method_call *call;
    struct mr_opened opened;
    struct mr_arena texts; /* sealed ids among them: wiped */
    struct chapter chapters[CASE_MAX + CAUSES_MAX];
    size_t count, max;
    bool outside; /* what is added has another correlation, or none */
    bool more;
    json_t *items;
};

/* ---- gathering ---- */

static int copy(struct kase *k, const char *text, const char **ret)
{
    *ret = NULL;
    if (!text || !*text)
        return 0;
    *ret = mr_arena_strdup(&k->texts, text);
    return *ret ? 0 : MR_ENOMEM;
}

static json_t *record_line(const struct mr_house *house, const struct mr_record *record)
{
    struct mr_buf type = MR_BUF_INIT;
    char system[64];
    json_t *json = NULL;

    if (mr_record_type(record, &type) == 0)
        json = json_pack("{s:I, s:o, s:s, s:s, s:s}", "number", (json_int_t)record->number, "recorded",
                mr_time_json(record->recorded_us), "type", mr_buf_str(&type), "system",
                mr_system_name(house, record->system, system, sizeof system), "state",
                mr_record_state_name(mr_record_state(record)));
    mr_buf_fini(&type);
    return json;
}

static bool has(const struct kase *k, uint64_t number)
{
    for (size_t i = 0; i < k->count; i++)
        if (k->chapters[i].number == number)
            return true;
    return false;
}

/* 0: of this record, or of one that cannot be opened: without its texts. */
static int read_texts(struct kase *k, const struct mr_record *record, struct chapter *chapter)
{
    int r = mr_opened_read(&k->opened, k->call->house, record, MR_PURPOSE_SHOW, NULL);

    if (r < 0)
        return r == MR_ENOMEM ? r : 0;
    r = copy(k, k->opened.event.a.id, &chapter->id);
    return r < 0 ? r : copy(k, k->opened.event.a.causationid, &chapter->cause);
}

static int on_record(void *ctx, const struct mr_record *record)
{
    struct kase *k = ctx;
    struct chapter *chapter = &k->chapters[k->count];
    int r;

    if (has(k, record->number))
        return 0;
    if (k->count == k->max) {
        k->more = true;
        return 1;
    }
    *chapter = (struct chapter){.number = record->number};
    (void)mr_record_hub_id(record, chapter->hub_id, sizeof chapter->hub_id);
    r = read_texts(k, record, chapter);
    if (r < 0)
        return r;
    chapter->json = record_line(k->call->house, record);
    if (k->outside && chapter->json)
        (void)json_object_set_new(chapter->json, "outside", json_true());
    k->count++;
    return json_array_append_new(k->items, chapter->json) == 0 ? 0 : MR_ENOMEM;
}

static int search(struct kase *k, struct mr_search *search, size_t max, struct mr_error *reterr)
{
    uint64_t next = 0;
    int r;

    search->looks_max = LOOKS_MAX;
    k->max = k->count + max < CASE_MAX + CAUSES_MAX ? k->count + max : CASE_MAX + CAUSES_MAX;
    r = mr_search_run(k->call->house, search, on_record, k, &next, reterr);
    k->more |= next != 0;
    return r == 1 ? 0 : r;
}

/* ---- which was whose cause ---- */

static bool is_named(const struct chapter *chapter, const char *cause)
{
    return (chapter->id && strcmp(chapter->id, cause) == 0) || strcmp(chapter->hub_id, cause) == 0;
}

/* Sources choose their ids: of several that have it, the last one before its effect. 0: none of these. */
static uint64_t cause_of(const struct kase *k, const struct chapter *effect)
{
    uint64_t found = 0;

    for (size_t i = 0; i < k->count; i++) {
        const struct chapter *it = &k->chapters[i];

        if (it->number != effect->number && is_named(it, effect->cause) &&
                (found == 0 ||
                        (it->number < effect->number && (it->number > found || found > effect->number))))
            found = it->number;
    }
    return found;
}

static void link_all(struct kase *k)
{
    for (size_t i = 0; i < k->count; i++) {
        const struct chapter *it = &k->chapters[i];
        uint64_t cause = it->cause ? cause_of(k, it) : 0;

        if (cause)
            (void)json_object_set_new(it->json, "cause", json_integer((json_int_t)cause));
        else if (it->cause)
            (void)json_object_set_new(it->json, "cause_elsewhere", json_true());
        if (!it->id)
            (void)json_object_set_new(it->json, "closed", json_true());
    }
}

/* ---- the method ---- */

/* The record itself, and what it has of a case. */
static int begin(struct kase *k, uint64_t number, const char **ret_correlation, struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    struct mr_record_view view;
    int r = mr_log_reader_open(k->call->house->log, &reader);

    if (r < 0)
        return r;
    r = mr_log_read(reader, number, &view, reterr);
    if (r == MR_ENOTFOUND)
        r = mr_error_set(reterr, r, "number", "the log begins at 1", "the log ends at %llu",
                (unsigned long long)mr_log_reader_head(reader));
    if (r == 0)
        r = on_record(k, &view.record);
    if (r == 0 && k->chapters[0].id)
        r = copy(k, k->opened.event.a.correlationid, ret_correlation);
    mr_log_reader_close(reader);
    return r;
}

static int gather(struct kase *k, uint64_t number, const char **ret_correlation, struct mr_error *reterr)
{
    struct mr_search of_case = {0}, of_cause = {0};
    int r = begin(k, number, ret_correlation, reterr);

    of_case.correlation = *ret_correlation;
    if (r == 0 && *ret_correlation)
        r = search(k, &of_case, CASE_MAX - 1, reterr);
    of_cause.id = r == 0 ? k->chapters[0].cause : NULL;
    if (!of_cause.id || cause_of(k, &k->chapters[0]))
        return r;
    k->outside = true;
    return search(k, &of_cause, CAUSES_MAX, reterr);
}

static int run(struct kase *k, uint64_t number, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    const char *correlation = NULL;
    int r = gather(k, number, &correlation, reterr);

    if (r < 0)
        return r;
    link_all(k);
    return emit(ctx, json_pack("{s:I, s:b, s:b, s:b, s:O}", "number", (json_int_t)number, "closed",
                             k->chapters[0].id == NULL, "correlated", correlation != NULL, "more", k->more,
                             "items", k->items));
}

int mr_query_log_case(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct kase *k;
    uint64_t number;
    int r = mr_arg_number(call, "number", 1, INT64_MAX, 0, &number, reterr);

    if (r == 0 && number == 0)
        r = mr_error_set(reterr, MR_EINVAL, "number", "give a log number", "an argument is missing");
    if (r < 0)
        return r;
    k = calloc(1, sizeof *k);
    if (!k)
        return MR_ENOMEM;
    k->call = call;
    k->max = 1;
    k->items = json_array();
    mr_opened_init(&k->opened);
    mr_arena_init(&k->texts, TEXTS_BYTES);
    r = k->items ? run(k, number, emit, ctx, reterr) : MR_ENOMEM;
    mr_arena_fini(&k->texts);
    mr_opened_fini(&k->opened);
    json_decref(k->items);
    free(k);
    return r;
}
