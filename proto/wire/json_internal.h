/* What both directions of ProtoJSON share. For the json files only. Pure; any thread. */
#ifndef MR_WIRE_JSON_INTERNAL_H
#define MR_WIRE_JSON_INTERNAL_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "proto/base/arena.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"
#include "proto/wire/json_names.h"

/* Bytes of one element of a repeated field. */
size_t mr_json_element_size(ProtobufCType type);

/* Base64: out as the standard has it; in with or without padding, also the alphabet for URLs. */
json_t *mr_json_from_bytes(struct mr_slice bytes);
int mr_json_to_bytes(
        const json_t *json, struct mr_arena *arena, struct mr_slice *ret, struct mr_error *reterr);

#endif
