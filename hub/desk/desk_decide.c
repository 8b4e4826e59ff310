/* A proposed correction is approved by a second operator, rejected, or over by itself. */
#include <stdio.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/desk/desk_internal.h"
#include "proto/base/logfmt.h"
#include "store/fault.h"

/* ---- what is over is forgotten ---- */

struct row {
    uint64_t number;
    struct mr_slice item;
};

/* Writer thread. */
static int drop_row(struct mr_own *own, struct mr_log_batch *batch)
{
    const struct row *row = own->ctx;

    return mr_proposal_drop(batch, row->number, row->item);
}

int mr_desk_forget(struct mr_desk *desk, uint64_t number, const uint8_t *item)
{
    struct row row = {number, mr_slice(item, MR_PERSON_ID_BYTES)};
    struct mr_own own = {.rows = drop_row, .ctx = &row};
    int r = mr_desk_destroy(desk, row.item);

    if (r == 0)
        r = MR_FAULT("desk.emptied");
    return r < 0 ? r : mr_own_say(desk->options.prepare, &own, NULL);
}

/* Writer thread. */
static int end_row(struct mr_own *own, struct mr_log_batch *batch)
{
    const struct row *row = own->ctx;

    return mr_proposal_end(batch, row->number, row->item);
}

static int say_rejected(struct mr_desk *desk, const struct mr_house *house, const mr_proposal *proposal,
        const struct mr_desk_word *word, struct mr_own_event *event, struct mr_error *reterr)
{
    Nms__Event__V1__HubCorrectionRejected m = NMS__EVENT__V1__HUB_CORRECTION_REJECTED__INIT;
    struct row row = {proposal->number, mr_slice(proposal->item.data, proposal->item.len)};
    struct mr_own own = {.events = event, .count = 1, .rows = end_row, .ctx = &row};
    int r;

    m.number = proposal->number;
    m.proposed = proposal->event;
    m.proposed_by = proposal->proposed_by;
    m.reason = (char *)word->reason;
    r = mr_desk_event(&event->bytes, house, "hub.correction.rejected.v1", word, NULL, &m.base);
    return r < 0 ? r : mr_own_say(desk->options.prepare, &own, reterr);
}

int mr_desk_turn_down(struct mr_desk *desk, const struct mr_house *house, const mr_proposal *proposal,
        const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr)
{
    struct mr_own_event event = {.bytes = MR_BUF_INIT};
    int r = say_rejected(desk, house, proposal, word, &event, reterr);

    if (r == 0) {
        *ret = (struct mr_desk_done){.event = event.number};
        if (desk->options.said)
            desk->options.said(desk->options.ctx);
        r = MR_FAULT("desk.rejected");
    }
    mr_own_fini(&event, 1);
    return r < 0 ? r : mr_desk_forget(desk, proposal->number, proposal->item.data);
}

/* ---- by an operator ---- */

static int read_proposal(
        struct mr_log_reader *reader, uint64_t number, mr_proposal **ret, struct mr_error *reterr)
{
    int r = mr_proposal_read(reader, number, ret);

    if (r == 0 && (*ret)->state == MR_PROPOSAL_WAITING)
        return 0;
    if (r == 0 || r == MR_ENOTFOUND)
        return mr_error_set(reterr, MR_ENOTFOUND, "number",
                "marshrut quarantine list --proposed shows what is", "no correction of No. %llu is proposed",
                (unsigned long long)number);
    return mr_error_set(
            reterr, r, "log", "marshrut scrub", "the proposal cannot be read: %s", mr_err_text(r));
}

int mr_desk_reject(struct mr_desk *desk, const struct mr_house *house, uint64_t number,
        const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    mr_proposal *proposal = NULL;
    int r;

    *ret = (struct mr_desk_done){0};
    (void)pthread_mutex_lock(&desk->asking);
    r = mr_log_reader_open(house->log, &reader);
    if (r == 0) {
        r = read_proposal(reader, number, &proposal, reterr);
        mr_log_reader_close(reader);
    }
    if (r == 0)
        r = mr_desk_turn_down(desk, house, proposal, word, ret, reterr);
    mr_proposal_free(proposal);
    (void)pthread_mutex_unlock(&desk->asking);
    return r;
}

struct approving {
    const struct mr_house *house;
    const struct mr_desk_word *word;
    struct mr_desk_item item;
    mr_proposal *proposal;
    Nms__Event__V1__HubEventReleased released;
};

/* Prepare thread. */
static int say_corrected(struct mr_desk_order *order, uint64_t released_as, struct mr_buf *out)
{
    struct approving *a = order->ctx;

    a->released.released_as = released_as;
    return mr_desk_event(out, a->house, "hub.event.released.v1", a->word, a->item.hub_id, &a->released.base);
}

/* Writer thread. */
static int end_proposal(struct mr_intake *intake, struct mr_log_batch *batch)
{
    const struct approving *a = intake->order->ctx;

    return mr_proposal_end(
            batch, a->proposal->number, mr_slice(a->proposal->item.data, a->proposal->item.len));
}

static int carry_out(
        struct mr_desk *desk, struct approving *a, struct mr_desk_done *ret, struct mr_error *reterr)
{
    struct mr_desk_order order = {
            .act = MR_DESK_CORRECT, .number = a->proposal->number, .say = say_corrected, .ctx = a};
    struct mr_buf event = MR_BUF_INIT;
    int r = mr_proposal_open(a->house->keyring, a->proposal, &event);

    if (r < 0)
        (void)mr_error_set(reterr, r, "proposal", "reject it, and propose it anew",
                "what was proposed cannot be opened: %s", mr_err_text(r));
    memcpy(order.by, a->word->operator_name, strnlen(a->word->operator_name, sizeof order.by - 1));
    nms__event__v1__hub_event_released__init(&a->released);
    a->released.number = order.number;
    a->released.code = a->item.row.text.code;
    a->released.corrected = true;
    a->released.proposed_by = a->proposal->proposed_by;
    a->released.fields = a->proposal->fields;
    a->released.n_fields = a->proposal->n_fields;
    a->released.reason = *a->word->reason ? (char *)a->word->reason : a->proposal->reason;
    if (r == 0)
        r = mr_desk_carry_out(desk, &order, &a->item, mr_buf_slice(&event), end_proposal, ret, reterr);
    mr_buf_wipe(&event);
    if (r == 0)
        r = MR_FAULT("desk.corrected");
    return r < 0 ? r : mr_desk_forget(desk, a->proposal->number, a->proposal->item.data);
}

/* What was not looked at is not approved: whoever proposes could exchange it in between. */
static int is_seen(const mr_proposal *proposal, uint64_t seen, struct mr_error *reterr)
{
    return proposal->event == seen
                   ? 0
                   : mr_error_set(reterr, MR_ECHANGED, "proposal", "look at it again, then decide anew",
                             "what is proposed for No. %llu is event %llu by %s, not event %llu",
                             (unsigned long long)proposal->number, (unsigned long long)proposal->event,
                             proposal->proposed_by, (unsigned long long)seen);
}

static int approve(struct mr_desk *desk, struct approving *a, uint64_t number, uint64_t seen,
        struct mr_desk_done *ret, struct mr_error *reterr)
{
    int r = mr_desk_item_open(&a->item, a->house, number, reterr);

    if (r == 0)
        r = read_proposal(a->item.reader, number, &a->proposal, reterr);
    if (r == 0 && strcmp(a->proposal->proposed_by, a->word->operator_name) == 0)
        r = mr_error_set(reterr, MR_EDENIED, "operator", "somebody else has to approve it",
                "who has proposed a correction cannot approve it");
    if (r == 0)
        r = is_seen(a->proposal, seen, reterr);
    return r < 0 ? r : carry_out(desk, a, ret, reterr);
}

int mr_desk_approve(struct mr_desk *desk, const struct mr_house *house, uint64_t number, uint64_t proposal,
        const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr)
{
    struct approving a = {.house = house, .word = word};
    int r;

    *ret = (struct mr_desk_done){0};
    (void)pthread_mutex_lock(&desk->asking);
    r = approve(desk, &a, number, proposal, ret, reterr);
    mr_desk_item_close(&a.item);
    mr_proposal_free(a.proposal);
    (void)pthread_mutex_unlock(&desk->asking);
    return r;
}

/* ---- by itself ---- */

struct sweep {
    struct mr_desk *desk;
    struct mr_log_reader *reader;
    int64_t now_us;
    struct mr_buf numbers; /* u64, of those whose time has come */
};

/* "overtaken", "expired"; "" for one that is over already; NULL: it waits. */
static const char *why_over(const struct sweep *s, const mr_proposal *proposal)
{
    struct mr_quarantine_row row;
    int r;

    if (proposal->state != MR_PROPOSAL_WAITING)
        return "";
    r = mr_quarantine_row_read(&row, s->reader, proposal->number);
    if (r == 0 && row.state != MR_QUARANTINE_WAITING)
        return "overtaken";
    return s->now_us >= proposal->expires_us ? "expired" : NULL;
}

static int note_over(void *ctx, const mr_proposal *proposal)
{
    struct sweep *s = ctx;

    if (why_over(s, proposal))
        mr_buf_put(&s->numbers, &proposal->number, sizeof proposal->number);
    return mr_buf_failed(&s->numbers) ? MR_ENOMEM : 0;
}

static int end_one(struct sweep *s, uint64_t number)
{
    struct mr_desk_word word = {.operator_name = "hub", .role = "hub"};
    struct mr_desk_done done;
    mr_proposal *proposal = NULL;
    int r = mr_log_reader_renew(s->reader);

    if (r == 0)
        r = mr_proposal_read(s->reader, number, &proposal);
    if (r == 0)
        word.reason = why_over(s, proposal);
    mr_log_reader_pause(s->reader);
    if (r == 0 && word.reason)
        r = *word.reason ? mr_desk_turn_down(s->desk, s->desk->house, proposal, &word, &done, NULL)
                         : mr_desk_forget(s->desk, number, proposal->item.data);
    mr_proposal_free(proposal);
    return r == MR_ENOTFOUND ? 0 : r;
}

int mr_desk_sweep_proposals(struct mr_desk *desk)
{
    struct sweep s = {.desk = desk, .now_us = mr_clock_wall_us(desk->house->clock)};
    int r = mr_log_reader_open(desk->house->log, &s.reader);

    if (r < 0)
        return r;
    r = mr_proposal_each(s.reader, note_over, &s);
    mr_log_reader_pause(s.reader);
    for (size_t at = 0; r == 0 && at < s.numbers.size; at += sizeof(uint64_t)) {
        uint64_t number;

        memcpy(&number, s.numbers.data + at, sizeof number);
        (void)pthread_mutex_lock(&desk->asking);
        r = end_one(&s, number);
        (void)pthread_mutex_unlock(&desk->asking);
    }
    mr_log_reader_close(s.reader);
    mr_buf_fini(&s.numbers);
    return r;
}
