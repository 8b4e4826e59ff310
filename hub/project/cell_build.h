/* How the sections build their cells. For hub/project only. Running out of memory is remembered in
 * cells->failed. */
#ifndef MR_HUB_PROJECT_CELL_BUILD_H
#define MR_HUB_PROJECT_CELL_BUILD_H

#include "hub/project/cells.h"
#include "hub/project/staff.h"

struct mr_cell_builder {
    struct mr_cells *cells;
    const struct mr_fold *fold;
    const struct mr_config *config;
    struct mr_staff *staff;
    uint32_t from, to;
};

/* Finds or makes a cell. rank orders families. Never NULL: out of memory gives a cell that nobody sees. */
struct mr_cell *mr_cell_get(struct mr_cell_builder *b, const char *code, enum mr_rule_id rule, unsigned rank,
        const char *title, ...) __attribute__((format(printf, 5, 6)));
/* The cell rests on this fact's event. NULL is fine. */
void mr_cell_rest(struct mr_cell_builder *b, struct mr_cell *cell, const struct mr_fact *fact);
void mr_cell_miss(struct mr_cell *cell, const char *code, uint64_t count);
void mr_cell_set_share(struct mr_cell *cell, uint64_t numerator, uint64_t denominator);
/* Median of days; sorts them. */
void mr_cell_set_median(struct mr_cell *cell, int64_t *days, size_t count);

static inline bool mr_in_period(const struct mr_cell_builder *b, uint32_t date)
{
    return date >= b->from && date <= b->to;
}

/* The sections. */
void mr_section_staff(struct mr_cell_builder *b);
void mr_section_programmes(struct mr_cell_builder *b);
void mr_section_involvement(struct mr_cell_builder *b);
void mr_section_results(struct mr_cell_builder *b);

#endif
