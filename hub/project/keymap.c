#include "hub/project/keymap.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/err.h"

void mr_keymap_init(struct mr_keymap *map)
{
    *map = (struct mr_keymap){0};
    randombytes_buf(
            map->seed, sizeof map->seed); /* of the buckets only: numbers follow the order of coming */
}

void mr_keymap_fini(struct mr_keymap *map)
{
    mr_buf_wipe(&map->keys);
    free(map->ends);
    free(map->slots);
    *map = (struct mr_keymap){0};
}

struct mr_slice mr_keymap_key(const struct mr_keymap *map, uint32_t index)
{
    size_t start = index ? map->ends[index - 1] : 0;

    return mr_slice(map->keys.data + start, map->ends[index] - start);
}

static uint32_t hash_of(const struct mr_keymap *map, struct mr_slice key)
{
    uint64_t hash;

    (void)crypto_shorthash((uint8_t *)&hash, key.data, key.size, map->seed);
    return (uint32_t)hash;
}

/* Slot of the key, or the free one where it belongs. The table is never full. */
static struct mr_keymap_slot *slot_of(const struct mr_keymap *map, struct mr_slice key, uint32_t hash)
{
    uint32_t mask = map->capacity - 1, at;

    for (at = hash & mask; map->slots[at].next; at = (at + 1) & mask)
        if (map->slots[at].hash == hash && mr_slice_equal(mr_keymap_key(map, map->slots[at].next - 1), key))
            break;
    return &map->slots[at];
}

static void move_slots(const struct mr_keymap *map, struct mr_keymap_slot *slots, uint32_t capacity)
{
    for (uint32_t i = 0; i < map->capacity; i++) {
        uint32_t at = map->slots[i].hash & (capacity - 1);

        if (!map->slots[i].next)
            continue;
        while (slots[at].next)
            at = (at + 1) & (capacity - 1);
        slots[at] = map->slots[i];
    }
}

static int grow(struct mr_keymap *map)
{
    uint32_t capacity = map->capacity ? map->capacity * 2 : 64;
    struct mr_keymap_slot *slots = calloc(capacity, sizeof *slots);
    size_t *ends = realloc(map->ends, capacity * sizeof *ends);

    if (ends)
        map->ends = ends;
    if (!slots || !ends) {
        free(slots);
        return MR_ENOMEM;
    }
    move_slots(map, slots, capacity);
    free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return 0;
}

int mr_keymap_add(struct mr_keymap *map, struct mr_slice key, uint32_t *ret)
{
    uint32_t hash = hash_of(map, key);
    struct mr_keymap_slot *slot;

    if (map->count * 2 >= map->capacity && grow(map) < 0)
        return MR_ENOMEM;
    slot = slot_of(map, key, hash);
    if (slot->next) {
        *ret = slot->next - 1;
        return 0;
    }
    mr_buf_put_slice(&map->keys, key);
    if (mr_buf_failed(&map->keys))
        return MR_ENOMEM;
    map->ends[map->count] = map->keys.size;
    *ret = map->count++;
    *slot = (struct mr_keymap_slot){.next = map->count, .hash = hash};
    return 1;
}

int mr_keymap_find(const struct mr_keymap *map, struct mr_slice key, uint32_t *ret)
{
    const struct mr_keymap_slot *slot = map->capacity ? slot_of(map, key, hash_of(map, key)) : NULL;

    if (!slot || !slot->next)
        return MR_ENOTFOUND;
    *ret = slot->next - 1;
    return 0;
}
