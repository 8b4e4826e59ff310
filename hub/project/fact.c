#include "hub/project/fact.h"

#include <assert.h>
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

/* ---- the message ---- */

/*
 * As marshrut__fact__v1__fact__pack() would have it, which the tests hold it to: a fact is packed for every
 * event, and asking protobuf-c for the size and then for the bytes took longer than all else about it.
 */
enum { TEXTS = 8, REST_BYTES_MAX = 320 }; /* of everything but the texts themselves, their heads included */
enum { LENGTH_DELIMITED = 2 };

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        *at++ = (uint8_t)(value | 128);
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_number(uint8_t *at, unsigned field, uint64_t value)
{
    return value ? put_varint(put_varint(at, field << 3), value) : at;
}

static uint8_t *put_bytes(uint8_t *at, unsigned field, const void *bytes, size_t size)
{
    if (size == 0)
        return at;
    at = put_varint(put_varint(at, field << 3 | LENGTH_DELIMITED), size);
    memcpy(at, bytes, size);
    return at + size;
}

static uint8_t *put_id(uint8_t *at, unsigned field, bool has, const uint8_t id[static MR_FACT_ID_BYTES])
{
    return put_bytes(at, field, id, has ? MR_FACT_ID_BYTES : 0);
}

int mr_fact_encode(struct mr_buf *out, const struct mr_fact *fact)
{
    const char *const texts[TEXTS] = {fact->org, fact->id, fact->programme, fact->document, fact->code,
            fact->detail, fact->text, fact->more};
    enum { FIRST_TEXT = 6, MORE = TEXTS - 1 };
    size_t sizes[TEXTS], size = REST_BYTES_MAX;
    uint8_t *start, *at;

    for (size_t i = 0; i < TEXTS; i++)
        size += sizes[i] = texts[i] ? strlen(texts[i]) : 0;
    start = mr_buf_reserve(out, size);
    if (!start)
        return MR_ENOMEM;
    at = put_number(start, 1, (uint64_t)fact->kind);
    at = put_number(at, 2, fact->system);
    at = put_id(at, 3, true, fact->ident);
    at = put_id(at, 4, fact->has_person, fact->person);
    at = put_id(at, 5, fact->has_other, fact->other);
    for (unsigned i = 0; i < MORE; i++)
        at = put_bytes(at, FIRST_TEXT + i, texts[i], sizes[i]);
    at = put_number(at, 13, fact->from);
    at = put_number(at, 14, fact->on);
    at = put_number(at, 15, fact->until);
    at = put_number(at, 16, (uint64_t)(int64_t)fact->hours); /* as protobuf has a negative one */
    at = put_id(at, 17, fact->has_ref, fact->ref);
    at = put_id(at, 18, fact->has_ref2, fact->ref2);
    at = put_bytes(at, 19, texts[MORE], sizes[MORE]);
    assert((size_t)(at - start) <= size);
    out->size += (size_t)(at - start);
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
