#include "hub/audit/erased_json.h"

#include <sodium.h>
#include <stdio.h>

#include "hub/audit/args.h"
#include "hub/erasure/rows.h"
#include "hub/record/opened.h"
#include "hub/intake/prepare.h"
#include "proto/wire/registry.h"

enum { CANDIDATES_MAX = 20 };

static bool is_destroyed(const struct mr_house *house, struct mr_slice slot)
{
    uint8_t id[MR_KEY_ID_BYTES];
    struct mr_slot_key key;
    int r;

    if (slot.size == 0)
        return true;
    if (!house->keyring || mr_slot_key_id(slot, id) < 0)
        return false;
    r = mr_keyring_key(house->keyring, id, &key);
    sodium_memzero(&key, sizeof key);
    return r == MR_EDESTROYED;
}

/* What waited for correction and is gone without being replaced, and not by the desk: an erasure took it
 * along.
 */
static bool is_discarded(const struct mr_house *house, uint64_t number)
{
    struct mr_quarantine_row row;
    struct mr_log_reader *reader;
    int r = mr_log_reader_open(house->log, &reader);

    if (r < 0)
        return false;
    r = mr_quarantine_row_read(&row, reader, number);
    mr_log_reader_close(reader);
    return r == 0 && row.state == MR_QUARANTINE_DISCARDED && row.ended_event == 0;
}

/* Of persons: what was corrected and what was for one system had keys of their own. */
static bool is_of_persons(const struct mr_house *house, const struct mr_record *record)
{
    struct mr_buf type = MR_BUF_INIT;
    const struct mr_event_type *registered = NULL;

    if (!(record->flags & MR_RECORD_SEALED))
        return false;
    if (record->flags & MR_RECORD_QUARANTINED)
        return is_discarded(house, record->number);
    if (mr_record_type(record, &type) == 0)
        registered = mr_registry_find((const char *)type.data, type.size);
    mr_buf_fini(&type);
    return !registered || !(registered->flags & MR_TYPE_TO_ONE);
}

struct candidates {
    uint64_t number;
    json_t *list;
};

static int add(void *ctx, const mr_erasure_request *request)
{
    struct candidates *c = ctx;

    if (!mr_erasure_reached(request->state, MR_ERASURE_DESTROYED) || request->event_started < c->number)
        return 0;
    (void)json_array_append_new(c->list,
            json_pack("{s:I, s:I, s:o, s:s}", "request", (json_int_t)request->number, "event",
                    (json_int_t)(request->event_ended ? request->event_ended : request->event_started),
                    "destroyed", mr_time_json(request->destroyed_us), "basis", request->basis));
    return json_array_size(c->list) < CANDIDATES_MAX ? 0 : 1;
}

static const char *words(json_t *list, char *out, size_t size)
{
    const json_t *first = json_array_get(list, 0);

    if (json_array_size(list) == 1)
        (void)snprintf(out, size, "destroyed %.10s on request, event No. %lld",
                json_string_value(json_object_get(first, "destroyed")),
                (long long)json_integer_value(json_object_get(first, "event")));
    else
        (void)snprintf(out, size, "destroyed on request, by one of these; which one is not kept");
    return out;
}

void mr_erased_add(const struct mr_house *house, const struct mr_record *record, json_t *json)
{
    struct candidates c = {.number = record->number};
    bool destroyed = false;
    char text[96];

    for (size_t i = 0; i < record->slots_count; i++)
        destroyed |= is_destroyed(house, record->slots[i]);
    if (!destroyed || !is_of_persons(house, record))
        return;
    c.list = json_array();
    if (mr_erasure_all(house->log, add, &c) >= 0 && json_array_size(c.list) > 0)
        (void)json_object_set_new(json, "erased",
                json_pack("{s:s, s:O}", "what", words(c.list, text, sizeof text), "by", c.list));
    json_decref(c.list);
}
