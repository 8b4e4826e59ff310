/*
 * seal and unseal: the only way into and out of a log record (decision 1). docs/storage.md gives the bytes.
 *
 * Slots of a sealed event, one a person (first occurrence order); fields in a slot:
 *      1  person id, 16 bytes
 *      3  (first slot) the received bytes without the contents of the Person blocks
 *      4  (first slot) spans: u32be offset, u32be size, u8 slot, for each Person block in order of offset
 *      5  (first slot) the sender's organisations whose staff the persons are, "ogrn,ogrn"; per employing
 * system: "system=ogrn,ogrn;system=ogrn" 32+t  derived: value of Person field with tag t, as its wire bytes
 * say (committed to, not stored again) 48+a  derived, first slot: attribute number a of the table in seal.c
 * (subject, time, id, correlationid ...) 512+k  the content of Person block k
 */
#ifndef MR_HUB_RECORD_SEAL_H
#define MR_HUB_RECORD_SEAL_H

#include "hub/house.h"
#include "proto/base/arena.h"
#include "proto/wire/codec.h"
#include "store/random.h"

struct mr_seal_person {
    uint8_t id[MR_PERSON_ID_BYTES];
    struct mr_slot_key key;
};

struct mr_seal_input {
    const struct mr_event *event;
    const char *system;    /* sender's configured name */
    const char *source;    /* ... and source: that of the event may lie below it and name an organisation */
    const uint8_t *hub_id; /* 16 bytes, UUIDv7 */
    int64_t recorded_us;
    const struct mr_seal_person *persons; /* distinct ones */
    size_t persons_count;
    const uint8_t *person_of_span; /* for each event->persons[i]: index into persons */
    const char *staffof;           /* field 5; NULL: none */
};

/* Which fields of a message may stand openly, a bit each in the order of the descriptor: as it was looked up.
 */
enum { MR_SEAL_PUBLIC = 16 };
struct mr_seal_public {
    const ProtobufCMessageDescriptor *message; /* NULL: nothing */
    uint64_t fields;
};

/* What a record needs of it. Buffers are the caller's: slices of the record borrow from them. Zero-initialise
 * it. */
struct mr_sealed {
    struct mr_buf leaf;
    struct mr_buf slots[MR_RECORD_SLOTS_MAX];
    size_t slots_count;
    uint8_t leaf_hash[32];
    bool hash_later; /* set by the caller: an open event's leaf is hashed by the caller, many together */
    struct mr_random random; /* for salts and nonces: keep the struct from event to event */
    /* mr_seal's own; plaintext in them is wiped before it returns. */
    struct mr_buf skeleton;
    struct mr_buf spans;
    struct mr_buf open;
    struct mr_arena arena;
    struct mr_seal_public public[MR_SEAL_PUBLIC];
};
void mr_sealed_fini(struct mr_sealed *sealed);
void mr_sealed_reset(struct mr_sealed *sealed); /* keeps memory */

int mr_seal(struct mr_sealed *ret, const struct mr_seal_input *input, struct mr_error *reterr);

/* Seals bytes that wait for correction (decision 21): leaf hub.event.quarantined, body under an item key of
 * its own. */
int mr_seal_quarantined(struct mr_sealed *ret, const struct mr_seal_input *input, const char *code,
        const char *field, const struct mr_slot_key *item_key);

/* Seals an event that names no Person but is for one system only, under an item key of its own. */
int mr_seal_to_one(
        struct mr_sealed *ret, const struct mr_seal_input *input, const struct mr_slot_key *item_key);

/*
 * Why somebody looks: written into the access journal by those who must. Blocked persons are opened for INDEX
 * (keyed digests, which an erasure takes away again) and ERASE alone.
 */
enum mr_purpose {
    MR_PURPOSE_DELIVER,
    MR_PURPOSE_PROJECT,
    MR_PURPOSE_INDEX,
    MR_PURPOSE_SHOW,
    MR_PURPOSE_CORRECT,
    MR_PURPOSE_ERASE
};

struct mr_unsealed_person {
    uint8_t id[MR_PERSON_ID_BYTES];
    uint8_t key_id[MR_KEY_ID_BYTES];
};

/* Where a Person block lies in the bytes, as struct mr_person_span says it. */
struct mr_unsealed_span {
    size_t offset, size;
};

/* Plaintext of one stored event. fini wipes. */
struct mr_unsealed {
    struct mr_buf bytes;   /* as received */
    struct mr_buf staffof; /* field 5, NUL-terminated text; empty when none */
    struct mr_unsealed_person persons[MR_RECORD_SLOTS_MAX];
    size_t persons_count;
    uint8_t person_of_span[MR_EVENT_PERSONS_MAX];
    struct mr_unsealed_span spans[MR_EVENT_PERSONS_MAX]; /* in order of offset */
    size_t spans_count;
};
/* MR_EDESTROYED, MR_EBLOCKED (one of its persons), MR_EEXPIRED, MR_ECORRUPT. An open event is copied from its
 * leaf. */
int mr_unseal(struct mr_unsealed *ret, const struct mr_house *house, const struct mr_record *record,
        enum mr_purpose purpose, struct mr_error *reterr);
void mr_unsealed_fini(struct mr_unsealed *unsealed);

/*
 * The event as one subscription may have it (decision 7): full - person id added to each Person and as
 * subject; pseudonymous - Person blocks hold only the receiver's own pseudonym, no correlation; none - no
 * subject, person, partition key, organisation, correlation, free text or id. But for full, the source of an
 * event about a person is the one configured for its sender. Appends the serialized CloudEvent to out;
 * *recipients (a buffer, text "ogrn,ogrn") gets the receiver's organisations for scope staff. 0, or as
 * mr_unseal.
 */
int mr_disclose(struct mr_buf *out, struct mr_buf *recipients, const struct mr_house *house,
        const struct mr_record *record, const struct mr_config_subscription *subscription,
        struct mr_error *reterr);
/* An open event for somebody who may have all of it: as it was received, where it lies in the record. false:
 * it has to be made by mr_disclose(). */
bool mr_disclose_as_is(const struct mr_record *record, const struct mr_config_subscription *subscription,
        struct mr_slice *ret);

#endif
