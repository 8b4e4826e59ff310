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
