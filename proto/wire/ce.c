#include "proto/wire/ce.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "proto/base/list.h"
#include "proto/wire/json.h"

/* The attributes that may come as "ce-..." headers: the core ones and the extensions that Marshrut knows. */
static const char *const attributes[] = {"specversion", "id", "source", "type", "subject", "time",
        "dataschema", "regioncode", "oktmo", "orgid", "correlationid", "causationid", "partitionkey", "basis",
        "actor", "actorrole", "traceparent"};

enum { VALUE_BYTES_MAX = 2048 };

static bool is_type(const char *given, const char *type)
{
    size_t size = strlen(type);

    return given && strncasecmp(given, type, size) == 0 &&
           (given[size] == '\0' || given[size] == ';' || given[size] == ' ');
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* Percent-decodes (binding, 3.1.3.2). What is no escape stays as it is. False: too long, or a NUL in it. */
static bool decode(const char *text, char *out, size_t size)
{
    size_t used = 0;

    while (*text) {
        int high = text[0] == '%' ? hex_value(text[1]) : -1;
        int low = high >= 0 ? hex_value(text[2]) : -1;

        if (used + 1 >= size || (low >= 0 && high * 16 + low == 0))
            return false;
        out[used++] = low >= 0 ? (char)(high * 16 + low) : *text;
        text += low >= 0 ? 3 : 1;
    }
    out[used] = '\0';
    return true;
}

static json_t *read_binary(mr_ce_header_fn header, void *ctx, struct mr_slice body, struct mr_error *reterr)
{
    json_t *event = json_object();
    json_t *data = body.size > 0 ? mr_json_parse(body, "body", reterr) : NULL;

    if (body.size > 0 && !data) {
        json_decref(event);
        return NULL;
    }
    if (data)
        (void)json_object_set_new(event, "data", data);
    for (size_t i = 0; i < MR_COUNT(attributes); i++) {
        char name[32] = "ce-";
        char value[VALUE_BYTES_MAX];
        const char *given;

        (void)strncat(name, attributes[i], sizeof name - 4);
        given = header(ctx, name);
        if (!given)
            continue;
        if (!decode(given, value, sizeof value) ||
                json_object_set_new(event, attributes[i], json_string(value)) != 0) {
            json_decref(event);
            (void)mr_error_set(reterr, MR_EINVAL, name, "send UTF-8, percent-encoded, at most 2 KiB",
                    "not a header value of a CloudEvent");
            return NULL;
        }
    }
    return event;
}

static json_t *read_json(struct mr_slice body, bool batch, struct mr_error *reterr)
{
    json_t *json = mr_json_parse(body, "body", reterr);

    if (!json || json_is_array(json) == batch)
        return json;
    json_decref(json);
    (void)mr_error_set(reterr, MR_EINVAL, "body",
            "one event is application/cloudevents+json, an array application/cloudevents-batch+json",
            batch ? "not an array" : "not one event");
    return NULL;
}

json_t *mr_ce_read(mr_ce_header_fn header, void *ctx, struct mr_slice body, struct mr_error *reterr)
{
    const char *type = header(ctx, "Content-Type");

    if (is_type(type, "application/cloudevents-batch+json"))
        return read_json(body, true, reterr);
    if (is_type(type, "application/cloudevents+json"))
        return read_json(body, false, reterr);
    if (is_type(type, "application/json") && header(ctx, "ce-specversion"))
        return read_binary(header, ctx, body, reterr);
    (void)mr_error_set(reterr, MR_EUNSUPPORTED, "Content-Type",
            "send application/cloudevents+json, application/cloudevents-batch+json, or ce- headers with "
            "application/json",
            "not a CloudEvent");
    return NULL;
}
