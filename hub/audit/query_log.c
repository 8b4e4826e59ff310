/* log.show, log.tail, log.count. */
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/erased_json.h"
#include "hub/audit/expired_json.h"
#include "hub/audit/queries.h"
#include "hub/audit/record_json.h"
#include "hub/audit/territory.h"
#include "hub/record/opened.h"
#include "hub/project/keymap.h"

enum { TAIL_MAX = 1000, TAIL_DEFAULT = 500, LOOK_MAX = 200000 };

int mr_query_log_show(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    struct mr_record_view view;
    uint8_t leaf_hash[MR_MERKLE_BYTES];
    uint64_t number;
    json_t *json;
    int r = mr_arg_number(call, "number", 1, UINT64_MAX, 0, &number, reterr);

    if (r == 0 && number == 0)
        r = mr_error_set(reterr, MR_EINVAL, "number", "give a log number", "an argument is missing");
    if (r == 0)
        r = mr_log_reader_open(call->house->log, &reader);
    if (r < 0)
        return r;
    r = mr_log_read(reader, number, &view, reterr);
    if (r == MR_ENOTFOUND)
        r = mr_error_set(reterr, r, "number", "the log begins at 1", "the log ends at %llu",
                (unsigned long long)mr_log_reader_head(reader));
    if (r == 0 && (r = mr_log_leaf_hash(reader, number, leaf_hash)) == 0) {
        json = mr_record_json_full(call->house, &view.record, leaf_hash);
        if (json)
            mr_erased_add(call->house, &view.record, json);
        if (json)
            mr_expired_add(call->house, &view.record, json);
        r = json ? emit(ctx, json) : MR_ENOMEM;
    }
    mr_log_reader_close(reader);
    return r;
}

struct tail {
    const struct mr_method_call *call;
    mr_emit_fn emit;
    void *ctx;
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_buf type;
    const char *wanted; /* "": all; ends in '.': a prefix */
    uint64_t from, limit, next;
};

static bool wanted(const struct tail *t, const char *type)
{
    size_t size = strlen(t->wanted);

    if (size == 0)
        return true;
    return t->wanted[size - 1] == '.' ? strncmp(type, t->wanted, size) == 0 : strcmp(type, t->wanted) == 0;
}

static int tail_one(struct tail *t, uint64_t *left)
{
    json_t *json;
    int r = mr_record_type(&t->view.record, &t->type);

    if (r < 0 || !wanted(t, mr_buf_str(&t->type)))
        return r;
    if (t->call->house->territory) {
        r = mr_territory_has(t->call->house->territory, t->call->house, &t->view.record);
        if (r <= 0)
            return r;
    }
    json = mr_record_json(t->call->house, &t->view.record);
    if (!json)
        return MR_ENOMEM;
    (*left)--;
    return t->emit(t->ctx, json);
}

/* A damaged record is told as such, and the rest is served. */
static int tail_damaged(struct tail *t, uint64_t number)
{
    if (t->call->house->territory)
        return 0;
    return t->emit(t->ctx,
            json_pack("{s:I, s:s}", "number", (json_int_t)number, "damaged", "stored data is damaged"));
}

static int tail_pages(struct tail *t, struct mr_error *reterr)
{
    uint64_t head = mr_log_reader_head(t->reader), left = t->limit, looked = 0, n = t->from;
    int r = 0;

    for (; r == 0 && n <= head && left > 0 && looked < LOOK_MAX; n++, looked++) {
        r = n == t->from ? mr_log_read(t->reader, n, &t->view, reterr)
                         : mr_log_read_next(t->reader, &t->view, reterr);
        r = r == MR_ECORRUPT ? tail_damaged(t, n) : r < 0 ? r : tail_one(t, &left);
    }
    if (r != 0)
        return r;
    return t->emit(t->ctx, json_pack("{s:I, s:I}", "next", (json_int_t)n, "head", (json_int_t)head));
}

int mr_query_log_tail(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct tail t = {.call = call, .emit = emit, .ctx = ctx};
    int r = mr_arg_number(call, "from", 1, INT64_MAX, 1, &t.from, reterr);

    if (r == 0)
        r = mr_arg_number(call, "limit", 1, TAIL_MAX, TAIL_DEFAULT, &t.limit, reterr);
    if (r == 0)
        r = mr_arg_text(call, "type", false, 128, &t.wanted, reterr);
    if (r == 0)
        r = mr_log_reader_open(call->house->log, &t.reader);
    if (r < 0)
        return r;
    r = tail_pages(&t, reterr);
    mr_log_reader_close(t.reader);
    mr_buf_fini(&t.type);
    return r;
}

/* ---- log.count ---- */

struct counts {
    struct mr_keymap names;
    uint64_t *counts;
    size_t capacity;
    uint64_t total;
};

static int count_name(struct counts *c, const char *name)
{
    uint32_t index;
    int r = mr_keymap_add(&c->names, mr_slice_str(name), &index);

    if (r < 0)
        return r;
    if (index >= c->capacity) {
        size_t capacity = c->capacity ? c->capacity * 2 : 64;
        uint64_t *counts = realloc(c->counts, capacity * sizeof *counts);

        if (!counts)
            return MR_ENOMEM;
        memset(counts + c->capacity, 0, (capacity - c->capacity) * sizeof *counts);
        c->counts = counts;
        c->capacity = capacity;
    }
    c->counts[index]++;
    c->total++;
    return 0;
}

static int count_records(
        const struct mr_house *house, struct counts *c, bool by_type, struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_buf type = MR_BUF_INIT;
    char name[64];
    uint64_t head;
    int r = mr_log_reader_open(house->log, &reader);

    if (r < 0)
        return r;
    head = mr_log_reader_head(reader);
    for (uint64_t n = 1; r == 0 && n <= head; n++) {
        if (n % MR_TICK_EVERY == 0)
            mr_tick(house->tick, "records", n, head);
        r = n == 1 ? mr_log_read(reader, n, &view, reterr) : mr_log_read_next(reader, &view, reterr);
        if (r == 0 && by_type)
            r = mr_record_type(&view.record, &type);
        if (r == 0)
            r = count_name(c, by_type ? mr_buf_str(&type)
                                      : mr_system_name(house, view.record.system, name, sizeof name));
        else if (r == MR_ECORRUPT)
            r = count_name(c, "damaged");
    }
    mr_buf_fini(&type);
    mr_log_reader_close(reader);
    return r;
}

int mr_query_log_count(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct counts c = {.total = 0};
    json_t *list = json_array();
    const char *by;
    int r = mr_arg_text(call, "by", false, 16, &by, reterr);

    if (r == 0 && *by && strcmp(by, "type") != 0 && strcmp(by, "system") != 0)
        r = mr_error_set(reterr, MR_EINVAL, "by", "say type or system", "no such way to count");
    mr_keymap_init(&c.names);
    if (r == 0)
        r = count_records(call->house, &c, strcmp(by, "system") != 0, reterr);
    for (uint32_t i = 0; r == 0 && i < c.names.count; i++) {
        struct mr_slice name = mr_keymap_key(&c.names, i);

        (void)json_array_append_new(list, json_pack("{s:s%, s:I}", "name", (const char *)name.data, name.size,
                                                  "count", (json_int_t)c.counts[i]));
    }
    if (r == 0)
        r = emit(ctx, json_pack("{s:s, s:I, s:O}", "by", *by ? by : "type", "total", (json_int_t)c.total,
                              "counts", list));
    json_decref(list);
    mr_keymap_fini(&c.names);
    free(c.counts);
    return r;
}
