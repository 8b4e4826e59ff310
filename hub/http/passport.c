/* Answers on the passport that are no plain documents: files, and the way with the tag that If-Match takes.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/http/reading.h"
#include "proto/base/list.h"

static const struct {
    const char *format, *content_type;
} types[] = {
        {"csv", "text/csv; charset=utf-8"},
        {"json", "application/json"},
        {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
};

static const char *text_of(const json_t *document, const char *key)
{
    const char *text = json_string_value(json_object_get(document, key));

    return text ? text : "";
}

static void answer_file(const struct mr_http_request *http, const char *format, struct mr_slice body)
{
    const char *content_type = types[0].content_type;
    char disposition[64];

    for (size_t i = 0; i < MR_COUNT(types); i++)
        if (strcmp(types[i].format, format) == 0)
            content_type = types[i].content_type;
    (void)snprintf(disposition, sizeof disposition, "attachment; filename=\"passport.%s\"", format);
    mr_http_answer_header(http->exchange, "Content-Disposition", disposition);
    mr_api_answer(http, 200, content_type, NULL, body);
}

static void on_export(struct mr_api *api, const struct mr_http_request *http, const char *json)
{
    json_t *document = json_loads(json, 0, NULL);
    const char *text = text_of(document, "base64");
    size_t size = strlen(text), used = 0;
    unsigned char *bytes = malloc(size + 1);

    (void)api;
    if (bytes && document &&
            sodium_base642bin(
                    bytes, size + 1, text, size, NULL, &used, NULL, sodium_base64_VARIANT_ORIGINAL) == 0)
        answer_file(http, text_of(document, "format"), mr_slice(bytes, used));
    else
        mr_problem_answer(http->exchange, 0, MR_ENOMEM, NULL);
    free(bytes);
    json_decref(document);
}

void mr_api_passport_export(const struct mr_api_request *request, const struct mr_api_route *route)
{
    mr_api_read_then(request, route, on_export);
}

/* Byte for byte what was submitted: its SHA-256 is the digest that the events name. */
static void on_version(struct mr_api *api, const struct mr_http_request *http, const char *json)
{
    json_t *document = json_loads(json, 0, NULL);

    (void)api;
    mr_api_answer(http, 200, "application/json", NULL, mr_slice_str(text_of(document, "document")));
    json_decref(document);
}

void mr_api_passport_version(const struct mr_api_request *request, const struct mr_api_route *route)
{
    mr_api_read_then(request, route, on_version);
}

static void on_workflow(struct mr_api *api, const struct mr_http_request *http, const char *json)
{
    json_t *document = json_loads(json, 0, NULL);

    (void)api;
    mr_api_answer_as(http, text_of(document, "tag"), mr_slice_str(json));
    json_decref(document);
}

void mr_api_passport_workflow(const struct mr_api_request *request, const struct mr_api_route *route)
{
    mr_api_read_then(request, route, on_workflow);
}
