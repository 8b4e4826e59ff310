/*
 * The closed registry of event types: which CloudEvents types exist, their payload, and what of it may stand
 * openly.
 *
 * Everything is static and constant: nothing to free, any thread, valid for the life of the process.
 * Adding a type: its message in proto/schema/event, a row in registry.c, rules in rules_table.c, and where a
 * field of an event with a person may be read by everybody, a public mark (decision 2: the default is
 * sealed).
 */
#ifndef MR_WIRE_REGISTRY_H
#define MR_WIRE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/* proto_data.type_url of a payload is this followed by payload->name. */
#define MR_REGISTRY_URL_PREFIX "type.googleapis.com/"

enum mr_type_flag {
    MR_TYPE_HUB = 1u << 0,              /* only the hub itself may say it */
    MR_TYPE_REGISTERS_PERSON = 1u << 1, /* may create a person in the hub */
    MR_TYPE_UPDATES_PERSON = 1u << 2,   /* changes the person block of a person */
    MR_TYPE_MERGES_PERSON = 1u << 3,    /* `previous` becomes an alias of `person` */
    MR_TYPE_EMPLOYMENT = 1u << 4,       /* changes the resolver's person -> organisation */
    MR_TYPE_ANNULS = 1u << 5,           /* undoes another event (decision 15) */
    MR_TYPE_TO_ONE = 1u << 6,       /* for one system only: sealed under a key of its own, never matched */
    MR_TYPE_OF_EVERYBODY = 1u << 7, /* every system may say it, whatever its `publish` */
};

struct mr_event_type {
    const char *name; /* "nms.course.finished.v1" */
    const ProtobufCMessageDescriptor *payload;
    uint32_t flags; /* of enum mr_type_flag */
};

/* NULL when there is no such type. name need not end in NUL. */
const struct mr_event_type *mr_registry_find(const char *name, size_t len);
/* The types in the order of their names; NULL at and after mr_registry_count(). */
const struct mr_event_type *mr_registry_at(size_t index);
size_t mr_registry_count(void);

/* Goes up with every change of types, payloads or marks; stands in every leaf. */
uint32_t mr_registry_version(void);

/* Whether the payload can hold a Person at any depth. Walks the descriptors: dozens of steps, no allocation.
 */
bool mr_registry_has_person(const ProtobufCMessageDescriptor *payload);

/*
 * Whether the field may stand openly in the leaf of an event with a person. Only fields directly in the
 * payload are ever marked: a field inside of a sub-message is sealed with it.
 */
bool mr_registry_field_public(
        const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field);

/* The public marks one by one, for tests and documentation. False at and after the end; else both results are
 * set. */
bool mr_registry_mark_at(
        size_t index, const ProtobufCMessageDescriptor **ret_message, const char **ret_field);

#endif
