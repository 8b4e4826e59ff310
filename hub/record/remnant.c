#include "hub/record/remnant.h"

#include "hub/record/opened.h"
#include "hub/record/payload.h"
#include "leaf.pb-c.h"
#include "proto/base/arena.h"
#include "proto/wire/codec.h"

enum { ARENA_BYTES = 1 << 20 };

/* Of an open event the type stands within the event. */
static int fill(Marshrut__Log__V1__Leaf *ret, const Marshrut__Log__V1__Leaf *leaf, struct mr_buf *type,
        const struct mr_record *record)
{
    int r = mr_record_type(record, type);

    marshrut__log__v1__leaf__init(ret);
    ret->v = leaf->v;
    ret->hub_id = leaf->hub_id;
    ret->recorded_us = leaf->recorded_us;
    ret->registry = leaf->registry;
    ret->system = leaf->system;
    if (r == 0)
        ret->type = (char *)mr_buf_str(type);
    return r;
}

int mr_remnant(struct mr_buf *ret, const struct mr_record *record)
{
    Marshrut__Log__V1__Leaf remnant, *leaf;
    struct mr_buf type = MR_BUF_INIT;
    struct mr_arena arena;
    ProtobufCAllocator allocator;
    int r = MR_ECORRUPT;

    mr_buf_reset(ret);
    mr_arena_init(&arena, ARENA_BYTES);
    allocator = mr_arena_allocator(&arena);
    leaf = marshrut__log__v1__leaf__unpack(&allocator, record->leaf.size, record->leaf.data);
    if (leaf)
        r = fill(&remnant, leaf, &type, record);
    if (r == 0)
        r = mr_payload_pack(ret, &remnant.base);
    mr_arena_fini(&arena);
    mr_buf_fini(&type);
    return r;
}
