#include "hub/session/lent.h"

#include <stdlib.h>
#include <string.h>

struct mr_lent {
    zmq_msg_t message;
};

struct mr_lent *mr_lent_take(zmq_msg_t *message)
{
    struct mr_lent *lent = malloc(sizeof *lent);

    if (!lent)
        return NULL;
    (void)zmq_msg_init(&lent->message);
    (void)zmq_msg_move(&lent->message, message);
    return lent;
}

struct mr_slice mr_lent_bytes(struct mr_lent *lent)
{
    return mr_slice(zmq_msg_data(&lent->message), zmq_msg_size(&lent->message));
}

void mr_lent_let_go(void *lent)
{
    struct mr_lent *it = lent;

    if (!it)
        return;
    explicit_bzero(zmq_msg_data(&it->message), zmq_msg_size(&it->message));
    (void)zmq_msg_close(&it->message);
    free(it);
}

static int copy(struct mr_intake *intake, const ProtobufCBinaryData *events)
{
    size_t at = 0;

    for (size_t i = 0; i < intake->count; i++)
        mr_buf_put(&intake->bytes, events[i].data, events[i].len);
    if (mr_buf_failed(&intake->bytes))
        return MR_ENOMEM;
    for (size_t i = 0; i < intake->count; i++) {
        intake->items[i].event = mr_slice(intake->bytes.data + at, events[i].len);
        at += events[i].len;
    }
    return 0;
}

int mr_lent_events(struct mr_intake *intake, zmq_msg_t *message, const ProtobufCBinaryData *events)
{
    const uint8_t *base = zmq_msg_data(message);
    size_t whole = zmq_msg_size(message), used = 0;
    struct mr_lent *lent;

    for (size_t i = 0; i < intake->count; i++)
        used += events[i].len;
    if (used < whole / 2)
        return copy(intake, events);
    lent = mr_lent_take(message);
    if (!lent)
        return MR_ENOMEM;
    intake->lent = lent;
    intake->let_go = mr_lent_let_go;
    for (size_t i = 0; i < intake->count; i++) {
        size_t at = events[i].len > 0 ? (size_t)(events[i].data - base) : 0;

        intake->items[i].event = mr_slice(mr_lent_bytes(lent).data + at, events[i].len);
    }
    return 0;
}
