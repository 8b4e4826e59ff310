#include "tests/conformance/driver/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"
#include "tests/support/hub_env.h"

static void put_programme(struct mr_buf *out, const char *id)
{
    hub_env_programme(out, id);
}

static void put_deficit(struct mr_buf *out, const char *id)
{
    hub_env_deficit(out, id, "11223344595", "t-1");
}

/* Of another person. */
static void put_other_deficit(struct mr_buf *out, const char *id)
{
    hub_env_deficit(out, id, "08765430300", "t-3");
}

static void put_wrong_deficit(struct mr_buf *out, const char *id)
{
    hub_env_deficit(out, id, "11223344596", "t-2");
}

static void put_bytes(struct mr_buf *out, const char *count)
{
    size_t size = strtoul(count, NULL, 10);
    uint8_t *at = mr_buf_reserve(out, size);

    assert_non_null(at);
    memset(at, 0xff, size);
    out->size += size;
}

static const struct {
    const char *kind;
    void (*put)(struct mr_buf *out, const char *rest);
} kinds[] = {
        {"@programme:", put_programme},
        {"@deficit:", put_deficit},
        {"@deficit-b:", put_other_deficit},
        {"@deficit-wrong:", put_wrong_deficit},
        {"@bytes:", put_bytes},
};

static json_t *event_of(const char *text)
{
    struct mr_buf bytes = MR_BUF_INIT;
    json_t *value;
    char *base64;
    size_t room;

    for (size_t i = 0; i < MR_COUNT(kinds); i++)
        if (strncmp(text, kinds[i].kind, strlen(kinds[i].kind)) == 0)
            kinds[i].put(&bytes, text + strlen(kinds[i].kind));
    if (bytes.size == 0)
        fail_msg("no such event: %s", text);
    room = sodium_base64_encoded_len(bytes.size, sodium_base64_VARIANT_ORIGINAL);
    base64 = malloc(room);
    assert_non_null(base64);
    value = json_string(
            sodium_bin2base64(base64, room, bytes.data, bytes.size, sodium_base64_VARIANT_ORIGINAL));
    free(base64);
    mr_buf_fini(&bytes);
    return value;
}

static json_t *expand_text(const json_t *value, const json_t *bound)
{
    const char *text = json_string_value(value);
    json_t *known = text[0] == '$' ? json_object_get(bound, text) : NULL;

    if (text[0] == '@' && strchr(text, ':'))
        return event_of(text);
    if (text[0] == '$' && !known)
        fail_msg("nothing has bound %s", text);
    return json_deep_copy(known ? known : value);
}

static void add_many(json_t *out, const json_t *many)
{
    json_int_t count = json_integer_value(json_object_get(many, "count"));
    char text[96];

    for (json_int_t i = 1; i <= count; i++) {
        (void)snprintf(
                text, sizeof text, "%s-%lld", json_string_value(json_object_get(many, "many")), (long long)i);
        assert_int_equal(json_array_append_new(out, event_of(text)), 0);
    }
}

static json_t *expand_array(const json_t *value, const json_t *bound)
{
    json_t *out = json_array();

    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);

        if (json_is_object(item) && json_object_get(item, "many"))
            add_many(out, item);
        else
            assert_int_equal(json_array_append_new(out, events_expand(item, bound)), 0);
    }
    return out;
}

json_t *events_expand(const json_t *value, const json_t *bound)
{
    const char *key;
    json_t *item, *out;

    if (json_is_string(value))
        return expand_text(value, bound);
    if (json_is_array(value))
        return expand_array(value, bound);
    if (!json_is_object(value))
        return json_deep_copy(value);
    out = json_object();
    json_object_foreach ((json_t *)value, key, item)
        assert_int_equal(json_object_set_new(out, key, events_expand(item, bound)), 0);
    return out;
}

void events_expect_growing(const json_t *numbers)
{
    unsigned long long last = 0;

    for (size_t i = 0; i < json_array_size(numbers); i++) {
        unsigned long long number = strtoull(json_string_value(json_array_get(numbers, i)), NULL, 10);

        assert_true(number > last);
        last = number;
    }
}
