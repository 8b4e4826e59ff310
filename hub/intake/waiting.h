/*
 * What waits for correction, as the prepare thread knows it: the rows of the quarantine that are waiting,
 * with what prepare itself has decided and the writer has not yet written. It keeps the order of the key: an
 * event of a sender about a person of whom an earlier one of that sender waits for correction waits behind it
 * (ADR 0017). Keys are keyed digests of identifiers, in memory only. One thread (prepare).
 */
#ifndef MR_HUB_INTAKE_WAITING_H
#define MR_HUB_INTAKE_WAITING_H

#include "hub/house.h"
#include "proto/wire/codec.h"

struct mr_waiting;

/* "behind": the code of an event that waits for nothing but another one. */
#define MR_CODE_BEHIND "behind"

/* Keys of one event. */
enum { MR_WAITING_TAG_BYTES = 16, MR_WAITING_TAGS_MAX = 4 * MR_EVENT_PERSONS_MAX };
struct mr_waiting_tags {
    uint8_t tags[MR_WAITING_TAGS_MAX][MR_WAITING_TAG_BYTES];
    size_t count;
};
/* What the event says of its persons, and who that is as far as the keyring knows; of one without a person
 * its organisation. txn: sees its own writes. Negative: the keyring failed. */
int mr_waiting_tags(struct mr_keyring *keyring, struct mr_keyring_txn *txn, const char *system,
        const struct mr_event *event, struct mr_waiting_tags *ret);

/* Opens the bodies of what waits. One that cannot be opened holds nothing back. */
int mr_waiting_open(struct mr_waiting **ret, struct mr_house *house, struct mr_error *reterr);
void mr_waiting_close(struct mr_waiting *waiting);

bool mr_waiting_has(const struct mr_waiting *waiting, uint64_t number);
bool mr_waiting_of(
        const struct mr_waiting *waiting, uint16_t system); /* does anything of this sender wait? */
/* Its place in the order of the key: its number, or that of the first one that it was sent instead of. */
uint64_t mr_waiting_place(const struct mr_waiting *waiting, uint64_t number);
/* code: why it waits; one that waits for another event holds nothing back. */
int mr_waiting_add(struct mr_waiting *waiting, uint64_t number, uint64_t place, uint16_t system,
        const char *code, const struct mr_waiting_tags *tags);
void mr_waiting_recode(struct mr_waiting *waiting, uint64_t number, const char *code);
void mr_waiting_end(struct mr_waiting *waiting, uint64_t number);
/* The last one before this place that holds back one of the keys; 0: none. */
uint64_t mr_waiting_before(
        const struct mr_waiting *waiting, uint64_t place, const struct mr_waiting_tags *tags);
/* Those with the code "behind" that nothing holds back any more, ascending; how many. */
size_t mr_waiting_freed(const struct mr_waiting *waiting, uint64_t *numbers, size_t max);

/* What was done since the last of these two stays, or is taken back. */
void mr_waiting_keep(struct mr_waiting *waiting);
void mr_waiting_rollback(struct mr_waiting *waiting);

#endif
