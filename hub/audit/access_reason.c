#include "hub/audit/access_reason.h"

#include <string.h>

#include "hub/audit/args.h"
#include "proto/base/list.h"

#define LIST "access_reason"

static const struct mr_config_code own[] = {
        {.code = (char *)"person", .title = (char *)"Обращение самого человека"},
        {.code = (char *)"authority", .title = (char *)"Запрос органа власти"},
        {.code = (char *)"correction", .title = (char *)"Исправление ошибки в данных"},
        {.code = (char *)"incident", .title = (char *)"Расследование инцидента"},
        {.code = (char *)"inspection", .title = (char *)"Плановая проверка"},
};

static const struct mr_config_code *reasons(const struct mr_config *config, size_t *ret_count)
{
    for (uint32_t i = 0; i < config->codelists_count; i++)
        if (strcmp(config->codelists[i].name, LIST) == 0) {
            *ret_count = config->codelists[i].values_count;
            return config->codelists[i].values;
        }
    *ret_count = MR_COUNT(own);
    return own;
}

bool mr_access_reason_known(const struct mr_config *config, const char *code)
{
    size_t count;
    const struct mr_config_code *list = reasons(config, &count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].code, code) == 0)
            return true;
    return false;
}

json_t *mr_access_reasons_json(const struct mr_config *config)
{
    size_t count;
    const struct mr_config_code *list = reasons(config, &count);
    json_t *json = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(
                json, json_pack("{s:s, s:s}", "code", list[i].code, "title", list[i].title));
    return json;
}

int mr_arg_access(const struct mr_method_call *call, const char **ret_reason, const char **ret_case,
        struct mr_error *reterr)
{
    int r = mr_arg_text(call, "reason", true, MR_ACCESS_REASON_MAX, ret_reason, reterr);

    if (r == 0 && !mr_access_reason_known(call->house->config, *ret_reason))
        r = mr_error_set(reterr, MR_EINVAL, "reason", "marshrut access reasons shows the list",
                "no reason of the list");
    return r < 0 ? r : mr_arg_case(call, ret_case, reterr);
}
