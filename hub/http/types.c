/* /api/v1/types: the event types that systems may say, each with the schema of its data and an example. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "proto/wire/json_schema.h"
#include "proto/wire/registry.h"

static const char *first_code(void *ctx, const char *list)
{
    const struct mr_config *config = ctx;

    for (uint32_t i = 0; i < config->codelists_count; i++)
        if (strcmp(config->codelists[i].name, list) == 0 && config->codelists[i].values_count > 0)
            return config->codelists[i].values[0].code;
    return "";
}

static void answer_json(const struct mr_api_request *request, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    if (text)
        mr_api_answer(request->http, 200, "application/json", "public, max-age=300", mr_slice_str(text));
    else
        mr_problem_answer(request->http->exchange, 0, MR_ENOMEM, NULL);
    free(text);
}

void mr_api_types(const struct mr_api_request *request, const struct mr_api_route *route)
{
    json_t *items = json_array();

    (void)route;
    for (size_t i = 0; i < mr_registry_count(); i++) {
        const struct mr_event_type *type = mr_registry_at(i);

        if (!(type->flags & MR_TYPE_HUB))
            (void)json_array_append_new(items, json_pack("{s:s, s:b}", "type", type->name, "person",
                                                       (int)mr_registry_has_person(type->payload)));
    }
    answer_json(
            request, json_pack("{s:o, s:I}", "items", items, "registry", (json_int_t)mr_registry_version()));
}

static json_t *example_of(const struct mr_config *config, const struct mr_event_type *type)
{
    const struct mr_json_codes codes = {first_code, (void *)config};
    json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "specversion", "1.0", "id", "example-1",
            "source", "urn:example:the-source-of-your-system", "type", type->name, "time",
            "2026-09-01T09:00:00Z", "regioncode", config->region, "datacontenttype", "application/json");

    if (mr_registry_has_person(type->payload))
        (void)json_object_update_new(event, json_pack("{s:s, s:s, s:s}", "basis", "employment", "actor",
                                                    "example-user-1", "actorrole", "methodist"));
    (void)json_object_set_new(event, "data", mr_json_example(type->payload, &codes));
    return event;
}

void mr_api_type(const struct mr_api_request *request, const struct mr_api_route *route)
{
    const char *name = request->parameters[0];
    const struct mr_event_type *type = mr_registry_find(name, strlen(name));

    (void)route;
    if (!type || type->flags & MR_TYPE_HUB) {
        mr_problem_say(request->http->exchange, 0, MR_ENOTFOUND, "type", "there is no such event type",
                "/api/v1/types lists them");
        return;
    }
    answer_json(request,
            json_pack("{s:s, s:b, s:o, s:o}", "type", type->name, "person",
                    (int)mr_registry_has_person(type->payload), "schema", mr_json_schema(type->payload),
                    "example", example_of(request->api->house->config, type)));
}
