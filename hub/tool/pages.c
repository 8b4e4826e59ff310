#include "hub/tool/pages.h"

#include "hub/tool/ask.h"

static void add_page(json_t *whole, const json_t *page, const char *const lists[])
{
    const char *key;
    json_t *value;

    for (size_t i = 0; lists[i]; i++)
        (void)json_array_extend(json_object_get(whole, lists[i]), json_object_get(page, lists[i]));
    json_object_foreach ((json_t *)page, key, value)
        if (json_is_true(value))
            (void)json_object_set(whole, key, value);
}

bool tool_pages_more(const json_t *page)
{
    const json_t *next = json_object_get(page, "next");

    return json_integer_value(next) > 0 || json_string_length(next) > 0;
}

json_t *tool_pages_ask(struct tool *tool, const char *method, json_t *arguments, unsigned limit,
        const char *const lists[], int *ret_exit)
{
    json_t *whole = NULL, *page;
    bool more;

    (void)json_object_set_new(arguments, "limit", json_integer(limit));
    do {
        page = tool_ask_one(tool, method, json_incref(arguments), ret_exit);
        more = tool_pages_more(page);
        if (more)
            (void)json_object_set(arguments, "after", json_object_get(page, "next"));
        if (!page) {
            json_decref(whole);
            whole = NULL;
        } else if (!whole) {
            whole = json_incref(page);
        } else {
            add_page(whole, page, lists);
        }
        json_decref(page);
    } while (more);
    if (whole)
        (void)json_object_del(whole, "next");
    json_decref(arguments);
    return whole;
}
