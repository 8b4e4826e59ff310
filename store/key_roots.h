/*
 * The root keys in this process's memory: the live one and, during a rotation, the next one beside it. A
 * wrapped key names the generation of the root above it, so a reader opens what its snapshot has, before and
 * after the switch; an older generation than the live one is gone.
 *
 * In sodium_malloc memory. Any thread; one short lock.
 */
#ifndef MR_STORE_KEY_ROOTS_H
#define MR_STORE_KEY_ROOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/vault.h"

struct mr_key_roots;

int mr_key_roots_new(struct mr_key_roots **ret);
void mr_key_roots_free(struct mr_key_roots *roots); /* wipes; NULL is fine */
bool mr_key_roots_locked(const struct mr_key_roots *roots);

/* Generation of the live root; 0: there is none yet. */
uint32_t mr_key_roots_live(struct mr_key_roots *roots);
/* MR_ENOTFOUND: not in memory, or not any more. */
int mr_key_roots_get(struct mr_key_roots *roots, uint32_t generation, uint8_t ret[static MR_KEY_BYTES]);
/* One root beside the live one; the only one when nothing is live yet. Not live until switched to. */
void mr_key_roots_add(
        struct mr_key_roots *roots, uint32_t generation, const uint8_t key[static MR_KEY_BYTES]);
/* The added one becomes the live one; the other is wiped. */
void mr_key_roots_switch(struct mr_key_roots *roots, uint32_t generation);
/* A process that only reads: the writer's next root, found in its folder. The one before it stays, for
 * snapshots of before. */
void mr_key_roots_learn(
        struct mr_key_roots *roots, uint32_t generation, const uint8_t key[static MR_KEY_BYTES]);
/* Wipes what is not live. */
void mr_key_roots_drop_added(struct mr_key_roots *roots);

#endif
