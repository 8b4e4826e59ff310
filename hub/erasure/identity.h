/*
 * What is known of the person to be forgotten, gathered into the secret of the request: the places in the
 * log, who knows them, and by which names and numbers they are known. Everything is the arena's.
 */
#ifndef MR_HUB_ERASURE_IDENTITY_H
#define MR_HUB_ERASURE_IDENTITY_H

#include "event/person.pb-c.h"
#include "hub/erasure/rows.h"

struct mr_identity {
    struct mr_arena *arena;
    mr_erasure_secret *secret;
    size_t records_room, quarantined_room, proposals_room, names_room, snils_room, local_ids_room,
            categories_room, known_room;
};

/* Forgets what an earlier try had gathered. */
void mr_identity_init(struct mr_identity *identity, struct mr_arena *arena, mr_erasure_secret *secret);

/* Goes on with what a finished one has gathered. */
void mr_identity_resume(struct mr_identity *identity, struct mr_arena *arena, mr_erasure_secret *secret);

/* Each adds what is new: 0 or MR_ENOMEM. */
int mr_identity_touched(struct mr_identity *identity, uint64_t number, uint16_t slots);
int mr_identity_waiting(
        struct mr_identity *identity, uint64_t number, const uint8_t item[static MR_PERSON_ID_BYTES]);
/* A correction that is proposed for the record. */
int mr_identity_proposal(
        struct mr_identity *identity, uint64_t number, const uint8_t item[static MR_PERSON_ID_BYTES]);
int mr_identity_person(
        struct mr_identity *identity, const char *system, const Nms__Event__V1__Person *person);
int mr_identity_type(struct mr_identity *identity, const char *type); /* a category of data, for the act */
/* withheld: bits 1 << tag of the fields of Person that a system with `personal` full does not get of them. */
int mr_identity_known(struct mr_identity *identity, const char *system, bool sent, enum mr_personal personal,
        uint32_t withheld);

/*
 * Is this block about the person? By СНИЛС, by the id in the same system, or by name and birth date; without
 * a birth date by the whole name. A namesake may be taken for the person: what waits for correction can be
 * sent again.
 */
bool mr_identity_is(
        const struct mr_identity *identity, const char *system, const Nms__Event__V1__Person *person);

#endif
