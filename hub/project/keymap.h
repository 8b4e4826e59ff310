/* From byte strings to small numbers 0, 1, 2 ... in the order of their first coming. Wiped when freed. One
 * thread. */
#ifndef MR_HUB_PROJECT_KEYMAP_H
#define MR_HUB_PROJECT_KEYMAP_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/buf.h"
#include "proto/base/slice.h"

struct mr_keymap_slot {
    uint32_t next; /* index + 1, 0 = free */
    uint32_t hash; /* lower half: most others are told apart by it, and a larger table needs no keys */
};

struct mr_keymap {
    struct mr_buf keys;           /* the keys, one after another */
    size_t *ends;                 /* end of key i in keys */
    struct mr_keymap_slot *slots; /* open addressing */
    uint32_t count, capacity;
    uint8_t seed[16];
};

void mr_keymap_init(struct mr_keymap *map);
void mr_keymap_fini(struct mr_keymap *map);
/* 1: it is new, 0: it was there, MR_ENOMEM. */
int mr_keymap_add(struct mr_keymap *map, struct mr_slice key, uint32_t *ret);
/* 0 or MR_ENOTFOUND. */
int mr_keymap_find(const struct mr_keymap *map, struct mr_slice key, uint32_t *ret);
struct mr_slice mr_keymap_key(const struct mr_keymap *map, uint32_t index); /* valid until the next add */

#endif
