#include "hub/audit/record_json.h"

#include <sodium.h>
#include <string.h>

#include "hub/audit/args.h"
#include "leaf.pb-c.h"
#include "proto/base/hex.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"
#include "proto/wire/json.h"

enum { ARENA_BYTES = 4 << 20 };

/* Fields of a payload that stand openly in the leaf. */
static void add_open_fields(json_t *json, const Marshrut__Log__V1__Leaf *leaf, ProtobufCAllocator *allocator)
{
    const struct mr_event_type *type = mr_registry_find(leaf->type, strlen(leaf->type));
    ProtobufCMessage *open =
            type ? protobuf_c_message_unpack(type->payload, allocator, leaf->open.len, leaf->open.data)
                 : NULL;

    (void)json_object_set_new(json, "type", json_string(leaf->type));
    (void)json_object_set_new(json, "source", json_string(leaf->source));
    if (open)
        (void)json_object_set_new(json, "data", mr_json_from_message(open));
}

static void add_open_event(json_t *json, const Marshrut__Log__V1__Leaf *leaf)
{
    static const char *const keys[] = {"type", "source", "id", "data", "time", "actor", "actorrole"};
    json_t *event = NULL;

    if (mr_event_to_json(mr_slice(leaf->event.data, leaf->event.len), &event, NULL) < 0)
        return;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *value = json_object_get(event, keys[i]);

        if (value)
            (void)json_object_set(json, keys[i], value);
    }
    json_decref(event);
}

static void add_leaf(json_t *json, const Marshrut__Log__V1__Leaf *leaf, ProtobufCAllocator *allocator)
{
    char hub_id[MR_UUID_TEXT_MAX];

    if (leaf->hub_id.len == MR_UUID_BYTES)
        (void)json_object_set_new(json, "hub_id", json_string(mr_uuid_format(leaf->hub_id.data, hub_id)));
    if (leaf->event.len)
        add_open_event(json, leaf);
    else
        add_open_fields(json, leaf, allocator);
}

static json_t *head_json(const struct mr_house *house, const struct mr_record *record)
{
    char system[64];
    json_t *json = json_pack("{s:I, s:o, s:s, s:b, s:b}", "number", (json_int_t)record->number, "recorded",
            mr_time_json(record->recorded_us), "system",
            mr_system_name(house, record->system, system, sizeof system), "sealed",
            (record->flags & MR_RECORD_SEALED) != 0, "quarantined",
            (record->flags & MR_RECORD_QUARANTINED) != 0);

    if (json && record->flags & MR_RECORD_EXPIRED)
        (void)json_object_set_new(json, "expired", json_true());
    return json;
}

static const char *slot_state(const struct mr_house *house, struct mr_slice slot)
{
    uint8_t id[MR_KEY_ID_BYTES];
    struct mr_slot_key key;
    int r = slot.size == 0 ? MR_EDESTROYED : mr_slot_key_id(slot, id);

    if (r == MR_EDESTROYED)
        return "destroyed";
    if (r < 0)
        return "damaged";
    if (!house->keyring)
        return "sealed";
    r = mr_keyring_key(house->keyring, id, &key);
    sodium_memzero(&key, sizeof key);
    return r == 0               ? "sealed"
           : r == MR_EBLOCKED   ? "blocked"
           : r == MR_EDESTROYED ? "destroyed"
                                : mr_err_name(r);
}

static void add_full(json_t *json, const struct mr_house *house, const struct mr_record *record,
        const Marshrut__Log__V1__Leaf *leaf, const uint8_t *hash)
{
    json_t *slots = json_array(), *subs = json_array(), *commitments = json_array();
    char text[2 * MR_SHA256_BYTES + 1], name[64];

    for (size_t i = 0; i < record->slots_count; i++)
        (void)json_array_append_new(slots,
                json_pack("{s:I, s:I, s:s}", "slot", (json_int_t)i, "bytes",
                        (json_int_t)record->slots[i].size, "state", slot_state(house, record->slots[i])));
    for (size_t i = 0; i < record->subs_count; i++)
        (void)json_array_append_new(
                subs, json_string(mr_subscription_name(house, record->subs[i], name, sizeof name)));
    (void)json_object_set_new(json, "leaf_hash", json_string(mr_hex_encode(hash, MR_SHA256_BYTES, text)));
    for (size_t i = 0; leaf && i < leaf->n_commitments; i++)
        if (leaf->commitments[i]->c.len == MR_SHA256_BYTES)
            (void)json_array_append_new(commitments,
                    json_string(mr_hex_encode(leaf->commitments[i]->c.data, MR_SHA256_BYTES, text)));
    (void)json_object_set_new(json, "registry", json_integer(leaf ? leaf->registry : 0));
    (void)json_object_set_new(json, "config", json_integer(record->config));
    (void)json_object_set_new(json, "subscriptions", subs);
    (void)json_object_set_new(json, "commitments", commitments);
    (void)json_object_set_new(json, "slots", slots);
}

/* leaf_hash: in full; NULL: without the rest. */
static json_t *record_json(
        const struct mr_house *house, const struct mr_record *record, const uint8_t *leaf_hash)
{
    json_t *json = head_json(house, record);
    Marshrut__Log__V1__Leaf *leaf;
    struct mr_arena arena;
    ProtobufCAllocator allocator;

    if (!json)
        return NULL;
    mr_arena_init(&arena, ARENA_BYTES);
    allocator = mr_arena_allocator(&arena);
    leaf = marshrut__log__v1__leaf__unpack(&allocator, record->leaf.size, record->leaf.data);
    if (leaf)
        add_leaf(json, leaf, &allocator);
    if (leaf_hash)
        add_full(json, house, record, leaf, leaf_hash);
    mr_arena_fini(&arena);
    return json;
}

json_t *mr_record_json(const struct mr_house *house, const struct mr_record *record)
{
    return record_json(house, record, NULL);
}

json_t *mr_record_json_full(
        const struct mr_house *house, const struct mr_record *record, const uint8_t leaf_hash[static 32])
{
    return record_json(house, record, leaf_hash);
}
