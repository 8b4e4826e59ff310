/*
 * Rows of proposed corrections (MR_LOG_DOCUMENT, key "desk/proposal/" u64be number of the record that waits;
 * proto/schema/desk_row.proto). What is proposed is sealed under an item key of its own; what stands openly
 * names nobody but operators. One at a time for each event. Whatever waits no longer has its row taken away
 * by the desk (desk_sweep.c): first the key goes, then the row.
 */
#ifndef MR_HUB_DESK_PROPOSAL_H
#define MR_HUB_DESK_PROPOSAL_H

#include "desk_row.pb-c.h"
#include "hub/house.h"

typedef Marshrut__Desk__V1__Proposal mr_proposal;

enum mr_proposal_state {
    MR_PROPOSAL_WAITING = 1,
    MR_PROPOSAL_OVER = 2 /* approved, rejected or erased: its key is to be destroyed */
};

/* MR_ENOTFOUND: there is none. *ret is the heap's; mr_proposal_free. */
int mr_proposal_read(struct mr_log_reader *reader, uint64_t number, mr_proposal **ret);
void mr_proposal_free(mr_proposal *proposal); /* NULL is fine */

/* Ascending; the proposal is valid during the call. Until fn returns non-zero; returns that, 0, or negative.
 */
typedef int (*mr_proposal_fn)(void *ctx, const mr_proposal *proposal);
int mr_proposal_each(struct mr_log_reader *reader, mr_proposal_fn fn, void *ctx);

/* Writer thread. 0 also when there is none (any more), or another one than this item's. */
int mr_proposal_put(struct mr_log_batch *batch, const mr_proposal *proposal);
int mr_proposal_end(struct mr_log_batch *batch, uint64_t number, struct mr_slice item); /* and empties it */
int mr_proposal_drop(struct mr_log_batch *batch, uint64_t number, struct mr_slice item);

/* The corrected event, a serialized CloudEvent. Any thread. MR_EDESTROYED: it is over. Wipe what comes out.
 */
int mr_proposal_seal(
        const struct mr_slot_key *key, uint64_t number, struct mr_slice event, struct mr_buf *out);
int mr_proposal_open(struct mr_keyring *keyring, const mr_proposal *proposal, struct mr_buf *out);

#endif
