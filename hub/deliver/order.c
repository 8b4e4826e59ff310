#include "hub/deliver/order.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/wire/codec.h"
#include "proto/wire/wire.h"
#include "store/vault.h"

enum { LEAF_FIELD_EVENT = 6, DIGEST_BYTES = 16, ARENA_BYTES = 4 * 1024 * 1024 };

static void add(struct mr_order *order, const uint8_t *digest)
{
    uint64_t tag = mr_get_be64(digest);

    order->tags[order->count++] = tag ? tag : 1;
}

static void add_person(struct mr_order *order, const char *subscription, const struct mr_slot_key *key)
{
    static const char domain[] = "mr-order-v1";
    crypto_generichash_state state;
    uint8_t digest[DIGEST_BYTES];

    (void)crypto_generichash_init(&state, key->dek, sizeof key->dek, sizeof digest);
    (void)crypto_generichash_update(&state, (const uint8_t *)domain, sizeof domain);
    (void)crypto_generichash_update(&state, (const uint8_t *)subscription, strlen(subscription));
    (void)crypto_generichash_final(&state, digest, sizeof digest);
    add(order, digest);
}

/* One slot is one person: its key is found by the id that stands in front of what is sealed. */
static int persons(struct mr_order *ret, const struct mr_house *house, const char *subscription,
        const struct mr_record *record)
{
    struct mr_slot_key key;
    int r = record->slots_count > MR_RECORD_SLOTS_MAX ? MR_ECORRUPT : 0;

    if (!house->keyring)
        return MR_EDENIED;
    for (size_t i = 0; r == 0 && i < record->slots_count; i++) {
        uint8_t id[MR_KEY_ID_BYTES];

        r = record->slots[i].size == 0 ? MR_EDESTROYED : mr_slot_key_id(record->slots[i], id);
        if (r == 0)
            r = mr_keyring_key(house->keyring, id, &key);
        if (r == 0)
            add_person(ret, subscription, &key);
    }
    sodium_memzero(&key, sizeof key);
    return r;
}

static int organisation(struct mr_order *ret, const struct mr_house *house, const char *subscription,
        const struct mr_record *record)
{
    struct mr_slice bytes = mr_wire_find(record->leaf, LEAF_FIELD_EVENT);
    struct mr_arena arena;
    struct mr_event event;
    int r;

    mr_arena_init(&arena, ARENA_BYTES);
    r = bytes.data ? mr_event_decode(&event, bytes, &arena, NULL) : MR_ECORRUPT;
    if (r == 0 && event.a.orgid && house->keyring) {
        struct mr_slice parts[] = {mr_slice_str(subscription), mr_slice_str(event.a.orgid)};
        uint8_t digest[DIGEST_BYTES];

        mr_keyring_digest(house->keyring, "order-organisation", parts, 2, digest);
        add(ret, digest);
    }
    mr_arena_fini(&arena);
    return r == 0 || r == MR_ENOMEM ? r : MR_ECORRUPT; /* it decoded when it was taken */
}

int mr_order_of(struct mr_order *ret, const struct mr_house *house, const char *subscription,
        const struct mr_record *record)
{
    int r;

    ret->count = 0;
    if (record->flags & MR_RECORD_EXPIRED)
        return MR_EEXPIRED;
    r = record->flags & MR_RECORD_SEALED ? persons(ret, house, subscription, record)
                                         : organisation(ret, house, subscription, record);
    if (r < 0)
        ret->count = 0;
    return r;
}

bool mr_order_meets(const struct mr_order *a, const struct mr_order *b)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            if (a->tags[i] == b->tags[j])
                return true;
    return false;
}
