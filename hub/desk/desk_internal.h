/* Shared by the files of hub/desk. */
#ifndef MR_HUB_DESK_DESK_INTERNAL_H
#define MR_HUB_DESK_DESK_INTERNAL_H

#include <pthread.h>

#include "hub/desk/desk.h"
#include "hub/desk/proposal.h"
#include "hub/record/opened.h"
#include "hub/own.h"
#include "proto/wire/digest.h"

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
    char hub_id[MR_UUID_TEXT_MAX];         /* of the record; "" when it cannot be read */
};
/* Row and record; MR_EINVAL when it does not wait any more. The caller closes it, also after a failure. */
int mr_desk_item_open(
        struct mr_desk_item *ret, const struct mr_house *house, uint64_t number, struct mr_error *reterr);
/* The event itself, in opened. */
int mr_desk_item_read(struct mr_desk_item *item, const struct mr_house *house, enum mr_purpose purpose,
        struct mr_error *reterr);
void mr_desk_item_close(struct mr_desk_item *item);

/* As mr_intake.rows; intake->order is the desk's. */
typedef int (*mr_desk_rows_fn)(struct mr_intake *intake, struct mr_log_batch *batch);
/* An order to be carried out. The event of a release or a correction is `event`; say makes the hub's word.
 * rows: more of the same commit; NULL: none. */
int mr_desk_carry_out(struct mr_desk *desk, struct mr_desk_order *order, const struct mr_desk_item *item,
        struct mr_slice event, mr_desk_rows_fn rows, struct mr_desk_done *ret, struct mr_error *reterr);

/* An event of the hub's own. cause: hub event id of the record that it is about; NULL: none. */
int mr_desk_event(struct mr_buf *out, const struct mr_house *house, const char *type,
        const struct mr_desk_word *word, const char *cause, const ProtobufCMessage *payload);

/* MR_EDENIED, MR_EBLOCKED with their words. */
int mr_desk_no_sender(struct mr_error *reterr);
int mr_desk_is_blocked(struct mr_error *reterr);
/* Is one of the event's persons, as far as their identifiers are known, blocked? 0, MR_EBLOCKED, or the
 * keyring's failure. Prepare thread. */
int mr_desk_blocked(struct mr_keyring *keyring, struct mr_keyring_txn *txn, const char *system,
        const struct mr_event *event);

/* Destroys the keys of bodies; what is destroyed already stays so. ids: one after another. */
int mr_desk_destroy(struct mr_desk *desk, struct mr_slice ids);
/* Everything whose time has come. */
int mr_desk_sweep(struct mr_desk *desk);

/* Of a proposal that is over: its key goes, then its row. Under `asking`. */
int mr_desk_forget(struct mr_desk *desk, uint64_t number, const uint8_t *item);
/* A hub's word that the proposal is rejected, its end in the same commit, and what mr_desk_forget() does.
 * Under `asking`. */
int mr_desk_turn_down(struct mr_desk *desk, const struct mr_house *house, const mr_proposal *proposal,
        const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr);
/* Proposals that nobody approved in time, whose event is over, or that were left half forgotten. */
int mr_desk_sweep_proposals(struct mr_desk *desk);

#endif
