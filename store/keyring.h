/*
 * The `keys` environment: everything that is destroyed to forget a person. Persons (random ids), the blind
 * index from identifiers to persons, their keys in a two-level tree (person key wrapped by one of 4,096
 * bucket keys, those wrapped by a root key outside LMDB), and what the resolver must know in order
 * (employments).
 *
 * Threads: one writer (the hub's prepare thread) holds the transaction; look-ups of keys (mr_keyring_key) are
 * for any thread and go through a locked, bounded cache in sodium_malloc memory. Values never leave in plain
 * but by these calls.
 */
#ifndef MR_STORE_KEYRING_H
#define MR_STORE_KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"
#include "store/vault.h"

enum { MR_PERSON_ID_BYTES = 16, MR_RECEIVER_NAME_MAX = 64 };

struct mr_keyring;
struct mr_keyring_txn;

struct mr_keyring_options {
    const char *dir;       /* the environment */
    const char *root_path; /* folder of the root key's slots root.0, root.1 (docs/storage-keys.md) */
    bool create;           /* make root key and environment when both are missing */
    bool read_only;
    bool closed;         /* with read_only: a copy that nobody writes to; no lock file is made */
    uint32_t cache_keys; /* person keys kept in memory; 0 = 4096 */
};

/*
 * Takes the environment for this process (unless read_only), and turns core dumps of the process off
 * (RLIMIT_CORE 0). MR_ENOTFOUND: no root key, or no environment; a missing root is never replaced while there
 * is an environment. MR_ECORRUPT: no root key here opens this environment. MR_EEXISTS: another process has
 * it.
 */
int mr_keyring_open(
        struct mr_keyring **ret, const struct mr_keyring_options *options, struct mr_error *reterr);
void mr_keyring_close(struct mr_keyring *keyring); /* wipes; NULL is fine */

/* A copy of `keys` that nobody writes to, and the newest root key of a folder. */
struct mr_keyring_fit {
    bool opens;
    uint32_t root, keys; /* generations; of the root key that opens when one does */
};
/*
 * Does a root key in root_path open the copy in dir, all of it down to the buckets? Writes nothing, also no
 * lock file. MR_ENOTFOUND: no root key in root_path, or no environment in dir. MR_ECORRUPT.
 */
int mr_keyring_try(
        const char *dir, const char *root_path, struct mr_keyring_fit *ret, struct mr_error *reterr);

/* Housekeeping, as mr_log_maintain: every 10 to 30 s, any thread. Returns how many readers were freed, or
 * negative. */
int mr_keyring_maintain(struct mr_keyring *keyring);

/* mr_kv_compact of `keys` (store/kv.h): after an erasure, so that what it deleted is in no page. Any thread.
 */
struct mr_kv_compaction;
int mr_keyring_compact(struct mr_keyring *keyring, struct mr_kv_compaction *ret, struct mr_error *reterr);

/* Are the keys locked into memory? false where RLIMIT_MEMLOCK is too small: all works, but swap must be off.
 */
bool mr_keyring_locked(const struct mr_keyring *keyring);

enum mr_person_state { MR_PERSON_LIVE = 1, MR_PERSON_BLOCKED = 2, MR_PERSON_DESTROYED = 3 };

enum mr_person_identifier {
    MR_IDENTIFIER_SNILS = 1,
    MR_IDENTIFIER_LOCAL = 2, /* system name, NUL, local id: the cross-walk */
};

/* ---- look-ups; any thread ---- */

/* Key of a person for sealing. MR_ENOTFOUND, MR_EDESTROYED, MR_EBLOCKED. Follows merges to the survivor. */
int mr_keyring_person_key(
        struct mr_keyring *keyring, const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_slot_key *ret);
/*
 * Key by key id, for unsealing. MR_EDESTROYED (or never there), MR_EBLOCKED. A block or destruction holds
 * from the moment that mr_keyring_commit returned.
 */
int mr_keyring_key(
        struct mr_keyring *keyring, const uint8_t key_id[static MR_KEY_ID_BYTES], struct mr_slot_key *ret);

/* Keyed digest under a hub secret, for dedup and indexes: BLAKE2b-128(key, tag NUL parts with lengths). Any
 * thread. */
void mr_keyring_digest(const struct mr_keyring *keyring, const char *tag, const struct mr_slice *parts,
        size_t count, uint8_t ret[static 16]);

/* Many of them at once, which costs a fourth. The same digests. */
enum { MR_DIGEST_PARTS_MAX = 2 };
struct mr_digest_order {
    const char *tag;
    struct mr_slice parts[MR_DIGEST_PARTS_MAX];
    size_t count;
    uint8_t *ret; /* 16 bytes */
};
void mr_keyring_digests(const struct mr_keyring *keyring, const struct mr_digest_order *orders, size_t count);

/* Goes up when somebody is blocked, unblocked or destroyed, before that commit returns. Any thread. */
uint64_t mr_keyring_epoch(const struct mr_keyring *keyring);

/* Is this key id here, in whatever state, destroyed included? 0, MR_ENOTFOUND. For the check at start
 * (decision 5). */
int mr_keyring_knows(struct mr_keyring *keyring, const uint8_t key_id[static MR_KEY_ID_BYTES]);

/*
 * A person's id for one receiver: reversible by the hub, useless to any other receiver. Any thread. 0, or
 * MR_ENOMEM with ret all zero. Opening another receiver's pseudonym gives an id that no person has.
 */
int mr_keyring_pseudonym(const struct mr_keyring *keyring, const char *receiver,
        const uint8_t person[static MR_PERSON_ID_BYTES], uint8_t ret[static MR_PERSON_ID_BYTES]);
int mr_keyring_pseudonym_open(const struct mr_keyring *keyring, const char *receiver,
        const uint8_t pseudonym[static MR_PERSON_ID_BYTES], uint8_t ret[static MR_PERSON_ID_BYTES]);

/*
 * Seals bytes that belong to a person but not to the log (view rows): appends nonce + ciphertext. aad may be
 * empty, at most MR_SEAL_AAD_MAX (MR_EINVAL). Unseal appends the plaintext; MR_ECORRUPT: wrong key, wrong aad
 * or damaged.
 */
enum { MR_SEAL_AAD_MAX = 511 };
int mr_keyring_seal(
        const struct mr_slot_key *key, struct mr_slice aad, struct mr_slice plain, struct mr_buf *out);
/* The same; the nonce is taken from `random` (NULL: from the kernel). */
struct mr_random;
int mr_keyring_seal_from(struct mr_random *random, const struct mr_slot_key *key, struct mr_slice aad,
        struct mr_slice plain, struct mr_buf *out);
int mr_keyring_unseal(
        const struct mr_slot_key *key, struct mr_slice aad, struct mr_slice sealed, struct mr_buf *out);

/*
 * ---- the resolver's transaction; one thread; sees its own writes ----
 *
 * A person that is blocked or destroyed is refused by everything that would need its key: MR_EBLOCKED,
 * MR_EDESTROYED. A failure other than the ones a function names is remembered, and commit then aborts and
 * returns it.
 */
int mr_keyring_begin(
        struct mr_keyring *keyring, struct mr_keyring_txn **ret); /* MR_EDENIED: opened read_only */
int mr_keyring_commit(struct mr_keyring_txn *txn); /* frees; durable when 0; cheap when nothing was written */
void mr_keyring_abort(struct mr_keyring_txn *txn);
/* Has it written anything, so that its commit waits for the disk? */
bool mr_keyring_changed(const struct mr_keyring_txn *txn);

/* Blind-index look-up of a normalised identifier, whatever the state of the person. MR_ENOTFOUND. Follows
 * merges. */
int mr_person_find(struct mr_keyring_txn *txn, enum mr_person_identifier kind, struct mr_slice value,
        uint8_t ret[static MR_PERSON_ID_BYTES]);
/* The same, merges left aside: the person as whom the identifier was bound. */
int mr_person_find_own(struct mr_keyring_txn *txn, enum mr_person_identifier kind, struct mr_slice value,
        uint8_t ret[static MR_PERSON_ID_BYTES]);
/* Is there such a person, and in what state? Follows merges: ret_survivor (may be NULL). MR_ENOTFOUND. */
int mr_person_state(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        enum mr_person_state *ret, uint8_t *ret_survivor);
/* A new person: random id, random key id, random key in its bucket. The key is in *ret_key (may be NULL). */
int mr_person_create(
        struct mr_keyring_txn *txn, uint8_t ret[static MR_PERSON_ID_BYTES], struct mr_slot_key *ret_key);
/* Binds an identifier to a person. MR_EEXISTS: it is bound to another one (ret_other, may be NULL). */
int mr_person_bind(struct mr_keyring_txn *txn, enum mr_person_identifier kind, struct mr_slice value,
        const uint8_t person[static MR_PERSON_ID_BYTES], uint8_t *ret_other);
/*
 * previous becomes an alias of survivor; both must live. Identifiers, aliases and employments of previous
 * then lead to survivor; its key stays, for what is sealed under it. 0 also when they were merged before.
 * MR_EINVAL: the same person, or survivor is itself an alias of previous (a cycle). MR_EEXISTS: previous is
 * an alias of somebody else.
 */
int mr_person_merge(struct mr_keyring_txn *txn, const uint8_t survivor[static MR_PERSON_ID_BYTES],
        const uint8_t previous[static MR_PERSON_ID_BYTES]);
/*
 * Blocks, unblocks or destroys a person with all aliases and their keys. Destroying takes the keys, the
 * identifiers and the employments; a row without a key stays, so that "destroyed" can be told from "never
 * there". It is final (MR_EDESTROYED). That old pages and backups are worthless too needs the rotation of
 * bucket and root keys.
 */
int mr_person_set_state(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        enum mr_person_state state);
int mr_person_key(
        struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_slot_key *ret);
/* The same, merges left aside: an alias keeps its key. */
int mr_person_own_key(
        struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_slot_key *ret);

/*
 * Employments, as the resolver knows them: which systems said that the person works where. Rows are sealed
 * under the person's key. org is an OGRN.
 */
struct mr_employment {
    char org[16];
    char system[32]; /* configured name of the system that said so */
    bool active;
    int64_t number; /* log number of the last change, 0 while not yet appended */
    uint8_t id[16]; /* digest of the sender's id of it: a person may hold two posts in one place; zeros: none
                       given */
};
/* Follows merges. A row of the same (system, id), or without an id (org, system), is replaced. MR_EINVAL: an
 * empty or unterminated text. */
int mr_employment_put(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        const struct mr_employment *employment);
/* Returns how many were filled (at most max), or negative. */
int mr_employment_list(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        struct mr_employment *ret, size_t max);

#endif
