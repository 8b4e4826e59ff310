#include "proto/loop/http_route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void not_allowed(
        const struct mr_http_route *routes, size_t count, const struct mr_http_request *request)
{
    char allow[96] = "";
    size_t used = 0;

    for (size_t i = 0; i < count; i++)
        if (strcmp(routes[i].path, request->path) == 0 && used < sizeof allow)
            used += (size_t)snprintf(
                    allow + used, sizeof allow - used, "%s%s", used > 0 ? ", " : "", routes[i].method);
    mr_http_answer_header(request->exchange, "Allow", allow);
    mr_http_answer_problem(request->exchange, 405, "method-not-allowed", NULL,
            "this path does not take this method", "look at the header Allow");
}

void mr_http_dispatch(
        const struct mr_http_route *routes, size_t count, void *ctx, const struct mr_http_request *request)
{
    bool path_known = false;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(routes[i].path, request->path) != 0)
            continue;
        path_known = true;
        if (strcmp(routes[i].method, request->method) == 0) {
            routes[i].answer(ctx, request);
            return;
        }
    }
    if (path_known)
        not_allowed(routes, count, request);
    else
        mr_http_answer_problem(request->exchange, 404, "not-found", NULL, "no such path",
                "the paths are in docs/adapters.md and docs/operations.md");
}

void mr_http_answer_json(struct mr_http_exchange *exchange, unsigned status, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    if (text)
        mr_http_answer(exchange, status, NULL, mr_slice_str(text));
    else
        mr_http_answer(exchange, 503, NULL, mr_slice_str("{\"error\":\"no-memory\"}"));
    free(text);
}

static void set_text(json_t *object, const char *key, const char *value)
{
    if (value && *value)
        (void)json_object_set_new(object, key, json_string(value));
}

void mr_http_answer_problem(struct mr_http_exchange *exchange, unsigned status, const char *error,
        const char *field, const char *problem, const char *cure)
{
    json_t *body = json_object();

    set_text(body, "error", error);
    set_text(body, "field", field);
    set_text(body, "problem", problem);
    set_text(body, "cure", cure);
    mr_http_answer_json(exchange, status, body);
}

void mr_http_answer_error(struct mr_http_exchange *exchange, int code, const struct mr_error *error)
{
    const char *what = error && *error->what ? error->what : mr_err_text(code);

    mr_http_answer_problem(exchange, (unsigned)mr_err_http(code), mr_err_name(code),
            error ? error->where : NULL, what, error ? error->cure : NULL);
}

bool mr_http_content_is(const struct mr_http_request *request, const char *media_type)
{
    const char *given = mr_http_header(request, "Content-Type");
    size_t size = strlen(media_type);

    return given && strncasecmp(given, media_type, size) == 0 &&
           (given[size] == '\0' || given[size] == ';' || given[size] == ' ');
}
