/* What waits, opened; and an order on it, carried out. */
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/desk/desk_internal.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"

static int read_row(struct mr_desk_item *item, uint64_t number, struct mr_error *reterr)
{
    int r = mr_quarantine_row_read(&item->row, item->reader, number);

    if (r == MR_ENOTFOUND)
        return mr_error_set(reterr, r, "number", "marshrut quarantine list has the numbers",
                "no event of this number was put aside");
    if (r < 0)
        return mr_error_set(
                reterr, r, "quarantine", "marshrut scrub", "its row cannot be read: %s", mr_err_text(r));
    if (item->row.state != MR_QUARANTINE_WAITING)
        return mr_error_set(reterr, MR_EINVAL, "number", "marshrut quarantine list shows what waits",
                "No. %llu does not wait any more: it is %s", (unsigned long long)number,
                mr_quarantine_state_name(item->row.state));
    return 0;
}

int mr_desk_item_open(
        struct mr_desk_item *ret, const struct mr_house *house, uint64_t number, struct mr_error *reterr)
{
    const char *name;
    int r;

    *ret = (struct mr_desk_item){0};
    mr_opened_init(&ret->opened);
    r = mr_log_reader_open(house->log, &ret->reader);
    if (r < 0)
        return mr_error_set(reterr, r, "log", "", "the log cannot be read: %s", mr_err_text(r));
    r = read_row(ret, number, reterr);
    if (r < 0)
        return r;
    name = mr_names_text(house->names, MR_NAME_SYSTEM, ret->row.system);
    ret->sender = name ? mr_config_system(house->config, name) : NULL;
    r = mr_log_read(ret->reader, number, &ret->view, NULL);
    if (r == 0 && mr_record_hub_id(&ret->view.record, ret->hub_id, sizeof ret->hub_id) < 0)
        ret->hub_id[0] = '\0';
    return r < 0 ? mr_error_set(reterr, r, "log", "marshrut scrub tells more",
                           "record %llu cannot be read: %s", (unsigned long long)number, mr_err_text(r))
                 : 0;
}

int mr_desk_item_read(struct mr_desk_item *item, const struct mr_house *house, enum mr_purpose purpose,
        struct mr_error *reterr)
{
    return mr_opened_read(&item->opened, house, &item->view.record, purpose, reterr);
}

void mr_desk_item_close(struct mr_desk_item *item)
{
    mr_opened_fini(&item->opened);
    if (item->reader)
        mr_log_reader_close(item->reader);
    item->reader = NULL;
}

int mr_desk_event(struct mr_buf *out, const struct mr_house *house, const char *type,
        const struct mr_desk_word *word, const char *cause, const ProtobufCMessage *payload)
{
    struct mr_uuid7 generator = {0};
    uint8_t uuid[MR_UUID_BYTES];
    char id[MR_UUID_TEXT_MAX], time[MR_TIME_TEXT_MAX];
    int64_t now = mr_clock_wall_us(house->clock);
    struct mr_attributes attributes = {.source = house->config->hub.source,
            .type = type,
            .time = mr_time_format(now, time),
            .regioncode = house->config->region,
            .causationid = cause,
            .actor = word->operator_name,
            .actorrole = word->role};

    mr_uuid7_next(&generator, now, uuid);
    attributes.id = mr_uuid_format(uuid, id);
    return mr_event_encode(out, &attributes, payload);
}

/* ---- an order ---- */

int mr_desk_no_sender(struct mr_error *reterr)
{
    return mr_error_set(reterr, MR_EDENIED, "system",
            "put the system back into the configuration, or discard the event",
            "its sender is not in the configuration any more");
}

/* The hub's word alone, or the event again with the hub's word beside it. */
static struct mr_intake *make_intake(
        struct mr_desk_order *order, const struct mr_desk_item *item, struct mr_slice event)
{
    struct mr_intake *intake = mr_intake_new(1);

    if (!intake)
        return NULL;
    intake->order = order;
    mr_buf_put_slice(&intake->bytes, event);
    intake->system = MR_SYSTEM_HUB;
    if (mr_desk_order_says_event(order)) {
        intake->sender = item->sender;
        intake->system = item->row.system;
        intake->by_tool = true;
        intake->with = mr_intake_new(1);
        if (intake->with)
            intake->with->system = MR_SYSTEM_HUB;
    }
    if (mr_buf_failed(&intake->bytes) || (mr_desk_order_says_event(order) && !intake->with)) {
        mr_intake_free(intake);
        return NULL;
    }
    intake->items[0].event = mr_buf_slice(&intake->bytes);
    return intake;
}

static int outcome(const struct mr_intake *intake, const struct mr_desk_order *order, struct mr_error *reterr)
{
    const struct mr_verdict_text *text = intake->items[0].text;

    if (order->over)
        return mr_error_set(reterr, MR_EINVAL, "number", "marshrut quarantine list shows what waits",
                "No. %llu does not wait any more", (unsigned long long)order->number);
    if (order->refused == MR_EBLOCKED)
        return mr_desk_is_blocked(reterr);
    if (order->refused < 0)
        return order->refused;
    if (intake->items[0].verdict == MR_VERDICT_STORED)
        return 0;
    return mr_error_set(reterr, MR_EINVAL, text && *text->field ? text->field : "event",
            text ? text->cure : "", "it would not be taken (%s): %s", text ? text->code : "",
            text ? text->reason : "");
}

int mr_desk_carry_out(struct mr_desk *desk, struct mr_desk_order *order, const struct mr_desk_item *item,
        struct mr_slice event, mr_desk_rows_fn rows, struct mr_desk_done *ret, struct mr_error *reterr)
{
    const struct mr_desk_options *options = &desk->options;
    struct mr_intake *intake;
    int r;

    if (mr_desk_order_says_event(order) && !item->sender)
        return mr_desk_no_sender(reterr);
    intake = make_intake(order, item, event);
    if (intake)
        intake->rows = rows;
    r = intake ? mr_own_wait(options->prepare, intake) : MR_ENOMEM;
    if (r < 0)
        (void)mr_error_set(reterr, r, "log", "try again", "it could not be written: %s", mr_err_text(r));
    if (r == 0)
        r = outcome(intake, order, reterr);
    if (r == 0) {
        ret->number = intake->with ? intake->items[0].number : 0;
        ret->event = intake->with ? intake->with->items[0].number : intake->items[0].number;
        if (options->said)
            options->said(options->ctx);
        mr_desk_wake(desk);
    }
    mr_intake_free(intake);
    return r;
}
