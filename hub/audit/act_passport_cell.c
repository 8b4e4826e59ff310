/* passport.set, override, copied: what a person says of one cell. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/act_passport.h"
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/project/entered.h"
#include "proto/base/hex.h"

enum { BASIS_BYTES_MAX = 500 };

/* The file that proves a value: its name and SHA-256; the file itself stays with who has it. */
static int file(struct mr_passport_act *a, char **ret_name, ProtobufCBinaryData *ret_digest)
{
    const char *hex;
    int r = mr_passport_act_text(a, "file_name", false, BASIS_BYTES_MAX, ret_name);

    if (r == 0)
        r = mr_arg_text(a->call, "file_sha256", false, 2 * sizeof a->file_digest, &hex, a->reterr);
    if (r < 0 || !*hex)
        return r;
    if (mr_hex_decode(hex, strlen(hex), a->file_digest, sizeof a->file_digest) < 0)
        return mr_error_set(a->reterr, MR_EINVAL, "file_sha256", "give 64 hexadecimal digits", "no SHA-256");
    *ret_digest = (ProtobufCBinaryData){.len = sizeof a->file_digest, .data = a->file_digest};
    return 0;
}

static int section_of(const struct mr_passport_act *a, const char *cell, int32_t *ret)
{
    uint64_t section;
    int r;

    if (cell[0] < '1' || cell[0] > '8' || cell[1] != '.')
        return mr_error_set(a->reterr, MR_EINVAL, "cell",
                "begin it with the section and a point, as in 3.premises", "no code of a cell");
    *ret = cell[0] - '0';
    r = mr_arg_number(a->call, "section", 1, 8, (uint64_t)*ret, &section, a->reterr);
    if (r == 0 && section != (uint64_t)*ret)
        r = mr_error_set(a->reterr, MR_EINVAL, "section", "leave it out", "the cell is of another section");
    return r;
}

/* The cell is as whoever sets it has seen it. The second part of its code is the municipality's, if it has
 * one. */
static int match_cell(const struct mr_passport_act *a, const struct mr_passport *passport, const char *code,
        const char *oktmo)
{
    char whole[2 * MR_CELL_CODE_MAX], what[3 * MR_CELL_CODE_MAX], tag[MR_CELL_TAG_MAX];

    (void)snprintf(whole, sizeof whole, "%s%s%s", code, oktmo[0] ? "." : "", oktmo);
    (void)snprintf(what, sizeof what, "the cell %s", whole);
    mr_cell_tag(mr_cells_find(passport->cells, whole), tag);
    return mr_passport_act_match(a, tag, what);
}

/* The form must have it. The second part of its code may be the municipality's. */
static int entered_cell(const struct mr_passport_act *a, const struct mr_passport *passport,
        const char *oktmo, Nms__Event__V1__PassportCell *cell, struct mr_entered *ret)
{
    const struct mr_cell *found = mr_cells_find(passport->cells, cell->cell);
    int r;

    if (found && strcmp(found->state, "entered") != 0)
        return mr_error_set(a->reterr, MR_EINVAL, "cell", "use passport override, with the reason",
                "this cell is computed from events");
    r = mr_entered_read(&a->call->house->config->passport, cell->cell, oktmo, ret, a->reterr);
    if (r < 0)
        return r;
    cell->cell = ret->cell->code;
    if (!cell->unit[0] && ret->cell->unit)
        cell->unit = ret->cell->unit;
    return match_cell(a, passport, cell->cell, ret->oktmo);
}

int mr_act_passport_set(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportSectionFilled m = NMS__EVENT__V1__PASSPORT_SECTION_FILLED__INIT;
    Nms__Event__V1__PassportCell cell = NMS__EVENT__V1__PASSPORT_CELL__INIT, *cells[] = {&cell};
    struct mr_passport passport = {0};
    struct mr_entered entered = {0};
    struct mr_passport_act a;
    int r = mr_passport_act_begin(&a, call, MR_PASSPORT_SET, ret, reterr);

    if (r == 0)
        r = mr_passport_act_text(&a, "cell", true, MR_CELL_CODE_MAX - 1, &cell.cell);
    if (r == 0)
        r = section_of(&a, cell.cell, &m.section);
    if (r == 0)
        r = mr_passport_act_text(&a, "value", true, MR_CELL_VALUE_MAX - 1, &cell.value);
    if (r == 0)
        r = mr_passport_act_text(&a, "unit", false, 31, &cell.unit);
    if (r == 0)
        r = mr_passport_act_text(&a, "oktmo", false, 8, &m.oktmo);
    if (r == 0)
        r = mr_passport_act_text(&a, "basis", true, BASIS_BYTES_MAX, &m.basis);
    if (r == 0)
        r = file(&a, &m.file_name, &m.file_digest);
    if (r == 0)
        r = mr_passport_open(&passport, call->house, 0, reterr);
    if (r < 0)
        return r;
    r = entered_cell(&a, &passport, m.oktmo, &cell, &entered);
    m.oktmo = entered.oktmo;
    m.campaign_id = (char *)mr_passport_campaign(&passport);
    m.region_code = call->house->config->region;
    m.cells = cells;
    m.n_cells = 1;
    r = mr_passport_act_finish(&a, r, &m.base);
    mr_passport_fini(&passport);
    return r;
}

int mr_act_passport_override(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportSectionOverridden m = NMS__EVENT__V1__PASSPORT_SECTION_OVERRIDDEN__INIT;
    Nms__Event__V1__PassportCell cell = NMS__EVENT__V1__PASSPORT_CELL__INIT;
    struct mr_passport passport = {0};
    const struct mr_cell *found;
    struct mr_passport_act a;
    int r = mr_passport_act_begin(&a, call, MR_PASSPORT_OVERRIDE, ret, reterr);

    if (r == 0)
        r = mr_passport_act_text(&a, "cell", true, MR_CELL_CODE_MAX - 1, &cell.cell);
    if (r == 0)
        r = mr_passport_act_text(&a, "value", true, MR_CELL_VALUE_MAX - 1, &cell.value);
    if (r == 0)
        r = mr_passport_act_text(&a, "reason", true, BASIS_BYTES_MAX, &m.reason);
    if (r == 0)
        r = mr_passport_act_text(&a, "oktmo", false, 8, &m.oktmo);
    if (r == 0)
        r = file(&a, &m.file_name, &m.file_digest);
    if (r == 0)
        r = mr_passport_open(&passport, call->house, 0, reterr);
    if (r < 0)
        return r;
    found = mr_cells_find(passport.cells, cell.cell);
    if (!found || strcmp(found->state, "entered") == 0) {
        r = mr_error_set(reterr, found ? MR_EINVAL : MR_ENOTFOUND, "cell",
                "use passport set for values without events", "no computed cell of this code");
    } else {
        m.section = found->section;
        m.computed_value = (char *)(found->computed[0] ? found->computed : found->value);
        cell.unit = (char *)found->unit;
        r = match_cell(&a, &passport, cell.cell, "");
    }
    m.campaign_id = (char *)mr_passport_campaign(&passport);
    m.region_code = call->house->config->region;
    m.cell = &cell;
    r = mr_passport_act_finish(&a, r, &m.base);
    mr_passport_fini(&passport);
    return r;
}

/* ---- copied to the cabinet ---- */

enum { COPIES_MAX = 255 }; /* each is a part of the event's facts */

struct copies {
    Nms__Event__V1__PassportCell cells[COPIES_MAX], *list[COPIES_MAX];
    size_t count;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

/* Cells of the stored version: the one of this code, or all of the section that have a value. */
static int choose(struct copies *copies, const json_t *document, const char *code, int section)
{
    const json_t *it, *cell;
    size_t i, j;

    json_array_foreach (json_object_get(document, "sections"), i, it)
        json_array_foreach (json_object_get(it, "cells"), j, cell) {
            Nms__Event__V1__PassportCell *copy = &copies->cells[copies->count];

            if (json_integer_value(json_object_get(it, "section")) != section || !*text_of(cell, "value") ||
                    (*code && strcmp(text_of(cell, "cell"), code) != 0))
                continue;
            if (copies->count == COPIES_MAX)
                return MR_ETOOBIG;
            nms__event__v1__passport_cell__init(copy);
            copy->cell = (char *)text_of(cell, "cell");
            copy->value = (char *)text_of(cell, "value");
            copy->unit = (char *)text_of(cell, "unit");
            copies->list[copies->count++] = copy;
        }
    return copies->count ? 0 : MR_ENOTFOUND;
}

static int read_choice(
        const struct mr_passport_act *a, const json_t *document, struct copies *copies, int32_t *ret_section)
{
    uint64_t section = 0;
    char *code;
    int r = mr_passport_act_text(a, "cell", false, MR_CELL_CODE_MAX - 1, &code);

    if (r == 0 && *code)
        return (r = section_of(a, code, ret_section)) < 0 ? r : choose(copies, document, code, *ret_section);
    if (r == 0)
        r = mr_arg_number(a->call, "section", 1, 8, 0, &section, a->reterr);
    if (r == 0 && section == 0)
        r = mr_error_set(
                a->reterr, MR_EINVAL, "cell", "give a cell, or a section", "it is not said what was copied");
    *ret_section = (int32_t)section;
    return r < 0 ? r : choose(copies, document, "", *ret_section);
}

int mr_act_passport_copied(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportSectionCopied m = NMS__EVENT__V1__PASSPORT_SECTION_COPIED__INIT;
    struct mr_passport_act a;
    struct copies *copies = calloc(1, sizeof *copies);
    json_t *document = NULL;
    int r = copies ? mr_passport_act_begin(&a, call, MR_PASSPORT_COPY, ret, reterr) : MR_ENOMEM;

    if (r == 0)
        r = mr_passport_act_stored(&a, &document);
    if (r == 0)
        r = read_choice(&a, document, copies, &m.section);
    if (r == MR_ENOTFOUND)
        r = mr_error_set(reterr, r, "cell", "passport version shows what was submitted",
                "the version has no such cell with a value");
    if (r == MR_ETOOBIG)
        r = mr_error_set(reterr, r, "section", "mark the cells one by one", "more than %d cells", COPIES_MAX);
    if (r == 0) {
        mr_passport_act_fill_version(&a, text_of(document, "campaign"));
        m.passport = &a.version;
        m.cells = copies->list;
        m.n_cells = copies->count;
        r = mr_passport_act_finish(&a, r, &m.base);
    }
    json_decref(document);
    free(copies);
    return r;
}
