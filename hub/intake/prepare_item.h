/* One event on its way through prepare: admit, dedup, resolve, match, seal, number. Prepare thread only. */
#ifndef MR_HUB_INTAKE_PREPARE_ITEM_H
#define MR_HUB_INTAKE_PREPARE_ITEM_H

#include "hub/index/index_notes.h"
#include "hub/intake/dedup.h"
#include "hub/intake/prepare.h"
#include "hub/intake/resolve.h"
#include "hub/intake/waiting.h"
#include "proto/wire/digest.h"

struct mr_preparer {
    struct mr_house *house;
    const struct mr_matcher *matcher;
    struct mr_dedup *dedup;
    struct mr_waiting *waiting;
    struct mr_rule_places *places; /* of the field rules */
    struct mr_index_notes *notes;  /* the indexer's; may be NULL */
    struct mr_keyring_txn *txn;    /* of the batch */
    bool keys_written;             /* by the batch before */
    struct mr_arena arena;         /* of the event */
    struct mr_resolved resolved;   /* of the event */
    struct mr_sealed sealed;       /* of the event */
    struct mr_uuid7 uuids;
    uint64_t next;       /* number to give */
    int64_t recorded_us; /* of the last number: never goes back */
};

int mr_preparer_init(struct mr_preparer *preparer, struct mr_house *house, const struct mr_matcher *matcher,
        struct mr_error *reterr);
void mr_preparer_fini(struct mr_preparer *preparer); /* half-made is fine */

int mr_preparer_begin(struct mr_preparer *preparer);
/* Commits the persons when r is 0, aborts else; returns the failure. */
int mr_preparer_end(struct mr_preparer *preparer, int r);

/* What a failed batch is taken back to. */
struct mr_preparer_mark {
    uint64_t next;
    int64_t recorded_us;
};
struct mr_preparer_mark mr_preparer_mark(const struct mr_preparer *preparer);
void mr_preparer_rollback(struct mr_preparer *preparer, const struct mr_preparer_mark *mark);

/* Before the items of an intake of the desk: does its event wait still? One to discard waits no longer. */
bool mr_preparer_order(struct mr_preparer *preparer, struct mr_desk_order *order);

/* Sets the item's verdict; a record, if any, is appended to intake->records. Negative: the batch failed. */
int mr_preparer_item(struct mr_preparer *preparer, struct mr_intake *intake, struct mr_intake_item *item);

#endif
