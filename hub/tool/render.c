#include "hub/tool/render.h"

#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/printable.h"

enum { TABLE_COLUMNS_MAX = 16, TEXT_MAX = 400 };

static bool is_scalar(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

static const char *scalar_text(const json_t *value, char out[static TEXT_MAX])
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        (void)snprintf(out, TEXT_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        (void)snprintf(out, TEXT_MAX, "%g", json_real_value(value));
    else
        (void)snprintf(out, TEXT_MAX, "%s", json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "-");
    return out;
}

static void put_line(FILE *out, const char *text)
{
    tool_put(out, text);
    (void)fputc('\n', out);
}

static void pad(FILE *out, size_t have, size_t want)
{
    for (; have < want; have++)
        (void)fputc(' ', out);
}

/* A table needs a list of objects that hold scalars only. */
static bool is_table(const json_t *list)
{
    size_t i;
    json_t *row;

    json_array_foreach (list, i, row) {
        const char *key;
        json_t *value;

        if (!json_is_object(row) || json_object_size(row) > TABLE_COLUMNS_MAX)
            return false;
        json_object_foreach (row, key, value) {
            if (!is_scalar(value))
                return false;
        }
    }
    return json_array_size(list) > 0;
}

struct columns {
    const char *names[TABLE_COLUMNS_MAX];
    size_t widths[TABLE_COLUMNS_MAX];
    size_t count;
};

static size_t column_of(struct columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcmp(columns->names[i], name) == 0)
            return i;
    if (columns->count == TABLE_COLUMNS_MAX)
        return TABLE_COLUMNS_MAX;
    columns->names[columns->count] = name;
    columns->widths[columns->count] = tool_columns(name);
    return columns->count++;
}

static void measure(struct columns *columns, const json_t *list)
{
    size_t i;
    json_t *row;

    json_array_foreach (list, i, row) {
        const char *key;
        json_t *value;

        json_object_foreach (row, key, value) {
            char text[TEXT_MAX];
            size_t column = column_of(columns, key);
            size_t width = tool_columns(scalar_text(value, text));

            if (column < columns->count && width > columns->widths[column])
                columns->widths[column] = width;
        }
    }
}

static void render_row(FILE *out, const struct columns *columns, const json_t *row, int indent)
{
    pad(out, 0, (size_t)indent);
    for (size_t i = 0; i < columns->count; i++) {
        const json_t *value = row ? json_object_get(row, columns->names[i]) : NULL;
        char text[TEXT_MAX];
        const char *shown = row ? (value ? scalar_text(value, text) : "") : columns->names[i];
        size_t width = i + 1 < columns->count ? columns->widths[i] + 2 : 0;

        if (value && json_is_integer(value)) {
            pad(out, tool_columns(shown), columns->widths[i]);
            tool_put(out, shown);
            pad(out, 0, width ? 2 : 0);
        } else {
            tool_put(out, shown);
            pad(out, tool_columns(shown), width);
        }
    }
    (void)fputc('\n', out);
}

static void render_table(FILE *out, const json_t *list, int indent)
{
    struct columns columns = {.count = 0};
    size_t i;
    json_t *row;

    measure(&columns, list);
    render_row(out, &columns, NULL, indent);
    json_array_foreach (list, i, row)
        render_row(out, &columns, row, indent);
}

static void render_value(FILE *out, const json_t *value, int indent);

static size_t key_width(const json_t *object)
{
    size_t width = 0;
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)object, key, value) {
        if (is_scalar(value) && tool_columns(key) > width)
            width = tool_columns(key);
    }
    return width;
}

static void render_object(FILE *out, const json_t *object, int indent)
{
    size_t width = key_width(object);
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)object, key, value) {
        char text[TEXT_MAX];

        pad(out, 0, (size_t)indent);
        tool_put(out, key);
        if (is_scalar(value)) {
            pad(out, tool_columns(key), width + 2);
            put_line(out, scalar_text(value, text));
        } else if ((json_is_array(value) && json_array_size(value) == 0) ||
                   (json_is_object(value) && json_object_size(value) == 0)) {
            (void)fputs(": none\n", out);
        } else {
            (void)fputs(":\n", out);
            render_value(out, value, indent + 2);
        }
    }
}

static void render_list(FILE *out, const json_t *list, int indent)
{
    size_t i;
    json_t *item;

    json_array_foreach (list, i, item) {
        char text[TEXT_MAX];

        if (is_scalar(item)) {
            pad(out, 0, (size_t)indent);
            put_line(out, scalar_text(item, text));
        } else {
            render_value(out, item, indent);
            if (i + 1 < json_array_size(list))
                (void)fputc('\n', out);
        }
    }
}

static void render_value(FILE *out, const json_t *value, int indent)
{
    char text[TEXT_MAX];

    if (json_is_object(value)) {
        render_object(out, value, indent);
    } else if (json_is_array(value) && is_table(value)) {
        render_table(out, value, indent);
    } else if (json_is_array(value)) {
        render_list(out, value, indent);
    } else {
        pad(out, 0, (size_t)indent);
        put_line(out, scalar_text(value, text));
    }
}

void tool_render(const struct tool *tool, FILE *out, const json_t *document)
{
    if (tool->json) {
        (void)json_dumpf(document, out, JSON_COMPACT | JSON_ENCODE_ANY);
        (void)fputc('\n', out);
        return;
    }
    render_value(out, document, 0);
}

int tool_ask_and_render(struct tool *tool, const char *method, json_t *arguments)
{
    int code = 0;
    json_t *document = tool_ask_one(tool, method, arguments, &code);

    if (!document)
        return code;
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}
