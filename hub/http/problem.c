#include "hub/http/problem.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/base/hex.h"
#include "proto/base/list.h"

/* Answers of the API are no pages: nothing of them runs or is loaded. */
#define NOTHING "default-src 'none'; frame-ancestors 'none'"

enum {
    MS_IN_S = 1000,
    TAG_BYTES = 16,
    TAG_TEXT_BYTES = 2 * TAG_BYTES + 6,
    PACK_BYTES_MIN = 1024,
    TAG_GIVEN_BYTES = 96
};

static void add_common(struct mr_http_exchange *exchange, const char *policy)
{
    const struct {
        const char *name, *value;
    } headers[] = {
            {"X-Content-Type-Options", "nosniff"},
            {"Referrer-Policy", "no-referrer"},
            {"Content-Security-Policy", policy},
            {"Cross-Origin-Resource-Policy", "same-origin"},
    };

    for (size_t i = 0; i < MR_COUNT(headers); i++)
        mr_http_answer_header(exchange, headers[i].name, headers[i].value);
}

static void set_text(json_t *object, const char *key, const char *value)
{
    if (value && *value)
        (void)json_object_set_new(object, key, json_string(value));
}

/* RFC 9110, 10.2.3: whole seconds. One, when it is not known better. */
static void add_wait(struct mr_http_exchange *exchange, uint32_t wait_ms)
{
    char text[16];

    (void)snprintf(
            text, sizeof text, "%u", wait_ms > MS_IN_S ? wait_ms / MS_IN_S + (wait_ms % MS_IN_S > 0) : 1);
    mr_http_answer_header(exchange, "Retry-After", text);
}

void mr_problem_answer(
        struct mr_http_exchange *exchange, unsigned status, int code, const struct mr_error *error)
{
    json_t *body = json_object();
    char type[64];
    char *text;

    status = status ? status : (unsigned)mr_err_http(code);
    (void)snprintf(type, sizeof type, "urn:marshrut:problem:%s", mr_err_name(code));
    set_text(body, "type", type);
    set_text(body, "title", mr_err_text(code));
    (void)json_object_set_new(body, "status", json_integer((json_int_t)status));
    if (error) {
        set_text(body, "detail", error->what);
        set_text(body, "field", error->where);
        set_text(body, "cure", error->cure);
    }
    text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    add_common(exchange, NOTHING);
    if (status == 429 || status == 503)
        add_wait(exchange, error ? error->wait_ms : 0);
    mr_http_answer(exchange, status, "application/problem+json", mr_slice_str(text ? text : "{}"));
    free(text);
}

void mr_problem_say(struct mr_http_exchange *exchange, unsigned status, int code, const char *where,
        const char *what, const char *cure)
{
    struct mr_error error = {0};

    (void)mr_error_set(&error, code, where, cure, "%s", what);
    mr_problem_answer(exchange, status, code, &error);
}

void mr_problem_later(struct mr_http_exchange *exchange, const char *where, const char *what,
        const char *cure, uint32_t wait_s)
{
    struct mr_error error = {0};

    (void)mr_error_set(&error, MR_EAGAIN, where, cure, "%s", what);
    error.wait_ms = wait_s < UINT32_MAX / MS_IN_S ? wait_s * MS_IN_S : UINT32_MAX;
    mr_problem_answer(exchange, 429, MR_EAGAIN, &error);
}

/* RFC 9110, 13.1.2: a list of tags, or "*". */
static bool has_tag(const char *given, const char *tag)
{
    return given && (strcmp(given, "*") == 0 || strstr(given, tag));
}

/* Of what changes something the answer is never that nothing has. */
static bool is_looking(const struct mr_http_request *request)
{
    return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

static void answer_as(const struct mr_http_request *request, unsigned status, const char *content_type,
        const char *cache, const char *tag, bool packed, struct mr_slice body)
{
    mr_http_answer_header(request->exchange, "Cache-Control", cache ? cache : "private, no-cache");
    mr_http_answer_header(request->exchange, "ETag", tag);
    if (status == 200 && is_looking(request) && has_tag(mr_http_header(request, "If-None-Match"), tag))
        mr_http_answer(request->exchange, 304, content_type, (struct mr_slice){0});
    else if (packed)
        mr_http_answer_packed(request->exchange, status, content_type, body);
    else
        mr_http_answer(request->exchange, status, content_type, body);
}

/* Of what is packed the tag is another one: its bytes are. */
static void answer_tagged(const struct mr_http_request *request, unsigned status, const char *content_type,
        const char *cache, bool packed, struct mr_slice body)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    char tag[TAG_TEXT_BYTES];
    size_t end = 1 + 2 * TAG_BYTES;

    (void)crypto_hash_sha256(digest, body.data, body.size);
    tag[0] = '"';
    (void)mr_hex_encode(digest, TAG_BYTES, tag + 1);
    (void)snprintf(tag + end, sizeof tag - end, "%s", packed ? "-gz\"" : "\"");
    answer_as(request, status, content_type, cache, tag, packed, body);
}

/* Is it "gzip" or "*", up to a weight or the end of the item, and is the weight more than nothing? */
static bool is_coding(const char *item, const char *coding, bool *wanted)
{
    size_t size = strlen(coding), end = strcspn(item, ",");
    const char *weight = memchr(item, '=', end);

    if (strncasecmp(item, coding, size) != 0 || !strchr(" \t,;", item[size]))
        return false;
    *wanted = !weight || strtod(weight + 1, NULL) > 0;
    return true;
}

/* RFC 9110, 12.5.3: "gzip, deflate;q=0.5, *;q=0". What is said of gzip counts more than what is of all. */
bool mr_api_takes_gzip(const struct mr_http_request *request)
{
    const char *at = mr_http_header(request, "Accept-Encoding");
    bool any = false, wanted = false;

    for (; at && *at; at += strcspn(at, ",")) {
        at += strspn(at, ", \t");
        if (is_coding(at, "gzip", &wanted))
            return wanted;
        (void)is_coding(at, "*", &any);
    }
    return any;
}

/* What is worth it, and has no secret in it: see docs/api.md. */
static bool may_be_packed(const struct mr_http_request *request, unsigned status, const char *content_type,
        const char *cache, size_t size)
{
    static const char *const texts[] = {"application/json", "text/"};
    bool text = false;

    for (size_t i = 0; i < MR_COUNT(texts); i++)
        text |= strncmp(content_type, texts[i], strlen(texts[i])) == 0;
    return text && status == 200 && is_looking(request) && size >= PACK_BYTES_MIN &&
           !(cache && strcmp(cache, "no-store") == 0);
}

void mr_api_answer_as(const struct mr_http_request *request, const char *tag, struct mr_slice body)
{
    char quoted[TAG_GIVEN_BYTES];

    (void)snprintf(quoted, sizeof quoted, "\"%s\"", tag);
    add_common(request->exchange, NOTHING);
    answer_as(request, 200, "application/json", NULL, quoted, false, body);
}

void mr_api_answer(const struct mr_http_request *request, unsigned status, const char *content_type,
        const char *cache, struct mr_slice body)
{
    bool packed = may_be_packed(request, status, content_type, cache, body.size);

    add_common(request->exchange, NOTHING);
    if (packed)
        mr_http_answer_header(request->exchange, "Vary", "Accept-Encoding");
    answer_tagged(request, status, content_type, cache, packed && mr_api_takes_gzip(request), body);
}

void mr_api_answer_headers(struct mr_http_exchange *exchange)
{
    add_common(exchange, NOTHING);
}

void mr_api_answer_once(
        struct mr_http_exchange *exchange, unsigned status, const char *content_type, struct mr_slice body)
{
    add_common(exchange, NOTHING);
    mr_http_answer(exchange, status, content_type, body);
}

void mr_api_answer_under(const struct mr_http_request *request, const char *content_type, const char *policy,
        struct mr_slice body)
{
    add_common(request->exchange, policy);
    answer_tagged(request, 200, content_type, NULL, false, body);
}

void mr_api_answer_json(const struct mr_http_request *http, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    if (text)
        mr_api_answer(http, 200, "application/json", "no-store", mr_slice_str(text));
    else
        mr_problem_answer(http->exchange, 0, MR_ENOMEM, NULL);
    free(text);
}
