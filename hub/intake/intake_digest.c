/*
 * The digests of all events of an intake, made together: it is less than half of the work of making them one
 * by one. Source and id are taken as they stand in the bytes, before anybody has looked whether these are an
 * event: a decoder that takes the bytes for one finds the same two texts, since it refuses what has one of
 * them twice.
 */
#include <string.h>

#include "hub/intake/prepare.h"
#include "proto/wire/wire.h"

enum { ITEMS = 32, FIELD_ID = 1, FIELD_SOURCE = 2 };

/* Of up to ITEMS events. */
struct group {
    struct mr_digest_order orders[2 * ITEMS];
    uint8_t digests[ITEMS][16]; /* of the bytes; an item keeps the first half */
    size_t count;
};

static void order_bytes(struct group *group, const struct mr_intake_item *item, uint8_t *ret)
{
    group->orders[group->count++] =
            (struct mr_digest_order){.tag = "bytes", .parts = {item->event}, .count = 1, .ret = ret};
}

static bool order_ident(struct group *group, struct mr_intake_item *item)
{
    struct mr_slice id = mr_wire_find(item->event, FIELD_ID),
                    source = mr_wire_find(item->event, FIELD_SOURCE);

    if (id.size == 0 || source.size == 0)
        return false;
    group->orders[group->count++] =
            (struct mr_digest_order){.tag = "ident", .parts = {source, id}, .count = 2, .ret = item->ident};
    return true;
}

/* The long ones first: side by side they end together, and the short ones fill what is left. */
static void digest_some(struct mr_intake_item *items, size_t count, const struct mr_keyring *keyring)
{
    struct group group;

    group.count = 0;
    for (size_t i = 0; i < count; i++) {
        items[i].digested = items[i].event.size <= MR_EVENT_BYTES_MAX; /* else it is refused, unread */
        if (items[i].digested)
            order_bytes(&group, &items[i], group.digests[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (items[i].digested)
            items[i].identified = order_ident(&group, &items[i]);
    }
    mr_keyring_digests(keyring, group.orders, group.count);
    for (size_t i = 0; i < count; i++) {
        if (items[i].digested)
            memcpy(items[i].digest, group.digests[i], sizeof items[i].digest);
    }
}

void mr_intake_digest(struct mr_intake *intake, const struct mr_keyring *keyring)
{
    _Static_assert(sizeof intake->items->ident == 16, "a digest");

    for (size_t at = 0; at < intake->count; at += ITEMS) {
        size_t left = intake->count - at;

        digest_some(&intake->items[at], left < ITEMS ? left : ITEMS, keyring);
    }
}
