#include "hub/record/opened.h"

#include "proto/wire/digest.h"
#include "proto/wire/wire.h"

enum {
    EVENT_ARENA_BYTES = 4 << 20,
    LEAF_HUB_ID = 2,
    LEAF_EVENT = 6,
    LEAF_TYPE = 7,
    LEAF_SOURCE = 8,
    EVENT_SOURCE = 2,
    EVENT_TYPE = 4
};

void mr_opened_init(struct mr_opened *opened)
{
    *opened = (struct mr_opened){0};
    mr_arena_init(&opened->arena, EVENT_ARENA_BYTES);
}

void mr_opened_fini(struct mr_opened *opened)
{
    mr_unsealed_fini(&opened->unsealed);
    mr_arena_fini(&opened->arena);
}

int mr_opened_read(struct mr_opened *opened, const struct mr_house *house, const struct mr_record *record,
        enum mr_purpose purpose, struct mr_error *reterr)
{
    int r;

    mr_unsealed_fini(&opened->unsealed);
    mr_arena_reset(&opened->arena);
    if (!house->keyring && (record->flags & MR_RECORD_SEALED))
        return mr_error_set(reterr, MR_EDENIED, "", "run it as the user of the hub, or ask the running hub",
                "the keys of persons are not open here");
    r = mr_unseal(&opened->unsealed, house, record, purpose, reterr);
    if (r == 0)
        r = mr_event_decode(&opened->event, mr_buf_slice(&opened->unsealed.bytes), &opened->arena, reterr);
    return r;
}

int mr_record_type(const struct mr_record *record, struct mr_buf *ret)
{
    struct mr_slice type = mr_wire_find(record->leaf, LEAF_TYPE);

    if (!type.data)
        type = mr_wire_find(mr_wire_find(record->leaf, LEAF_EVENT), EVENT_TYPE);
    mr_buf_reset(ret);
    mr_buf_put_slice(ret, type);
    return mr_buf_str(ret) ? 0 : MR_ENOMEM;
}

struct mr_slice mr_record_source(const struct mr_record *record)
{
    struct mr_slice source = mr_wire_find(record->leaf, LEAF_SOURCE);

    return source.data ? source : mr_wire_find(mr_wire_find(record->leaf, LEAF_EVENT), EVENT_SOURCE);
}

int mr_record_hub_id(const struct mr_record *record, char *ret, size_t capacity)
{
    struct mr_slice id = mr_wire_find(record->leaf, LEAF_HUB_ID);

    if (id.size != MR_UUID_BYTES || capacity < MR_UUID_TEXT_MAX)
        return MR_ECORRUPT;
    mr_uuid_format(id.data, ret);
    return 0;
}
