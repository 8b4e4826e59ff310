/* config.plan, config.history, config.show: versions of the configuration, and one that might become the
 * next.
 */
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/edition/edition.h"
#include "hub/record/opened.h"
#include "hub/edition/plan.h"
#include "hub/deliver/wanted.h"
#include "proto/base/bytes.h"
#include "proto/base/hex.h"
#include "proto/config/config_diff.h"
#include "store/sha256.h"

enum {
    NAME_BYTES_MAX = 4096,
    VERSION_KEY_BYTES = 4,
    SHA256_BYTES = 32,
    PIECE_BYTES = 256 * 1024,
    LIMIT_MAX = 10000
};

static const int64_t day_us = INT64_C(86400) * 1000 * 1000;

struct answer {
    const struct mr_method_call *call;
    mr_emit_fn emit;
    void *ctx;
    uint64_t changes;
    uint64_t restart; /* of these, so many hold only after a restart */
};

/* ---- config.plan ---- */

static int on_change(void *ctx, const struct mr_config_change *change)
{
    struct answer *answer = ctx;
    json_t *json = json_pack("{s:s, s:s, s:b}", "path", change->path, "change",
            mr_config_change_word(change->kind), "restart", change->restart);

    if (!json)
        return MR_ENOMEM;
    if (change->from[0] || change->to[0]) {
        (void)json_object_set_new(json, "from", json_string(change->from));
        (void)json_object_set_new(json, "to", json_string(change->to));
    }
    answer->changes++;
    answer->restart += change->restart;
    return answer->emit(answer->ctx, json);
}

static int on_progress(void *ctx, const struct mr_plan *plan)
{
    struct answer *answer = ctx;

    return answer->emit(answer->ctx, json_pack("{s:I}", "progress", (json_int_t)plan->looked));
}

static json_t *numbers(const uint64_t *examples, uint64_t count)
{
    json_t *list = json_array();

    for (uint64_t i = 0; i < count && i < MR_PLAN_EXAMPLES; i++)
        (void)json_array_append_new(list, json_integer((json_int_t)examples[i]));
    return list;
}

static json_t *row_json(const struct mr_plan_row *row)
{
    const char *state = row->removed ? "removed" : row->added ? "added" : "kept";

    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "subscription", row->name, "state", state,
            "before", (json_int_t)row->before, "after", (json_int_t)row->after, "gained",
            (json_int_t)row->gained, "lost", (json_int_t)row->lost, "gained_at",
            numbers(row->gained_at, row->gained), "lost_at", numbers(row->lost_at, row->lost));
}

/* Rows that say something, then the summary. */
static int put_plan(const struct answer *answer, const struct mr_plan *plan)
{
    uint64_t same = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < plan->count; i++) {
        const struct mr_plan_row *row = &plan->rows[i];

        if (row->added || row->removed || row->gained > 0 || row->lost > 0)
            r = answer->emit(answer->ctx, row_json(row));
        else
            same++;
    }
    if (r != 0)
        return r;
    return answer->emit(answer->ctx,
            json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "version",
                    (json_int_t)answer->call->house->config_version, "changes", (json_int_t)answer->changes,
                    "restart", (json_int_t)answer->restart, "first", (json_int_t)plan->from, "last",
                    (json_int_t)plan->to, "looked", (json_int_t)plan->looked, "unreadable",
                    (json_int_t)plan->unreadable, "same", (json_int_t)same, "unwanted_before",
                    (json_int_t)plan->unwanted_before, "unwanted_after", (json_int_t)plan->unwanted_after));
}

/* From the last day on, unless something else is asked for. */
static int read_range(
        const struct mr_method_call *call, uint64_t *first, uint64_t *last, struct mr_error *reterr)
{
    int64_t from_us = 0, to_us = 0;
    struct mr_log_reader *reader;
    struct mr_record_view *view;
    int r = mr_arg_time(call, "from", &from_us, reterr);

    if (r == 0)
        r = mr_arg_time(call, "to", &to_us, reterr);
    if (r == 0)
        r = mr_arg_number(call, "first", 1, INT64_MAX, 0, first, reterr);
    if (r == 0)
        r = mr_arg_number(call, "last", 1, INT64_MAX, INT64_MAX, last, reterr);
    if (r < 0)
        return r;
    if (from_us == 0 && *first == 0)
        from_us = mr_clock_wall_us(call->house->clock) - day_us;
    view = malloc(sizeof *view);
    r = view ? mr_log_reader_open(call->house->log, &reader) : MR_ENOMEM;
    if (r == 0) {
        if (from_us > 0)
            *first = mr_wanted_from_time(reader, view, from_us);
        if (to_us > 0)
            *last = mr_wanted_from_time(reader, view, to_us) - 1;
        mr_log_reader_close(reader);
    }
    free(view);
    return r;
}

int mr_query_config_plan(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct answer answer = {.call = call, .emit = emit, .ctx = ctx};
    struct mr_config *config = NULL;
    const char *text, *name;
    uint64_t first, last;
    struct mr_plan plan;
    int r = mr_arg_text(call, "text", true, MR_CONFIG_BYTES_MAX, &text, reterr);

    if (r == 0)
        r = mr_arg_text(call, "name", false, NAME_BYTES_MAX, &name, reterr);
    if (r == 0)
        r = read_range(call, &first, &last, reterr);
    if (r == 0)
        r = mr_edition_read(&config, call->house->config, mr_slice_str(text),
                *name ? name : call->house->config->name, reterr);
    if (r < 0)
        return r;
    r = mr_config_diff(call->house->config, config, on_change, &answer);
    if (r == 0)
        r = mr_plan_make(&plan, call->house, config, first, last, on_progress, &answer, reterr);
    if (r == 0) {
        r = put_plan(&answer, &plan);
        mr_plan_fini(&plan);
    }
    mr_config_free(config);
    return r;
}

/* ---- config.history, config.show ---- */

/* The first record of a version: heads carry it, and it never decreases with the number. head + 1: none. */
static int first_of(
        struct mr_log_reader *reader, struct mr_record_view *view, uint32_t version, uint64_t *ret)
{
    uint64_t low = 1, high = mr_log_reader_head(reader) + 1;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2, at = middle;
        int r = mr_log_read(reader, at, view, NULL);

        while (r == MR_ECORRUPT && at + 1 < high)
            r = mr_log_read(reader, ++at, view, NULL);
        if (r < 0 && r != MR_ECORRUPT)
            return r;
        if (r == 0 && view->record.config < version)
            low = at + 1;
        else
            high = middle;
    }
    *ret = low;
    return 0;
}

/* Who applied it says the event that begins it; a version that a start brought has none. */
static void put_actor(
        const struct mr_house *house, const struct mr_record *record, struct mr_opened *opened, json_t *json)
{
    struct mr_buf type = MR_BUF_INIT;

    if ((record->flags & MR_RECORD_HUB) && mr_record_type(record, &type) == 0 &&
            strcmp(mr_buf_str(&type), "hub.config.applied.v1") == 0 &&
            mr_opened_read(opened, house, record, MR_PURPOSE_SHOW, NULL) == 0)
        (void)json_object_set_new(
                json, "by", json_string(opened->event.a.actor ? opened->event.a.actor : ""));
    mr_buf_fini(&type);
}

struct history {
    const struct mr_house *house;
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_opened opened;
    json_t *list;
    uint64_t limit; /* 0: all */
    uint64_t after; /* versions behind this one */
    uint32_t last;  /* of the list */
};

static int add_version(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct history *h = ctx;
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    struct mr_sha256_state hash;
    uint32_t version;
    uint64_t first = 0;
    json_t *json;
    int r;

    if (key.size != VERSION_KEY_BYTES)
        return MR_ECORRUPT;
    version = mr_get_be32(key.data);
    if (version <= h->after)
        return 0;
    if (h->limit > 0 && json_array_size(h->list) == h->limit)
        return 1;
    h->last = version;
    mr_sha256_init(&hash);
    mr_sha256_put(&hash, value);
    mr_sha256_final(&hash, digest);
    json = json_pack("{s:I, s:b, s:s}", "version", (json_int_t)version, "in_force",
            version == h->house->config_version, "digest", mr_hex_encode(digest, sizeof digest, hex));
    r = first_of(h->reader, &h->view, version, &first);
    if (r == 0 && first <= mr_log_reader_head(h->reader) &&
            mr_log_read(h->reader, first, &h->view, NULL) == 0 && h->view.record.config == version) {
        (void)json_object_set_new(json, "first", json_integer((json_int_t)first));
        (void)json_object_set_new(json, "recorded", mr_time_json(h->view.record.recorded_us));
        put_actor(h->house, &h->view.record, &h->opened, json);
    }
    return json_array_append_new(h->list, json) == 0 ? r : MR_ENOMEM;
}

/* Whoever asks for pages is told where the next one begins. */
static json_t *history_json(const struct history *h, bool more)
{
    json_t *json = json_pack("{s:I, s:s?, s:O}", "version", (json_int_t)h->house->config_version, "file",
            h->house->config->file, "versions", h->list);

    if (json && h->limit > 0)
        (void)json_object_set_new(json, "next", json_integer(more ? (json_int_t)h->last : 0));
    return json;
}

static int list_versions(struct history *h, const struct mr_method_call *call, mr_emit_fn emit, void *ctx,
        struct mr_error *reterr)
{
    uint8_t from[VERSION_KEY_BYTES];
    int r = mr_arg_number(call, "limit", 1, LIMIT_MAX, 0, &h->limit, reterr);

    if (r == 0)
        r = mr_arg_number(call, "after", 0, UINT32_MAX, 0, &h->after, reterr);
    if (r == 0)
        r = mr_log_reader_open(call->house->log, &h->reader);
    if (r < 0)
        return r;
    mr_put_be32(from, (uint32_t)h->after);
    r = mr_log_rows(
            h->reader, MR_LOG_CONFIG, (struct mr_slice){0}, mr_slice(from, sizeof from), add_version, h);
    if (r >= 0)
        r = emit(ctx, history_json(h, r == 1));
    mr_log_reader_close(h->reader);
    return r;
}

int mr_query_config_history(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct history *h = calloc(1, sizeof *h);
    int r;

    if (!h)
        return MR_ENOMEM;
    h->house = call->house;
    h->list = json_array();
    mr_opened_init(&h->opened);
    r = list_versions(h, call, emit, ctx, reterr);
    json_decref(h->list);
    mr_opened_fini(&h->opened);
    free(h);
    return r;
}

/* The text in pieces that fit into frames, cut between lines where there are any. */
static int put_text(struct mr_slice text, mr_emit_fn emit, void *ctx)
{
    int r = 0;

    while (r == 0 && text.size > 0) {
        size_t size = text.size < PIECE_BYTES ? text.size : PIECE_BYTES;

        while (size < text.size && size > 1 && text.data[size - 1] != '\n')
            size--;
        if (size == 1 && text.size > 1)
            return MR_ETOOBIG; /* one line of that size: no configuration looks like that */
        r = emit(ctx, json_pack("{s:s%}", "text", (const char *)text.data, size));
        text = mr_slice(text.data + size, text.size - size);
    }
    return r;
}

int mr_query_config_show(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    uint8_t key[VERSION_KEY_BYTES];
    struct mr_log_reader *reader;
    struct mr_slice text;
    uint64_t version;
    int r = mr_arg_number(call, "version", 1, UINT32_MAX, call->house->config_version, &version, reterr);

    if (r == 0)
        r = mr_log_reader_open(call->house->log, &reader);
    if (r < 0)
        return r;
    mr_put_be32(key, (uint32_t)version);
    r = mr_log_row(reader, MR_LOG_CONFIG, mr_slice(key, sizeof key), &text);
    if (r == MR_ENOTFOUND)
        r = mr_error_set(reterr, r, "version", "`marshrut config history` lists them",
                "the log has no version %llu of the configuration", (unsigned long long)version);
    if (r == 0)
        r = put_text(text, emit, ctx);
    if (r == 0)
        r = emit(ctx, json_pack("{s:I}", "version", (json_int_t)version));
    mr_log_reader_close(reader);
    return r;
}
