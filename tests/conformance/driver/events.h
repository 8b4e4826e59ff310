/*
 * What stands for longer things in the frames of cases.json: "$name" for what an earlier "expect" bound,
 * "@kind:..." for the bytes of an event (base64), and in a list of events {"many": "@kind:prefix", "count":
 * N} for N of them.
 *   @programme:ID         an event of the portal, without a person
 *   @deficit:ID           an event of copmkp about a made-up person
 *   @deficit-wrong:ID     the same with a SNILS whose check digits are wrong
 *   @bytes:N              N bytes that are no event
 */
#ifndef MR_TESTS_CONFORMANCE_EVENTS_H
#define MR_TESTS_CONFORMANCE_EVENTS_H

#include <jansson.h>

/* A copy with all of them replaced; a new reference. */
json_t *events_expand(const json_t *value, const json_t *bound);
/* Log numbers as strings: each larger than the one before it. */
void events_expect_growing(const json_t *numbers);

#endif
