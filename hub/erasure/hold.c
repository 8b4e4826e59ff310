/* Legal holds on persons: keys/ first, so that a kill between leaves a hold that holds. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "event/hub.pb-c.h"
#include "hub/erasure/eraser_internal.h"
#include "hub/keep/hold_rows.h"
#include "proto/base/hex.h"
#include "proto/wire/codec.h"
#include "store/hold.h"

_Static_assert((int)MR_HOLD_ID_BYTES == (int)MR_HOLD_ROW_KEY_BYTES, "a hold has one id");

struct holding {
    struct mr_eraser *eraser;
    const struct mr_erasure_wish *wish;
    struct mr_error *error;
    uint8_t id[MR_HOLD_ID_BYTES];
    char hex[MR_ERASURE_HOLD_HEX_MAX];
    uint8_t person[MR_PERSON_ID_BYTES];
    bool release;
};

static int hold_within(struct holding *h, struct mr_keyring_txn *txn)
{
    int r = mr_erasure_find_person(txn, h->wish, h->person, h->error);

    if (r < 0)
        return r;
    if (h->release)
        r = mr_person_hold_release(txn, h->person, h->id);
    else
        r = mr_person_hold(txn, h->person, h->id, h->wish->case_text);
    if (r == MR_ENOTFOUND)
        return mr_error_set(
                h->error, r, "hold", "marshrut hold list shows the ids", "the person has no such hold");
    return r < 0 ? mr_error_set(h->error, r, "person", "", "%s", mr_err_text(r)) : 0;
}

/* Prepare thread. */
static int hold_on_prepare(void *ctx, struct mr_keyring *keyring)
{
    struct mr_keyring_txn *txn;
    int r = mr_keyring_begin(keyring, &txn);

    if (r < 0)
        return r;
    r = hold_within(ctx, txn);
    if (r == 0)
        return mr_keyring_commit(txn);
    mr_keyring_abort(txn);
    return r;
}

/* Prepare thread. */
static int find_on_prepare(void *ctx, struct mr_keyring *keyring)
{
    struct holding *h = ctx;
    struct mr_keyring_txn *txn;
    uint8_t own[MR_PERSON_ID_BYTES];
    enum mr_person_state state;
    int r = mr_keyring_begin(keyring, &txn);

    if (r < 0)
        return r;
    r = mr_erasure_find_person(txn, h->wish, own, h->error);
    if (r == 0)
        r = mr_person_state(txn, own, &state, h->person);
    mr_keyring_abort(txn);
    return r;
}

/* What is approved is being destroyed: a hold would come too late. */
static int check_running(struct holding *h)
{
    struct mr_erasure_other other;
    int r = mr_own_task(h->eraser->options.prepare, find_on_prepare, h);

    if (r == 0)
        r = mr_erasure_other(h->eraser, h->person, &other);
    if (r == 0 && mr_erasure_runs(other.state))
        return mr_error_set(h->error, MR_EDENIED, "person", "marshrut erase show tells how far it is",
                "erasure No. %llu of this person is approved and under way",
                (unsigned long long)other.number);
    return r;
}

/* Writer thread. */
static int put_row(struct mr_own *own, struct mr_log_batch *batch)
{
    const struct holding *h = own->ctx;
    struct mr_hold_row row = {.kind = MR_HOLD_PERSON, .at_us = mr_clock_wall_us(h->eraser->house->clock)};
    struct mr_buf value = MR_BUF_INIT;
    int r;

    if (h->release) {
        r = mr_log_batch_del(batch, MR_LOG_HOLD, mr_slice(h->id, sizeof h->id));
        return r == MR_ENOTFOUND ? 0 : r;
    }
    memcpy(row.operator_name, h->wish->operator_name,
            strnlen(h->wish->operator_name, sizeof row.operator_name - 1));
    r = mr_hold_row_encode(&value, &row);
    if (r == 0)
        r = mr_log_batch_put(batch, MR_LOG_HOLD, mr_slice(h->id, sizeof h->id), mr_buf_slice(&value));
    mr_buf_fini(&value);
    return r;
}

static int encode(const struct holding *h, struct mr_buf *out)
{
    Nms__Event__V1__HubHoldPlaced placed = NMS__EVENT__V1__HUB_HOLD_PLACED__INIT;
    Nms__Event__V1__HubHoldReleased released = NMS__EVENT__V1__HUB_HOLD_RELEASED__INIT;
    const struct mr_house *house = h->eraser->house;
    char id[80], time[MR_TIME_TEXT_MAX];
    const struct mr_attributes attributes = {.id = id,
            .source = house->config->hub.source,
            .type = h->release ? "hub.hold.released.v1" : "hub.hold.placed.v1",
            .time = mr_time_format(mr_clock_wall_us(house->clock), time),
            .actor = h->wish->operator_name,
            .actorrole = "pd-officer"};

    (void)snprintf(id, sizeof id, "hold-%s-%s", h->hex, h->release ? "released" : "placed");
    placed.hold = released.hold = (char *)h->hex;
    placed.kind = (char *)mr_hold_kind_name(MR_HOLD_PERSON);
    return mr_event_encode(out, &attributes, h->release ? &released.base : &placed.base);
}

static int say(struct holding *h)
{
    const struct mr_eraser_options *options = &h->eraser->options;
    struct mr_own_event event = {.bytes = MR_BUF_INIT};
    struct mr_own own = {.events = &event, .count = 1, .rows = put_row, .ctx = h};
    int r = encode(h, &event.bytes);

    if (r == 0)
        r = mr_own_say(options->prepare, &own, h->error);
    mr_own_fini(&event, 1);
    if (r == 0 && options->said)
        options->said(options->ctx);
    return r;
}

static int hold(struct holding *h)
{
    int r;

    (void)pthread_mutex_lock(&h->eraser->asking);
    r = h->release ? 0 : check_running(h);
    if (r == 0)
        r = mr_own_task(h->eraser->options.prepare, hold_on_prepare, h);
    if (r == 0)
        r = say(h);
    (void)pthread_mutex_unlock(&h->eraser->asking);
    return r;
}

int mr_eraser_hold(struct mr_eraser *eraser, const struct mr_erasure_wish *wish,
        char ret[static MR_ERASURE_HOLD_HEX_MAX], struct mr_error *reterr)
{
    struct holding h = {.eraser = eraser, .wish = wish, .error = reterr};
    int r;

    randombytes_buf(h.id, sizeof h.id);
    (void)mr_hex_encode(h.id, sizeof h.id, h.hex);
    r = hold(&h);
    if (r == 0)
        memcpy(ret, h.hex, sizeof h.hex);
    return r;
}

int mr_eraser_release(struct mr_eraser *eraser, const struct mr_erasure_wish *wish, const char *hold_id,
        struct mr_error *reterr)
{
    struct holding h = {.eraser = eraser, .wish = wish, .error = reterr, .release = true};

    if (mr_hex_decode(hold_id, strlen(hold_id), h.id, sizeof h.id) < 0)
        return mr_error_set(reterr, MR_EINVAL, "hold", "marshrut hold list shows the ids", "no id of a hold");
    (void)mr_hex_encode(h.id, sizeof h.id, h.hex);
    return hold(&h);
}
