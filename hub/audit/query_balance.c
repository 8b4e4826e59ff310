/*
 * balance («сверка»): is every event accounted for (decision 19)? In: what the intake rows say was received,
 * divided, against the records that there are. Out: for each subscription the records that want it against
 * the rows of their delivery. What the desk did with either: balance_desk.h. One snapshot, so it adds up at
 * any moment.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/balance_desk.h"
#include "hub/audit/queries.h"
#include "hub/deliver/deliver_rows.h"
#include "hub/record/opened.h"
#include "hub/intake/prepare.h"
#include "hub/project/keymap.h"

enum { IDS = UINT16_MAX + 1, TELL_EVERY = 4096 };

struct in_line {
    uint64_t received, stored, duplicate, quarantined, refused; /* of the intake rows */
    uint64_t records, records_quarantined;                      /* of the heads */
    bool seen;
};

struct out_line {
    uint64_t first, cursor, matched, waiting, parked, settled[MR_DELIVERY_OUTCOMES];
    bool seen;
};

struct balance {
    const struct mr_method_call *call;
    const struct mr_house *house;
    struct mr_log_reader *reader;
    struct in_line *in;   /* by id of the system */
    struct out_line *out; /* by id of the subscription */
    struct mr_balance_desk desk;
    struct mr_keymap parked;   /* keys of the parked rows */
    struct mr_keymap unwanted; /* types */
    uint64_t *unwanted_counts;
    size_t unwanted_capacity;
    uint64_t unwanted_total, damaged, head;
    json_t *differences;
    const _Atomic bool *stop;
};

static int add_intake(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct balance *b = ctx;
    struct mr_intake_row row;
    int r = mr_intake_row_decode(&row, value);
    struct in_line *line;

    (void)key;
    if (r < 0)
        return r;
    line = &b->in[row.system];
    line->seen = true;
    line->received += row.received;
    line->stored += row.stored;
    line->duplicate += row.duplicate;
    line->quarantined += row.quarantined;
    line->refused += row.refused;
    return 0;
}

static int add_cursor(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct balance *b = ctx;
    struct mr_cursor_row row;
    int r = key.size == MR_CURSOR_KEY_BYTES ? mr_cursor_row_decode(&row, value) : MR_ECORRUPT;
    struct out_line *line;

    if (r < 0)
        return r;
    line = &b->out[mr_get_be16(key.data)];
    *line = (struct out_line){.first = row.first, .cursor = row.cursor, .seen = true};
    return 0;
}

static int add_parked(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct balance *b = ctx;
    uint32_t index;
    int r = key.size == MR_DELIVERY_KEY_BYTES ? mr_keymap_add(&b->parked, key, &index) : MR_ECORRUPT;

    (void)value;
    if (r == 1)
        b->out[mr_get_be16(key.data)].parked++;
    return r < 0 ? r : 0;
}

static int add_quarantined(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct balance *b = ctx;

    (void)key;
    return mr_balance_desk_row(&b->desk, value);
}

static int add_delivery(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct balance *b = ctx;
    struct mr_delivery_row row;
    int r = key.size == MR_DELIVERY_KEY_BYTES ? mr_delivery_row_decode(&row, value) : MR_ECORRUPT;
    struct out_line *line;

    if (r < 0)
        return r;
    line = &b->out[mr_get_be16(key.data)];
    line->settled[row.outcome] += row.count;
    return 0;
}

static int read_rows(struct balance *b)
{
    static const struct {
        enum mr_log_table table;
        mr_log_row_fn fn;
    } tables[] = {{MR_LOG_INTAKE, add_intake}, {MR_LOG_CURSOR, add_cursor}, {MR_LOG_PARKED, add_parked},
            {MR_LOG_DELIVERY, add_delivery}, {MR_LOG_QUARANTINE, add_quarantined}};
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof tables / sizeof tables[0]; i++)
        r = mr_log_rows(b->reader, tables[i].table, mr_slice(NULL, 0), mr_slice(NULL, 0), tables[i].fn, b);
    return r;
}

static bool is_parked(const struct balance *b, uint16_t sub, uint64_t number)
{
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    uint32_t index;

    return mr_keymap_find(&b->parked, mr_delivery_key(sub, number, key), &index) == 0;
}

static int count_unwanted(struct balance *b, const struct mr_record *record, struct mr_buf *type)
{
    uint32_t index;
    int r = mr_record_type(record, type);

    if (r == 0)
        r = mr_keymap_add(&b->unwanted, mr_slice_str(mr_buf_str(type)), &index);
    if (r < 0)
        return r;
    if (index >= b->unwanted_capacity) {
        size_t capacity = b->unwanted_capacity ? b->unwanted_capacity * 2 : 64;
        uint64_t *counts = realloc(b->unwanted_counts, capacity * sizeof *counts);

        if (!counts)
            return MR_ENOMEM;
        memset(counts + b->unwanted_capacity, 0, (capacity - b->unwanted_capacity) * sizeof *counts);
        b->unwanted_counts = counts;
        b->unwanted_capacity = capacity;
    }
    b->unwanted_counts[index]++;
    b->unwanted_total++;
    return 0;
}

static int count_record(struct balance *b, const struct mr_record *record, struct mr_buf *type)
{
    struct in_line *in = &b->in[record->system];
    bool quarantined = record->flags & MR_RECORD_QUARANTINED;

    in->seen = true;
    in->records += !quarantined;
    in->records_quarantined += quarantined;
    for (size_t i = 0; i < record->subs_count; i++) {
        struct out_line *out = &b->out[record->subs[i]];

        if (!out->seen || record->number < out->first)
            continue;
        out->matched++;
        out->waiting += record->number > out->cursor && !is_parked(b, record->subs[i], record->number);
    }
    return record->subs_count || quarantined ? 0 : count_unwanted(b, record, type);
}

static int read_heads(struct balance *b, struct mr_error *reterr)
{
    struct mr_record_view view;
    struct mr_buf type = MR_BUF_INIT;
    int r = 0;

    b->head = mr_log_reader_head(b->reader);
    for (uint64_t n = 1; r == 0 && n <= b->head; n++) {
        r = n == 1 ? mr_log_read(b->reader, n, &view, reterr) : mr_log_read_next(b->reader, &view, reterr);
        if (r == MR_ECORRUPT) {
            b->damaged++;
            r = 0;
        } else if (r == 0) {
            r = count_record(b, &view.record, &type);
            if (r == 0)
                r = mr_balance_desk_record(&b->desk, &view.record);
        }
        if (n % TELL_EVERY == 0 || n == b->head)
            mr_tick(b->call->house->tick, "records", n, b->head);
        if (r == 0 && b->stop && atomic_load_explicit(b->stop, memory_order_relaxed))
            r = MR_ECLOSED;
    }
    mr_buf_fini(&type);
    return r < 0 ? r : mr_balance_desk_end(&b->desk, &b->parked);
}

static void differ(struct balance *b, const char *where, const char *what, uint64_t want, uint64_t have)
{
    (void)json_array_append_new(
            b->differences, json_pack("{s:s, s:s, s:I, s:I}", "where", where, "what", what, "expected",
                                    (json_int_t)want, "found", (json_int_t)have));
}

/* A difference for each sum that does not hold; true when all do. */
static bool check(struct balance *b, const char *where, const char *what, uint64_t want, uint64_t have)
{
    if (want != have)
        differ(b, where, what, want, have);
    return want == have;
}

static json_t *in_json(struct balance *b)
{
    json_t *list = json_array();
    char name[64];

    for (unsigned id = 0; id < IDS; id++) {
        const struct in_line *l = &b->in[id];
        bool ok;

        if (!l->seen)
            continue;
        (void)mr_system_name(b->house, (uint16_t)id, name, sizeof name);
        ok = check(b, name, "received = stored + duplicate + quarantined + refused", l->received,
                l->stored + l->duplicate + l->quarantined + l->refused);
        ok &= check(b, name, "stored = records in the log", l->stored, l->records);
        ok &= check(b, name, "quarantined = records in the log", l->quarantined, l->records_quarantined);
        (void)json_array_append_new(
                list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:b}", "system", name, "received",
                              (json_int_t)l->received, "stored", (json_int_t)l->stored, "duplicate",
                              (json_int_t)l->duplicate, "quarantined", (json_int_t)l->quarantined, "refused",
                              (json_int_t)l->refused, "ok", ok));
    }
    return list;
}

static json_t *out_json(struct balance *b)
{
    json_t *list = json_array();
    char name[64];

    for (unsigned id = 0; id < IDS; id++) {
        const struct out_line *l = &b->out[id];
        const uint64_t *settled = l->settled;
        uint64_t found = l->waiting + l->parked;
        bool ok;

        if (!l->seen)
            continue;
        (void)mr_subscription_name(b->house, (uint16_t)id, name, sizeof name);
        for (unsigned i = MR_DELIVERY_TAKEN; i < MR_DELIVERY_OUTCOMES; i++)
            found += settled[i];
        ok = check(b, name, "matched = delivered + waiting + parked + discarded + expired + suppressed",
                l->matched, found);
        (void)json_array_append_new(list,
                json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "subscription", name, "first",
                        (json_int_t)l->first, "matched", (json_int_t)l->matched, "delivered",
                        (json_int_t)settled[MR_DELIVERY_TAKEN], "waiting", (json_int_t)l->waiting, "parked",
                        (json_int_t)l->parked, "discarded", (json_int_t)settled[MR_DELIVERY_DISCARDED],
                        "expired", (json_int_t)settled[MR_DELIVERY_EXPIRED], "suppressed",
                        (json_int_t)settled[MR_DELIVERY_SUPPRESSED], "ok", ok));
    }
    return list;
}

/* What became of that which waited for correction; the systems that have any. */
static json_t *quarantine_json(struct balance *b)
{
    json_t *list = json_array();
    char name[64];

    for (unsigned id = 0; id < IDS; id++) {
        const struct mr_desk_in *d = &b->desk.in[id];
        uint64_t records = b->in[id].records_quarantined;
        bool ok;

        if (records + d->rows == 0)
            continue;
        (void)mr_system_name(b->house, (uint16_t)id, name, sizeof name);
        ok = check(b, name, "quarantined = waiting + released + corrected + replaced + discarded", records,
                d->waiting + d->released + d->corrected + d->replaced + d->discarded);
        ok &= check(b, name, "rows of the quarantine = quarantined records", records, d->rows);
        ok &= check(b, name, "newer records that they led to", d->newer, d->newer_found);
        if (b->desk.unread == 0)
            ok &= check(b, name, "events of the hub that say so", d->said, d->said_found);
        (void)json_array_append_new(
                list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "system", name, "quarantined",
                              (json_int_t)records, "waiting", (json_int_t)d->waiting, "released",
                              (json_int_t)d->released, "corrected", (json_int_t)d->corrected, "replaced",
                              (json_int_t)d->replaced, "discarded", (json_int_t)d->discarded, "ok", ok));
    }
    return list;
}

/* What became of that which was ever parked; the subscriptions that have any. */
static json_t *parked_json(struct balance *b)
{
    json_t *list = json_array();
    char name[64];

    for (unsigned id = 0; id < IDS; id++) {
        const struct mr_desk_out *d = &b->desk.out[id];
        uint64_t found = d->still, discarded = b->out[id].settled[MR_DELIVERY_DISCARDED];
        bool ok;

        if (d->parked + d->given_up + discarded == 0)
            continue;
        (void)mr_subscription_name(b->house, (uint16_t)id, name, sizeof name);
        for (unsigned i = MR_DELIVERY_TAKEN; i < MR_DELIVERY_OUTCOMES; i++)
            found += d->settled[i];
        ok = check(
                b, name, "parked = still + delivered + discarded + expired + suppressed", d->parked, found);
        if (b->desk.unread == 0)
            ok &= check(b, name, "discarded, as the hub's events say", d->given_up, discarded);
        (void)json_array_append_new(
                list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "subscription", name, "parked",
                              (json_int_t)d->parked, "still", (json_int_t)d->still, "delivered",
                              (json_int_t)d->settled[MR_DELIVERY_TAKEN], "discarded",
                              (json_int_t)d->settled[MR_DELIVERY_DISCARDED], "expired",
                              (json_int_t)d->settled[MR_DELIVERY_EXPIRED], "suppressed",
                              (json_int_t)d->settled[MR_DELIVERY_SUPPRESSED], "ok", ok));
    }
    return list;
}

static json_t *unwanted_json(const struct balance *b)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < b->unwanted.count; i++) {
        struct mr_slice type = mr_keymap_key(&b->unwanted, i);

        (void)json_array_append_new(list, json_pack("{s:s%, s:I}", "type", (const char *)type.data, type.size,
                                                  "count", (json_int_t)b->unwanted_counts[i]));
    }
    return list;
}

static json_t *answer(struct balance *b)
{
    json_t *in, *out, *quarantine, *parked;

    b->differences = json_array();
    in = in_json(b);
    out = out_json(b);
    quarantine = quarantine_json(b);
    parked = parked_json(b);
    (void)check(b, "log", "damaged records", 0, b->damaged);
    (void)check(b, "log", "events of the desk that no row bears out", 0, b->desk.contradicting);
    return json_pack("{s:b, s:I, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "ok",
            json_array_size(b->differences) == 0, "head", (json_int_t)b->head, "in", in, "out", out,
            "quarantine", quarantine, "parked", parked, "unwanted", (json_int_t)b->unwanted_total,
            "unwanted_types", unwanted_json(b), "differences", b->differences);
}

int mr_query_balance(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct balance b = {.call = call,
            .house = call->house,
            .stop = call->stop,
            .in = calloc(IDS, sizeof *b.in),
            .out = calloc(IDS, sizeof *b.out)};
    json_t *json = NULL;
    int r = b.in && b.out ? mr_log_reader_open(call->house->log, &b.reader) : MR_ENOMEM;

    mr_keymap_init(&b.parked);
    mr_keymap_init(&b.unwanted);
    if (r == 0) {
        r = mr_balance_desk_init(&b.desk, call->house, b.reader);
        if (r == 0)
            r = read_rows(&b);
        if (r == 0)
            r = read_heads(&b, reterr);
        if (r == 0)
            json = answer(&b);
        mr_balance_desk_fini(&b.desk);
        mr_log_reader_close(b.reader);
    }
    if (r == 0)
        r = json ? emit(ctx, json) : MR_ENOMEM;
    mr_keymap_fini(&b.parked);
    mr_keymap_fini(&b.unwanted);
    free(b.unwanted_counts);
    free(b.in);
    free(b.out);
    return r;
}
