/* quarantine.list, release, discard, approve, reject: what was taken but waits for correction. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/quarantine_choice.h"
#include "hub/audit/quarantine_sum.h"
#include "hub/audit/quarantine_word.h"
#include "hub/audit/queries.h"
#include "hub/audit/territory.h"

enum { AT_ONCE_MAX = 1000, LIMIT_MAX = 10000 };

/* ---- list ---- */

struct listing {
    const struct mr_method_call *call;
    json_t *list;
    struct mr_log_reader *reader;
    bool proposed;  /* only those for which a correction is proposed */
    uint64_t limit; /* 0: all */
    uint64_t last;  /* the one before the limit was reached; 0: it was not */
};

static void add_end(json_t *json, const struct mr_quarantine_row *row)
{
    if (row->behind)
        (void)json_object_set_new(json, "behind", json_integer((json_int_t)row->behind));
    if (row->replaced_by)
        (void)json_object_set_new(json, "replaced_by", json_integer((json_int_t)row->replaced_by));
    if (row->ended_us)
        (void)json_object_set_new(json, "ended", mr_time_json(row->ended_us));
    if (*row->ended_by)
        (void)json_object_set_new(json, "ended_by", json_string(row->ended_by));
    if (row->ended_event)
        (void)json_object_set_new(json, "event", json_integer((json_int_t)row->ended_event));
}

static json_t *row_json(
        const struct mr_house *house, uint64_t number, const struct mr_quarantine_row *row, const char *type)
{
    char system[64];
    json_t *json = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s}", "number", (json_int_t)number,
            "system", mr_system_name(house, row->system, system, sizeof system), "type", type, "code",
            row->text.code, "field", row->text.field, "reason", row->text.reason, "cure", row->text.cure,
            "since", mr_time_json(row->at_us), "state", mr_quarantine_state_name(row->state));

    if (json)
        add_end(json, row);
    return json;
}

static int add(void *ctx, uint64_t number, const struct mr_quarantine_row *row, const char *type)
{
    struct listing *listing = ctx;
    json_t *proposal = NULL, *json;

    if (row->state == MR_QUARANTINE_WAITING)
        proposal = mr_quarantine_proposal_json(listing->reader, number);
    if (listing->proposed && !proposal)
        return 0;
    if (listing->limit > 0 && json_array_size(listing->list) == listing->limit) {
        json_decref(proposal);
        return 1;
    }
    if (listing->limit > 0 && json_array_size(listing->list) + 1 == listing->limit)
        listing->last = number;
    json = row_json(listing->call->house, number, row, type);
    if (json && proposal)
        (void)json_object_set(json, "proposal", proposal);
    json_decref(proposal);
    return json_array_append_new(listing->list, json) == 0 ? 0 : MR_ENOMEM;
}

/* true, or the same as text. */
static int read_flag(const struct mr_method_call *call, const char *name, bool *ret, struct mr_error *reterr)
{
    const json_t *given = json_object_get(call->arguments, name);
    const char *text = json_string_value(given);

    *ret = json_is_true(given) || (text && strcmp(text, "true") == 0);
    if (*ret || !given || json_is_false(given) || (text && strcmp(text, "false") == 0))
        return 0;
    return mr_error_set(reterr, MR_EINVAL, name, "give true or false", "neither true nor false");
}

/* Whoever asks for pages is told where the next one begins. */
static int emit_list(const struct listing *listing, bool more, const char *state, mr_emit_fn emit, void *ctx)
{
    json_t *json = json_pack("{s:s, s:I, s:O}", "state", state, "count",
            (json_int_t)json_array_size(listing->list), "events", listing->list);

    if (json && listing->limit > 0)
        (void)json_object_set_new(json, "next", json_integer(more ? (json_int_t)listing->last : 0));
    return emit(ctx, json);
}

static int list_them(const struct mr_quarantine_choice *choice, struct listing *listing, mr_emit_fn emit,
        void *ctx, struct mr_error *reterr)
{
    int r = mr_arg_number(listing->call, "limit", 1, LIMIT_MAX, 0, &listing->limit, reterr);

    if (r == 0)
        r = mr_log_reader_open(choice->house->log, &listing->reader);
    if (r < 0)
        return r;
    listing->list = json_array();
    r = mr_quarantine_each(choice, add, listing);
    mr_log_reader_close(listing->reader);
    if (r >= 0)
        r = emit_list(listing, r == 1, choice->state, emit, ctx);
    json_decref(listing->list);
    return r;
}

static int sum_up(const struct mr_quarantine_choice *choice, mr_emit_fn emit, void *ctx)
{
    json_t *json;
    int r = mr_quarantine_sum(choice, &json);

    return r < 0 ? r : emit(ctx, json);
}

int mr_query_quarantine(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct listing listing = {.call = call};
    struct mr_quarantine_choice choice;
    bool summary = false;
    int r = mr_quarantine_choice_read(&choice, call, reterr);

    if (r == 0)
        r = read_flag(call, "proposed", &listing.proposed, reterr);
    if (r == 0)
        r = read_flag(call, "summary", &summary, reterr);
    if (r == 0 && summary && listing.proposed)
        r = mr_error_set(
                reterr, MR_EINVAL, "summary", "ask for one of the two", "summary does not go with proposed");
    if (r < 0)
        return r;
    return summary ? sum_up(&choice, emit, ctx) : list_them(&choice, &listing, emit, ctx, reterr);
}

/* ---- release, discard, approve, reject ---- */

struct many {
    const struct mr_method_call *call;
    int (*one)(struct mr_desk *desk, const struct mr_house *house, uint64_t number,
            const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr);
    bool approves; /* what others have proposed: one by one, and the reason is theirs; `one` is not used */
    uint64_t proposal; /* that was looked at */
    struct mr_desk_word word;
    struct mr_buf numbers; /* u64 */
    uint64_t after;        /* the last one that was chosen when there are more */
    mr_emit_fn emit;
    void *ctx;
    uint64_t done, failed;
};

static int choose(void *ctx, uint64_t number, const struct mr_quarantine_row *row, const char *type)
{
    struct many *many = ctx;

    (void)row;
    (void)type;
    if (many->numbers.size / sizeof number == AT_ONCE_MAX)
        return 1;
    many->after = number;
    mr_buf_put(&many->numbers, &number, sizeof number);
    return mr_buf_failed(&many->numbers) ? MR_ENOMEM : 0;
}

/* By their numbers: in the order of the log, whichever they were given in. */
static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static int choose_numbers(struct many *many, const json_t *list, struct mr_error *reterr)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > AT_ONCE_MAX)
        return mr_error_set(reterr, MR_EINVAL, "numbers", "give 1 to 1000 log numbers", "no list of numbers");
    json_array_foreach (list, i, item) {
        uint64_t number = (uint64_t)json_integer_value(item);

        if (!json_is_integer(item) || json_integer_value(item) < 1)
            return mr_error_set(
                    reterr, MR_EINVAL, "numbers", "give log numbers: 1, 2, ...", "not a log number");
        mr_buf_put(&many->numbers, &number, sizeof number);
    }
    if (mr_buf_failed(&many->numbers))
        return MR_ENOMEM;
    qsort(many->numbers.data, many->numbers.size / sizeof(uint64_t), sizeof(uint64_t), compare);
    return 0;
}

/* What is not theirs cannot be told from what is not there. */
static int is_theirs(const struct mr_method_call *call, uint64_t number, struct mr_error *reterr)
{
    const struct mr_territory *territory = call->house->territory;
    int r = territory ? mr_territory_has_number(territory, call->house, number) : 1;

    return r == 0 ? mr_error_set(reterr, MR_ENOTFOUND, "number", "marshrut quarantine list has the numbers",
                            "no event of this number was put aside")
                  : r;
}

static int settle(struct many *many, uint64_t number, struct mr_desk_done *ret, struct mr_error *reterr)
{
    const struct mr_method_call *call = many->call;
    int r = is_theirs(call, number, reterr);

    if (r < 0)
        return r;
    if (many->approves)
        return mr_desk_approve(call->desk, call->house, number, many->proposal, &many->word, ret, reterr);
    return many->one(call->desk, call->house, number, &many->word, ret, reterr);
}

static int do_one(struct many *many, uint64_t number, struct mr_error *reterr)
{
    struct mr_error error = {0};
    struct mr_desk_done done;
    int r = settle(many, number, &done, &error);
    json_t *json = json_pack("{s:I, s:b}", "number", (json_int_t)number, "done", r == 0);

    if (r == MR_ECLOSED || r == MR_ENOMEM || r == MR_ENOSPACE || r == MR_ECHANGED) {
        json_decref(json);
        if (r == MR_ECHANGED)
            *reterr = error;
        return r;
    }
    if (r == 0 && done.number)
        (void)json_object_set_new(json, "released_as", json_integer((json_int_t)done.number));
    if (r == 0)
        (void)json_object_set_new(json, "event", json_integer((json_int_t)done.event));
    if (r < 0) {
        (void)json_object_set_new(json, "code", json_string(mr_err_name(r)));
        (void)json_object_set_new(json, "what", json_string(error.what[0] ? error.what : mr_err_text(r)));
        (void)json_object_set_new(json, "where", json_string(error.where));
        (void)json_object_set_new(json, "cure", json_string(error.cure));
    }
    many->done += r == 0;
    many->failed += r < 0;
    return many->emit(many->ctx, json);
}

static int read_proposal(struct many *many, bool several, struct mr_error *reterr)
{
    int r = several ? mr_error_set(reterr, MR_EINVAL, "number", "look at each: marshrut quarantine show N",
                              "a correction is approved by its number")
                    : mr_arg_number(many->call, "proposal", 1, INT64_MAX, 0, &many->proposal, reterr);

    return r == 0 && many->proposal == 0 ? mr_error_set(reterr, MR_EINVAL, "proposal",
                                                   "look at it: its proposal.event is the number to give",
                                                   "it is not said which proposal is approved")
                                         : r;
}

static int read_many(struct many *many, struct mr_error *reterr)
{
    const json_t *numbers = json_object_get(many->call->arguments, "numbers");
    struct mr_quarantine_choice choice;
    int r = mr_quarantine_choice_read(&choice, many->call, reterr);

    if (r == 0)
        r = mr_quarantine_word_read(&many->word, many->call, !many->approves, reterr);
    if (r == 0 && many->approves)
        r = read_proposal(many, numbers || !choice.number, reterr);
    if (r == 0 && !numbers && !mr_quarantine_choice_narrow(&choice))
        r = mr_error_set(reterr, MR_EINVAL, "number", "give number, numbers, code, system, type or before",
                "it is not said which events are meant");
    if (r == 0)
        r = mr_quarantine_needs_hub(many->call, reterr);
    if (r < 0)
        return r;
    if (numbers)
        return choose_numbers(many, numbers, reterr);
    if (choice.number) {
        r = choose(many, choice.number, NULL, NULL);
        many->after = 0;
        return r;
    }
    choice.state = "waiting";
    r = mr_quarantine_each(&choice, choose, many);
    many->after = r == 1 ? many->after : 0;
    return r == 1 ? 0 : r;
}

/* Each is a commit of its own, in the order of the log; one that may not be does not keep others from it. */
static int run_many(struct many *many, struct mr_error *reterr)
{
    int r = read_many(many, reterr);

    for (size_t at = 0; r == 0 && at < many->numbers.size; at += sizeof(uint64_t)) {
        uint64_t number;

        if (many->call->stop && atomic_load(many->call->stop))
            r = MR_ECLOSED;
        if (r < 0)
            break;

        memcpy(&number, many->numbers.data + at, sizeof number);
        r = do_one(many, number, reterr);
    }
    mr_buf_fini(&many->numbers);
    return r < 0 ? r
                 : many->emit(
                           many->ctx, json_pack("{s:I, s:I, s:I}", "done", (json_int_t)many->done, "failed",
                                              (json_int_t)many->failed, "next", (json_int_t)many->after));
}

int mr_query_quarantine_release(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct many many = {.call = call, .one = mr_desk_release, .emit = emit, .ctx = ctx};

    return run_many(&many, reterr);
}

int mr_query_quarantine_discard(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct many many = {.call = call, .one = mr_desk_discard, .emit = emit, .ctx = ctx};

    return run_many(&many, reterr);
}

int mr_query_quarantine_approve(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct many many = {.call = call, .approves = true, .emit = emit, .ctx = ctx};

    return run_many(&many, reterr);
}

int mr_query_quarantine_reject(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct many many = {.call = call, .one = mr_desk_reject, .emit = emit, .ctx = ctx};

    return run_many(&many, reterr);
}
