/*
 * log.facets: how what a search finds is divided, by type, system, day and state. It counts as far as one
 * question may look and says where to go on: whoever asks adds the parts up, and has something to show
 * meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/audit/search_args.h"
#include "hub/record/opened.h"
#include "hub/project/keymap.h"

/* Looking at heads and leaves takes a microsecond a record, opening one ten. */
enum { LOOKS_MAX = 200000, LOOKS_OPENING_MAX = 40000, ZONE_BYTES = 6, DAY_S = 86400 };

struct facet {
    struct mr_keymap keys;
    uint64_t *counts;
    size_t capacity;
};

struct facets {
    const struct mr_method_call *call;
    struct mr_search search;
    int64_t zone_s; /* east of UTC: days are counted there */
    struct facet types, systems, days;
    uint64_t states[MR_RECORD_STATES];
    uint64_t counted;
    struct mr_buf type;
};

/* ---- counting ---- */

static int count_key(struct facet *facet, struct mr_slice key)
{
    uint32_t index;
    int r = mr_keymap_add(&facet->keys, key, &index);

    if (r < 0)
        return r;
    if (index >= facet->capacity) {
        size_t capacity = facet->capacity ? facet->capacity * 2 : 64;
        uint64_t *counts = realloc(facet->counts, capacity * sizeof *counts);

        if (!counts)
            return MR_ENOMEM;
        memset(counts + facet->capacity, 0, (capacity - facet->capacity) * sizeof *counts);
        facet->counts = counts;
        facet->capacity = capacity;
    }
    facet->counts[index]++;
    return 0;
}

static int on_record(void *ctx, const struct mr_record *record)
{
    struct facets *f = ctx;
    int64_t day = (record->recorded_us / 1000000 + f->zone_s) / DAY_S;
    int r = mr_record_type(record, &f->type);

    f->counted++;
    f->states[mr_record_state(record)]++;
    if (r == 0)
        r = count_key(&f->types, mr_buf_slice(&f->type));
    if (r == 0)
        r = count_key(&f->systems, mr_slice(&record->system, sizeof record->system));
    return r < 0 ? r : count_key(&f->days, mr_slice(&day, sizeof day));
}

/* ---- arguments ---- */

static int digits(const char *text, int *ret)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return MR_EINVAL;
    *ret = (text[0] - '0') * 10 + text[1] - '0';
    return 0;
}

/* "+07:00", "-03:30"; "" is UTC. */
static int read_zone(struct facets *f, struct mr_error *reterr)
{
    const char *text;
    int hours = 0, minutes = 0;
    int r = mr_arg_text(f->call, "zone", false, ZONE_BYTES, &text, reterr);

    if (r < 0 || !*text)
        return r;
    if (strlen(text) != ZONE_BYTES || !strchr("+-", text[0]) || text[3] != ':' ||
            digits(text + 1, &hours) < 0 || digits(text + 4, &minutes) < 0 || hours > 14 || minutes > 59)
        return mr_error_set(reterr, MR_EINVAL, "zone", "write it as +07:00", "no offset from UTC");
    f->zone_s = (hours * 60 + minutes) * 60 * (text[0] == '-' ? -1 : 1);
    return 0;
}

static int read_args(struct facets *f, struct mr_error *reterr)
{
    int r = mr_search_args(f->call, &f->search, reterr);
    bool opens = f->search.organisation || f->search.correlation || f->search.id || f->call->house->territory;

    f->search.looks_max = opens ? LOOKS_OPENING_MAX : LOOKS_MAX;
    return r < 0 ? r : read_zone(f, reterr);
}

/* ---- the answer ---- */

static const char *type_name(const struct facets *f, struct mr_slice key, char *out, size_t size)
{
    (void)f;
    (void)snprintf(out, size, "%.*s", (int)key.size, (const char *)key.data);
    return out;
}

static const char *system_name(const struct facets *f, struct mr_slice key, char *out, size_t size)
{
    uint16_t id;

    memcpy(&id, key.data, sizeof id);
    return mr_system_name(f->call->house, id, out, size);
}

static const char *day_name(const struct facets *f, struct mr_slice key, char *out, size_t size)
{
    struct tm tm;
    int64_t day;
    time_t time;

    (void)f;
    memcpy(&day, key.data, sizeof day);
    time = (time_t)(day * DAY_S);
    if (!gmtime_r(&time, &tm) || strftime(out, size, "%Y-%m-%d", &tm) == 0)
        out[0] = '\0';
    return out;
}

static json_t *facet_json(const struct facets *f, const struct facet *facet,
        const char *(*name)(const struct facets *f, struct mr_slice key, char *out, size_t size))
{
    json_t *list = json_array();
    char text[160];

    for (uint32_t i = 0; list && i < facet->keys.count; i++)
        (void)json_array_append_new(list,
                json_pack("{s:s, s:I}", "name", name(f, mr_keymap_key(&facet->keys, i), text, sizeof text),
                        "count", (json_int_t)facet->counts[i]));
    return list;
}

static json_t *states_json(const struct facets *f)
{
    json_t *list = json_array();

    for (int i = MR_RECORD_STATE_ANY + 1; list && i < MR_RECORD_STATES; i++)
        if (f->states[i])
            (void)json_array_append_new(
                    list, json_pack("{s:s, s:I}", "name", mr_record_state_name((enum mr_record_state)i),
                                  "count", (json_int_t)f->states[i]));
    return list;
}

static json_t *answer(const struct facets *f, uint64_t next)
{
    return json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:o}", "counted", (json_int_t)f->counted, "next",
            (json_int_t)next, "timezone", f->call->house->config->timezone, "types",
            facet_json(f, &f->types, type_name), "systems", facet_json(f, &f->systems, system_name), "days",
            facet_json(f, &f->days, day_name), "states", states_json(f));
}

static void facet_fini(struct facet *facet)
{
    mr_keymap_fini(&facet->keys);
    free(facet->counts);
}

int mr_query_log_facets(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct facets f = {.call = call};
    uint64_t next = 0;
    json_t *json;
    int r;

    mr_keymap_init(&f.types.keys);
    mr_keymap_init(&f.systems.keys);
    mr_keymap_init(&f.days.keys);
    r = read_args(&f, reterr);
    if (r == 0)
        r = mr_search_run(call->house, &f.search, on_record, &f, &next, reterr);
    if (r == 0) {
        json = answer(&f, next);
        r = json ? emit(ctx, json) : MR_ENOMEM;
    }
    facet_fini(&f.types);
    facet_fini(&f.systems);
    facet_fini(&f.days);
    mr_buf_fini(&f.type);
    return r;
}
