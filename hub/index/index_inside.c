#include "hub/index/index_inside.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "hub/index/index_keys.h"
#include "proto/base/list.h"
#include "store/person_group.h"

enum { TEXTS_MAX = 6 };

/* The keys of one event are digested together. */
struct texts {
    struct mr_digest_order orders[TEXTS_MAX];
    enum mr_index_kind kinds[TEXTS_MAX];
    uint8_t keys[TEXTS_MAX][MR_INDEX_KEY_BYTES];
    size_t count;
};

static void add(struct texts *texts, enum mr_index_kind kind, const char *text)
{
    size_t i = texts->count;

    if (!text || !*text)
        return;
    assert(i < TEXTS_MAX);
    texts->kinds[i] = kind;
    texts->orders[i] = (struct mr_digest_order){
            .tag = mr_index_key_tag(kind), .parts = {mr_slice_str(text)}, .count = 1, .ret = texts->keys[i]};
    texts->count++;
}

static void add_documents(struct texts *texts, const ProtobufCMessage *payload)
{
    static const char *const fields[] = {"document_number", "registration_number", "number"};

    for (size_t i = 0; payload && i < MR_COUNT(fields); i++) {
        const ProtobufCFieldDescriptor *field =
                protobuf_c_message_descriptor_get_field_by_name(payload->descriptor, fields[i]);
        const char *text;

        if (!field || field->type != PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED)
            continue;
        memcpy(&text, (const char *)payload + field->offset, sizeof text);
        add(texts, MR_INDEX_DOCUMENT, text);
    }
}

/* The hub's own id and the time need no keys: both ascend with the number. */
int mr_index_head(const struct mr_record *record, const uint8_t type_key[static MR_INDEX_KEY_BYTES],
        mr_index_entry_fn fn, void *ctx)
{
    uint8_t key[MR_INDEX_KEY_BYTES];
    int r = fn(ctx, MR_INDEX_IDENT, record->ident);

    if (r == 0) {
        mr_index_key_system(record->system, key);
        r = fn(ctx, MR_INDEX_SYSTEM, key);
    }
    for (size_t i = 0; r == 0 && i < record->subs_count; i++) {
        mr_index_key_subscription(record->subs[i], key);
        r = fn(ctx, MR_INDEX_SUBSCRIPTION, key);
    }
    return r < 0 ? r : fn(ctx, MR_INDEX_TYPE, type_key);
}

int mr_index_inside(const struct mr_house *house, const struct mr_record *record,
        const struct mr_opened *opened, mr_index_entry_fn fn, void *ctx)
{
    bool waits = record->flags & MR_RECORD_QUARANTINED;

    if (!waits && (record->flags & MR_RECORD_SEALED) && opened->unsealed.persons_count == 0)
        return 0;
    return mr_index_texts(house, &opened->event, waits, fn, ctx);
}

int mr_index_texts(const struct mr_house *house, const struct mr_event *event, bool waits,
        mr_index_entry_fn fn, void *ctx)
{
    struct texts texts;
    int r = 0;

    texts.count = 0;
    add(&texts, MR_INDEX_EVENT_ID, event->a.id);
    add(&texts, MR_INDEX_CORRELATION, event->a.correlationid);
    if (!waits) {
        add(&texts, MR_INDEX_ORGANISATION, event->a.orgid);
        add_documents(&texts, event->payload);
    }
    mr_keyring_digests(house->keyring, texts.orders, texts.count);
    for (size_t i = 0; r == 0 && i < texts.count; i++)
        r = fn(ctx, texts.kinds[i], texts.keys[i]);
    return r;
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
