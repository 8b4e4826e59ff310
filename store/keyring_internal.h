/*
 * Shared by the files of the keyring only: keyring, keyring_txn, keyring_opened, key_tree, key_rotation,
 * key_seal, keyring_digest, blind_index, subject, person, alias, employment, hold, erasure, pseudonym.
 */
#ifndef MR_STORE_KEYRING_INTERNAL_H
#define MR_STORE_KEYRING_INTERNAL_H

#include <openssl/evp.h>

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

#include "store/key_cache.h"
#include "store/key_roots.h"
#include "store/keyring.h"
#include "store/kv.h"
#include "store/lanes.h"

enum mr_keyring_table {
    MR_KEYRING_BKT,
    MR_KEYRING_DEK,
    MR_KEYRING_BIDX,
    MR_KEYRING_SUBJ,
    MR_KEYRING_ALIAS,
    MR_KEYRING_EMPLOY,
    MR_KEYRING_HOLD,
    MR_KEYRING_META,
    MR_KEYRING_TABLES
};
enum { MR_KEYRING_CHECKED = (1 << MR_KEYRING_TABLES) - 1 }; /* every row ends in a CRC */

extern const char *const mr_keyring_tables[MR_KEYRING_TABLES];

enum { MR_KEYRING_TAGS = 5 }; /* of digests that are begun beforehand: keyring_digest.c */
enum { MR_BLIND_BYTES = 32, MR_NONCE_BYTES = 24, MR_AEAD_TAG_BYTES = 16 };

/* In sodium_malloc memory. */
struct mr_keyring_secrets {
    uint8_t blind[MR_KEY_BYTES]; /* K_bi; the two below are derived from it */
    uint8_t digest[MR_KEY_BYTES];
    uint8_t pseudonym[MR_KEY_BYTES];
    struct mr_lanes_key lanes;       /* of the digest key */
    struct mr_lanes_key blind_lanes; /* of K_bi */
    /* The digests that every event needs, begun: key and tag are in. Last: it is aligned, and so is the
     * whole. */
    crypto_generichash_state begun[MR_KEYRING_TAGS];
};

/* Of a digest key that is known by now. */
void mr_keyring_digests_begin(struct mr_keyring_secrets *secrets);

struct mr_keyring {
    struct mr_kv *kv;
    struct mr_keyring_secrets *secrets;
    struct mr_key_roots *roots;
    struct mr_key_cache *cache;
    EVP_CIPHER *aes;
    char *root_path;
    pthread_mutex_t rotation; /* held by an erasure, and by finishing one */
    uint64_t serial;          /* of the newest transaction; the writer's */
    atomic_uint holds;        /* rows of the table, as of the last commit */
    bool secrets_locked;
    bool read_only;
};

/* keyring_opened.c */
enum { MR_KEYRING_OPENED = 16, MR_OPENED_VALUE_MAX = 100 };
struct mr_opened_lead {
    uint8_t kind; /* 0: none */
    uint8_t size;
    uint8_t value[MR_OPENED_VALUE_MAX]; /* the identifier as it was asked for */
    uint8_t person[MR_PERSON_ID_BYTES];
};
/* One who is live, and nobody's alias. */
struct mr_opened_person {
    bool is;
    bool unemployed; /* has no row of an employment */
    uint8_t person[MR_PERSON_ID_BYTES];
    uint8_t key_id[MR_KEY_ID_BYTES];
};

struct mr_keyring_txn {
    struct mr_keyring *keyring;
    struct mr_kv_txn *kv;
    uint64_t serial;
    bool dirty;          /* wrote something: what it reads may not be committed */
    bool holds;          /* changed the table of holds */
    int ret;             /* first failure that left a change half done */
    struct mr_buf drops; /* ids of keys that must leave the cache when this commits */
    struct mr_opened_lead leads[MR_KEYRING_OPENED];
    struct mr_opened_person persons[MR_KEYRING_OPENED];
};

/* Remembers a failure in the middle of a change; returns it. */
int mr_keyring_broken(struct mr_keyring_txn *txn, int r);

/* ---- keyring_opened.c: what this transaction has opened, until it changes something ---- */

void mr_keyring_changes(struct mr_keyring_txn *txn); /* before each change: it is dirty, and what it has
                                                        opened is forgotten */
bool mr_keyring_opened_lead(const struct mr_keyring_txn *txn, enum mr_person_identifier kind,
        struct mr_slice value, uint8_t ret[static MR_PERSON_ID_BYTES]);
void mr_keyring_keep_lead(struct mr_keyring_txn *txn, enum mr_person_identifier kind, struct mr_slice value,
        const uint8_t person[static MR_PERSON_ID_BYTES]);
/* NULL: not kept. */
struct mr_opened_person *mr_keyring_opened_person(
        struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES]);
/* Keeps it when it may be kept. */
struct mr_subject;
void mr_keyring_keep_person(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        const struct mr_subject *subject);

/* ---- blind_index.c: identifier -> person, wrapped by the bucket key of the person's key ---- */

void mr_blind_index(const uint8_t key[static MR_KEY_BYTES], uint16_t kind, struct mr_slice value,
        uint8_t ret[static MR_BLIND_BYTES]);
/* The same by the keyring's own key, which is taken in already. */
void mr_keyring_blind(const struct mr_keyring *keyring, enum mr_person_identifier kind, struct mr_slice value,
        uint8_t ret[static MR_BLIND_BYTES]);
int mr_blind_find(struct mr_keyring_txn *txn, const uint8_t blind[static MR_BLIND_BYTES],
        uint8_t ret[static MR_PERSON_ID_BYTES]);
int mr_blind_put(struct mr_keyring_txn *txn, const uint8_t blind[static MR_BLIND_BYTES], uint16_t bucket,
        const uint8_t person[static MR_PERSON_ID_BYTES]);
/* Deletes every row that leads to one of the persons (ids one after another); reads the whole table. */
int mr_blind_forget(
        struct mr_keyring_txn *txn, struct mr_slice persons, const uint16_t *buckets, size_t count);

/* ---- alias.c: merged persons; any transaction ---- */

/* The survivor; the person itself when it was not merged. */
int mr_alias_resolve(struct mr_kv_txn *kv, const uint8_t person[static MR_PERSON_ID_BYTES],
        uint8_t ret[static MR_PERSON_ID_BYTES]);
/* Appends the survivor's id and those of all its aliases. */
int mr_alias_group(
        struct mr_kv_txn *kv, const uint8_t survivor[static MR_PERSON_ID_BYTES], struct mr_buf *out);
/* Makes previous, and what was merged into it, aliases of survivor. */
int mr_alias_put(struct mr_kv_txn *kv, const uint8_t survivor[static MR_PERSON_ID_BYTES],
        const uint8_t previous[static MR_PERSON_ID_BYTES]);
/* The ids of a group (as mr_alias_group gave them, survivor first) have nothing to do with each other any
 * more. */
int mr_alias_forget(struct mr_kv_txn *kv, struct mr_slice group);

/* ---- subject.c: person -> key id, wrapped by the bucket key of the person's id ---- */

struct mr_subject {
    uint8_t person[MR_PERSON_ID_BYTES]; /* after merges */
    enum mr_person_state state;
    uint8_t key_id[MR_KEY_ID_BYTES]; /* zeros when destroyed */
};
/* MR_ENOTFOUND, MR_ECORRUPT. */
int mr_subject_get(const struct mr_keyring *keyring, struct mr_kv_txn *kv,
        const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_subject *ret);
/* As get, and MR_EBLOCKED or MR_EDESTROYED unless it lives. */
int mr_subject_live(const struct mr_keyring *keyring, struct mr_kv_txn *kv,
        const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_subject *ret);
/* As get, without the key id, which is zeros. */
int mr_subject_state(
        struct mr_kv_txn *kv, const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_subject *ret);
/* As get, merges left aside: the row of exactly this person. */
int mr_subject_own(const struct mr_keyring *keyring, struct mr_kv_txn *kv,
        const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_subject *ret);
int mr_subject_put(const struct mr_keyring *keyring, struct mr_kv_txn *kv, const struct mr_subject *subject);
int mr_state_error(enum mr_person_state state); /* 0, MR_EBLOCKED, MR_EDESTROYED */

/* ---- person.c ---- */

/*
 * Destroys a group (as mr_alias_group gives it): keys, employments, aliases. Not the identifiers, which are
 * found by reading the whole table: the caller's. Adds how many keys went to *ret_keys.
 */
int mr_person_destroy_group(struct mr_keyring_txn *txn, struct mr_slice group, uint32_t *ret_keys);

/* ---- hold.c ---- */

/* Holds of the survivor `person`: how many, or negative. */
int mr_hold_count(struct mr_kv_txn *kv, const uint8_t person[static MR_PERSON_ID_BYTES]);
/* The holds of from become to's; before the aliases are made. */
int mr_hold_move(struct mr_keyring_txn *txn, const struct mr_subject *from, const struct mr_subject *to);
/* Marks the keys of the group of `survivor` as held, or not, by what holds there are. */
int mr_hold_mark(struct mr_keyring_txn *txn, const uint8_t survivor[static MR_PERSON_ID_BYTES]);

/* ---- erasure.c ---- */

/* A bucket in which something was destroyed without a rotation: the next rotation gives it a new key. */
int mr_erasure_owed(struct mr_kv_txn *kv, const uint16_t *buckets, size_t count);
int mr_erasure_is_owed(struct mr_kv_txn *kv, bool *ret); /* in any bucket */

/* ---- keyring.c, keyring_txn.c ---- */

/* A key by its id: cache, else the tables. A read of epoch `epoch`, or the transaction `serial`'s own. */
int mr_keyring_load(struct mr_keyring *keyring, struct mr_kv_txn *kv,
        const uint8_t key_id[static MR_KEY_ID_BYTES], uint64_t epoch, uint64_t serial,
        struct mr_slot_key *ret);
int mr_keyring_txn_key(
        struct mr_keyring_txn *txn, const uint8_t key_id[static MR_KEY_ID_BYTES], struct mr_slot_key *ret);

/* ---- employment.c ---- */

int mr_employment_move(
        struct mr_keyring_txn *txn, const struct mr_subject *from, const struct mr_subject *to);
int mr_employment_forget(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES]);

/* ---- tables ---- */

/* Deletes the rows whose keys stand one after another in keys, all of key_size bytes. */
int mr_keyring_del_rows(
        struct mr_kv_txn *kv, enum mr_keyring_table table, struct mr_slice keys, size_t key_size);

#endif
