#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "hub/record/seal.h"
#include "hub/record/seal_layout.h"
#include "proto/base/bytes.h"
#include "proto/wire/digest.h"
#include "proto/wire/wire.h"
#include "store/person_group.h"

enum { LEAF_FIELD_EVENT = 6 };

/* Large: only what is opened is set. */
struct opened {
    struct mr_slot slots[MR_RECORD_SLOTS_MAX];
    size_t count;
};

static void opened_fini(struct opened *opened)
{
    for (size_t i = 0; i < opened->count; i++)
        mr_slot_fini(&opened->slots[i]);
}

/* All keys first, so that "erased" is said before anything is decrypted, whichever slot it concerns. */
static int find_keys(const struct mr_house *house, const struct mr_record *record, struct mr_unsealed *ret,
        struct mr_slot_key *keys, enum mr_purpose purpose)
{
    bool blocked_too = purpose == MR_PURPOSE_INDEX || purpose == MR_PURPOSE_ERASE;
    bool blocked = false;

    for (size_t i = 0; i < record->slots_count; i++) {
        int r = record->slots[i].size == 0 ? MR_EDESTROYED /* stripped */
                                           : mr_slot_key_id(record->slots[i], ret->persons[i].key_id);

        if (r == 0)
            r = blocked_too ? mr_keyring_key_blocked(house->keyring, ret->persons[i].key_id, &keys[i])
                            : mr_keyring_key(house->keyring, ret->persons[i].key_id, &keys[i]);
        if (r == MR_EBLOCKED)
            blocked = true;
        else if (r < 0)
            return r;
    }
    return blocked ? MR_EBLOCKED : 0;
}

static int open_slots(const struct mr_record *record, const struct mr_slot_key *keys, struct opened *opened)
{
    uint8_t leaf_hash[MR_SHA256_BYTES];

    mr_leaf_hash(record->leaf, leaf_hash);
    for (size_t i = 0; i < record->slots_count; i++) {
        int r = mr_slot_open(&opened->slots[i], record->slots[i], &keys[i], leaf_hash, (uint8_t)i);

        if (r < 0)
            return r;
        opened->count++;
    }
    return 0;
}

static int take_person_ids(struct mr_unsealed *ret, const struct opened *opened)
{
    for (size_t i = 0; i < opened->count; i++) {
        const struct mr_slot_field *id = mr_slot_find(&opened->slots[i], MR_FIELD_PERSON_ID);

        if (!id || id->value.size != MR_PERSON_ID_BYTES)
            return MR_ECORRUPT;
        memcpy(ret->persons[i].id, id->value.data, MR_PERSON_ID_BYTES);
    }
    ret->persons_count = opened->count;
    return 0;
}

static int put_staffof(struct mr_unsealed *ret, const struct mr_slot *first)
{
    const struct mr_slot_field *staffof = mr_slot_find(first, MR_FIELD_STAFFOF);

    if (!staffof)
        return 0;
    mr_buf_put_slice(&ret->staffof, staffof->value);
    return mr_buf_str(&ret->staffof) ? 0 : MR_ENOMEM;
}

/* One Person block goes back to where it was. *skeleton is what is left of the bytes around the blocks. */
static int put_block(
        struct mr_unsealed *ret, const struct opened *opened, const uint8_t *span, struct mr_slice *skeleton)
{
    size_t offset = mr_get_be32(span);
    size_t size = mr_get_be32(span + 4);
    uint8_t slot = span[8];
    const struct mr_slot_field *block;
    size_t before;

    if (slot >= opened->count || offset < ret->bytes.size || offset - ret->bytes.size > skeleton->size)
        return MR_ECORRUPT;
    block = mr_slot_find(&opened->slots[slot], (uint16_t)(MR_FIELD_BLOCK + ret->spans_count));
    if (!block || block->value.size != size)
        return MR_ECORRUPT;
    before = offset - ret->bytes.size;
    mr_buf_put(&ret->bytes, skeleton->data, before);
    *skeleton = mr_slice(skeleton->data + before, skeleton->size - before);
    mr_buf_put_slice(&ret->bytes, block->value);
    ret->spans[ret->spans_count] = (struct mr_unsealed_span){offset, size};
    ret->person_of_span[ret->spans_count++] = slot;
    return mr_buf_failed(&ret->bytes) ? MR_ENOMEM : 0;
}

/* As many as the event's at least. */
static size_t plain_bytes(const struct opened *opened)
{
    size_t size = 0;

    for (size_t i = 0; i < opened->count; i++)
        size += opened->slots[i].plain.size;
    return size;
}

static int put_bytes(struct mr_unsealed *ret, const struct opened *opened)
{
    const struct mr_slot_field *skeleton = mr_slot_find(&opened->slots[0], MR_FIELD_SKELETON);
    const struct mr_slot_field *spans = mr_slot_find(&opened->slots[0], MR_FIELD_SPANS);
    struct mr_slice rest;

    if (!skeleton || !spans || spans->value.size % MR_SPAN_BYTES != 0 ||
            spans->value.size / MR_SPAN_BYTES > MR_EVENT_PERSONS_MAX)
        return MR_ECORRUPT;
    rest = skeleton->value;
    if (!mr_buf_reserve(&ret->bytes, plain_bytes(opened)))
        return MR_ENOMEM;
    for (size_t at = 0; at < spans->value.size; at += MR_SPAN_BYTES) {
        int r = put_block(ret, opened, spans->value.data + at, &rest);

        if (r < 0)
            return r;
    }
    mr_buf_put_slice(&ret->bytes, rest);
    return mr_buf_failed(&ret->bytes) ? MR_ENOMEM : 0;
}

/* Sealed under an item key: one slot, nobody's. Slots are authenticated: none can lose its person. */
static bool of_nobody(const struct mr_record *record, const struct opened *opened)
{
    return (record->flags & MR_RECORD_QUARANTINED) ||
           (opened->count == 1 && !mr_slot_find(&opened->slots[0], MR_FIELD_PERSON_ID));
}

static int restore(struct mr_unsealed *ret, const struct mr_record *record, const struct opened *opened)
{
    int r = 0;

    if (!of_nobody(record, opened))
        r = take_person_ids(ret, opened);
    if (r == 0)
        r = put_staffof(ret, &opened->slots[0]);
    return r < 0 ? r : put_bytes(ret, opened);
}

static int unseal_slots(struct mr_unsealed *ret, const struct mr_house *house, const struct mr_record *record,
        enum mr_purpose purpose)
{
    struct mr_slot_key keys[MR_RECORD_SLOTS_MAX];
    struct opened *opened;
    int r;

    if (!house->keyring)
        return MR_EDENIED;
    if (record->slots_count == 0 || record->slots_count > MR_RECORD_SLOTS_MAX)
        return MR_ECORRUPT;
    opened = malloc(sizeof *opened);
    if (!opened)
        return MR_ENOMEM;
    opened->count = 0;
    r = find_keys(house, record, ret, keys, purpose);
    if (r == 0)
        r = open_slots(record, keys, opened);
    if (r == 0)
        r = restore(ret, record, opened);
    opened_fini(opened);
    free(opened);
    sodium_memzero(keys, sizeof keys);
    return r;
}

static int copy_open(struct mr_unsealed *ret, const struct mr_record *record)
{
    struct mr_slice event = mr_wire_find(record->leaf, LEAF_FIELD_EVENT);

    if (!event.data)
        return MR_ECORRUPT;
    mr_buf_put_slice(&ret->bytes, event);
    return mr_buf_failed(&ret->bytes) ? MR_ENOMEM : 0;
}

/* What waits for correction is for those who correct; it was never released to receivers and projections. */
static bool may_open(const struct mr_record *record, enum mr_purpose purpose)
{
    if (!(record->flags & MR_RECORD_QUARANTINED))
        return true;
    return purpose == MR_PURPOSE_CORRECT || purpose == MR_PURPOSE_SHOW || purpose == MR_PURPOSE_ERASE;
}

int mr_unseal(struct mr_unsealed *ret, const struct mr_house *house, const struct mr_record *record,
        enum mr_purpose purpose, struct mr_error *reterr)
{
    char where[48];
    int r;

    *ret = (struct mr_unsealed){0};
    if (!may_open(record, purpose))
        r = MR_EDENIED;
    else if (record->flags & MR_RECORD_EXPIRED)
        r = MR_EEXPIRED;
    else if (record->flags & MR_RECORD_SEALED)
        r = unseal_slots(ret, house, record, purpose);
    else
        r = copy_open(ret, record);
    if (r == 0)
        return 0;
    mr_unsealed_fini(ret);
    (void)snprintf(where, sizeof where, "log record %llu", (unsigned long long)record->number);
    return mr_error_set(reterr, r, where, "", "the event cannot be opened: %s", mr_err_text(r));
}

void mr_unsealed_fini(struct mr_unsealed *unsealed)
{
    if (!unsealed)
        return;
    mr_buf_wipe(&unsealed->bytes);
    mr_buf_wipe(&unsealed->staffof);
    *unsealed = (struct mr_unsealed){0};
}
