#include "hub/index/index_inside.h"

#include <string.h>

#include <sodium.h>

#include "hub/index/index_keys.h"
#include "proto/base/list.h"
#include "store/person_group.h"

typedef void (*key_fn)(
        const struct mr_keyring *keyring, const char *text, uint8_t ret[static MR_INDEX_KEY_BYTES]);

struct inside {
    const struct mr_house *house;
    mr_index_entry_fn fn;
    void *ctx;
};

static int put_text(const struct inside *inside, enum mr_index_kind kind, key_fn derive, const char *text)
{
    uint8_t key[MR_INDEX_KEY_BYTES];

    if (!text || !*text)
        return 0;
    derive(inside->house->keyring, text, key);
    return inside->fn(inside->ctx, kind, key);
}

static int put_documents(const struct inside *inside, const ProtobufCMessage *payload)
{
    static const char *const fields[] = {"document_number", "registration_number", "number"};
    int r = 0;

    for (size_t i = 0; payload && r == 0 && i < MR_COUNT(fields); i++) {
        const ProtobufCFieldDescriptor *field =
                protobuf_c_message_descriptor_get_field_by_name(payload->descriptor, fields[i]);
        const char *text;

        if (!field || field->type != PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED)
            continue;
        memcpy(&text, (const char *)payload + field->offset, sizeof text);
        r = put_text(inside, MR_INDEX_DOCUMENT, mr_index_key_document, text);
    }
    return r;
}

int mr_index_inside(const struct mr_house *house, const struct mr_record *record,
        const struct mr_opened *opened, mr_index_entry_fn fn, void *ctx)
{
    const struct inside inside = {house, fn, ctx};
    const struct mr_attributes *a = &opened->event.a;
    bool waits = record->flags & MR_RECORD_QUARANTINED;
    int r;

    if (!waits && (record->flags & MR_RECORD_SEALED) && opened->unsealed.persons_count == 0)
        return 0;
    r = put_text(&inside, MR_INDEX_EVENT_ID, mr_index_key_event_id, a->id);
    if (r == 0)
        r = put_text(&inside, MR_INDEX_CORRELATION, mr_index_key_correlation, a->correlationid);
    if (r < 0 || waits)
        return r;
    r = put_text(&inside, MR_INDEX_ORGANISATION, mr_index_key_organisation, a->orgid);
    return r < 0 ? r : put_documents(&inside, opened->event.payload);
}

int mr_index_persons(const struct mr_house *house, const struct mr_record *record, uint16_t slots,
        mr_index_entry_fn fn, void *ctx, bool *ret_blocked)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < record->slots_count; i++) {
        uint8_t id[MR_KEY_ID_BYTES], key[MR_INDEX_KEY_BYTES];
        struct mr_slot_key slot;

        if (!(slots & (1u << i)) || record->slots[i].size == 0 || mr_slot_key_id(record->slots[i], id) < 0)
            continue;
        r = mr_keyring_key(house->keyring, id, &slot);
        if (r == MR_EBLOCKED) {
            if (ret_blocked)
                *ret_blocked = true;
            r = mr_keyring_key_blocked(house->keyring, id, &slot);
        }
        if (r == 0) {
            mr_index_key_person(&slot, key);
            r = fn(ctx, MR_INDEX_PERSON, key);
        }
        sodium_memzero(&slot, sizeof slot);
        if (r == MR_EDESTROYED || r == MR_ECORRUPT)
            r = 0;
    }
    return r;
}
