#include "hub/audit/method.h"

#include <string.h>

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
    for (size_t i = 0; i < act->rows_count; i++) {
        mr_buf_fini(&act->rows[i].key);
        mr_buf_wipe(&act->rows[i].value);
    }
    json_decref(act->reply);
    *act = (struct mr_act){0};
}
