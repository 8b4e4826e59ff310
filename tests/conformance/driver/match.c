#include "tests/conformance/driver/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct path {
    char *text;
    size_t room;
};

static bool is_default(const json_t *value)
{
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_string(value) &&
                   (json_string_length(value) == 0 || strcmp(json_string_value(value), "0") == 0)) ||
           (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

/* A scalar as text; "" for a default. The caller frees. */
static char *scalar(const json_t *value)
{
    if (is_default(value))
        return strdup("");
    if (json_is_string(value))
        return strdup(json_string_value(value));
    return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

static bool same_scalar(const json_t *a, const json_t *b)
{
    char *left = scalar(a), *right = scalar(b);
    bool same = left && right && strcmp(left, right) == 0;

    free(left);
    free(right);
    return same;
}

static bool match_at(const json_t *expected, const json_t *came, json_t *bound, struct path path);

static bool match_within(
        const json_t *expected, const json_t *came, json_t *bound, struct path path, const char *name)
{
    size_t size = strlen(path.text);
    bool same;

    (void)snprintf(path.text + size, path.room - size, "%s%s", size > 0 ? "." : "", name);
    same = match_at(expected, came, bound, path);
    if (same)
        path.text[size] = 0;
    return same;
}

static bool match_array(const json_t *expected, const json_t *came, json_t *bound, struct path path)
{
    char name[24];

    if (json_array_size(expected) != json_array_size(came))
        return false;
    for (size_t i = 0; i < json_array_size(expected); i++) {
        (void)snprintf(name, sizeof name, "[%zu]", i);
        if (!match_within(json_array_get(expected, i), json_array_get(came, i), bound, path, name))
            return false;
    }
    return true;
}

static bool match_text(const json_t *expected, const json_t *came, json_t *bound)
{
    const char *text = json_string_value(expected);

    if (strcmp(text, "*") == 0)
        return !is_default(came);
    if (text[0] != '$')
        return same_scalar(expected, came);
    if (json_object_get(bound, text))
        return same_scalar(json_object_get(bound, text), came);
    return json_object_set_new(bound, text, came ? json_deep_copy(came) : json_integer(0)) == 0;
}

static bool match_at(const json_t *expected, const json_t *came, json_t *bound, struct path path)
{
    const char *key;
    json_t *value;

    if (json_is_array(expected))
        return match_array(expected, came, bound, path);
    if (json_is_string(expected))
        return match_text(expected, came, bound);
    if (!json_is_object(expected))
        return same_scalar(expected, came);
    if (!json_is_object(came))
        return false;
    json_object_foreach ((json_t *)expected, key, value)
        if (!match_within(value, json_object_get(came, key), bound, path, key))
            return false;
    return true;
}

bool match(const json_t *expected, const json_t *came, json_t *bound, char *where, size_t where_size)
{
    where[0] = 0;
    return match_at(expected, came, bound, (struct path){where, where_size});
}
