#include "hub/project/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/project/export_xlsx.h"
#include "proto/base/list.h"

/* Length of the code up to its last part: "1.age." of "1.age.under-35"; 0 for the cells that are no
 * breakdown. */
static size_t family(const char *code)
{
    const char *first = strchr(code, '.'), *last = strrchr(code, '.');

    return first && last > first ? (size_t)(last - code) + 1 : 0;
}

static bool small(const struct mr_passport *passport, const struct mr_cell *cell)
{
    uint32_t below = passport->config->passport.suppress_below;

    return cell->persons && !cell->has_share && cell->count > 0 && cell->count < below;
}

/* When exactly one part is withheld, it follows from the total: withhold the smallest of the others too. */
static void suppress_beside(
        const struct mr_passport *passport, size_t first, size_t end, enum mr_suppression *ret)
{
    struct mr_cell *const *cells = passport->cells->items;
    size_t hidden = 0, best = end;

    for (size_t i = first; i < end; i++) {
        hidden += ret[i] != MR_SHOWN;
        if (ret[i] == MR_SHOWN && cells[i]->persons && cells[i]->count > 0 &&
                (best == end || cells[i]->count < cells[best]->count))
            best = i;
    }
    if (hidden == 1 && best < end)
        ret[best] = MR_SUPPRESSED_BESIDE;
}

enum mr_suppression *mr_export_suppress(const struct mr_passport *passport)
{
    size_t count = passport->cells->count, end;
    struct mr_cell *const *cells = passport->cells->items;
    enum mr_suppression *ret = calloc(count + 1, sizeof *ret);

    if (!ret)
        return NULL;
    for (size_t i = 0; i < count; i++)
        ret[i] = small(passport, cells[i]) ? MR_SUPPRESSED_SMALL : MR_SHOWN;
    for (size_t i = 0; i < count; i = end) {
        size_t size = family(cells[i]->code);

        end = i + 1;
        while (size && end < count && family(cells[end]->code) == size &&
                strncmp(cells[end]->code, cells[i]->code, size) == 0)
            end++;
        if (size)
            suppress_beside(passport, i, end, ret);
    }
    return ret;
}

const char *mr_export_value(const struct mr_passport *passport, const struct mr_cell *cell,
        enum mr_suppression suppression, char *out, size_t size)
{
    static const char *const hidden[] = {[MR_SUPPRESSED_BESIDE] = "скрыто"};

    if (suppression == MR_SUPPRESSED_SMALL)
        (void)snprintf(out, size, "менее %u", passport->config->passport.suppress_below);
    else
        (void)snprintf(out, size, "%s", suppression ? hidden[suppression] : cell->value);
    return out;
}

static void hide(json_t *cell, enum mr_suppression suppression)
{
    static const char *const telling[] = {
            "numerator", "denominator", "computed", "events", "first", "last", "digest"};

    (void)json_object_set_new(cell, "suppressed", json_boolean(suppression != MR_SHOWN));
    if (suppression == MR_SHOWN)
        return;
    (void)json_object_set_new(cell, "value", json_null());
    for (size_t i = 0; i < MR_COUNT(telling); i++) /* the number of its events tells its value */
        (void)json_object_del(cell, telling[i]);
}

static int export_json(const struct mr_passport *passport, const enum mr_suppression *suppressed,
        struct mr_buf *out, struct mr_error *reterr)
{
    json_t *json = mr_passport_json(passport, true), *section, *cell;
    size_t i, j, at = 0;
    char *text;

    (void)reterr;
    json_array_foreach (json_object_get(json, "sections"), i, section)
        json_array_foreach (json_object_get(section, "cells"), j, cell)
            hide(cell, suppressed[at++]);
    text = json ? json_dumps(json, JSON_SORT_KEYS | JSON_INDENT(1)) : NULL;
    json_decref(json);
    if (!text)
        return MR_ENOMEM;
    mr_buf_put_str(out, text);
    mr_buf_put_u8(out, '\n');
    free(text);
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

/* A field in quotes; one that a spreadsheet would take for a formula gets an apostrophe. */
static void put_field(struct mr_buf *out, const char *text, bool last)
{
    mr_buf_put_u8(out, '"');
    if (text[0] && strchr("=+-@\t", text[0]))
        mr_buf_put_u8(out, '\'');
    for (; *text; text++) {
        if (*text == '"')
            mr_buf_put_u8(out, '"');
        mr_buf_put_u8(out, (uint8_t)*text);
    }
    mr_buf_put_str(out, last ? "\"\r\n" : "\";");
}

const char *const mr_export_columns[MR_EXPORT_COLUMNS] = {"Раздел", "Код", "Показатель", "Значение",
        "Единица", "Состояние", "Правило", "Версия правила", "Как считается"};

const char *mr_export_state(const char *state)
{
    static const struct {
        const char *name, *title;
    } titles[] = {{"complete", "полное"}, {"partial", "неполное"}, {"provisional", "предварительное"},
            {"overridden", "исправлено человеком"}, {"entered", "внесено человеком"}};

    for (size_t i = 0; i < MR_COUNT(titles); i++)
        if (strcmp(titles[i].name, state) == 0)
            return titles[i].title;
    return state;
}

static int export_csv(const struct mr_passport *passport, const enum mr_suppression *suppressed,
        struct mr_buf *out, struct mr_error *reterr)
{
    (void)reterr;
    mr_buf_put_str(out, "\xef\xbb\xbf");
    for (size_t i = 0; i < MR_EXPORT_COLUMNS; i++)
        put_field(out, mr_export_columns[i], i + 1 == MR_EXPORT_COLUMNS);
    for (size_t i = 0; i < passport->cells->count; i++) {
        const struct mr_cell *cell = passport->cells->items[i];
        char value[MR_CELL_VALUE_MAX], section[128], version[16];

        (void)snprintf(section, sizeof section, "%d. %s", cell->section, mr_section_title(cell->section));
        (void)snprintf(version, sizeof version, "%u", cell->rule->version);
        put_field(out, section, false);
        put_field(out, cell->code, false);
        put_field(out, cell->title, false);
        put_field(out, mr_export_value(passport, cell, suppressed[i], value, sizeof value), false);
        put_field(out, cell->unit, false);
        put_field(out, mr_export_state(cell->state), false);
        put_field(out, cell->rule->id, false);
        put_field(out, version, false);
        put_field(out, cell->rule->text, true);
    }
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

static const struct {
    const char *name;
    int (*write)(const struct mr_passport *passport, const enum mr_suppression *suppressed,
            struct mr_buf *out, struct mr_error *reterr);
} formats[] = {{"json", export_json}, {"csv", export_csv}, {"xlsx", mr_export_xlsx}};

int mr_export(
        const struct mr_passport *passport, const char *format, struct mr_buf *out, struct mr_error *reterr)
{
    enum mr_suppression *suppressed = mr_export_suppress(passport);
    int r = MR_EINVAL;
    size_t i = 0;

    if (!suppressed)
        return MR_ENOMEM;
    while (i < MR_COUNT(formats) && strcmp(formats[i].name, format) != 0)
        i++;
    if (i == MR_COUNT(formats))
        r = mr_error_set(reterr, r, "format", "say json, csv or xlsx", "no such format");
    else
        r = formats[i].write(passport, suppressed, out, reterr);
    free(suppressed);
    return r;
}
