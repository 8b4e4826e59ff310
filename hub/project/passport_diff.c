#include "hub/project/passport_diff.h"

#include <stdbool.h>
#include <string.h>

#include "proto/base/list.h"

static const char *code_of(const json_t *cell)
{
    const char *code = json_string_value(json_object_get(cell, "cell"));

    return code ? code : "";
}

static const json_t *find_cell(const json_t *document, const char *code)
{
    const json_t *section, *cell;
    size_t i, j;

    json_array_foreach (json_object_get(document, "sections"), i, section)
        json_array_foreach (json_object_get(section, "cells"), j, cell)
            if (strcmp(code_of(cell), code) == 0)
                return cell;
    return NULL;
}

/* The side of one row. */
static json_t *side(const json_t *cell)
{
    static const char *const kept[] = {"value", "state", "rule_version", "events"};
    json_t *json = cell ? json_object() : json_null();

    for (size_t i = 0; cell && i < MR_COUNT(kept); i++)
        (void)json_object_set(json, kept[i], json_object_get(cell, kept[i]));
    return json;
}

static bool differ(const json_t *from, const json_t *to)
{
    static const char *const compared[] = {"value", "state", "rule_version"};

    for (size_t i = 0; i < MR_COUNT(compared); i++)
        if (!json_equal(json_object_get(from, compared[i]), json_object_get(to, compared[i])))
            return true;
    return false;
}

static int add(json_t *list, const json_t *section, const json_t *from, const json_t *to)
{
    const json_t *cell = to ? to : from;
    json_t *row = json_pack("{s:O, s:O, s:O, s:O, s:s, s:o, s:o}", "cell", json_object_get(cell, "cell"),
            "section", json_object_get(section, "section"), "title", json_object_get(cell, "title"), "unit",
            json_object_get(cell, "unit"), "change",
            !from ? "added"
            : !to ? "removed"
                  : "changed",
            "from", side(from), "to", side(to));

    return row ? json_array_append_new(list, row) : -1;
}

/* The cells of `here`: those that are missing in `other`, and (both) those that are not the same there. */
static int walk(json_t *list, const json_t *here, const json_t *other, bool both)
{
    const json_t *section, *cell;
    size_t i, j;
    int r = 0;

    json_array_foreach (json_object_get(here, "sections"), i, section)
        json_array_foreach (json_object_get(section, "cells"), j, cell) {
            const json_t *again = find_cell(other, code_of(cell));

            if (r == 0 && both && (!again || differ(again, cell)))
                r = add(list, section, again, cell);
            if (r == 0 && !both && !again)
                r = add(list, section, cell, NULL);
        }
    return r;
}

json_t *mr_passport_diff(const json_t *from, const json_t *to)
{
    json_t *list = json_array();

    if (list && walk(list, to, from, true) == 0 && walk(list, from, to, false) == 0)
        return list;
    json_decref(list);
    return NULL;
}
