#include "hub/index/index_inside.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "hub/index/index_keys.h"
#include "proto/base/list.h"
#include "store/person_group.h"

/* Fields of payloads whose value is a document's number. */
static bool names_document(const ProtobufCFieldDescriptor *field)
{
    static const char *const names[] = {"document_number", "registration_number", "number"};
    bool named = false;

    if (field->type != PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED)
        return false;
    for (size_t i = 0; i < MR_COUNT(names) && !named; i++)
        named = field->name[0] == names[i][0] && strcmp(field->name, names[i]) == 0;
    return named;
}

static void add(struct mr_index_texts *texts, enum mr_index_kind kind, const char *text)
{
    if (!text || !*text)
        return;
    assert(texts->count < MR_INDEX_TEXTS_MAX);
    texts->items[texts->count++] = (struct mr_index_text){kind, mr_slice_str(text)};
}

static void add_documents(struct mr_index_texts *texts, const ProtobufCMessage *payload)
{
    for (unsigned i = 0; payload && i < payload->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &payload->descriptor->fields[i];
        const char *text;

        if (!names_document(field))
            continue;
        memcpy(&text, (const char *)payload + field->offset, sizeof text);
        add(texts, MR_INDEX_DOCUMENT, text);
    }
}

void mr_index_texts_of(const struct mr_event *event, bool waits, struct mr_index_texts *ret)
{
    ret->count = 0;
    add(ret, MR_INDEX_EVENT_ID, event->a.id);
    add(ret, MR_INDEX_CORRELATION, event->a.correlationid);
    add_documents(ret, event->payload);
    if (!waits)
        add(ret, MR_INDEX_ORGANISATION, event->a.orgid);
}

int mr_index_texts_put(
        const struct mr_keyring *keyring, const struct mr_index_texts *texts, mr_index_entry_fn fn, void *ctx)
{
    struct mr_digest_order orders[MR_INDEX_TEXTS_MAX];
    uint8_t keys[MR_INDEX_TEXTS_MAX][MR_INDEX_KEY_BYTES];
    int r = 0;

    for (size_t i = 0; i < texts->count; i++)
        orders[i] = (struct mr_digest_order){.tag = mr_index_key_tag(texts->items[i].kind),
                .parts = {texts->items[i].text},
                .count = 1,
                .ret = keys[i]};
    mr_keyring_digests(keyring, orders, texts->count);
    for (size_t i = 0; r == 0 && i < texts->count; i++)
        r = fn(ctx, texts->items[i].kind, keys[i]);
    return r;
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
    struct mr_index_texts texts;

    if (!waits && (record->flags & MR_RECORD_SEALED) && opened->unsealed.persons_count == 0)
        return 0;
    mr_index_texts_of(&opened->event, waits, &texts);
    return mr_index_texts_put(house->keyring, &texts, fn, ctx);
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
