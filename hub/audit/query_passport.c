/* passport.show, explain, export, check, diff. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/passport_point.h"
#include "hub/audit/queries.h"
#include "hub/audit/workflow_json.h"
#include "hub/project/export.h"
#include "hub/project/passport_diff.h"

enum { EXPLAIN_MAX = 10000, EXPLAIN_DEFAULT = 100 };

static int open_passport(const struct mr_method_call *call, struct mr_passport *ret,
        struct mr_workflow_row *row, struct mr_error *reterr)
{
    uint64_t as_of;
    int r = mr_passport_point(call, "as_of", "at", &as_of, reterr);

    if (r == 0)
        r = mr_workflow_read(call->house->log, row);
    return r < 0 ? r : mr_passport_open(ret, call->house, as_of, reterr);
}

/* All sections, those of the configuration first in its order: also the ones without a figure yet. */
static json_t *form_sections(const struct mr_config_passport *config)
{
    json_t *list = json_array();
    bool shown[MR_PASSPORT_SECTIONS + 1] = {false};

    for (uint32_t i = 0; i < config->sections_count + MR_PASSPORT_SECTIONS; i++) {
        int section = i < config->sections_count ? config->sections[i][0] - '0'
                                                 : (int)(i - config->sections_count) + 1;

        if (shown[section])
            continue;
        shown[section] = true;
        (void)json_array_append_new(
                list, json_pack("{s:i, s:s, s:b}", "section", section, "title", mr_section_title(section),
                              "in_form", config->sections_count == 0 || i < config->sections_count));
    }
    return list;
}

/* Those that people may enter, whether somebody has or not. */
static json_t *form_cells(const struct mr_config_passport *config)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < config->cells_count; i++) {
        const struct mr_config_cell *cell = &config->cells[i];

        (void)json_array_append_new(list,
                json_pack("{s:i, s:s, s:s, s:s}", "section", cell->code[0] - '0', "cell", cell->code, "title",
                        cell->title ? cell->title : cell->code, "unit", cell->unit ? cell->unit : ""));
    }
    return list;
}

/* What a screen shows beside the figures: where the zone's days begin, and how the whole was entered so far.
 */
static void add_beside(const struct mr_method_call *call, const struct mr_passport *passport,
        const struct mr_workflow_row *row, json_t *json)
{
    char tag[MR_WORKFLOW_TAG_MAX], whole[MR_WORKFLOW_TAG_MAX + 24];

    mr_workflow_tag(row, tag);
    (void)snprintf(whole, sizeof whole, "%s-%llu", tag, (unsigned long long)mr_passport_said(passport));
    (void)json_object_set_new(json, "tag", json_string(whole));
    (void)json_object_set_new(json, "recorded", mr_time_json(passport->facts.recorded_us));
    (void)json_object_set_new(json, "form_sections", form_sections(&call->house->config->passport));
    (void)json_object_set_new(json, "form_cells", form_cells(&call->house->config->passport));
    (void)json_object_set_new(json, "timezone", json_string(call->house->config->timezone));
    (void)json_object_set_new(json, "workflow", mr_workflow_json(row));
}

int mr_query_passport_show(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_passport passport;
    struct mr_workflow_row row;
    json_t *json;
    int r = open_passport(call, &passport, &row, reterr);

    if (r < 0)
        return r;
    json = mr_passport_json(&passport, false);
    if (json)
        add_beside(call, &passport, &row, json);
    mr_passport_fini(&passport);
    return json ? emit(ctx, json) : MR_ENOMEM;
}

static json_t *explain(const struct mr_cell *cell, uint64_t after, uint64_t limit)
{
    json_t *json = mr_cell_json(cell, true), *numbers = json_array();
    uint64_t next = 0;

    mr_cell_json_beside(json, cell);
    for (size_t i = 0; i < cell->events_count; i++) {
        if (cell->events[i] <= after)
            continue;
        if (json_array_size(numbers) == limit) {
            next = cell->events[i - 1];
            break;
        }
        (void)json_array_append_new(numbers, json_integer((json_int_t)cell->events[i]));
    }
    (void)json_object_set_new(json, "numbers", numbers);
    if (next)
        (void)json_object_set_new(json, "next_after", json_integer((json_int_t)next));
    return json;
}

int mr_query_passport_explain(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_passport passport;
    struct mr_workflow_row row;
    const struct mr_cell *cell;
    const char *code;
    uint64_t after, limit;
    int r = mr_arg_text(call, "cell", true, MR_CELL_CODE_MAX, &code, reterr);

    if (r == 0)
        r = mr_arg_number(call, "after", 0, INT64_MAX, 0, &after, reterr);
    if (r == 0)
        r = mr_arg_number(call, "limit", 1, EXPLAIN_MAX, EXPLAIN_DEFAULT, &limit, reterr);
    if (r == 0)
        r = open_passport(call, &passport, &row, reterr);
    if (r < 0)
        return r;
    cell = mr_cells_find(passport.cells, code);
    if (cell)
        r = emit(ctx, explain(cell, after, limit));
    else
        r = mr_error_set(reterr, MR_ENOTFOUND, "cell", "passport show lists the cells", "no such cell");
    mr_passport_fini(&passport);
    return r;
}

static json_t *export_json(const char *format, const struct mr_buf *bytes)
{
    size_t size = sodium_base64_encoded_len(bytes->size, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    json_t *json;

    if (!text)
        return NULL;
    sodium_bin2base64(text, size, bytes->data, bytes->size, sodium_base64_VARIANT_ORIGINAL);
    json = json_pack("{s:s, s:I, s:s}", "format", format, "bytes", (json_int_t)bytes->size, "base64", text);
    free(text);
    return json;
}

int mr_query_passport_export(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_passport passport;
    struct mr_workflow_row row;
    struct mr_buf bytes = MR_BUF_INIT;
    const char *format;
    json_t *json;
    int r = mr_arg_text(call, "format", true, 8, &format, reterr);

    if (r == 0)
        r = open_passport(call, &passport, &row, reterr);
    if (r < 0)
        return r;
    r = mr_export(&passport, format, &bytes, reterr);
    mr_passport_fini(&passport);
    if (r == 0) {
        json = export_json(format, &bytes);
        r = json ? emit(ctx, json) : MR_ENOMEM;
    }
    mr_buf_fini(&bytes);
    return r;
}

static json_t *difference_json(uint32_t version, const struct mr_passport_difference *d)
{
    char text[160];

    if (d->equal)
        (void)snprintf(text, sizeof text, "equal");
    else if (d->rules)
        (void)snprintf(text, sizeof text, "differs: made by other versions of the rules");
    else if (d->erased > 0)
        (void)snprintf(text, sizeof text, "differs by %lld erased persons", (long long)d->erased);
    else
        (void)snprintf(text, sizeof text, "differs: configuration or blocked persons are not what they were");
    return json_pack("{s:i, s:b, s:s, s:I, s:I}", "version", (int)version, "equal", d->equal, "result", text,
            "erased", (json_int_t)d->erased, "cells", (json_int_t)d->cells);
}

int mr_query_passport_check(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_workflow_row row;
    struct mr_passport_difference difference;
    struct mr_buf stored = MR_BUF_INIT;
    uint64_t version;
    int r = mr_workflow_read(call->house->log, &row);

    if (r == 0)
        r = mr_arg_number(call, "version", 1, UINT32_MAX, row.version, &version, reterr);
    if (r == 0)
        r = mr_workflow_stored(call->house->log, (uint32_t)version, "version", &stored, reterr);
    if (r == 0)
        r = mr_passport_compare(call->house, mr_buf_slice(&stored), &difference, reterr);
    mr_buf_fini(&stored);
    return r < 0 ? r : emit(ctx, difference_json((uint32_t)version, &difference));
}

/* ---- two passports ---- */

/* One side: a version as it was stored, or the passport at a point of the log, as a document. */
static int side(const struct mr_method_call *call, const char *const names[static 3], json_t **ret,
        struct mr_error *reterr)
{
    struct mr_buf stored = MR_BUF_INIT;
    struct mr_passport passport;
    uint64_t version, point;
    int r = mr_arg_number(call, names[2], 1, UINT32_MAX, 0, &version, reterr);

    if (r == 0 && version) {
        r = mr_workflow_stored(call->house->log, (uint32_t)version, names[2], &stored, reterr);
        *ret = r == 0 ? json_loadb((const char *)stored.data, stored.size, 0, NULL) : NULL;
        mr_buf_fini(&stored);
        return r < 0 ? r : *ret ? 0 : MR_ECORRUPT;
    }
    if (r == 0)
        r = mr_passport_point(call, names[0], names[1], &point, reterr);
    if (r == 0)
        r = mr_passport_open(&passport, call->house, point, reterr);
    if (r < 0)
        return r;
    *ret = mr_passport_json(&passport, true);
    mr_passport_fini(&passport);
    return *ret ? 0 : MR_ENOMEM;
}

static json_t *ends_json(const json_t *document)
{
    static const char *const kept[] = {"as_of", "version", "form", "period_from", "period_to"};
    json_t *json = json_object();

    for (size_t i = 0; json && i < sizeof kept / sizeof kept[0]; i++)
        (void)json_object_set(json, kept[i], json_object_get(document, kept[i]));
    return json;
}

int mr_query_passport_diff(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    static const char *const from_names[] = {"from", "from_at", "from_version"}, *const to_names[] = {"to",
                                                                                         "to_at",
                                                                                         "to_version"};
    json_t *from = NULL, *to = NULL, *cells, *json = NULL;
    int r = side(call, from_names, &from, reterr);

    if (r == 0)
        r = side(call, to_names, &to, reterr);
    cells = r == 0 ? mr_passport_diff(from, to) : NULL;
    if (cells)
        json = json_pack("{s:o, s:o, s:I, s:o}", "from", ends_json(from), "to", ends_json(to), "count",
                (json_int_t)json_array_size(cells), "cells", cells);
    json_decref(from);
    json_decref(to);
    if (r < 0)
        return r;
    return json ? emit(ctx, json) : MR_ENOMEM;
}
