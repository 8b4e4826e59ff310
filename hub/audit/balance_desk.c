#include "hub/audit/balance_desk.h"

#include <stdlib.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/delivery_json.h"
#include "hub/intake/prepare.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"

enum { IDS = UINT16_MAX + 1, NEWER_KEY_BYTES = 10 };

int mr_balance_desk_init(
        struct mr_balance_desk *desk, const struct mr_house *house, struct mr_log_reader *reader)
{
    *desk = (struct mr_balance_desk){.house = house,
            .reader = reader,
            .in = calloc(IDS, sizeof *desk->in),
            .out = calloc(IDS, sizeof *desk->out)};
    mr_keymap_init(&desk->newer);
    mr_keymap_init(&desk->parked);
    mr_opened_init(&desk->opened);
    return desk->in && desk->out ? 0 : MR_ENOMEM;
}

void mr_balance_desk_fini(struct mr_balance_desk *desk)
{
    if (!desk->house)
        return;
    mr_opened_fini(&desk->opened);
    mr_buf_fini(&desk->type);
    mr_keymap_fini(&desk->newer);
    mr_keymap_fini(&desk->parked);
    free(desk->in);
    free(desk->out);
}

int mr_balance_desk_row(struct mr_balance_desk *desk, struct mr_slice value)
{
    struct mr_quarantine_row row;
    int r = mr_quarantine_row_decode(&row, value);

    if (r == 0)
        desk->in[row.system].rows++;
    return r;
}

/* ---- what waited for correction ---- */

static struct mr_slice newer_key(uint64_t number, uint16_t system, uint8_t out[static NEWER_KEY_BYTES])
{
    mr_put_be64(out, number);
    mr_put_be16(out + 8, system);
    return mr_slice(out, NEWER_KEY_BYTES);
}

static int count_quarantined(struct mr_balance_desk *desk, const struct mr_record *record)
{
    struct mr_desk_in *in = &desk->in[record->system];
    struct mr_quarantine_row row;
    uint8_t key[NEWER_KEY_BYTES];
    uint32_t index;
    int r = mr_quarantine_row_read(&row, desk->reader, record->number);

    if (r < 0)
        return r == MR_ENOTFOUND ? 0 : r; /* the sum differs */
    in->waiting += row.state == MR_QUARANTINE_WAITING;
    in->released += row.state == MR_QUARANTINE_RELEASED;
    in->replaced += row.state == MR_QUARANTINE_REPLACED;
    in->discarded += row.state == MR_QUARANTINE_DISCARDED;
    in->said += row.state != MR_QUARANTINE_WAITING && row.ended_event != 0;
    if (row.state == MR_QUARANTINE_WAITING || row.replaced_by == 0)
        return 0;
    r = mr_keymap_add(&desk->newer, newer_key(row.replaced_by, record->system, key), &index);
    in->newer += r == 1;
    return r < 0 ? r : 0;
}

/* A record that an ending names: it is there, and its sender's. */
static void look_for_newer(struct mr_balance_desk *desk, const struct mr_record *record)
{
    uint8_t key[NEWER_KEY_BYTES];
    uint32_t index;

    if (desk->newer.count > 0 &&
            mr_keymap_find(&desk->newer, newer_key(record->number, record->system, key), &index) == 0)
        desk->in[record->system].newer_found++;
}

/* ---- what the hub says ---- */

static struct mr_desk_in *ending_of(struct mr_balance_desk *desk, uint64_t event, uint64_t number,
        enum mr_quarantine_state state, struct mr_quarantine_row *row)
{
    if (number >= event || mr_quarantine_row_read(row, desk->reader, number) < 0 || row->state != state) {
        desk->contradicting++;
        return NULL;
    }
    desk->in[row->system].said_found += row->ended_event == event;
    return &desk->in[row->system];
}

static int on_released(struct mr_balance_desk *desk, uint64_t event, const ProtobufCMessage *payload)
{
    const Nms__Event__V1__HubEventReleased *m = (const void *)payload;
    struct mr_quarantine_row row;
    struct mr_desk_in *in = ending_of(desk, event, m->number, MR_QUARANTINE_RELEASED, &row);

    if (in && m->corrected) {
        in->released--;
        in->corrected++;
    }
    return 0;
}

static int on_discarded(struct mr_balance_desk *desk, uint64_t event, const ProtobufCMessage *payload)
{
    const Nms__Event__V1__HubEventDiscarded *m = (const void *)payload;
    struct mr_quarantine_row row;

    (void)ending_of(desk, event, m->number, MR_QUARANTINE_DISCARDED, &row);
    return 0;
}

static int on_parked(struct mr_balance_desk *desk, uint64_t event, const ProtobufCMessage *payload)
{
    const Nms__Event__V1__HubDeliveryParked *m = (const void *)payload;
    uint16_t sub = mr_names_id(desk->house->names, MR_NAME_SUBSCRIPTION, m->subscription);
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    uint32_t index;
    int r;

    (void)event;
    r = mr_keymap_add(&desk->parked, mr_delivery_key(sub, m->number, key), &index);
    desk->out[sub].parked += r == 1;
    return r < 0 ? r : 0;
}

static int on_given_up(struct mr_balance_desk *desk, uint64_t event, const ProtobufCMessage *payload)
{
    const Nms__Event__V1__HubDeliveryDiscarded *m = (const void *)payload;

    (void)event;
    for (size_t i = 0; i < m->n_deliveries; i++)
        desk->out[mr_names_id(desk->house->names, MR_NAME_SUBSCRIPTION, m->deliveries[i]->subscription)]
                .given_up += m->deliveries[i]->n_numbers;
    return 0;
}

static const struct {
    const char *type;
    int (*look)(struct mr_balance_desk *desk, uint64_t event, const ProtobufCMessage *payload);
} events[] = {
        {"hub.event.released.v1", on_released},
        {"hub.event.discarded.v1", on_discarded},
        {"hub.delivery.parked.v1", on_parked},
        {"hub.delivery.discarded.v1", on_given_up},
};

static int look_at_event(struct mr_balance_desk *desk, const struct mr_record *record)
{
    size_t i = 0;
    int r;

    mr_buf_reset(&desk->type);
    r = mr_record_type(record, &desk->type);
    while (r == 0 && i < MR_COUNT(events) && strcmp(mr_buf_str(&desk->type), events[i].type) != 0)
        i++;
    if (r < 0 || i == MR_COUNT(events))
        return r;
    r = mr_opened_read(&desk->opened, desk->house, record, MR_PURPOSE_SHOW, NULL);
    if (r == MR_ENOMEM)
        return r;
    if (r < 0 || !desk->opened.event.payload) {
        desk->unread++;
        return 0;
    }
    return events[i].look(desk, record->number, desk->opened.event.payload);
}

int mr_balance_desk_record(struct mr_balance_desk *desk, const struct mr_record *record)
{
    look_for_newer(desk, record);
    if (record->flags & MR_RECORD_QUARANTINED)
        return count_quarantined(desk, record);
    return record->system == MR_SYSTEM_HUB ? look_at_event(desk, record) : 0;
}

/* ---- what was parked ---- */

int mr_balance_desk_end(struct mr_balance_desk *desk, const struct mr_keymap *parked)
{
    for (uint32_t i = 0; i < desk->parked.count; i++) {
        struct mr_slice key = mr_keymap_key(&desk->parked, i);
        struct mr_desk_out *out = &desk->out[mr_get_be16(key.data)];
        struct mr_delivery_row row;
        uint32_t index;
        int r;

        if (mr_keymap_find(parked, key, &index) == 0) {
            out->still++;
            continue;
        }
        r = mr_delivery_covering(desk->reader, mr_get_be16(key.data), mr_get_be64(key.data + 2), &row);
        if (r == 0)
            out->settled[row.outcome]++;
        else if (r == MR_ENOTFOUND)
            out->lost++;
        else
            return r;
    }
    return 0;
}
