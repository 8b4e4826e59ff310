/*
 * where: the whole way of every event that an id leads to. Its numbers come from the index and its tail
 * (find.h); a delivery is one descent in the rows of its subscription; verdicts are looked for in the newest
 * 100,000 rows of each system, and the answer says when there are more. The figures of the passport cost what
 * making it costs.
 */
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/delivery_json.h"
#include "hub/audit/erased_json.h"
#include "hub/audit/expired_json.h"
#include "hub/audit/find.h"
#include "hub/audit/queries.h"
#include "hub/audit/record_json.h"
#include "hub/audit/rests_json.h"
#include "hub/index/index_keys.h"
#include "hub/intake/prepare.h"
#include "hub/project/passport.h"

enum {
    ID_BYTES_MAX = 256,
    LIMIT_MAX = 1000,
    PAGE_BYTES_MAX = 512 * 1024, /* of matches, when the answer comes in pages: a frame has place for it */
    CELLS_OF_MATCHES_MAX = 50,
    VERDICTS_MAX = 100000,
    VERDICTS_TOLD_MAX = 1000
};

struct where {
    const struct mr_method_call *call;
    const char *id;
    uint64_t limit, after; /* matches of a page, 0: all in one; only those with greater numbers */
    uint64_t next;         /* where the next page begins (as `after`); 0: there is none */
    size_t bytes;          /* of the matches, in pages */
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_found found;
    json_t *matches;
    uint8_t (*idents)[MR_RECORD_IDENT_BYTES]; /* of the matches, then of the id under each configured source
                                               */
    size_t idents_count;
    json_t *verdicts;
    size_t looked; /* verdicts of the system that it is the turn of */
    bool older;    /* there are verdicts that were not looked at */
};

/* ---- a record ---- */

/* Takes the reference. */
static int put_match(struct where *w, json_t *json)
{
    if (w->limit > 0)
        w->bytes += json_dumpb(json, NULL, 0, JSON_COMPACT);
    return json_array_append_new(w->matches, json) == 0 ? 0 : MR_ENOMEM;
}

static bool is_full(const struct where *w)
{
    return w->limit > 0 && (json_array_size(w->matches) >= w->limit || w->bytes >= PAGE_BYTES_MAX);
}

/* Where it goes, and what its receivers gave back on the way: a line an attempt. */
static void add_deliveries(struct where *w, json_t *json)
{
    const struct mr_record *record = &w->view.record;
    json_t *deliveries = json_array(), *tries = json_array(), *each;

    for (size_t i = 0; i < record->subs_count; i++) {
        json_t *delivery = mr_delivery_json(w->call, w->reader, record->subs[i], record);
        json_t *list = mr_delivery_tries_json(w->reader, record->subs[i], record->number);
        size_t k;

        json_array_foreach (list, k, each) {
            (void)json_object_set(each, "subscription", json_object_get(delivery, "subscription"));
            (void)json_array_append(tries, each);
        }
        json_decref(list);
        (void)json_array_append_new(deliveries, delivery);
    }
    (void)json_object_set_new(json, "deliveries", deliveries);
    if (json_array_size(tries) > 0)
        (void)json_object_set(json, "tries", tries);
    json_decref(tries);
}

static int add_match(struct where *w, uint64_t number, struct mr_error *reterr)
{
    json_t *json;
    int r = mr_log_read(w->reader, number, &w->view, reterr);

    if (r < 0)
        return r == MR_ECORRUPT || r == MR_ENOTFOUND ? 0 : r;
    json = mr_record_json(w->call->house, &w->view.record);
    if (json)
        mr_erased_add(w->call->house, &w->view.record, json);
    if (json)
        mr_expired_add(w->call->house, &w->view.record, json);
    memcpy(w->idents[w->idents_count++], w->view.record.ident, MR_RECORD_IDENT_BYTES);
    mr_intake_add(w->reader, number, json);
    add_deliveries(w, json);
    if (w->view.record.flags & MR_RECORD_QUARANTINED)
        mr_quarantine_add(w->reader, number, json);
    return put_match(w, json);
}

/* ---- verdicts on repeats and refusals ---- */

static bool known_ident(const struct where *w, const uint8_t *ident)
{
    for (size_t i = 0; i < w->idents_count; i++)
        if (memcmp(w->idents[i], ident, MR_RECORD_IDENT_BYTES) == 0)
            return true;
    return false;
}

static int look_verdict(void *ctx, struct mr_slice key, struct mr_slice value)
{
    static const char *const verdicts[] = {[MR_VERDICT_STORED] = "stored",
            [MR_VERDICT_DUPLICATE] = "duplicate",
            [MR_VERDICT_QUARANTINED] = "quarantined",
            [MR_VERDICT_REFUSED] = "refused"};
    struct where *w = ctx;
    struct mr_verdict_row row;
    char system[64];
    int r = key.size == MR_VERDICT_KEY_BYTES ? mr_verdict_row_decode(&row, value) : MR_ECORRUPT;

    if (r < 0)
        return r;
    if (++w->looked > VERDICTS_MAX) {
        w->older = true;
        return 1;
    }
    if (!known_ident(w, row.ident))
        return 0;
    if (json_array_size(w->verdicts) == VERDICTS_TOLD_MAX) {
        w->older = true;
        return 1;
    }
    /* They come newest first, and are told in their order. */
    return json_array_insert_new(w->verdicts, 0,
                   json_pack("{s:s, s:s, s:o, s:I, s:s, s:s, s:s, s:s}", "system",
                           mr_system_name(w->call->house, mr_get_be16(key.data), system, sizeof system),
                           "verdict", verdicts[row.verdict], "at", mr_time_json(row.at_us), "number",
                           (json_int_t)row.number, "code", row.text.code, "field", row.text.field, "reason",
                           row.text.reason, "cure", row.text.cure)) == 0
                   ? 0
                   : MR_ENOMEM;
}

static int take_system(void *ctx, struct mr_slice key, struct mr_slice value)
{
    uint16_t *system = ctx;

    (void)value;
    *system = key.size == MR_VERDICT_KEY_BYTES ? mr_get_be16(key.data) : 0;
    return 1;
}

/* System by system, from the highest id down; also of those that are not configured any more. */
static int add_verdicts(struct where *w)
{
    uint8_t key[MR_VERDICT_KEY_BYTES];
    uint16_t system = UINT16_MAX;
    int r = 1;

    memset(key, 0xff, sizeof key);
    while (r >= 0 && system > 0) {
        mr_put_be16(key, system);
        system = 0;
        r = mr_log_rows_down(w->reader, MR_LOG_VERDICT, mr_slice(NULL, 0), mr_slice(key, sizeof key),
                take_system, &system);
        if (r <= 0)
            break;
        mr_put_be16(key, system);
        w->looked = 0;
        r = mr_log_rows_down(
                w->reader, MR_LOG_VERDICT, mr_slice(key, 2), mr_slice(key, sizeof key), look_verdict, w);
        if (system > 0)
            system--;
    }
    return r < 0 ? r : 0;
}

/* A refused event has no record: its identity under each configured source is looked for. */
static void add_own_idents(struct where *w)
{
    const struct mr_config *config = w->call->house->config;

    for (uint32_t i = 0; i < config->systems_count; i++)
        mr_index_key_ident(
                w->call->house->keyring, config->systems[i].source, w->id, w->idents[w->idents_count++]);
}

/* ---- figures ---- */

/* Which cells of the passport rest on it, and whether it was annulled. Without a passport there is nothing to
 * say. */
static void add_figures(struct where *w)
{
    struct mr_passport passport;
    size_t i;
    json_t *match;

    if (json_array_size(w->matches) == 0 || json_array_size(w->matches) > CELLS_OF_MATCHES_MAX ||
            mr_passport_open(&passport, w->call->house, 0, NULL) < 0)
        return;
    json_array_foreach (w->matches, i, match) {
        uint64_t number = (uint64_t)json_integer_value(json_object_get(match, "number"));
        bool annulled = false;

        for (size_t j = 0; j < passport.facts.count; j++)
            annulled |= passport.facts.items[j].number == number && passport.fold->annulled[j];
        (void)json_object_set_new(match, "cells", mr_rests_json(&passport, number));
        (void)json_object_set_new(match, "annulled", json_boolean(annulled));
    }
    mr_passport_fini(&passport);
}

/* Those of the page. */
static int add_matches(struct where *w, struct mr_error *reterr)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < w->found.count; i++) {
        if (w->found.numbers[i] <= w->after)
            continue;
        if (is_full(w)) {
            w->next = w->found.numbers[i] - 1;
            break;
        }
        r = add_match(w, w->found.numbers[i], reterr);
    }
    return r;
}

static int gather(struct where *w, struct mr_error *reterr)
{
    int r = mr_find(w->call->house, w->id, &w->found, reterr);

    if (r < 0)
        return r;
    w->idents = calloc(w->found.count + w->call->house->config->systems_count + 1, sizeof *w->idents);
    if (!w->idents)
        return MR_ENOMEM;
    r = mr_log_reader_renew(w->reader);
    if (r == 0)
        r = add_matches(w, reterr);
    if (r < 0)
        return r;
    if (!w->call->house->territory && w->after == 0) /* what was refused says no organisation */
        add_own_idents(w);
    r = add_verdicts(w);
    if (r == 0)
        add_figures(w);
    return r;
}

static int read_args(struct where *w, const struct mr_method_call *call, struct mr_error *reterr)
{
    int r = mr_arg_text(call, "id", true, ID_BYTES_MAX, &w->id, reterr);

    if (r == 0)
        r = mr_arg_number(call, "limit", 1, LIMIT_MAX, 0, &w->limit, reterr);
    if (r == 0)
        r = mr_arg_number(call, "after", 0, INT64_MAX, 0, &w->after, reterr);
    return r;
}

static json_t *answer(const struct where *w)
{
    json_t *json = json_pack("{s:s, s:b, s:O, s:O, s:b}", "id", w->id, "more", w->found.more, "matches",
            w->matches, "verdicts", w->verdicts, "older_verdicts", w->older);

    if (json && w->limit > 0)
        (void)json_object_set_new(json, "next", json_integer((json_int_t)w->next));
    return json;
}

int mr_query_where(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct where *w = calloc(1, sizeof *w);
    int r = w ? read_args(w, call, reterr) : MR_ENOMEM;

    if (r == 0)
        r = mr_log_reader_open(call->house->log, &w->reader);
    if (r < 0) {
        free(w);
        return r;
    }
    w->call = call;
    w->matches = json_array();
    w->verdicts = json_array();
    r = gather(w, reterr);
    if (r == 0 && w->after == 0 && json_array_size(w->matches) == 0 && json_array_size(w->verdicts) == 0)
        r = mr_error_set(reterr, MR_ENOTFOUND, "id",
                "give an event id, the hub's id, a document number or a correlation",
                "nothing of that id is in the log");
    if (r == 0)
        r = emit(ctx, answer(w));
    json_decref(w->matches);
    json_decref(w->verdicts);
    mr_log_reader_close(w->reader);
    free(w->idents);
    free(w);
    return r;
}
