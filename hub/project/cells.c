#include "hub/project/cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/project/cell_build.h"
#include "hub/project/entered.h"
#include "proto/base/clock.h"
#include "proto/wire/digest.h"

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Sorted, each once, and the digest over them. */
static void finish_events(struct mr_cells *cells, struct mr_cell *cell)
{
    struct mr_buf bytes = MR_BUF_INIT;
    size_t kept = 0;

    if (cell->events_count)
        qsort(cell->events, cell->events_count, sizeof *cell->events, by_number);
    for (size_t i = 0; i < cell->events_count; i++)
        if (kept == 0 || cell->events[kept - 1] != cell->events[i])
            cell->events[kept++] = cell->events[i];
    cell->events_count = kept;
    for (size_t i = 0; i < kept; i++)
        mr_buf_put_be64(&bytes, cell->events[i]);
    cells->failed = cells->failed || mr_buf_failed(&bytes);
    mr_sha256(mr_buf_slice(&bytes), cell->digest);
    mr_buf_fini(&bytes);
}

/* What is missing through no choice of the rule makes a cell partial. */
static bool lacks(const struct mr_cell *cell)
{
    static const char *const by_rule[] = {"ended", "not-begun", "closed-org", "university", "withdrawn",
            "not-staff", "no-document", "no-route", "no-diagnostic", "no-course", "no-baseline"};

    for (size_t i = 0; i < cell->misses_count; i++) {
        bool fine = false;

        for (size_t j = 0; j < sizeof by_rule / sizeof by_rule[0]; j++)
            fine = fine || strcmp(cell->misses[i].code, by_rule[j]) == 0;
        if (!fine)
            return true;
    }
    return false;
}

static int by_code(const void *a, const void *b)
{
    return strcmp(((const struct mr_cell_miss *)a)->code, ((const struct mr_cell_miss *)b)->code);
}

/* Before the period is over, figures may still change: the date is that of the last event, not of the clock.
 */
static bool provisional(const struct mr_cells *cells, const struct mr_fact_set *facts)
{
    char text[MR_TIME_TEXT_MAX];

    mr_time_format(facts->recorded_us, text);
    text[10] = '\0';
    return mr_fact_date(text) <= cells->to;
}

static void finish_cell(struct mr_cells *cells, struct mr_cell *cell, const struct mr_fact_set *facts)
{
    if (strncmp(cell->rule->id, "staff.", 6) == 0) {
        mr_cell_miss(cell, "destroyed", mr_fact_set_hidden(facts, true));
        mr_cell_miss(cell, "blocked", mr_fact_set_hidden(facts, false));
    }
    qsort(cell->misses, cell->misses_count, sizeof *cell->misses, by_code);
    if (!cell->value[0] && !cell->has_share && strncmp(cell->rule->id, "median", 6) != 0)
        (void)snprintf(cell->value, sizeof cell->value, "%llu", (unsigned long long)cell->count);
    if (lacks(cell))
        cell->state = "partial";
    if (provisional(cells, facts))
        cell->state = "provisional";
    finish_events(cells, cell);
}

static void override_cell(struct mr_cell_builder *b, struct mr_cell *cell, const struct mr_fact *fact)
{
    (void)snprintf(cell->computed, sizeof cell->computed, "%s", cell->value);
    (void)snprintf(cell->value, sizeof cell->value, "%s", fact->text);
    cell->state = "overridden";
    cell->by = fact->document;
    cell->reason = fact->more;
    cell->said = fact->number;
    mr_cell_rest(b, cell, fact);
    finish_events(b->cells, cell);
}

static void enter_cell(struct mr_cell_builder *b, const struct mr_fact *fact)
{
    char code[MR_CELL_CODE_MAX];
    const struct mr_config_cell *form;
    struct mr_cell *cell;

    (void)snprintf(code, sizeof code, "%s%s%s", fact->id, fact->detail[0] ? "." : "", fact->detail);
    if (mr_cells_find(b->cells, code))
        return; /* a computed cell is overridden with a reason, never entered */
    form = mr_entered_find(&b->config->passport, fact->id);
    cell = mr_cell_get(b, code, MR_RULE_ENTERED, 900, "%s%s%s", form && form->title ? form->title : fact->id,
            fact->detail[0] ? ": " : "", fact->detail);
    cell->section = fact->hours;
    (void)snprintf(cell->value, sizeof cell->value, "%s", fact->text);
    (void)snprintf(cell->unit, sizeof cell->unit, "%s", fact->code);
    cell->persons = strcmp(cell->unit, "чел.") == 0;
    cell->state = "entered";
    cell->by = fact->document;
    cell->reason = fact->more;
    cell->said = fact->number;
    mr_cell_rest(b, cell, fact);
    finish_events(b->cells, cell);
}

static void apply_values(struct mr_cell_builder *b)
{
    const struct mr_fold_value *values = MR_VEC(b->fold->values, struct mr_fold_value);

    for (size_t i = 0; i < b->fold->values.count; i++) {
        const struct mr_fact *fact = values[i].fact;
        const struct mr_cell *cell = mr_cells_find(b->cells, fact->id);

        if (fact->kind == MR_FACT_CELL)
            enter_cell(b, fact);
        else if (cell)
            override_cell(b, (struct mr_cell *)cell, fact);
    }
}

/* What was copied is no part of the figure: it stands beside it. */
static void apply_copies(struct mr_cell_builder *b)
{
    const struct mr_fold_value *copies = MR_VEC(b->fold->copies, struct mr_fold_value);

    for (size_t i = 0; i < b->fold->copies.count; i++) {
        struct mr_cell *cell = (struct mr_cell *)mr_cells_find(b->cells, copies[i].fact->id);

        if (cell)
            cell->copied = copies[i].fact;
    }
}

static int by_place(const void *a, const void *b)
{
    const struct mr_cell *x = *(struct mr_cell *const *)a, *y = *(struct mr_cell *const *)b;

    if (x->section != y->section)
        return x->section - y->section;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return strcmp(x->code, y->code);
}

static int build(struct mr_cell_builder *b)
{
    int r = mr_staff_create(&b->staff, b->fold, b->from, b->to);

    if (r < 0)
        return r;
    mr_section_staff(b);
    mr_section_programmes(b);
    mr_section_involvement(b);
    mr_section_results(b);
    for (size_t i = 0; i < b->cells->count; i++)
        finish_cell(b->cells, b->cells->items[i], b->fold->facts);
    apply_values(b);
    apply_copies(b);
    mr_staff_free(b->staff);
    qsort(b->cells->items, b->cells->count, sizeof(struct mr_cell *), by_place);
    return b->cells->failed ? MR_ENOMEM : 0;
}

int mr_cells_create(struct mr_cells **ret, const struct mr_fold *fold, const struct mr_config *config,
        struct mr_error *reterr)
{
    struct mr_cell_builder b = {.fold = fold,
            .config = config,
            .from = mr_fact_date(config->passport.period_from),
            .to = mr_fact_date(config->passport.period_to)};
    int r;

    if (!b.from || !b.to || b.from > b.to)
        return mr_error_set(reterr, MR_ECONFIG, "passport", "set passport.period_from and passport.period_to",
                "the period of the passport is not configured");
    b.cells = calloc(1, sizeof *b.cells);
    if (!b.cells)
        return MR_ENOMEM;
    mr_keymap_init(&b.cells->codes);
    b.cells->from = b.from;
    b.cells->to = b.to;
    r = build(&b);
    if (r < 0) {
        mr_cells_free(b.cells);
        return r;
    }
    *ret = b.cells;
    return 0;
}

void mr_cells_free(struct mr_cells *cells)
{
    if (!cells)
        return;
    for (size_t i = 0; i < cells->count; i++) {
        free(cells->items[i]->events);
        free(cells->items[i]);
    }
    free(cells->items);
    mr_keymap_fini(&cells->codes);
    free(cells);
}

/* The map's numbers are of the order of making; the items are in the passport's order once built. */
const struct mr_cell *mr_cells_find(const struct mr_cells *cells, const char *code)
{
    for (size_t i = 0; i < cells->count; i++)
        if (strcmp(cells->items[i]->code, code) == 0)
            return cells->items[i];
    return NULL;
}
