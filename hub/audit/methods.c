/* The table of methods: one row each. hub.status is answered by hub/query.c, which has the live state. */
#include "hub/audit/method.h"

#include <string.h>

static const struct mr_method methods[] = {{0}};

const struct mr_method *mr_method_at(size_t index)
{
    return index + 1 < sizeof methods / sizeof methods[0] ? &methods[index] : NULL;
}

const struct mr_method *mr_method_find(const char *name)
{
    const struct mr_method *method;

    for (size_t i = 0; (method = mr_method_at(i)) != NULL; i++)
        if (strcmp(method->name, name) == 0)
            return method;
    return NULL;
}

int mr_method_allowed(const struct mr_method *method, const struct mr_method_call *call, struct mr_error *reterr)
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
    return mr_error_set(reterr, MR_EDENIED, call->operator_name, "name an operator with --operator", "needs one of: %s",
            method->roles);
}

void mr_act_fini(struct mr_act *act)
{
    mr_buf_wipe(&act->event);
    for (size_t i = 0; i < act->rows_count; i++) {
        mr_buf_fini(&act->rows[i].key);
        mr_buf_wipe(&act->rows[i].value);
    }
    json_decref(act->reply);
    memset(act, 0, sizeof *act);
}
