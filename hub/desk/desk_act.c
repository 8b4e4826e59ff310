/* Released as it is, or discarded. */
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/desk/desk_internal.h"
#include "hub/index/owed.h"
#include "store/fault.h"

struct saying {
    const struct mr_house *house;
    const struct mr_desk_word *word;
    const char *cause;
    Nms__Event__V1__HubEventReleased released;
};

static void set_by(struct mr_desk_order *order, const struct mr_desk_word *word)
{
    memcpy(order->by, word->operator_name, strnlen(word->operator_name, sizeof order->by - 1));
}

/* Prepare thread. */
static int say_released(struct mr_desk_order *order, uint64_t released_as, struct mr_buf *out)
{
    struct saying *saying = order->ctx;

    saying->released.released_as = released_as;
    return mr_desk_event(
            out, saying->house, "hub.event.released.v1", saying->word, saying->cause, &saying->released.base);
}

static int release(struct mr_desk *desk, const struct mr_house *house, struct mr_desk_item *item,
        uint64_t number, const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr)
{
    struct saying saying = {house, word, item->hub_id, NMS__EVENT__V1__HUB_EVENT_RELEASED__INIT};
    struct mr_desk_order order = {
            .act = MR_DESK_RELEASE, .number = number, .say = say_released, .ctx = &saying};
    int r = mr_desk_item_open(item, house, number, reterr);

    if (r == 0)
        r = mr_desk_item_read(item, house, MR_PURPOSE_CORRECT, reterr);
    if (r < 0)
        return r;
    set_by(&order, word);
    saying.released.number = number;
    saying.released.code = item->row.text.code;
    saying.released.reason = (char *)word->reason;
    return mr_desk_carry_out(
            desk, &order, item, mr_buf_slice(&item->opened.unsealed.bytes), NULL, ret, reterr);
}

int mr_desk_release(struct mr_desk *desk, const struct mr_house *house, uint64_t number,
        const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr)
{
    struct mr_desk_item item;
    int r;

    *ret = (struct mr_desk_done){0};
    (void)pthread_mutex_lock(&desk->asking);
    r = release(desk, house, &item, number, word, ret, reterr);
    mr_desk_item_close(&item);
    (void)pthread_mutex_unlock(&desk->asking);
    return r;
}

/* Writer thread: in the commit that says it. */
static int owe(struct mr_intake *intake, struct mr_log_batch *batch)
{
    return mr_owed_put(batch, &(struct mr_owed){intake->order->number, intake->order->number});
}

/* The words first, then the key: what is said and not yet done is done at the next start. */
static int discard(struct mr_desk *desk, const struct mr_house *house, struct mr_desk_item *item,
        uint64_t number, const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr)
{
    Nms__Event__V1__HubEventDiscarded m = NMS__EVENT__V1__HUB_EVENT_DISCARDED__INIT;
    struct mr_desk_order order = {.act = MR_DESK_DISCARD, .number = number};
    struct mr_buf event = MR_BUF_INIT;
    int r = mr_desk_item_open(item, house, number, reterr);

    if (r < 0 && item->row.state != MR_QUARANTINE_WAITING)
        return r; /* a record that cannot be read can be discarded all the same */
    set_by(&order, word);
    m.number = number;
    m.code = item->row.text.code;
    m.reason = (char *)word->reason;
    r = mr_desk_event(
            &event, house, "hub.event.discarded.v1", word, *item->hub_id ? item->hub_id : NULL, &m.base);
    if (r == 0)
        r = mr_desk_carry_out(desk, &order, item, mr_buf_slice(&event), owe, ret, reterr);
    mr_buf_fini(&event);
    if (r == 0)
        r = MR_FAULT("desk.discarded");
    if (r == 0)
        r = mr_desk_destroy(desk, mr_slice(item->row.item, sizeof item->row.item));
    if (r == 0 && desk->options.owes)
        desk->options.owes(desk->options.ctx);
    return r;
}

int mr_desk_discard(struct mr_desk *desk, const struct mr_house *house, uint64_t number,
        const struct mr_desk_word *word, struct mr_desk_done *ret, struct mr_error *reterr)
{
    struct mr_desk_item item;
    int r;

    *ret = (struct mr_desk_done){0};
    (void)pthread_mutex_lock(&desk->asking);
    r = discard(desk, house, &item, number, word, ret, reterr);
    mr_desk_item_close(&item);
    (void)pthread_mutex_unlock(&desk->asking);
    return r;
}
