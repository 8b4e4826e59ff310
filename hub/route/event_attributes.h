/*
 * The attributes of an event by name or number: what filters see. Nothing of the payload is among them.
 * Pure; any thread.
 */
#ifndef MR_HUB_ROUTE_EVENT_ATTRIBUTES_H
#define MR_HUB_ROUTE_EVENT_ATTRIBUTES_H

#include "hub/cesql/cesql.h"
#include "proto/config/config.h"
#include "proto/wire/codec.h"

/* Those that exact, prefix and suffix may name; always strings. 0 is the type. */
enum { MR_FILTER_ATTRIBUTE_TYPE = 0, MR_FILTER_ATTRIBUTES = 14 };

const char *mr_filter_attribute_name(unsigned index);
/* NULL: the event does not have it; the filter does not name it. */
const char *mr_filter_attribute_of(const struct mr_attributes *attributes, unsigned index);
const char *mr_filter_attribute_wanted(const struct mr_filter_attributes *attributes, unsigned index);

/*
 * Every attribute and extension for CESQL. Boolean and Integer as they are, all else as String: Timestamp in
 * RFC 3339, Binary in base64. Strings live as long as event and arena.
 */
struct mr_event_view {
    const struct mr_event *event;
    struct mr_arena *arena;
};
struct mr_cesql_source mr_event_source(const struct mr_event_view *view);

#endif
