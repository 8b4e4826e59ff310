/*
 * What is said of an expired event: by which rule of the present configuration, when its term had passed, and
 * with which run it went. The record itself keeps none of that: the run is the first one behind the term in
 * which events of the class expired.
 */
#ifndef MR_HUB_AUDIT_EXPIRED_JSON_H
#define MR_HUB_AUDIT_EXPIRED_JSON_H

#include <jansson.h>

#include "hub/house.h"

/* Adds "expiry" to the record's JSON when it has expired; nothing else. */
void mr_expired_add(const struct mr_house *house, const struct mr_record *record, json_t *json);

#endif
