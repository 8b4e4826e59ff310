/*
 * What of a payload about a person one subscription gets: `personal`, narrowed by the lists `person_fields`
 * and `fields` (decision 7). What stays is listed, not what goes: with a list, a new field of a schema and
 * whatever no schema knows are withheld. Pure functions of the configuration: any thread.
 */
#ifndef MR_HUB_DELIVER_MINIMISE_H
#define MR_HUB_DELIVER_MINIMISE_H

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "proto/config/config.h"

bool mr_minimise_lists(const struct mr_config_subscription *subscription); /* has a list */

/* mr_payload_keep_fn; ctx: the struct mr_config_subscription. */
bool mr_minimise_keeps(
        const void *ctx, const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field);

/* The fields of Person, bits 1 << tag, that it withholds. */
uint32_t mr_minimise_withheld(const struct mr_config_subscription *subscription);

/* Every name in the lists is of a field that the subscription can get. 0 or MR_ECONFIG; file: the
 * configuration's name. */
int mr_minimise_check(const struct mr_config *config, const char *file, struct mr_error *reterr);

#endif
