/* The keys of the person go, and of what waited for correction; what is to be emptied in the log is noted. */
#include <stdio.h>

#include "event/erasure.pb-c.h"
#include "hub/erasure/act_file.h"
#include "hub/erasure/eraser_internal.h"
#include "store/fault.h"
#include "store/index.h"
#include "store/kv.h"
#include "store/view.h"

enum { EVENT_ID_MAX = 48, COMPACT_AGAIN_US = 10 * 1000 * 1000 };

/* The person, then the items of quarantined bodies: one batch, one new root. */
static int erase(struct mr_erasing *e, struct mr_erasure_result *ret)
{
    const mr_erasure_secret *secret = e->secret;
    struct mr_buf ids = MR_BUF_INIT;
    uint8_t batch[MR_ERASURE_ID_BYTES];
    int r;

    mr_buf_put(&ids, secret->person.data, secret->person.len);
    for (size_t i = 0; i < secret->n_quarantined; i++)
        mr_buf_put(&ids, secret->quarantined[i]->item.data, secret->quarantined[i]->item.len);
    mr_erasure_batch_id(e->request->number, 'p', 0, batch);
    r = mr_buf_failed(&ids) ? MR_ENOMEM
                            : mr_erasure_erase_keys(e->eraser, mr_buf_slice(&ids), batch, ret, &e->error);
    mr_buf_fini(&ids);
    return r;
}

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
    return r;
}

int mr_erasure_destroy(struct mr_erasing *e)
{
    struct mr_erasure_saying saying = {
            .eraser = e->eraser, .request = e->request, .rows = note_strip, .ctx = e->secret};
    struct mr_erasure_result result;
    int r = erase(e, &result);

    if (r == 0)
        r = MR_FAULT("erase.keys");
    if (r < 0)
        return r;
    e->request->state = MR_ERASURE_DESTROYED;
    e->request->generation_before = result.generation_before;
    e->request->generation_after = result.generation_after;
    e->request->destroyed_us = mr_clock_wall_us(e->eraser->house->clock);
    r = mr_erasure_say(&saying, &e->error);
    if (r == 0 && e->eraser->options.strip)
        e->eraser->options.strip(e->eraser->options.ctx);
    return r;
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

static bool is_stripped(struct mr_erasing *e, uint64_t number)
{
    uint8_t key[8];
    struct mr_slice value;

    return mr_log_row(e->reader, MR_LOG_STRIP, mr_number_key(number, key), &value) == MR_ENOTFOUND;
}

int mr_erasure_await_strip(struct mr_erasing *e)
{
    const mr_erasure_secret *secret = e->secret;
    bool all = true;

    for (size_t i = 0; all && i < secret->n_records; i++)
        all = is_stripped(e, secret->records[i]->number);
    for (size_t i = 0; all && i < secret->n_quarantined; i++)
        all = is_stripped(e, secret->quarantined[i]->number);
    if (all)
        return 0;
    if (e->eraser->options.strip)
        e->eraser->options.strip(e->eraser->options.ctx);
    return mr_step_wait(e, "compactor");
}

/* ---- the end ---- */

/* What was deleted lies in free pages until the files are written anew. */
static int compact(struct mr_erasing *e)
{
    struct mr_house *house = e->eraser->house;
    int64_t now = mr_clock_monotonic_us(house->clock);
    struct mr_kv_compaction compaction;
    int r;

    if (now < e->eraser->compact_next_us)
        return MR_EAGAIN;
    e->eraser->compact_next_us = now + COMPACT_AGAIN_US; /* an attempt may keep writers waiting */
    r = mr_keyring_compact(house->keyring, &compaction, &e->error);
    if (r == 0)
        r = mr_index_compact(house->index, &compaction, &e->error);
    if (r == 0)
        r = mr_view_compact(house->view, &compaction, &e->error);
    if (r < 0)
        return r;
    mr_log_reader_pause(e->reader); /* the log's own compaction waits for all readers */
    r = mr_log_compact(house->log, &compaction, &e->error);
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
    struct mr_erasure_saying saying = {.eraser = e->eraser,
            .request = request,
            .events = &event,
            .count = 1,
            .set = set_completed,
            .drop_secret = true};
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
    request->state = MR_ERASURE_COMPLETED;
    request->ended_us = mr_clock_wall_us(e->eraser->house->clock);
    request->item.len = 0;
    (void)snprintf(id, sizeof id, "erasure-%llu-completed", (unsigned long long)m.request);
    r = mr_erasure_event(&event.bytes, e->eraser->house, "completed", id, &m.base);
    if (r == 0)
        r = mr_erasure_say(&saying, &e->error);
    mr_own_fini(&event, 1);
    return r;
}

int mr_erasure_complete(struct mr_erasing *e)
{
    struct mr_erasure_result result;
    uint8_t batch[MR_ERASURE_ID_BYTES];
    int r;

    mr_erasure_batch_id(e->request->number, 's', 0, batch);
    r = mr_erasure_erase_keys(
            e->eraser, mr_slice(e->request->item.data, e->request->item.len), batch, &result, &e->error);
    if (r == 0)
        r = MR_FAULT("erase.secret");
    if (r == 0 && mr_erasure_finish_keys(e->eraser, &e->error) < 0)
        return mr_step_wait(e, "escrow");
    if (r == 0)
        r = compact(e);
    if (r == MR_EAGAIN)
        return mr_step_wait(e, "compaction");
    return r < 0 ? r : say_completed(e);
}

int mr_erasure_write_act(struct mr_erasing *e)
{
    uint8_t *digest = mr_arena_alloc(&e->arena, MR_SHA256_BYTES);
    int r = digest ? mr_act_files_write(e->eraser->house, e->request, e->secret, digest, &e->error)
                   : MR_ENOMEM;

    if (r == 0)
        e->request->act = (ProtobufCBinaryData){MR_SHA256_BYTES, digest};
    return r;
}
