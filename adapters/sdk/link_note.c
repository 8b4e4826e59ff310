#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/link_internal.h"
#include "proto/base/buf.h"
#include "proto/base/logfmt.h"

typedef Marshrut__Bus__V1__PublishResult result_t;

/* The verdicts of one transaction: results by sequence, and numbers of those that were simply stored. */
struct verdicts {
    uint64_t from, through;
    const result_t **results; /* [through - from + 1], NULL: simply stored */
    uint64_t next_number;     /* 0: not told */
};

static int verdicts_init(struct verdicts *verdicts, uint64_t from, uint64_t through)
{
    *verdicts = (struct verdicts){.from = from, .through = through};
    verdicts->results = calloc((size_t)(through - from + 1), sizeof *verdicts->results);
    return verdicts->results ? 0 : MR_ENOMEM;
}

static void verdicts_put(struct verdicts *verdicts, const result_t *result)
{
    if (result->sequence >= verdicts->from && result->sequence <= verdicts->through)
        verdicts->results[result->sequence - verdicts->from] = result;
}

static void fill(struct verdicts *verdicts, uint64_t sequence, struct mr_outcome *outcome)
{
    const result_t *result = verdicts->results[sequence - verdicts->from];

    outcome->verdict = MARSHRUT__BUS__V1__VERDICT__VERDICT_STORED;
    outcome->number = verdicts->next_number;
    if (result) {
        outcome->verdict = (int)result->verdict;
        outcome->number = result->number;
        outcome->code = result->code;
        outcome->field = result->field;
        outcome->reason = result->reason;
        outcome->cure = result->cure;
    }
    if (outcome->verdict == MARSHRUT__BUS__V1__VERDICT__VERDICT_STORED && outcome->number != 0)
        verdicts->next_number = outcome->number + 1;
}

/* An empty place in a batch was refused: say what it really was. */
static void say_own_reason(const struct mr_link *link, int error, size_t row_size, struct mr_outcome *outcome)
{
    if (outcome->verdict != MARSHRUT__BUS__V1__VERDICT__VERDICT_REFUSED)
        return;
    if (error < 0) {
        outcome->code = "outbox-key-lost";
        outcome->reason = "the event can no longer be read from the outbox";
        outcome->cure = "send the source again";
    } else if (row_size > link->limits.event_bytes_max + 64u) {
        outcome->code = "event-too-big";
        outcome->reason = "larger than the hub takes";
        outcome->cure = "split it";
    }
}

static int note_one(struct mr_link *link, struct mr_outbox_txn *txn, struct verdicts *verdicts,
        uint64_t sequence, struct mr_buf *plain)
{
    struct mr_outcome outcome = {.sequence = sequence, .code = "", .field = "", .reason = "", .cure = ""};
    int error;

    if (!link->callbacks.on_outcome)
        return 0;
    error = mr_outbox_open_row(txn, sequence, plain, &outcome.ref);
    if (error == MR_ENOMEM || error == MR_EIO || error == MR_ESYSTEM)
        return error;
    fill(verdicts, sequence, &outcome);
    say_own_reason(link, error, plain->size, &outcome);
    return link->callbacks.on_outcome(link->ctx, txn, &outcome);
}

static int note(struct mr_link *link, struct verdicts *verdicts)
{
    struct mr_outbox_txn *txn;
    struct mr_buf plain = MR_BUF_INIT;
    int r = mr_outbox_txn_begin(link->outbox, &txn);

    if (r < 0)
        return r;
    for (uint64_t sequence = verdicts->from; r == 0 && sequence <= verdicts->through; sequence++)
        r = note_one(link, txn, verdicts, sequence, &plain);
    mr_buf_wipe(&plain);
    if (r == 0)
        r = mr_outbox_note(txn, verdicts->through);
    if (r < 0) {
        mr_outbox_abort(txn);
        return r;
    }
    r = mr_outbox_commit(txn);
    if (r < 0)
        return r;
    link->published += verdicts->through - verdicts->from + 1;
    if (link->sent_through < verdicts->through)
        link->sent_through = verdicts->through;
    if (link->callbacks.on_outcomes_committed)
        link->callbacks.on_outcomes_committed(link->ctx);
    return 0;
}

/* What cannot be noted now is told again after the next Hello. */
static void note_or_fail(struct mr_link *link, struct verdicts *verdicts)
{
    int r = note(link, verdicts);

    if (r < 0) {
        mr_err("outbox.note-failed", "error", mr_err_name(r));
        mr_link_fail(link, "outbox");
        return;
    }
    mr_link_wake(link);
}

/* ---- repeated after Welcome ---- */

void mr_link_repeat_begin(struct mr_link *link, uint64_t stored_sequence)
{
    Marshrut__Bus__V1__Ping ping = MARSHRUT__BUS__V1__PING__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;

    link->repeat_through = stored_sequence;
    link->repeat_ping = ++link->ping_id;
    ping.id = link->repeat_ping;
    ping.progress = link->finished;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PING;
    frame.ping = &ping;
    if (mr_link_send(link, &frame) < 0)
        mr_link_fail(link, "send");
}

void mr_link_repeat_drop(struct mr_link *link)
{
    mr_list_init(&link->repeated);
    mr_arena_reset(&link->repeat_arena);
    link->repeat_through = 0;
    link->repeat_ping = 0;
}

static void remember(struct mr_link *link, const result_t *result)
{
    struct mr_arena *arena = &link->repeat_arena;
    struct mr_link_repeated *copy = mr_arena_zalloc(arena, sizeof *copy);

    if (!copy) {
        mr_link_fail(link, "memory");
        return;
    }
    copy->result = *result;
    copy->result.code = mr_arena_strdup(arena, result->code);
    copy->result.field = mr_arena_strdup(arena, result->field);
    copy->result.reason = mr_arena_strdup(arena, result->reason);
    copy->result.cure = mr_arena_strdup(arena, result->cure);
    if (!copy->result.code || !copy->result.field || !copy->result.reason || !copy->result.cure) {
        mr_link_fail(link, "memory");
        return;
    }
    mr_list_push_back(&link->repeated, &copy->member);
}

void mr_link_repeat_end(struct mr_link *link)
{
    struct verdicts verdicts;
    uint64_t noted = mr_outbox_noted(link->outbox);

    if (link->repeat_through == 0)
        return;
    if (link->repeat_through > noted) {
        if (verdicts_init(&verdicts, noted + 1, link->repeat_through) < 0) {
            mr_link_fail(link, "memory");
            return;
        }
        mr_list_foreach (it, &link->repeated)
            verdicts_put(&verdicts, &MR_CONTAINER(it, struct mr_link_repeated, member)->result);
        note_or_fail(link, &verdicts);
        free(verdicts.results);
    }
    mr_link_repeat_drop(link);
}

/* ---- PublishAck ---- */

void mr_link_on_ack(struct mr_link *link, const Marshrut__Bus__V1__PublishAck *ack)
{
    struct verdicts verdicts;
    uint64_t noted;

    if (ack->first_sequence ==
            0) { /* covers nothing new: repeated verdicts, or the answer to a batch sent twice */
        for (size_t i = 0; link->repeat_through != 0 && i < ack->n_results; i++)
            remember(link, ack->results[i]);
        return;
    }
    mr_link_repeat_end(link);
    noted = mr_outbox_noted(link->outbox);
    if (link->state != MR_LINK_UP || ack->through <= noted)
        return;
    if (ack->first_sequence != noted + 1 || ack->through > mr_outbox_last(link->outbox)) {
        mr_link_fail(link, "ack-out-of-order"); /* after the next Hello all of it is told again */
        return;
    }
    if (verdicts_init(&verdicts, ack->first_sequence, ack->through) < 0) {
        mr_link_fail(link, "memory");
        return;
    }
    verdicts.next_number = ack->first_number;
    for (size_t i = 0; i < ack->n_results; i++)
        verdicts_put(&verdicts, ack->results[i]);
    note_or_fail(link, &verdicts);
    free(verdicts.results);
}
