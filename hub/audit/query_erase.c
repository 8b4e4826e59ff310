/* erase.request, approve, reject, list, show: a person's data are destroyed in two steps by two operators. */
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/keep/backup_last.h"
#include "hub/erasure/eraser.h"
#include "proto/base/hex.h"
#include "store/erasure.h"

enum { TEXT_BYTES_MAX = 256, HEX_MAX = 2 * 32 + 1, LIMIT_MAX = 10000 };

static int need_hub(const struct mr_method_call *call, struct mr_error *reterr)
{
    return call->eraser ? 0
                        : mr_error_set(reterr, MR_ECLOSED, "hub", "start the hub",
                                  "this needs a running hub, and none is running");
}

/* Who is meant, and why. */
static int read_wish(const struct mr_method_call *call, struct mr_erasure_wish *ret, struct mr_error *reterr)
{
    const struct {
        const char *name;
        size_t max;
        const char **ret;
    } texts[] = {{"person", TEXT_BYTES_MAX, &ret->person}, {"snils", TEXT_BYTES_MAX, &ret->snils},
            {"system", TEXT_BYTES_MAX, &ret->system}, {"local_id", TEXT_BYTES_MAX, &ret->local_id},
            {"basis", TEXT_BYTES_MAX, &ret->basis}, {"case", MR_ERASURE_CASE_MAX, &ret->case_text}};
    int r = need_hub(call, reterr);

    *ret = (struct mr_erasure_wish){.operator_name = call->operator_name};
    for (size_t i = 0; r == 0 && i < sizeof texts / sizeof texts[0]; i++)
        r = mr_arg_text(call, texts[i].name, false, texts[i].max, texts[i].ret, reterr);
    return r;
}

int mr_query_erase_request(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_erasure_wish wish;
    uint64_t number;
    int r = read_wish(call, &wish, reterr);

    if (r == 0)
        r = mr_eraser_request(call->eraser, &wish, &number, reterr);
    return r < 0 ? r
                 : emit(ctx, json_pack("{s:I, s:s}", "request", (json_int_t)number, "state",
                                     mr_erasure_state_name(MR_ERASURE_REQUESTED)));
}

int mr_query_hold_person_place(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    char hold[MR_ERASURE_HOLD_HEX_MAX];
    struct mr_erasure_wish wish;
    int r = read_wish(call, &wish, reterr);

    if (r == 0)
        r = mr_arg_case(call, &wish.case_text, reterr);
    if (r == 0)
        r = mr_eraser_hold(call->eraser, &wish, hold, reterr);
    return r < 0 ? r : emit(ctx, json_pack("{s:s, s:s}", "hold", hold, "kind", "person"));
}

int mr_query_hold_person_release(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_erasure_wish wish;
    const char *hold;
    int r = read_wish(call, &wish, reterr);

    if (r == 0)
        r = mr_arg_case(call, &wish.case_text, reterr);
    if (r == 0)
        r = mr_arg_text(call, "hold", true, TEXT_BYTES_MAX, &hold, reterr);
    if (r == 0)
        r = mr_eraser_release(call->eraser, &wish, hold, reterr);
    return r < 0 ? r : emit(ctx, json_pack("{s:s, s:s}", "hold", hold, "kind", "person"));
}

static int decide(const struct mr_method_call *call, uint64_t *ret_number, struct mr_error *reterr)
{
    int r = need_hub(call, reterr);

    if (r == 0)
        r = mr_arg_number(call, "request", 1, INT64_MAX, 0, ret_number, reterr);
    if (r == 0 && *ret_number == 0)
        r = mr_error_set(reterr, MR_EINVAL, "request", "give its number", "an argument is missing");
    return r;
}

int mr_query_erase_approve(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    uint64_t number;
    int r = decide(call, &number, reterr);

    if (r == 0)
        r = mr_eraser_approve(call->eraser, number, call->operator_name, reterr);
    return r < 0 ? r
                 : emit(ctx, json_pack("{s:I, s:s}", "request", (json_int_t)number, "state",
                                     mr_erasure_state_name(MR_ERASURE_APPROVED)));
}

int mr_query_erase_reject(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    const char *code;
    uint64_t number;
    int r = decide(call, &number, reterr);

    if (r == 0)
        r = mr_arg_text(call, "reason", true, TEXT_BYTES_MAX, &code, reterr);
    if (r == 0)
        r = mr_eraser_reject(call->eraser, number, call->operator_name, code, reterr);
    return r < 0 ? r
                 : emit(ctx, json_pack("{s:I, s:s}", "request", (json_int_t)number, "state",
                                     mr_erasure_state_name(MR_ERASURE_REJECTED)));
}

/* ---- looking ---- */

static json_t *head_json(const struct mr_method_call *call, const mr_erasure_request *request)
{
    char waits_for[MR_ERASER_WAITS_BYTES] = "";
    bool open = request->state == MR_ERASURE_REQUESTED || mr_erasure_runs(request->state);
    size_t unanswered = 0;

    for (size_t i = 0; i < request->n_notices; i++)
        unanswered += request->notices[i]->state == MR_NOTICE_WAITING;
    if (call->eraser && mr_erasure_runs(request->state)) /* without a hub nobody waits */
        mr_eraser_waits(call->eraser, request->number, waits_for);
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:I, s:s}", "request",
            (json_int_t)request->number, "state", mr_erasure_state_name(request->state), "title",
            mr_erasure_state_title(request->state), "basis", request->basis, "requested_by",
            request->requested_by, "requested", mr_time_json(request->requested_us), "due",
            mr_time_json(request->due_us), "overdue",
            open && request->due_us < mr_clock_wall_us(call->house->clock), "unanswered",
            (json_int_t)unanswered, "waits_for", waits_for);
}

struct listing {
    const struct mr_method_call *call;
    json_t *list;
    uint64_t limit; /* 0: all */
    uint64_t after; /* requests behind this one */
    uint64_t last;  /* of the list */
};

static int add(void *ctx, const mr_erasure_request *request)
{
    struct listing *listing = ctx;

    if (request->number <= listing->after)
        return 0;
    if (listing->limit > 0 && json_array_size(listing->list) == listing->limit)
        return 1;
    listing->last = request->number;
    return json_array_append_new(listing->list, head_json(listing->call, request)) == 0 ? 0 : MR_ENOMEM;
}

int mr_query_erase_list(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct listing listing = {.call = call};
    json_t *json;
    int r = mr_arg_number(call, "limit", 1, LIMIT_MAX, 0, &listing.limit, reterr);

    if (r == 0)
        r = mr_arg_number(call, "after", 0, INT64_MAX, 0, &listing.after, reterr);
    if (r < 0)
        return r;
    listing.list = json_array();
    r = mr_erasure_all(call->house->log, add, &listing);
    if (r < 0) {
        (void)mr_error_set(reterr, r, "erasure", "", "the requests cannot be read: %s", mr_err_text(r));
    } else {
        json = json_pack("{s:O}", "requests", listing.list);
        if (json && listing.limit > 0)
            (void)json_object_set_new(json, "next", json_integer(r == 1 ? (json_int_t)listing.last : 0));
        r = emit(ctx, json);
    }
    json_decref(listing.list);
    return r;
}

static json_t *notices_json(const mr_erasure_request *request)
{
    json_t *list = json_array();

    for (size_t i = 0; i < request->n_notices; i++) {
        const Marshrut__Erasure__V1__NoticeRow *row = request->notices[i];

        (void)json_array_append_new(list,
                json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:s, s:I}", "system", row->system, "state",
                        mr_notice_state_name(row->state), "event", (json_int_t)row->number, "sent",
                        mr_time_json(row->sent_us), "answer_by", mr_time_json(row->answer_by_us), "answered",
                        mr_time_json(row->answered_us), "code", row->code, "files", (json_int_t)row->files));
    }
    return list;
}

/* Pairs of the first and the last number. */
static json_t *damaged_json(const mr_erasure_request *request)
{
    json_t *list = json_array();

    for (size_t i = 0; i < request->n_damaged; i++)
        (void)json_array_append_new(list, json_pack("[I, I]", (json_int_t)request->damaged[i]->first,
                                                  (json_int_t)request->damaged[i]->last));
    return list;
}

static void add_rest(json_t *json, const mr_erasure_request *request)
{
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"event_requested", request->event_requested}, {"event_started", request->event_started},
            {"event_ended", request->event_ended}, {"events", request->events},
            {"quarantined", request->quarantined}, {"generation_before", request->generation_before},
            {"generation_after", request->generation_after}};
    const struct {
        const char *name, *value;
    } texts[] = {{"approved_by", request->approved_by}, {"rejected_by", request->rejected_by},
            {"reason", request->code}, {"escrow", request->escrow}};
    char hex[HEX_MAX] = "";

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i].value)
            (void)json_object_set_new(json, numbers[i].name, json_integer((json_int_t)numbers[i].value));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (*texts[i].value)
            (void)json_object_set_new(json, texts[i].name, json_string(texts[i].value));
    if (request->destroyed_us)
        (void)json_object_set_new(json, "destroyed", mr_time_json(request->destroyed_us));
    if (request->ended_us)
        (void)json_object_set_new(json, "ended", mr_time_json(request->ended_us));
    if (request->act.len == 32)
        (void)json_object_set_new(
                json, "act_sha256", json_string(mr_hex_encode(request->act.data, request->act.len, hex)));
    if (request->damaged_met > 0 || request->n_damaged > 0) {
        (void)json_object_set_new(json, "damaged", json_integer((json_int_t)request->damaged_met));
        (void)json_object_set_new(json, "damaged_left", damaged_json(request));
    }
    (void)json_object_set_new(json, "notices", notices_json(request));
}

/* Root key and backups are looked at by the hub. */
static void add_backup(const struct mr_method_call *call, json_t *json)
{
    struct mr_erasure_status status = {0};

    if (call->house->keyring && mr_keyring_erasure_status(call->house->keyring, &status, NULL) == 0)
        (void)json_object_set_new(json, "backup_needed",
                json_boolean(mr_backup_is_needed(call->house->config->hub.store, status.generation)));
}

/* The text of the case is for those who decide; it goes with the request's own key. */
static void add_case(const struct mr_method_call *call, uint64_t number, json_t *json)
{
    struct mr_buf text = MR_BUF_INIT;

    if (!call->hub_running || !mr_config_operator_has(call->house->config, call->operator_name, "pd-officer"))
        return;
    if (mr_erasure_case(call->house, number, &text, NULL) == 0 && mr_buf_str(&text))
        (void)json_object_set_new(json, "case", json_string((const char *)text.data));
    mr_buf_wipe(&text);
}

int mr_query_erase_show(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    struct mr_arena arena;
    mr_erasure_request *request;
    uint64_t number;
    json_t *json = NULL;
    int r = mr_arg_number(call, "request", 1, INT64_MAX, 0, &number, reterr);

    if (r == 0)
        r = mr_log_reader_open(call->house->log, &reader);
    if (r < 0)
        return r;
    mr_arena_init(&arena, MR_ERASURE_ARENA_BYTES);
    r = mr_erasure_read(reader, number, &arena, &request, reterr);
    if (r == 0) {
        json = head_json(call, request);
        add_rest(json, request);
        add_backup(call, json);
        add_case(call, number, json);
    }
    mr_arena_fini(&arena);
    mr_log_reader_close(reader);
    return r < 0 ? r : emit(ctx, json);
}
