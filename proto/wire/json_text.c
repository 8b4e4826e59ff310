/* json.h: text to JSON, strictly. */
#include <string.h>

#include "proto/wire/json.h"

enum { DEPTH_MAX = 32 };

/* The deepest nesting of brackets outside of strings. */
static int depth_of(struct mr_slice text)
{
    bool quoted = false;
    int depth = 0;
    int deepest = 0;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!quoted && (c == '}' || c == ']'))
            depth--;
    }
    return deepest;
}

/* Ours, as jansson's texts quote the input. */
static const char *text_of(enum json_error_code code)
{
    switch (code) {
    case json_error_invalid_utf8:
        return "not UTF-8";
    case json_error_premature_end_of_input:
        return "ends too early";
    case json_error_end_of_input_expected:
        return "goes on after its end";
    case json_error_duplicate_key:
        return "a key occurs twice in an object";
    case json_error_numeric_overflow:
        return "a number is too large; send 64-bit numbers as strings";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "NUL in a string";
    case json_error_out_of_memory:
        return "no memory";
    default:
        return "not JSON";
    }
}

json_t *mr_json_parse(struct mr_slice text, const char *file, struct mr_error *reterr)
{
    const char *data = text.data ? (const char *)text.data : "";
    json_error_t error;
    char where[128];
    json_t *json;

    if (depth_of(text) > DEPTH_MAX) {
        (void)mr_error_set(
                reterr, MR_ETOOBIG, file, "send it flatter", "JSON nested deeper than %d", DEPTH_MAX);
        return NULL;
    }
    json = json_loadb(data, text.size, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        enum json_error_code code = json_error_code(&error);

        (void)snprintf(where, sizeof where, "%s:%d:%d", file ? file : "", error.line, error.column);
        (void)mr_error_set(reterr, code == json_error_out_of_memory ? MR_ENOMEM : MR_EINVAL, where,
                "send one JSON object or array in UTF-8 (RFC 8259)", "%s", text_of(code));
    }
    return json;
}
