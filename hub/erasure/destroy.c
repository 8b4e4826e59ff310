/* What is to be emptied in the log is noted; then the keys go, all at once: of the person, of what waited for
 * correction, and of the request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/erasure.pb-c.h"
#include "hub/desk/proposal.h"
#include "hub/erasure/act_file.h"
#include "hub/erasure/eraser_internal.h"
#include "hub/index/owed.h"
#include "proto/base/bytes.h"
#include "store/fault.h"
#include "store/index.h"
#include "store/kv.h"
#include "store/view.h"

enum { EVENT_ID_MAX = 48, COMPACT_AGAIN_US = 10 * 1000 * 1000 };

static int discard(struct mr_log_batch *batch, uint64_t number)
{
    struct mr_quarantine_row row;
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_QUARANTINE_KEY_BYTES];
    struct mr_slice old;
    int r = mr_log_batch_get(batch, MR_LOG_QUARANTINE, mr_number_key(number, key), &old);

    if (r == 0)
        r = mr_quarantine_row_decode(&row, old);
    if (r < 0)
        return r;
    row.state = row.state == MR_QUARANTINE_WAITING ? MR_QUARANTINE_DISCARDED : row.state;
    r = mr_quarantine_row_encode(&value, &row);
    if (r == 0)
        r = mr_log_batch_put(batch, MR_LOG_QUARANTINE, mr_slice(key, sizeof key), mr_buf_slice(&value));
    mr_buf_fini(&value);
    return r;
}

/* Writer thread. */
static int note_strip(struct mr_erasure_saying *saying, struct mr_log_batch *batch)
{
    const mr_erasure_secret *secret = saying->ctx;
    int r = 0;

    for (size_t i = 0; r == 0 && i < secret->n_records; i++)
        r = mr_erasure_strip(batch, secret->records[i]->number, (uint16_t)secret->records[i]->slots);
    for (size_t i = 0; r == 0 && i < secret->n_quarantined; i++) {
        r = mr_erasure_strip(batch, secret->quarantined[i]->number, 1);
        if (r == 0)
            r = discard(batch, secret->quarantined[i]->number);
    }
    for (size_t i = 0; r == 0 && i < secret->n_proposals; i++)
        r = mr_proposal_drop(batch, secret->proposals[i]->number,
                mr_slice(secret->proposals[i]->item.data, secret->proposals[i]->item.len));
    return r;
}

/* Writer thread. They are indexed first, as any that came back. */
static int note_owed(struct mr_erasure_saying *saying, struct mr_log_batch *batch)
{
    const struct mr_buf *back = saying->ctx;
    int r = 0;

    for (size_t at = 0; r == 0 && at < back->size; at += sizeof(uint64_t)) {
        struct mr_owed owed;

        memcpy(&owed.first, back->data + at, sizeof owed.first);
        owed.last = owed.first;
        r = mr_owed_put(batch, &owed);
    }
    return r;
}

/* Records that could not be read have come back meanwhile: they are cleaned as the others. 1: so it is. */
static int back_to_cleaning(struct mr_erasing *e)
{
    struct mr_buf back = MR_BUF_INIT;
    int r = mr_erasure_collect_again(e, &back);
    bool any = back.size > 0;

    if (r == 0 && any)
        r = mr_erasing_save_with(e, MR_ERASURE_TOLD, note_owed, &back);
    mr_buf_fini(&back);
    return r < 0 ? r : any;
}

/* Prepare thread: what they held back may go on. After a kill prepare reads the rows. */
static int tell_prepare(void *ctx, struct mr_keyring *keyring)
{
    const struct mr_erasing *e = ctx;

    (void)keyring;
    for (size_t i = 0; i < e->secret->n_quarantined; i++)
        mr_prepare_erased(e->eraser->options.prepare, &e->secret->quarantined[i]->number, 1);
    return 0;
}

/* Whatever needs to know who it is, before nobody can. */
int mr_erasure_prepare(struct mr_erasing *e)
{
    struct mr_erasure_saying saying = {
            .eraser = e->eraser, .request = e->request, .rows = note_strip, .ctx = e->secret};
    int r = back_to_cleaning(e);

    if (r != 0)
        return r < 0 ? r : 0;
    r = mr_act_draft_write(e->eraser->house, e->request, e->secret, &e->error);
    if (r == 0)
        r = MR_FAULT("erase.drafted");
    e->request->state = MR_ERASURE_READY;
    if (r == 0)
        r = mr_erasure_say(&saying, &e->error);
    if (r == 0) /* going down: the next start reads the rows */
        (void)mr_own_task(e->eraser->options.prepare, tell_prepare, e);
    return r;
}

/* The person, the request's own secret, the items of quarantined bodies: one batch, one new root. */
static int erase(struct mr_erasing *e, struct mr_erasure_result *ret)
{
    const mr_erasure_secret *secret =
            e->secret; /* NULL: done, and not noted; the batch says what came of it */
    struct mr_buf ids = MR_BUF_INIT;
    uint8_t batch[MR_ERASURE_ID_BYTES];
    int r;

    if (secret) {
        mr_buf_put(&ids, secret->person.data, secret->person.len);
        mr_buf_put(&ids, e->request->item.data, e->request->item.len);
    }
    for (size_t i = 0; secret && i < secret->n_quarantined; i++)
        mr_buf_put(&ids, secret->quarantined[i]->item.data, secret->quarantined[i]->item.len);
    for (size_t i = 0; secret && i < secret->n_proposals; i++)
        mr_buf_put(&ids, secret->proposals[i]->item.data, secret->proposals[i]->item.len);
    mr_erasure_batch_of(e->request->number, batch);
    r = mr_buf_failed(&ids) ? MR_ENOMEM
                            : mr_erasure_erase_keys(e->eraser, mr_buf_slice(&ids), batch, ret, &e->error);
    mr_buf_fini(&ids);
    return r;
}

static int say_destroyed(struct mr_erasing *e, const struct mr_erasure_result *result)
{
    struct mr_erasure_saying saying = {.eraser = e->eraser, .request = e->request, .drop_secret = true};
    int r;

    e->request->state = MR_ERASURE_DESTROYED;
    e->request->generation_before = result->generation_before;
    e->request->generation_after = result->generation_after;
    e->request->destroyed_us = mr_clock_wall_us(e->eraser->house->clock);
    e->request->item.len = 0;
    r = mr_erasure_say(&saying, &e->error);
    if (r == 0 && e->eraser->options.strip)
        e->eraser->options.strip(e->eraser->options.ctx);
    return r;
}

int mr_erasure_destroy(struct mr_erasing *e)
{
    struct mr_erasure_result result;
    int r = mr_erasing_open_secret(e);

    if (r < 0 && r != MR_EDESTROYED)
        return r;
    if (r == 0 && (r = back_to_cleaning(e)) != 0)
        return r < 0 ? r : 0;
    r = erase(e, &result);
    if (r == 0)
        r = MR_FAULT("erase.keys");
    return r < 0 ? r : say_destroyed(e, &result);
}

int mr_erasure_confirm(struct mr_erasing *e)
{
    int r = mr_erasure_finish_keys(e->eraser, &e->error);

    if (r < 0)
        return r == MR_ENOMEM ? r : mr_step_wait(e, "escrow");
    e->request->escrow = (char *)mr_erasure_escrow_word(e->eraser->house);
    return 0;
}

/* ---- the log ---- */

struct strips {
    struct mr_erasing *e;
    struct mr_record_view view;
    struct mr_buf damaged; /* u64 numbers */
    bool pending;
};

/* Of whichever request: once the keys are gone it is not known any more whose they are. */
static int on_strip(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct strips *strips = ctx;
    uint64_t number = mr_get_be64(key.data);
    int r = mr_log_read(strips->e->reader, number, &strips->view, NULL);

    (void)value;
    if (r == MR_ECORRUPT || r == MR_EUNSUPPORTED || r == MR_ENOTFOUND) {
        mr_buf_put(&strips->damaged, &number, sizeof number);
        return mr_buf_failed(&strips->damaged) ? MR_ENOMEM : 0;
    }
    strips->pending = true;
    return r < 0 ? r : 1;
}

static int await(struct strips *strips)
{
    struct mr_erasing *e = strips->e;
    const struct mr_slice all = mr_slice(NULL, 0);
    int r = mr_log_rows(e->reader, MR_LOG_STRIP, all, all, on_strip, strips);

    if (r < 0)
        return r;
    if (!strips->pending)
        return mr_erasure_damaged_add(e, mr_buf_slice(&strips->damaged));
    if (e->eraser->options.strip)
        e->eraser->options.strip(e->eraser->options.ctx);
    return mr_step_wait(e, "compactor");
}

/* What cannot be read cannot be emptied, and does not hold up the rest. */
int mr_erasure_await_strip(struct mr_erasing *e)
{
    struct strips *strips = calloc(1, sizeof *strips);
    int r;

    if (!strips)
        return MR_ENOMEM;
    strips->e = e;
    r = await(strips);
    mr_buf_fini(&strips->damaged);
    free(strips);
    return r;
}

/* ---- the end ---- */

static int compact_each(struct mr_erasing *e)
{
    struct mr_house *house = e->eraser->house;
    struct mr_kv_compaction compaction;
    int r = mr_keyring_compact(house->keyring, &compaction, &e->error);

    if (r == 0)
        r = mr_index_compact(house->index, &compaction, &e->error);
    if (r == 0)
        r = mr_view_compact(house->view, &compaction, &e->error);
    if (r < 0)
        return r;
    mr_log_reader_pause(e->reader); /* the log's own compaction waits for all readers */
    return mr_log_compact(house->log, &compaction, &e->error);
}

/*
 * What was deleted lies in free pages until the files are written anew. A new file that has its name, and no
 * name that is durable, may be gone when the power fails, with all that was acknowledged since.
 */
static int compact(struct mr_erasing *e)
{
    struct mr_house *house = e->eraser->house;
    int64_t now = mr_clock_monotonic_us(house->clock);
    int r;

    if (now < e->eraser->compact_next_us)
        return MR_EAGAIN;
    e->eraser->compact_next_us = now + COMPACT_AGAIN_US; /* an attempt may keep writers waiting */
    r = compact_each(e);
    if (r == MR_EIO)
        mr_house_fatal(house, r, e->error.where);
    if (r < 0)
        return r;
    e->eraser->compact_next_us = 0;
    return mr_log_reader_renew(e->reader);
}

static void set_completed(struct mr_erasure_saying *saying)
{
    saying->request->event_ended = saying->events[0].number;
}

static int say_completed(struct mr_erasing *e)
{
    Nms__Event__V1__HubErasureCompleted m = NMS__EVENT__V1__HUB_ERASURE_COMPLETED__INIT;
    mr_erasure_request *request = e->request;
    struct mr_own_event event = {.bytes = MR_BUF_INIT};
    struct mr_erasure_saying saying = {
            .eraser = e->eraser, .request = request, .events = &event, .count = 1, .set = set_completed};
    char id[EVENT_ID_MAX];
    int r;

    m.request = request->number;
    m.basis = request->basis;
    m.generation_before = request->generation_before;
    m.generation_after = request->generation_after;
    m.persons = request->persons;
    m.events = request->events;
    m.quarantined = request->quarantined;
    m.notices = (uint32_t)request->n_notices;
    m.act_digest = request->act;
    m.escrow = request->escrow;
    m.damaged = request->damaged_met;
    request->state = MR_ERASURE_COMPLETED;
    request->ended_us = mr_clock_wall_us(e->eraser->house->clock);
    (void)snprintf(id, sizeof id, "erasure-%llu-completed", (unsigned long long)m.request);
    r = mr_erasure_event(&event.bytes, e->eraser->house, "completed", id, &m.base);
    if (r == 0)
        r = mr_erasure_say(&saying, &e->error);
    mr_own_fini(&event, 1);
    return r;
}

int mr_erasure_complete(struct mr_erasing *e)
{
    int r = mr_act_draft_remove(e->eraser->house, e->request->number, &e->error);

    if (r == 0)
        r = compact(e);
    if (r == MR_EAGAIN)
        return mr_step_wait(e, "compaction");
    if (r == 0)
        r = say_completed(e);
    if (r == 0)
        mr_erasure_damaged_say(e);
    return r;
}

int mr_erasure_write_act(struct mr_erasing *e)
{
    uint8_t *digest = mr_arena_alloc(&e->arena, MR_SHA256_BYTES);
    const struct mr_house *house = e->eraser->house;
    mr_erasure_secret *draft;
    int r = digest ? mr_act_written(house, e->request->number, digest) : MR_ENOMEM;

    e->request->damaged_met = mr_erasure_damaged_count(e->request);
    if (r == MR_ENOTFOUND) {
        r = mr_act_draft_read(house, e->request, &e->arena, &draft, &e->error);
        if (r == 0)
            r = mr_act_files_write(house, e->request, draft, digest, &e->error);
    }
    if (r == 0)
        e->request->act = (ProtobufCBinaryData){MR_SHA256_BYTES, digest};
    return r;
}
