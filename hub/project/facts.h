/*
 * From one event to its facts, by a table: which fields of which type the passport needs. A pure function of
 * the event and of who its persons are; an event type without a row gives no fact.
 */
#ifndef MR_HUB_PROJECT_FACTS_H
#define MR_HUB_PROJECT_FACTS_H

#include "hub/project/fact.h"
#include "proto/config/config.h"
#include "proto/wire/codec.h"

/*
 * Where in its payload each type has what its facts are made of: found once, by whoever makes many. Read-only
 * after init.
 */
enum { MR_FACTS_COPIES_MAX = 11, MR_FACTS_TYPES_MAX = 96 };
struct mr_facts_plan {
    struct {
        uint8_t recipe;                   /* 1 and its place in the table; 0: it is none of these */
        uint16_t at[MR_FACTS_COPIES_MAX]; /* in the payload; 0: has to be looked for */
    } types[MR_FACTS_TYPES_MAX];          /* as in the registry */
};
void mr_facts_plan_init(struct mr_facts_plan *plan);

struct mr_fact_source {
    const struct mr_facts_plan *plan; /* NULL: everything is looked for by its name */
    uint64_t number;
    uint16_t system;
    const uint8_t *ident; /* 16 bytes, as in the record */
    const struct mr_event *event;
    const struct mr_config *config; /* whose operators may annul by two; NULL: nobody may */
    const char *own; /* of an annulment: configured source of the system; NULL: not known any more */
    const uint8_t *persons[MR_EVENT_PERSONS_MAX]; /* id of the person of event->persons[i] */
    /* Keyed digest of another event's identity. */
    void (*ident_of)(void *ctx, const char *source, const char *id, uint8_t ret[static MR_FACT_ID_BYTES]);
    void *ctx;
};

/* One fact; its texts are the event's, may be NULL, and are not kept. Negative: mr_facts_each() ends with it.
 */
typedef int (*mr_fact_fn)(void *ctx, const struct mr_fact *fact);
int mr_facts_each(const struct mr_fact_source *source, mr_fact_fn fn, void *ctx);
/* Appends them to set. 0 or MR_ENOMEM. */
int mr_facts_of(const struct mr_fact_source *source, struct mr_fact_set *set);

#endif
