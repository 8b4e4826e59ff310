#include "hub/audit/method.h"

#include <string.h>

#include "hub/audit/territory.h"
#include "hub/edition/edition.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"

static int not_of_limited(const char *method, struct mr_error *reterr)
{
    return mr_error_set(reterr, MR_EDENIED, "operator", "ask the administrator of the hub",
            "%s is not for accounts that are limited to a territory", method);
}

/* Not of who is limited to a territory. */
static int outside(const struct mr_method *method, const struct mr_method_call *call, struct mr_error *reterr)
{
    const json_t *number = json_object_get(call->arguments, "number");
    int r = 1;

    if (method->regional && call->house->territory->limits.of_operator)
        return 0;
    if (!method->bounded)
        return not_of_limited(method->name, reterr);
    if (json_is_integer(number))
        r = mr_territory_has_number(
                call->house->territory, call->house, (uint64_t)json_integer_value(number));
    return r == 0 ? mr_error_set(reterr, MR_ENOTFOUND, "number", "search for what is yours: log.find",
                            "there is no such event of yours")
                  : (r < 0 ? r : 0);
}

int mr_method_allowed(
        const struct mr_method *method, const struct mr_method_call *call, struct mr_error *reterr)
{
    int r = call->house->territory ? outside(method, call, reterr) : 0;

    if (r < 0)
        return r;
    if (!method->roles)
        return 0;
    for (const char *role = method->roles; *role;) {
        size_t size = strcspn(role, ",");
        char name[32] = "";

        if (size < sizeof name)
            memcpy(name, role, size);
        if (mr_config_operator_has(call->house->config, call->operator_name, name))
            return 0;
        role += size + (role[size] == ',');
    }
    return mr_error_set(reterr, MR_EDENIED, "operator", "name an operator who has the role: --as NAME",
            "%s needs a role of: %s", method->name, method->roles);
}

int mr_method_status_allowed(
        const struct mr_config *config, const char *operator_name, struct mr_error *reterr)
{
    struct mr_limits limits;

    return mr_limits_of_operator(config, operator_name, &limits) ? not_of_limited("hub.status", reterr) : 0;
}

void mr_act_fini(struct mr_act *act)
{
    mr_buf_wipe(&act->event);
    mr_edition_drop(act->begins);
    for (size_t i = 0; i < act->rows_count; i++) {
        mr_buf_fini(&act->rows[i].key);
        mr_buf_wipe(&act->rows[i].value);
    }
    mr_buf_wipe(&act->many);
    json_decref(act->reply);
    *act = (struct mr_act){0};
}

int mr_act_put_rows(const struct mr_act *act, struct mr_log_batch *batch)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < act->rows_count; i++) {
        const struct mr_act_row *row = &act->rows[i];

        if (row->remove)
            r = mr_log_batch_del(batch, row->table, mr_buf_slice(&row->key));
        else
            r = mr_log_batch_put(batch, row->table, mr_buf_slice(&row->key), mr_buf_slice(&row->value));
        if (r == MR_ENOTFOUND && row->remove)
            r = 0;
    }
    return r;
}

int mr_act_event(const struct mr_method_call *call, struct mr_act *act, const char *type,
        const char *actorrole, const ProtobufCMessage *payload)
{
    const struct mr_house *house = call->house;
    struct mr_uuid7 generator = {0};
    uint8_t uuid[MR_UUID_BYTES];
    char id[MR_UUID_TEXT_MAX], time[MR_TIME_TEXT_MAX];
    int64_t now = mr_clock_wall_us(house->clock);
    struct mr_attributes attributes = {.source = house->config->hub.source,
            .type = type,
            .time = mr_time_format(now, time),
            .actor = call->operator_name,
            .actorrole = actorrole};

    mr_uuid7_next(&generator, now, uuid);
    attributes.id = mr_uuid_format(uuid, id);
    return mr_event_encode(&act->event, &attributes, payload);
}
