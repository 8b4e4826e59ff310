#include "store/record.h"

#include <assert.h>
#include <stdio.h>

#include "proto/base/bytes.h"
#include "proto/base/crc32c.h"

/* docs/storage.md, "Records", gives the layout; these are its offsets. */
enum {
    VERSION = 1,
    AT_VERSION = 0,
    AT_SLOTS_COUNT = 1,
    AT_FLAGS = 2,
    AT_CRC = 4,
    AT_RECORDED = 8,
    AT_SYSTEM = 16,
    AT_SUBS_COUNT = 18,
    AT_CONFIG = 20,
    AT_IDENT = 24,
    AT_DIGEST = 40,
    HEAD_BYTES = 48, /* then subs, slot sizes, leaf, slots */
};

/* Covers the number too, so that a record under another's number does not pass; all but the CRC's own four
 * bytes. */
static uint32_t crc_of(uint64_t number, struct mr_slice value)
{
    uint8_t key[8];
    uint32_t crc;

    mr_put_be64(key, number);
    crc = mr_crc32c(0, key, sizeof key);
    crc = mr_crc32c(crc, value.data, AT_CRC);
    return mr_crc32c(crc, value.data + AT_CRC + 4, value.size - AT_CRC - 4);
}

static int size_of(const struct mr_record *record, size_t *ret)
{
    uint64_t size = HEAD_BYTES + 2 * record->subs_count + 4 * record->slots_count + record->leaf.size;

    if (record->subs_count > MR_RECORD_SUBS_MAX || record->slots_count > MR_RECORD_SLOTS_MAX ||
            record->leaf.size > MR_RECORD_PART_BYTES_MAX)
        return MR_EINVAL;
    for (size_t i = 0; i < record->slots_count; i++) {
        if (record->slots[i].size > MR_RECORD_PART_BYTES_MAX)
            return MR_EINVAL;
        size += record->slots[i].size;
    }
    *ret = size;
    return 0;
}

static void put_head(uint8_t *out, const struct mr_record *record)
{
    out[AT_VERSION] = VERSION;
    out[AT_SLOTS_COUNT] = (uint8_t)record->slots_count;
    mr_put_be16(out + AT_FLAGS, record->flags);
    mr_put_be64(out + AT_RECORDED, (uint64_t)record->recorded_us);
    mr_put_be16(out + AT_SYSTEM, record->system);
    mr_put_be16(out + AT_SUBS_COUNT, (uint16_t)record->subs_count);
    mr_put_be32(out + AT_CONFIG, record->config);
    memcpy(out + AT_IDENT, record->ident, MR_RECORD_IDENT_BYTES);
    memcpy(out + AT_DIGEST, record->digest, MR_RECORD_DIGEST_BYTES);
}

static uint8_t *put_slice(uint8_t *out, struct mr_slice slice)
{
    if (slice.size)
        memcpy(out, slice.data, slice.size);
    return out + slice.size;
}

/* What the flags say of the slots: nobody else may empty one. */
static bool has_right_slots(const struct mr_record *record)
{
    if (record->flags & MR_RECORD_EXPIRED)
        return record->slots_count == 0;
    for (size_t i = 0; i < record->slots_count; i++)
        if (record->slots[i].size == 0 && !(record->flags & MR_RECORD_STRIPPED))
            return false;
    return true;
}

int mr_record_encode(struct mr_buf *out, const struct mr_record *record)
{
    uint8_t *start, *at;
    size_t size;
    int r = size_of(record, &size);

    assert(record->number > 0);
    if (r < 0)
        return r;
    assert(has_right_slots(record));
    start = mr_buf_reserve(out, size);
    if (!start)
        return MR_ENOMEM;
    put_head(start, record);
    at = start + HEAD_BYTES;
    for (size_t i = 0; i < record->subs_count; i++, at += 2) {
        assert(i == 0 || record->subs[i - 1] < record->subs[i]);
        mr_put_be16(at, record->subs[i]);
    }
    for (size_t i = 0; i < record->slots_count; i++, at += 4)
        mr_put_be32(at, (uint32_t)record->slots[i].size);
    at = put_slice(at, record->leaf);
    for (size_t i = 0; i < record->slots_count; i++)
        at = put_slice(at, record->slots[i]);
    assert((size_t)(at - start) == size);
    mr_put_be32(start + AT_CRC, crc_of(record->number, mr_slice(start, size)));
    out->size += size;
    return 0;
}

/* The leaf is what the lists before it and the slots behind it leave. */
static bool leaf_size(struct mr_slice value, size_t at, const uint8_t *sizes, size_t slots_count, size_t *ret)
{
    uint64_t slots = 0;

    for (size_t i = 0; i < slots_count; i++)
        slots += mr_get_be32(sizes + 4 * i);
    if (slots > value.size - at)
        return false;
    *ret = value.size - at - (size_t)slots;
    return true;
}

struct mr_slice mr_record_leaf(struct mr_slice value)
{
    size_t sizes, at, size = 0;
    bool fits;

    assert(value.size >= HEAD_BYTES);
    sizes = HEAD_BYTES + 2 * (size_t)mr_get_be16(value.data + AT_SUBS_COUNT);
    at = sizes + 4 * (size_t)value.data[AT_SLOTS_COUNT];
    assert(at <= value.size);
    fits = leaf_size(value, at, value.data + sizes, value.data[AT_SLOTS_COUNT], &size);
    assert(fits);
    (void)fits;
    return mr_slice(value.data + at, size);
}

static void get_head(struct mr_record *ret, uint64_t number, const uint8_t *in)
{
    ret->number = number;
    ret->recorded_us = (int64_t)mr_get_be64(in + AT_RECORDED);
    ret->system = mr_get_be16(in + AT_SYSTEM);
    ret->flags = mr_get_be16(in + AT_FLAGS);
    ret->config = mr_get_be32(in + AT_CONFIG);
    memcpy(ret->ident, in + AT_IDENT, MR_RECORD_IDENT_BYTES);
    memcpy(ret->digest, in + AT_DIGEST, MR_RECORD_DIGEST_BYTES);
    ret->subs_count = mr_get_be16(in + AT_SUBS_COUNT);
    ret->slots_count = in[AT_SLOTS_COUNT];
}

/* Subscription ids into the view's own memory: those in the value are not aligned and of the other byte
 * order. */
static bool get_subs(struct mr_record_view *ret, const uint8_t *in)
{
    size_t count = ret->record.subs_count;

    for (size_t i = 0; i < count; i++) {
        ret->subs[i] = mr_get_be16(in + 2 * i);
        if (i > 0 && ret->subs[i - 1] >= ret->subs[i])
            return false;
    }
    ret->record.subs = ret->subs;
    return true;
}

/* Leaf and slots fill the rest. */
static bool get_parts(struct mr_record *ret, struct mr_slice value)
{
    const uint8_t *sizes = value.data + HEAD_BYTES + 2 * ret->subs_count;
    const uint8_t *at = sizes + 4 * ret->slots_count;
    size_t size;

    if (!leaf_size(value, (size_t)(at - value.data), sizes, ret->slots_count, &size))
        return false;
    ret->leaf = mr_slice(at, size);
    at += size;
    for (size_t i = 0; i < ret->slots_count; i++) {
        ret->slots[i] = mr_slice(at, mr_get_be32(sizes + 4 * i));
        at += ret->slots[i].size;
    }
    return true;
}

/* NULL when a value with a good CRC is a sound record, else what is wrong with it. */
static const char *get_record(struct mr_record_view *ret, uint64_t number, struct mr_slice value)
{
    struct mr_record *record = &ret->record;

    get_head(record, number, value.data);
    if (record->subs_count > MR_RECORD_SUBS_MAX || record->slots_count > MR_RECORD_SLOTS_MAX)
        return "too many subscriptions or slots";
    if (value.size < HEAD_BYTES + 2 * record->subs_count + 4 * record->slots_count)
        return "cut in its lists";
    if (!get_subs(ret, value.data + HEAD_BYTES))
        return "subscriptions are not in order";
    if (!get_parts(record, value))
        return "sizes do not add up";
    if (!has_right_slots(record))
        return "slots are empty, or there, against its flags";
    return NULL;
}

int mr_record_decode(
        struct mr_record_view *ret, uint64_t number, struct mr_slice value, struct mr_error *reterr)
{
    const char *wrong = NULL;
    bool unknown = false;
    char where[48];

    memset(&ret->record, 0, sizeof ret->record);
    if (value.size < HEAD_BYTES)
        wrong = "shorter than a record's head";
    else if (crc_of(number, value) != mr_get_be32(value.data + AT_CRC))
        wrong = "CRC does not match";
    else if (value.data[AT_VERSION] == VERSION)
        wrong = get_record(ret, number, value);
    else
        unknown = true;
    if (!wrong && !unknown)
        return 0;
    (void)snprintf(where, sizeof where, "record %llu", (unsigned long long)number);
    if (unknown)
        return mr_error_set(reterr, MR_EUNSUPPORTED, where, "use the version of the program that wrote it",
                "record layout %u is unknown", value.data[AT_VERSION]);
    return mr_error_set(reterr, MR_ECORRUPT, where, "restore this record from a backup", "%s", wrong);
}

void mr_record_decode_own(struct mr_record_view *ret, uint64_t number, struct mr_slice value)
{
    const char *wrong;

    memset(&ret->record, 0, sizeof ret->record);
    assert(value.size >= HEAD_BYTES && value.data[AT_VERSION] == VERSION);
    wrong = get_record(ret, number, value);
    assert(!wrong);
    (void)wrong;
}

bool mr_record_wants(const struct mr_record *record, uint16_t sub)
{
    size_t low = 0;
    size_t high = record->subs_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (record->subs[middle] == sub)
            return true;
        if (record->subs[middle] < sub)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
