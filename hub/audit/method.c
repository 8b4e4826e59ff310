#include "hub/audit/method.h"

#include <string.h>

#include "hub/edition.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"

int mr_method_allowed(
        const struct mr_method *method, const struct mr_method_call *call, struct mr_error *reterr)
{
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
