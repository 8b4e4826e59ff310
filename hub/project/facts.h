/*
 * From one event to its facts, by a table: which fields of which type the passport needs. A pure function of
 * the event and of who its persons are; an event type without a row gives no fact.
 */
#ifndef MR_HUB_PROJECT_FACTS_H
#define MR_HUB_PROJECT_FACTS_H

#include "hub/project/fact.h"
#include "proto/config/config.h"
#include "proto/wire/codec.h"

struct mr_fact_source {
    uint64_t number;
    uint16_t system;
    const uint8_t *ident; /* 16 bytes, as in the record */
    const struct mr_event *event;
    const struct mr_config *config; /* whose operators may annul by two; NULL: nobody may */
    const char *own;                /* configured source of the system; NULL: not known any more */
    const uint8_t *persons[MR_EVENT_PERSONS_MAX]; /* id of the person of event->persons[i] */
    /* Keyed digest of another event's identity. */
    void (*ident_of)(void *ctx, const char *source, const char *id, uint8_t ret[static MR_FACT_ID_BYTES]);
    void *ctx;
};

/* Appends them to set. 0 or MR_ENOMEM. */
int mr_facts_of(const struct mr_fact_source *source, struct mr_fact_set *set);

#endif
