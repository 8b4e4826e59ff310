/* Facts made by hand for tests of the passport: numbers and idents follow by themselves. */
#ifndef MR_TESTS_FACT_LOG_H
#define MR_TESTS_FACT_LOG_H

#include "hub/project/cells.h"
#include "hub/project/fact.h"

/* Ident of the event with this number. */
void fact_ident(uint64_t number, uint8_t ret[static MR_FACT_ID_BYTES]);
/* Appends a fact with the next number, of system 2 unless it says another. Returns the number. */
uint64_t fact_add(struct mr_fact_set *set, struct mr_fact fact);
/* The same about person `who` (1, 2 ...). */
uint64_t fact_of(struct mr_fact_set *set, unsigned who, struct mr_fact fact);
/* Sets ref (0: none) to the event with that number, then adds. */
uint64_t fact_ref(struct mr_fact_set *set, unsigned who, uint64_t ref, struct mr_fact fact);
/* The next number is this one's again: another part of the last event. */
uint64_t fact_merge(struct mr_fact_set *set, unsigned survivor, unsigned previous);
uint64_t fact_annul(struct mr_fact_set *set, uint64_t number, uint16_t by_system);

/* ПР or УК at a school; code "PR" or "UK". */
uint64_t fact_job(struct mr_fact_set *set, unsigned who, const char *id, const char *code);
uint64_t fact_school(struct mr_fact_set *set, const char *ogrn, const char *kind, const char *oktmo);

/* Bands under-35, 35-54, from-55 and under-3, from-3; the year 2026; both indicators. Static. */
const struct mr_config *fact_config(void);

/* Value of a cell over the facts, as text owned by the caller (free); NULL: no such cell. */
char *fact_value(const struct mr_fact_set *set, const char *code);
/* Fails the test unless the cell has this value. */
void expect_cell(const struct mr_fact_set *set, const char *code, const char *value);
void expect_miss(const struct mr_fact_set *set, const char *code, const char *why, uint64_t count);

#endif
