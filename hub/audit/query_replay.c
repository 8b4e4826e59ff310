/*
 * replay.plan: what a replay would send, found out by making it ready without sending it. replay.start: an
 * event of the hub, and then it goes, beside what is new.
 */
#include <stdlib.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/audit/replay_range.h"
#include "hub/deliver/deliver_rows.h"
#include "hub/record/opened.h"
#include "hub/deliver/wanted.h"

enum { NAME_BYTES_MAX = 64, TYPE_BYTES = 128 };

static int find_subscription(
        struct mr_replay_range *ret, const struct mr_method_call *call, struct mr_error *reterr)
{
    const struct mr_config *config = call->house->config;
    const char *name;
    int r = mr_arg_text(call, "subscription", true, NAME_BYTES_MAX, &name, reterr);

    for (uint32_t i = 0; r == 0 && i < config->subscriptions_count; i++)
        if (strcmp(config->subscriptions[i].name, name) == 0)
            ret->subscription = &config->subscriptions[i];
    if (r == 0 && !ret->subscription)
        return mr_error_set(
                reterr, MR_EINVAL, "subscription", "marshrut status lists them", "no such subscription");
    if (r == 0)
        ret->id = mr_names_id(call->house->names, MR_NAME_SUBSCRIPTION, name);
    return r;
}

/* `what` or `what`_time. A time up to which: the last event before it. */
static int read_end(const struct mr_method_call *call, const char *what, const char *what_time, bool last,
        struct mr_log_reader *reader, struct mr_record_view *view, uint64_t *ret, struct mr_error *reterr)
{
    int64_t time_us = 0;
    int r = mr_arg_number(call, what, 1, INT64_MAX, 0, ret, reterr);

    if (r == 0)
        r = mr_arg_time(call, what_time, &time_us, reterr);
    if (r == 0 && time_us > 0)
        *ret = mr_wanted_from_time(reader, view, time_us) - last;
    return r;
}

int mr_replay_range(struct mr_replay_range *ret, const struct mr_method_call *call,
        struct mr_log_reader *reader, struct mr_record_view *view, struct mr_error *reterr)
{
    struct mr_cursor_row cursor = {0};
    uint8_t key[MR_CURSOR_KEY_BYTES];
    struct mr_slice value;
    int r;

    *ret = (struct mr_replay_range){0};
    if ((r = find_subscription(ret, call, reterr)) < 0)
        return r;
    if (mr_log_row(reader, MR_LOG_CURSOR, mr_cursor_key(ret->id, key), &value) == 0)
        (void)mr_cursor_row_decode(&cursor, value);
    r = read_end(call, "from", "from_time", false, reader, view, &ret->from, reterr);
    if (r == 0 && ret->from == 0)
        r = mr_error_set(reterr, MR_EINVAL, "from", "give a number or a time", "it is not said from where");
    ret->to = cursor.cursor;
    if (r == 0 && (json_object_get(call->arguments, "to") || json_object_get(call->arguments, "to_time")))
        r = read_end(call, "to", "to_time", true, reader, view, &ret->to, reterr);
    if (ret->to > cursor.cursor)
        ret->to = cursor.cursor;
    if (r == 0 && ret->from > ret->to)
        r = mr_error_set(reterr, MR_EINVAL, "from",
                "what is behind its cursor can be replayed; what is not comes anyway",
                "nothing lies in between: the subscription is at %llu", (unsigned long long)cursor.cursor);
    return r;
}

/* ---- the plan ---- */

struct plan {
    const struct mr_method_call *call;
    struct mr_replay_range range;
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_buf bytes, recipients, type;
    json_t *types; /* type -> {"type", "events", "bytes"} */
    uint64_t events, total, suppressed, parked, damaged, first, last;
};

static int count(struct plan *p, uint64_t number)
{
    char type[TYPE_BYTES];
    json_t *line;

    mr_buf_reset(&p->type);
    (void)mr_record_type(&p->view.record, &p->type);
    (void)snprintf(type, sizeof type, "%s", mr_buf_str(&p->type) ? mr_buf_str(&p->type) : "");
    p->events++;
    p->total += p->bytes.size;
    p->first = p->first ? p->first : number;
    p->last = number;
    line = json_object_get(p->types, type);
    if (!line) {
        line = json_pack("{s:s, s:I, s:I}", "type", type, "events", (json_int_t)0, "bytes", (json_int_t)0);
        if (json_object_set_new(p->types, type, line) < 0)
            return MR_ENOMEM;
    }
    (void)json_integer_set(
            json_object_get(line, "events"), json_integer_value(json_object_get(line, "events")) + 1);
    (void)json_integer_set(json_object_get(line, "bytes"),
            json_integer_value(json_object_get(line, "bytes")) + (json_int_t)p->bytes.size);
    return 0;
}

static int look_at(struct plan *p, uint64_t number)
{
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    struct mr_slice value;
    int r;

    if (mr_log_row(p->reader, MR_LOG_PARKED, mr_delivery_key(p->range.id, number, key), &value) == 0) {
        p->parked++;
        return 0;
    }
    mr_buf_reset(&p->bytes);
    mr_buf_reset(&p->recipients);
    r = mr_log_read(p->reader, number, &p->view, NULL);
    if (r == 0)
        r = mr_disclose(
                &p->bytes, &p->recipients, p->call->house, &p->view.record, p->range.subscription, NULL);
    if (r == MR_EDESTROYED || r == MR_EBLOCKED || r == MR_EEXPIRED)
        p->suppressed++;
    else if (r == MR_ECORRUPT)
        p->damaged++;
    else if (r < 0)
        return r;
    return r == 0 ? count(p, number) : 0;
}

static int walk(struct plan *p)
{
    struct mr_wanted wanted;
    int r = 0;

    mr_wanted_start(&wanted, p->range.id, p->range.from - 1);
    for (;;) {
        size_t budget = SIZE_MAX;
        uint64_t number = mr_wanted_peek(&wanted, p->call->house, p->reader, &p->view, &budget);

        if (r < 0 || number == 0 || number > p->range.to)
            return r;
        mr_wanted_take(&wanted);
        mr_tick(p->call->house->tick, "records", number - p->range.from, p->range.to - p->range.from + 1);
        r = look_at(p, number);
    }
}

static json_t *plan_json(const struct plan *p)
{
    json_t *list = json_array(), *line;
    const char *type;

    json_object_foreach (p->types, type, line)
        (void)json_array_append(list, line);
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "subscription",
            p->range.subscription->name, "from", (json_int_t)p->range.from, "to", (json_int_t)p->range.to,
            "events", (json_int_t)p->events, "bytes", (json_int_t)p->total, "first", (json_int_t)p->first,
            "last", (json_int_t)p->last, "suppressed", (json_int_t)p->suppressed, "parked",
            (json_int_t)p->parked, "damaged", (json_int_t)p->damaged, "types", list);
}

int mr_query_replay_plan(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct plan *p = calloc(1, sizeof *p);
    int r = p ? mr_log_reader_open(call->house->log, &p->reader) : MR_ENOMEM;

    if (r < 0) {
        free(p);
        return r;
    }
    p->call = call;
    p->types = json_object();
    r = mr_replay_range(&p->range, call, p->reader, &p->view, reterr);
    if (r == 0)
        r = walk(p);
    if (r == MR_EDENIED && !call->hub_running)
        r = mr_error_set(reterr, r, "keys", "start the hub, or ask as its user", "the keys cannot be read");
    if (r == 0)
        r = emit(ctx, plan_json(p));
    mr_log_reader_close(p->reader);
    json_decref(p->types);
    mr_buf_wipe(&p->bytes);
    mr_buf_fini(&p->recipients);
    mr_buf_fini(&p->type);
    free(p);
    return r;
}

/* ---- the act ---- */

int mr_act_replay_start(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__HubDeliveryReplayed m = NMS__EVENT__V1__HUB_DELIVERY_REPLAYED__INIT;
    struct mr_record_view *view = calloc(1, sizeof *view);
    struct mr_log_reader *reader = NULL;
    struct mr_replay_range range;
    const char *reference = "";
    int r = view ? mr_log_reader_open(call->house->log, &reader) : MR_ENOMEM;

    *ret = (struct mr_act){0};
    if (r == 0)
        r = mr_replay_range(&range, call, reader, view, reterr);
    if (r == 0 && json_object_get(call->arguments, "case"))
        r = mr_arg_case(call, &reference, reterr);
    if (r == 0) {
        m.subscription = range.subscription->name;
        m.from_number = range.from;
        m.to_number = range.to;
        m.case_reference = (char *)reference;
        ret->delivery = (struct mr_act_delivery){.replay = range.id, .from = range.from, .to = range.to};
        ret->reply = json_pack("{s:s, s:I, s:I}", "subscription", m.subscription, "from",
                (json_int_t)range.from, "to", (json_int_t)range.to);
        r = mr_act_event(call, ret, "hub.delivery.replayed.v1", "admin", &m.base);
    }
    if (reader)
        mr_log_reader_close(reader);
    free(view);
    if (r < 0)
        mr_act_fini(ret);
    return r;
}
