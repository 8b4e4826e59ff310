/*
 * Person keys in memory: one arena of sodium_malloc (guard pages, not dumped, locked), an LRU list and a hash
 * inside of it. One mutex; every call is short, none waits for I/O.
 *
 * A key that was read in a snapshot must not enter after a later commit took it away: take mr_key_cache_epoch
 * before the snapshot and give it to put, which does nothing when a drop came between. A key that the writer
 * made in a transaction enters under that transaction's serial, is seen only by it, and by everybody once the
 * serial is settled.
 */
#ifndef MR_STORE_KEY_CACHE_H
#define MR_STORE_KEY_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/vault.h"

struct mr_key_cache;

int mr_key_cache_new(struct mr_key_cache **ret, uint32_t keys);
void mr_key_cache_free(struct mr_key_cache *cache);         /* wipes; NULL is fine */
bool mr_key_cache_locked(const struct mr_key_cache *cache); /* is the arena locked into memory? */

uint64_t mr_key_cache_epoch(struct mr_key_cache *cache);
/* serial: 0 for everybody, or the writing transaction's own. */
bool mr_key_cache_get(struct mr_key_cache *cache, const uint8_t id[static MR_KEY_ID_BYTES], uint64_t serial,
        struct mr_slot_key *ret);
void mr_key_cache_put(
        struct mr_key_cache *cache, const struct mr_slot_key *key, uint64_t epoch, uint64_t serial);
void mr_key_cache_drop(struct mr_key_cache *cache, const uint8_t id[static MR_KEY_ID_BYTES]);
/* The transaction `serial` ended: its keys are for everybody, or gone. */
void mr_key_cache_settle(struct mr_key_cache *cache, uint64_t serial, bool committed);
uint32_t mr_key_cache_count(struct mr_key_cache *cache);

#endif
