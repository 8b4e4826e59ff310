/* What a search finds, as a file with its proofs. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/http/reading.h"

static long long number(const json_t *document, const char *key)
{
    return json_integer_value(json_object_get(document, key));
}

/* Where to go on stands in a header: the file has no place for it. */
static void answer_zip(const struct mr_http_request *http, const json_t *document, struct mr_slice zip)
{
    char disposition[96], next[24];

    (void)snprintf(disposition, sizeof disposition, "attachment; filename=\"events-%lld-%lld.zip\"",
            number(document, "first"), number(document, "last"));
    (void)snprintf(next, sizeof next, "%lld", number(document, "next"));
    mr_http_answer_header(http->exchange, "Content-Disposition", disposition);
    mr_http_answer_header(http->exchange, "Marshrut-Next", next);
    mr_api_answer(http, 200, "application/zip", "no-store", zip);
}

static void on_evidence(struct mr_api *api, const struct mr_http_request *http, const char *json)
{
    json_t *document = json_loads(json, 0, NULL);
    const char *text = json_string_value(json_object_get(document, "base64"));
    size_t size = text ? strlen(text) : 0, used = 0;
    unsigned char *bytes = malloc(size + 1);

    (void)api;
    if (bytes && text &&
            sodium_base642bin(
                    bytes, size + 1, text, size, NULL, &used, NULL, sodium_base64_VARIANT_ORIGINAL) == 0)
        answer_zip(http, document, mr_slice(bytes, used));
    else
        mr_problem_answer(http->exchange, 0, MR_ENOMEM, NULL);
    free(bytes);
    json_decref(document);
}

void mr_api_events_export(const struct mr_api_request *request, const struct mr_api_route *route)
{
    mr_api_read_then(request, route, on_evidence);
}
