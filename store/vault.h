/*
 * Sealed slots and their commitments (docs/storage-keys.md; ADR 0003). One slot holds one person's values of
 * one event, under that person's key, bound to the event by the leaf hash.
 *
 *   slot  = u8 1 | u8 alg 1 | key_id[16] | nonce[24] | XChaCha20-Poly1305-IETF(dek, salt[32] || entries)
 *   entry = u16be field | u8 before | u32be size | bytes
 *   AAD   = "hub-vault-v1\0" || leaf_hash[32] || u8 slot || key_id[16]
 *
 * Commitment of a slot: for the fields in ascending (field, before) order, position i:
 *   salt_i = 32 bytes of the ChaCha20-IETF keystream under `salt`, nonce 0, at 32 * i
 *   c_i    = SHA-256("mr-field-v1\0" || salt_i || u16be field || u8 before || value)
 *   c      = SHA-256("mr-slot-v1\0" || { u16be field, u8 before, c_i }*)
 * so the leaf tells neither which fields there were nor how long, one field can be opened to one auditor with
 * salt_i, value and the list of the other c_i, and `openssl dgst -sha256` checks it.
 *
 * Pure functions over the caller's memory; any thread. sodium_init() is the program's duty.
 */
#ifndef MR_STORE_VAULT_H
#define MR_STORE_VAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"
#include "store/random.h"

enum {
    MR_KEY_BYTES = 32,
    MR_KEY_ID_BYTES = 16,
    MR_SALT_BYTES = 32,
    MR_COMMITMENT_BYTES = 32,
    MR_SLOT_FIELDS_MAX = 64,
    MR_SLOT_BYTES_MAX =
            1 << 24, /* plaintext of a slot: far above an event, below what a u32 length can hurt */
};

struct mr_slot_field {
    uint16_t field;
    uint8_t before; /* 0 the value, 1 the previous value */
    bool derived;   /* committed to, but not stored: it is part of another field's bytes */
    struct mr_slice value;
};

/*
 * fields strictly ascending by (field, before), before 0 or 1, 1 to MR_SLOT_FIELDS_MAX of them: an empty list
 * would give a commitment that everybody knows. Asserted.
 */
void mr_slot_commit(const uint8_t salt[static MR_SALT_BYTES], const struct mr_slot_field *fields,
        size_t count, uint8_t ret[static MR_COMMITMENT_BYTES]);

/* What opens one field to one auditor: its salt, and every c_i. ret_all has count * 32 bytes. */
void mr_slot_disclose(const uint8_t salt[static MR_SALT_BYTES], const struct mr_slot_field *fields,
        size_t count, size_t which, uint8_t ret_salt[static MR_SALT_BYTES], uint8_t *ret_all);

struct mr_slot_key {
    uint8_t id[MR_KEY_ID_BYTES];
    uint8_t dek[MR_KEY_BYTES];
};

/*
 * Appends the sealed slot to out: salt and the fields that are not derived (all may be derived). The nonce is
 * taken from random (NULL: from the kernel). MR_ENOMEM; MR_EINVAL: fields out of order, none, too many, or
 * more than MR_SLOT_BYTES_MAX. out is unchanged then.
 */
int mr_slot_seal(struct mr_buf *out, const struct mr_slot_key *key, const uint8_t leaf_hash[static 32],
        uint8_t slot, const uint8_t salt[static MR_SALT_BYTES], const struct mr_slot_field *fields,
        size_t count, struct mr_random *random);

/* key_id of a sealed slot; MR_ECORRUPT when it is no slot. */
int mr_slot_key_id(struct mr_slice sealed, uint8_t ret[static MR_KEY_ID_BYTES]);

/* An opened slot; plain owns the bytes that fields borrow. fini wipes. */
struct mr_slot {
    struct mr_buf plain;
    uint8_t salt[MR_SALT_BYTES];
    struct mr_slot_field fields[MR_SLOT_FIELDS_MAX];
    size_t count;
};
/* MR_ECORRUPT: wrong key, moved to another event, or damaged. */
int mr_slot_open(struct mr_slot *ret, struct mr_slice sealed, const struct mr_slot_key *key,
        const uint8_t leaf_hash[static 32], uint8_t slot);
/* The value (not the previous one) of a field; NULL: not there. */
const struct mr_slot_field *mr_slot_find(const struct mr_slot *slot, uint16_t field);
void mr_slot_fini(struct mr_slot *slot); /* NULL is fine; also after a failed open */

#endif
