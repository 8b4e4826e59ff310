/* hold.place, hold.release: what retention may not take away. Each is one event and the row that it moves. */
#include <sodium.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/keep/hold_rows.h"
#include "proto/base/hex.h"
#include "proto/wire/registry.h"

enum { HEX_MAX = 2 * MR_HOLD_ROW_KEY_BYTES + 1 };

/* The first role of the two that the operator has: the method's table saw to it that there is one. */
static const char *role_of(const struct mr_method_call *call)
{
    return mr_config_operator_has(call->house->config, call->operator_name, "pd-officer") ? "pd-officer"
                                                                                          : "admin";
}

/* ---- place ---- */

static int known_type(const char *type, struct mr_error *reterr)
{
    size_t size = strlen(type);

    for (size_t i = 0; i < mr_registry_count(); i++) {
        const char *name = mr_registry_at(i)->name;

        if (type[size - 1] == '.' ? strncmp(name, type, size) == 0 : strcmp(name, type) == 0)
            return 0;
    }
    return mr_error_set(reterr, MR_EINVAL, "type",
            "marshrut types lists them; one that ends in '.' is a beginning",
            "no event type is, or begins with, \"%.80s\"", type);
}

static int read_row(const struct mr_method_call *call, struct mr_hold_row *row, struct mr_error *reterr)
{
    const char *type, *reference;
    int r = mr_arg_number(call, "from", 1, INT64_MAX, 0, &row->from, reterr);

    if (r == 0)
        r = mr_arg_number(call, "to", 1, INT64_MAX, row->from, &row->to, reterr);
    if (r == 0)
        r = mr_arg_text(call, "type", false, MR_HOLD_TYPE_MAX, &type, reterr);
    if (r == 0)
        r = mr_arg_case(call, &reference, reterr);
    if (r == 0 && (*type != 0) == (row->from > 0))
        r = mr_error_set(
                reterr, MR_EINVAL, "", "give numbers, or a type", "a hold is on numbers or on a type");
    if (r == 0 && row->to < row->from)
        r = mr_error_set(reterr, MR_EINVAL, "to", "give the smaller number first", "the range is empty");
    if (r == 0 && *type)
        r = known_type(type, reterr);
    if (r < 0)
        return r;
    row->kind = *type ? MR_HOLD_TYPE : MR_HOLD_NUMBERS;
    row->at_us = mr_clock_wall_us(call->house->clock);
    (void)memcpy(row->type, type, strlen(type));
    (void)memcpy(row->case_reference, reference, strlen(reference));
    (void)memcpy(row->operator_name, call->operator_name,
            strnlen(call->operator_name, sizeof row->operator_name - 1));
    return 0;
}

static int put_row(struct mr_act *act, const uint8_t *id, const struct mr_hold_row *row)
{
    struct mr_act_row *out = &act->rows[act->rows_count++];

    out->table = MR_LOG_HOLD;
    mr_buf_put(&out->key, id, MR_HOLD_ROW_KEY_BYTES);
    return mr_buf_failed(&out->key) ? MR_ENOMEM : mr_hold_row_encode(&out->value, row);
}

int mr_act_hold_place(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__HubHoldPlaced m = NMS__EVENT__V1__HUB_HOLD_PLACED__INIT;
    struct mr_hold_row row = {0};
    uint8_t id[MR_HOLD_ROW_KEY_BYTES];
    char hex[HEX_MAX];
    int r = read_row(call, &row, reterr);

    *ret = (struct mr_act){0};
    if (r < 0)
        return r;
    randombytes_buf(id, sizeof id);
    m.hold = mr_hex_encode(id, sizeof id, hex);
    m.kind = (char *)mr_hold_kind_name(row.kind);
    m.from_number = row.from;
    m.to_number = row.to;
    m.type = row.type;
    m.case_reference = row.case_reference;
    r = mr_act_event(call, ret, "hub.hold.placed.v1", role_of(call), &m.base);
    if (r == 0)
        r = put_row(ret, id, &row);
    if (r == 0)
        ret->reply = json_pack("{s:s, s:s}", "hold", hex, "kind", mr_hold_kind_name(row.kind));
    if (r < 0)
        mr_act_fini(ret);
    return r;
}

/* ---- release ---- */

static int find(const struct mr_method_call *call, const uint8_t *id, struct mr_hold_row *ret)
{
    struct mr_log_reader *reader;
    struct mr_slice value;
    int r = mr_log_reader_open(call->house->log, &reader);

    if (r < 0)
        return r;
    r = mr_log_row(reader, MR_LOG_HOLD, mr_slice(id, MR_HOLD_ROW_KEY_BYTES), &value);
    if (r == 0)
        r = mr_hold_row_decode(ret, value);
    mr_log_reader_close(reader);
    return r;
}

int mr_act_hold_release(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__HubHoldReleased m = NMS__EVENT__V1__HUB_HOLD_RELEASED__INIT;
    uint8_t id[MR_HOLD_ROW_KEY_BYTES];
    struct mr_hold_row row;
    const char *hex, *reference;
    int r = mr_arg_text(call, "hold", true, HEX_MAX - 1, &hex, reterr);

    *ret = (struct mr_act){0};
    if (r == 0)
        r = mr_arg_case(call, &reference, reterr);
    if (r < 0)
        return r;
    r = mr_hex_decode(hex, strlen(hex), id, sizeof id) < 0 ? MR_ENOTFOUND : find(call, id, &row);
    if (r == MR_ENOTFOUND)
        return mr_error_set(reterr, r, "hold", "marshrut hold list shows them", "no such hold");
    if (r == 0 && row.kind == MR_HOLD_PERSON)
        return mr_error_set(
                reterr, MR_EINVAL, "hold", "release it as a hold on that person", "this hold is on a person");
    m.hold = (char *)hex;
    m.case_reference = (char *)reference;
    if (r == 0)
        r = mr_act_event(call, ret, "hub.hold.released.v1", role_of(call), &m.base);
    if (r == 0) {
        struct mr_act_row *out = &ret->rows[ret->rows_count++];

        out->table = MR_LOG_HOLD;
        out->remove = true;
        mr_buf_put(&out->key, id, sizeof id);
        ret->reply = json_pack("{s:s, s:s}", "hold", hex, "kind", mr_hold_kind_name(row.kind));
        r = mr_buf_failed(&out->key) ? MR_ENOMEM : 0;
    }
    if (r < 0)
        mr_act_fini(ret);
    return r;
}
