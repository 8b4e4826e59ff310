#include "proto/wire/frame.h"

#include <assert.h>

#include "proto/wire/codec.h"
#include "proto/wire/unpack.h"

enum {
    /* A full batch of acks has 8 fields a result. */
    FRAME_FIELDS_MAX = 16 * MR_BATCH_EVENTS_MAX,
    FRAME_DEPTH_MAX = 4,
};

static int check_body(const Marshrut__Bus__V1__Frame *frame, struct mr_error *reterr)
{
    const char *where = "";
    size_t items = 0;

    switch (frame->body_case) {
    case MARSHRUT__BUS__V1__FRAME__BODY__NOT_SET:
        return mr_error_set(reterr, MR_EMALFORMED, "body", "speak the protocol version of the Welcome frame",
                "frame without a body that is known here");
    case MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH:
        where = "publish.events";
        items = frame->publish->n_events;
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK:
        where = "publish_ack.results";
        items = frame->publish_ack->n_results;
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_DELIVER:
        where = "deliver.items";
        items = frame->deliver->n_items;
        break;
    default:
        break;
    }
    if (items > MR_BATCH_EVENTS_MAX)
        return mr_error_set(reterr, MR_ETOOBIG, where, "send smaller batches",
                "%zu items in a batch, the limit is %d", items, MR_BATCH_EVENTS_MAX);
    return 0;
}

static int decode(struct mr_slice bytes, size_t bytes_max, bool borrow, struct mr_arena *arena,
        Marshrut__Bus__V1__Frame **ret, struct mr_error *reterr)
{
    const struct mr_unpack_limits limits = {
            .fields_max = FRAME_FIELDS_MAX, .depth_max = FRAME_DEPTH_MAX, .borrow = borrow};
    Marshrut__Bus__V1__Frame *frame;
    ProtobufCMessage *message;
    int r;

    if (bytes.size > bytes_max)
        return mr_error_set(reterr, MR_ETOOBIG, "", "send smaller batches",
                "frame of %zu bytes, the limit is %zu", bytes.size, bytes_max);
    r = mr_unpack(&marshrut__bus__v1__frame__descriptor, bytes, &limits, NULL, arena, &message, reterr);
    if (r < 0)
        return r;
    frame = (Marshrut__Bus__V1__Frame *)message;
    r = check_body(frame, reterr);
    if (r < 0)
        return r;
    *ret = frame;
    return 0;
}

int mr_frame_decode(struct mr_slice bytes, struct mr_arena *arena, Marshrut__Bus__V1__Frame **ret,
        struct mr_error *reterr)
{
    return decode(bytes, MR_FRAME_BYTES_MAX, /* borrow= */ false, arena, ret, reterr);
}

int mr_frame_decode_answer(struct mr_slice bytes, struct mr_arena *arena, Marshrut__Bus__V1__Frame **ret,
        struct mr_error *reterr)
{
    return decode(bytes, MR_ANSWER_BYTES_MAX, /* borrow= */ false, arena, ret, reterr);
}

int mr_frame_borrow(struct mr_slice bytes, struct mr_arena *arena, Marshrut__Bus__V1__Frame **ret,
        struct mr_error *reterr)
{
    return decode(bytes, MR_FRAME_BYTES_MAX, /* borrow= */ true, arena, ret, reterr);
}

size_t mr_frame_size(const Marshrut__Bus__V1__Frame *frame)
{
    return marshrut__bus__v1__frame__get_packed_size(frame);
}

void mr_frame_write(const Marshrut__Bus__V1__Frame *frame, uint8_t *out, size_t size)
{
    size_t written = marshrut__bus__v1__frame__pack(frame, out);

    assert(written == size);
    (void)written;
    (void)size;
}

int mr_frame_encode(struct mr_buf *out, const Marshrut__Bus__V1__Frame *frame)
{
    size_t size = marshrut__bus__v1__frame__get_packed_size(frame);
    uint8_t *at = mr_buf_reserve(out, size);

    if (!at)
        return MR_ENOMEM;
    out->size += marshrut__bus__v1__frame__pack(frame, at);
    return 0;
}
