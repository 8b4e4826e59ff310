/* What an erasure says and keeps: events with the request's row in one commit; keys destroyed on the prepare
 * thread. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hub/erasure/eraser_internal.h"
#include "proto/base/bytes.h"
#include "proto/base/logfmt.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"

static int put(struct mr_own *own, struct mr_log_batch *batch)
{
    struct mr_erasure_saying *saying = own->ctx;
    int r;

    if (saying->set)
        saying->set(saying);
    r = mr_erasure_put(batch, saying->request);
    if (r == 0 && saying->secret.size > 0)
        r = mr_erasure_secret_put(batch, saying->request->number, saying->secret);
    if (r == 0 && saying->drop_secret)
        r = mr_erasure_secret_drop(batch, saying->request->number);
    if (r == 0 && saying->rows)
        r = saying->rows(saying, batch);
    return r;
}

int mr_erasure_say(struct mr_erasure_saying *saying, struct mr_error *reterr)
{
    const struct mr_eraser_options *options = &saying->eraser->options;
    struct mr_own own = {.events = saying->events, .count = saying->count, .rows = put, .ctx = saying};
    int r = mr_own_say(options->prepare, &own, reterr);

    if (r == 0 && saying->count > 0 && options->said)
        options->said(options->ctx);
    return r;
}

int mr_erasing_save_with(struct mr_erasing *e, enum mr_erasure_state state,
        int (*rows)(struct mr_erasure_saying *saying, struct mr_log_batch *batch), void *ctx)
{
    struct mr_erasure_saying saying = {.eraser = e->eraser, .request = e->request, .rows = rows, .ctx = ctx};
    struct mr_buf sealed = MR_BUF_INIT;
    int r = e->secret ? mr_erasure_secret_seal(&e->key, e->request->number, e->secret, &sealed) : 0;

    e->request->state = state;
    saying.secret = mr_buf_slice(&sealed);
    if (r == 0)
        r = mr_erasure_say(&saying, &e->error);
    mr_buf_fini(&sealed);
    return r;
}

int mr_erasing_save(struct mr_erasing *e, enum mr_erasure_state state)
{
    return mr_erasing_save_with(e, state, NULL, NULL);
}

int mr_erasure_event(struct mr_buf *out, const struct mr_house *house, const char *what, const char *id,
        const ProtobufCMessage *payload)
{
    char type[64], time[MR_TIME_TEXT_MAX];
    struct mr_attributes attributes = {.source = house->config->hub.source,
            .id = id,
            .type = type,
            .time = mr_time_format(mr_clock_wall_us(house->clock), time),
            .regioncode = house->config->region};

    (void)snprintf(type, sizeof type, "hub.erasure.%s.v1", what);
    return mr_event_encode(out, &attributes, payload);
}

const char *mr_erasure_date(int64_t wall_us, char out[static MR_ERASURE_DATE_MAX])
{
    char text[MR_TIME_TEXT_MAX];

    (void)snprintf(out, MR_ERASURE_DATE_MAX, "%.10s", mr_time_format(wall_us, text));
    return out;
}

/* ---- keys ---- */

void mr_erasure_batch_id(uint64_t request, uint8_t step, uint64_t part, uint8_t ret[static 16])
{
    memcpy(ret, "erase", 5);
    ret[5] = step;
    mr_put_be64(ret + 6, request);
    mr_put_be16(ret + 14, (uint16_t)part);
}

void mr_erasure_batch_of(uint64_t request, uint8_t ret[static 16])
{
    mr_erasure_batch_id(request, 'p', 0, ret);
}

struct erase {
    struct mr_slice persons;
    struct mr_erasure_options options;
    struct mr_erasure_result result;
    struct mr_error *error;
};

/* Prepare thread. */
static int erase(void *ctx, struct mr_keyring *keyring)
{
    struct erase *erase = ctx;

    return mr_keyring_erase(keyring, (const uint8_t(*)[MR_PERSON_ID_BYTES])(const void *)erase->persons.data,
            erase->persons.size / MR_PERSON_ID_BYTES, &erase->options, &erase->result, erase->error);
}

int mr_erasure_erase_keys(struct mr_eraser *eraser, struct mr_slice persons,
        const uint8_t batch_id[static 16], struct mr_erasure_result *ret, struct mr_error *reterr)
{
    struct erase erase_ = {.persons = persons, .error = reterr};
    int r;

    memcpy(erase_.options.id, batch_id, sizeof erase_.options.id);
    r = mr_own_task(eraser->options.prepare, erase, &erase_);
    if (r == MR_EAGAIN) { /* an earlier one waits for its escrow */
        r = mr_erasure_finish_keys(eraser, reterr);
        if (r == 0)
            r = mr_own_task(eraser->options.prepare, erase, &erase_);
    }
    *ret = erase_.result;
    if (r == 0)
        mr_warn("hub.keys_rotated", "generation", MR_N(ret->generation_after), "cure",
                "make a new backup of keys/ now: older ones open no more");
    return r;
}

int mr_erasure_strip(struct mr_log_batch *batch, uint64_t number, uint16_t slots)
{
    uint8_t key[8], value[2];
    struct mr_slice before;
    int r;

    mr_put_be64(key, number);
    r = mr_log_batch_get(batch, MR_LOG_STRIP, mr_slice(key, sizeof key), &before);
    if (r == 0 && before.size == sizeof value)
        slots |= mr_get_be16(before.data);
    if (r < 0 && r != MR_ENOTFOUND)
        return r;
    mr_put_be16(value, slots);
    return mr_log_batch_put(batch, MR_LOG_STRIP, mr_slice(key, sizeof key), mr_slice(value, sizeof value));
}
