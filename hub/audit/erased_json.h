/*
 * What is said of an event whose sealed parts were destroyed. Which request it was is kept nowhere: that
 * would link the events of a person to each other. So the erasures are named that came after it; when there
 * is one, it was that.
 */
#ifndef MR_HUB_AUDIT_ERASED_JSON_H
#define MR_HUB_AUDIT_ERASED_JSON_H

#include <jansson.h>

#include "hub/house.h"

/* Adds "erased" to the record's JSON when a person of it was erased; nothing else. */
void mr_erased_add(const struct mr_house *house, const struct mr_record *record, json_t *json);

#endif
