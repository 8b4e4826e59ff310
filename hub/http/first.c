/* A hub whose console nobody can enter invites its first administrator, and says the link once, at its start.
 */
#include <stdlib.h>

#include "hub/http/parts.h"
#include "proto/base/logfmt.h"

struct first {
    struct mr_query_asker asker;
    struct mr_api *api;
    uint16_t port;
};

static const char *administrator(const struct mr_config *config)
{
    for (uint32_t i = 0; i < config->operators_count; i++)
        if (mr_config_operator_has(config, config->operators[i].name, "admin"))
            return config->operators[i].name;
    return NULL;
}

static void on_invited(
        struct mr_query_asker *asker, const char *json, bool more, int code, const struct mr_error *error)
{
    struct first *first = MR_CONTAINER(asker, struct first, asker);
    json_t *document = json_loads(json, 0, NULL);
    const char *name = json_string_value(json_object_get(document, "name"));
    const char *secret = json_string_value(json_object_get(document, "secret"));
    struct mr_buf link = MR_BUF_INIT;

    (void)more;
    if (code < 0)
        mr_warn("hub.no_first_account", "error", mr_err_name(code), "what", error->what);
    if (name && secret) {
        mr_buf_printf(&link, "/#invite=%s:%s", name, secret);
        mr_info("hub.first_account", "account", name, "port", MR_N(first->port), "path",
                mr_buf_str(&link) ? mr_buf_str(&link) : "", "cure",
                "open this path of the console within 72 hours and choose a password");
    }
    mr_buf_wipe(&link);
    json_decref(document);
    free(first);
}

static void on_listed(
        struct mr_query_asker *asker, const char *json, bool more, int code, const struct mr_error *error)
{
    struct first *first = MR_CONTAINER(asker, struct first, asker);
    json_t *document = json_loads(json, 0, NULL);
    const char *name = administrator(first->api->house->config);
    bool none = code == 0 && json_integer_value(json_object_get(document, "count")) == 0;

    (void)more;
    (void)error;
    json_decref(document);
    if (!none || !name) {
        free(first);
        return;
    }
    first->asker.take = on_invited;
    mr_query_ask(first->api->query, &first->asker, "account.invite", json_pack("{s:s}", "name", name), name);
}

void mr_api_first_account(struct mr_api *api, uint16_t port)
{
    struct first *first = calloc(1, sizeof *first);

    if (!first)
        return;
    first->asker.take = on_listed;
    first->api = api;
    first->port = port;
    mr_query_ask(api->query, &first->asker, "account.list", json_object(), "");
}
