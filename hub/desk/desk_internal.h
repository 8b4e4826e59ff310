/* Shared by the files of hub/desk. */
#ifndef MR_HUB_DESK_DESK_INTERNAL_H
#define MR_HUB_DESK_DESK_INTERNAL_H

#include <pthread.h>

#include "hub/desk/desk.h"
#include "hub/opened.h"
#include "hub/own.h"

struct mr_desk {
    struct mr_desk_options options;
    struct mr_house *house;
    pthread_mutex_t asking; /* one act at a time: each sees what the one before has made durable */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t news;
    bool woken, stopping;
    int64_t sweep_next_us; /* the thread's; monotonic */
};

/* One event that waits, opened. */
struct mr_desk_item {
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_quarantine_row row;
    struct mr_opened opened;
    const struct mr_config_system *sender; /* of now */
};
/* Row and record; MR_EINVAL when it does not wait any more. The caller closes it, also after a failure. */
int mr_desk_item_open(
        struct mr_desk_item *ret, const struct mr_house *house, uint64_t number, struct mr_error *reterr);
/* The event itself, in opened. */
int mr_desk_item_read(struct mr_desk_item *item, const struct mr_house *house, enum mr_purpose purpose,
        struct mr_error *reterr);
void mr_desk_item_close(struct mr_desk_item *item);

/* An order to be carried out. The event of a release or a correction is `event`; say makes the hub's word. */
int mr_desk_carry_out(struct mr_desk *desk, struct mr_desk_order *order, const struct mr_desk_item *item,
        struct mr_slice event, struct mr_desk_done *ret, struct mr_error *reterr);

/* An event of the hub's own. */
int mr_desk_event(struct mr_buf *out, const struct mr_house *house, const char *type,
        const struct mr_desk_word *word, const ProtobufCMessage *payload);

/* Destroys the keys of bodies; what is destroyed already stays so. ids: one after another. */
int mr_desk_destroy(struct mr_desk *desk, struct mr_slice ids);
/* Everything whose time has come. */
int mr_desk_sweep(struct mr_desk *desk);

#endif
