#include "hub/project/fact.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fact.pb-c.h"
#include "proto/base/err.h"
#include "proto/base/list.h"
#include "proto/wire/codec.h"
#include "proto/wire/ident.h"

enum { ARENA_BYTES_MAX = 1 << 30 };

void mr_fact_set_init(struct mr_fact_set *set)
{
    *set = (struct mr_fact_set){0};
    mr_arena_init(&set->arena, ARENA_BYTES_MAX);
}

static void wipe_items(struct mr_fact_set *set)
{
    if (set->items)
        sodium_memzero(set->items, set->count * sizeof *set->items);
    set->count = 0;
    set->hidden_count = 0;
    set->erased = set->through = 0;
    set->damaged = false;
}

void mr_fact_set_fini(struct mr_fact_set *set)
{
    wipe_items(set);
    free(set->items);
    free(set->hidden);
    mr_arena_fini(&set->arena);
    *set = (struct mr_fact_set){0};
}

void mr_fact_set_reset(struct mr_fact_set *set)
{
    wipe_items(set);
    mr_arena_reset(&set->arena);
}

/* Room for one more; the old memory is wiped, it held plaintext. */
static int grow(struct mr_fact_set *set)
{
    size_t capacity = set->capacity ? set->capacity * 2 : 64;
    struct mr_fact *items;

    if (set->count < set->capacity)
        return 0;
    items = calloc(capacity, sizeof *items);
    if (!items)
        return MR_ENOMEM;
    if (set->count) {
        memcpy(items, set->items, set->count * sizeof *items);
        sodium_memzero(set->items, set->count * sizeof *items);
    }
    free(set->items);
    set->items = items;
    set->capacity = capacity;
    return 0;
}

static const char *const empty = "";

static int keep(struct mr_fact_set *set, const char **text)
{
    if (!*text || !**text) {
        *text = empty;
        return 0;
    }
    *text = mr_arena_strdup(&set->arena, *text);
    return *text ? 0 : MR_ENOMEM;
}

int mr_fact_set_add(struct mr_fact_set *set, const struct mr_fact *fact)
{
    struct mr_fact copy = *fact;
    const char **texts[] = {&copy.org, &copy.id, &copy.programme, &copy.document, &copy.code, &copy.detail,
            &copy.text, &copy.more};
    int r = grow(set);

    for (size_t i = 0; r == 0 && i < MR_COUNT(texts); i++)
        r = keep(set, texts[i]);
    if (r < 0)
        return r;
    set->items[set->count++] = copy;
    return 0;
}

int mr_fact_set_hide(struct mr_fact_set *set, uint64_t number, const uint8_t key_id[static MR_FACT_ID_BYTES],
        bool destroyed)
{
    for (size_t i = 0; i < set->hidden_count; i++)
        if (memcmp(set->hidden[i].key_id, key_id, MR_FACT_ID_BYTES) == 0)
            return 0;
    if (set->hidden_count == set->hidden_capacity) {
        size_t capacity = set->hidden_capacity ? set->hidden_capacity * 2 : 16;
        struct mr_fact_hidden *hidden = realloc(set->hidden, capacity * sizeof *hidden);

        if (!hidden)
            return MR_ENOMEM;
        set->hidden = hidden;
        set->hidden_capacity = capacity;
    }
    memcpy(set->hidden[set->hidden_count].key_id, key_id, MR_FACT_ID_BYTES);
    set->hidden[set->hidden_count].number = number;
    set->hidden[set->hidden_count++].destroyed = destroyed;
    return 0;
}

size_t mr_fact_set_hidden(const struct mr_fact_set *set, bool destroyed)
{
    size_t count = destroyed ? set->erased : 0;

    for (size_t i = 0; i < set->hidden_count; i++)
        count += set->hidden[i].destroyed == destroyed && set->hidden[i].number <= set->through;
    return count;
}

static ProtobufCBinaryData data_of(const uint8_t *bytes, bool has)
{
    return (ProtobufCBinaryData){.len = has ? MR_FACT_ID_BYTES : 0, .data = has ? (uint8_t *)bytes : NULL};
}

static char *text_of(const char *text)
{
    return (char *)(text ? text : empty);
}

int mr_fact_encode(struct mr_buf *out, const struct mr_fact *fact)
{
    Marshrut__Fact__V1__Fact m = MARSHRUT__FACT__V1__FACT__INIT;
    uint8_t *at;

    m.kind = fact->kind;
    m.system = fact->system;
    m.ident = data_of(fact->ident, true);
    m.person = data_of(fact->person, fact->has_person);
    m.other = data_of(fact->other, fact->has_other);
    m.ref = data_of(fact->ref, fact->has_ref);
    m.ref2 = data_of(fact->ref2, fact->has_ref2);
    m.org = text_of(fact->org);
    m.id = text_of(fact->id);
    m.programme = text_of(fact->programme);
    m.document = text_of(fact->document);
    m.code = text_of(fact->code);
    m.detail = text_of(fact->detail);
    m.text = text_of(fact->text);
    m.more = text_of(fact->more);
    m.from = fact->from;
    m.on = fact->on;
    m.until = fact->until;
    m.hours = fact->hours;
    at = mr_buf_reserve(out, marshrut__fact__v1__fact__get_packed_size(&m));
    if (!at)
        return MR_ENOMEM;
    out->size += marshrut__fact__v1__fact__pack(&m, at);
    return 0;
}

static bool read_id(const ProtobufCBinaryData *data, uint8_t *ret, bool *ret_has)
{
    *ret_has = data->len == MR_FACT_ID_BYTES;
    if (*ret_has)
        memcpy(ret, data->data, MR_FACT_ID_BYTES);
    return *ret_has || data->len == 0;
}

int mr_fact_decode(struct mr_fact *ret, struct mr_slice bytes, struct mr_arena *arena)
{
    ProtobufCAllocator allocator = mr_arena_allocator(arena);
    Marshrut__Fact__V1__Fact *m = marshrut__fact__v1__fact__unpack(&allocator, bytes.size, bytes.data);
    bool has_ident;

    if (!m)
        return MR_ECORRUPT;
    *ret = (struct mr_fact){.kind = (enum mr_fact_kind)m->kind,
            .system = (uint16_t)m->system,
            .org = m->org,
            .id = m->id,
            .programme = m->programme,
            .document = m->document,
            .code = m->code,
            .detail = m->detail,
            .text = m->text,
            .more = m->more,
            .from = m->from,
            .on = m->on,
            .until = m->until,
            .hours = m->hours};
    if (!read_id(&m->ident, ret->ident, &has_ident) || !read_id(&m->person, ret->person, &ret->has_person) ||
            !read_id(&m->other, ret->other, &ret->has_other) || !read_id(&m->ref, ret->ref, &ret->has_ref) ||
            !read_id(&m->ref2, ret->ref2, &ret->has_ref2) || !has_ident || m->kind < MR_FACT_PERSON ||
            m->kind > MR_FACT_LAST)
        return MR_ECORRUPT;
    return 0;
}

uint32_t mr_fact_date(const char *text)
{
    uint32_t date = 0;

    if (!text || !mr_ident_date_ok(text))
        return 0;
    for (const char *p = text; *p; p++)
        if (*p != '-')
            date = date * 10 + (uint32_t)(*p - '0');
    return date;
}

/* The proleptic Gregorian calendar, counted in eras of 400 years that begin in March. */
int64_t mr_fact_day(uint32_t date)
{
    int64_t y = date / 10000, m = date / 100 % 100, d = date % 100;
    int64_t era, yoe, doy;

    y -= m <= 2;
    era = y / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}
