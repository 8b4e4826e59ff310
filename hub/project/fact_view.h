/*
 * Facts in the view: key u64be number, u8 part; value open (u8 1, message) or sealed under the person's key
 * (u8 2, key id, nonce and ciphertext, with the key as additional data). Reading leaves out what blocked and
 * destroyed persons said, and notes who they are.
 */
#ifndef MR_HUB_PROJECT_FACT_VIEW_H
#define MR_HUB_PROJECT_FACT_VIEW_H

#include "hub/record/opened.h"
#include "hub/project/facts.h"
#include "store/random.h"

/*
 * Appends the facts of one record to set; `opened` is scratch. An event that is blocked or destroyed gives
 * one withheld fact; a quarantined one gives none.
 */
int mr_facts_of_record(const struct mr_house *house, const struct mr_record *record, struct mr_opened *opened,
        struct mr_fact_set *set, struct mr_error *reterr);

/* The same of a record that is opened already, for the index or for this. */
int mr_facts_of_opened(const struct mr_house *house, const struct mr_record *record,
        const struct mr_opened *opened, struct mr_fact_set *set);

/* The same of a record without persons, whose event is decoded, as it is admitted, before it is in the log:
 * each fact to fn. */
int mr_facts_of_nobody(const struct mr_house *house, const struct mr_record *record,
        const struct mr_event *event, const struct mr_facts_plan *plan, mr_fact_fn fn, void *ctx);

enum { MR_FACT_ROW_KEY_BYTES = 9 };
void mr_fact_row_key(const struct mr_fact *fact, uint8_t ret[static MR_FACT_ROW_KEY_BYTES]);
/* The value of the row that mr_fact_put() writes of a fact without a person; out is appended to. */
int mr_fact_open_row(const struct mr_fact *fact, struct mr_buf *out);
/*
 * What sealing the rows of one batch keeps: nonces, and which key the person of the row before has. The id of
 * a key, not the key: that is asked for each row, so a block or an erasure holds for the next one.
 * Zero-initialise it for a batch, wipe it at its end.
 */
struct mr_fact_sealing {
    struct mr_random random;
    bool known;
    uint8_t person[MR_FACT_ID_BYTES];
    uint8_t key_id[MR_KEY_ID_BYTES];
};
void mr_fact_sealing_wipe(struct mr_fact_sealing *sealing);
/* Writes one fact as a row. */
int mr_fact_put(const struct mr_house *house, struct mr_view_batch *batch, const struct mr_fact *fact,
        struct mr_fact_sealing *sealing);

/*
 * All facts up to as_of (0: the head): the view's, then those of the tail that is not projected yet, so that
 * the answer is exact. set is initialised by the caller. MR_EDENIED without keys, MR_ENOTFOUND when as_of is
 * behind the head.
 */
int mr_facts_load(
        const struct mr_house *house, uint64_t as_of, struct mr_fact_set *set, struct mr_error *reterr);

#endif
