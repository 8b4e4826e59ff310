/*
 * Cells of the passport's sections 1, 2, 5 and 7, made from the folded facts; each with its rule, the events
 * that it rests on, and who is not counted and why. Pure: the same facts, configuration and date give the
 * same cells.
 */
#ifndef MR_HUB_PROJECT_CELLS_H
#define MR_HUB_PROJECT_CELLS_H

#include "hub/project/fold.h"
#include "hub/project/rules.h"
#include "proto/config/config.h"

enum { MR_CELL_MISSES_MAX = 12, MR_CELL_CODE_MAX = 64, MR_CELL_TITLE_MAX = 256, MR_CELL_VALUE_MAX = 256 };

struct mr_cell_miss {
    const char *code; /* static; words by mr_miss_title */
    uint64_t count;
};

struct mr_cell {
    char code[MR_CELL_CODE_MAX];      /* "1.age.under-35" */
    char title[MR_CELL_TITLE_MAX];    /* Russian */
    char value[MR_CELL_VALUE_MAX];    /* decimal with a point, or text; "" = there is none */
    char computed[MR_CELL_VALUE_MAX]; /* of an overridden cell: what the rule gives */
    char unit[32];
    int section;
    unsigned rank; /* order within the passport, then by code */
    const struct mr_cell_rule *rule;
    const char *state;  /* complete, partial, provisional, overridden, entered */
    const char *by;     /* who overrode or entered it, "" */
    const char *reason; /* why, or on what basis, "" */
    uint64_t said;      /* log number of the event by which a person gave its value; 0: nobody did */
    const struct mr_fact *copied; /* that it was marked as copied to the cabinet last; NULL: it was not */
    bool has_share;               /* value is numerator / denominator */
    bool persons;                 /* value counts persons: small ones are suppressed in exports */
    uint64_t count, numerator, denominator;
    uint64_t *events; /* ascending, distinct */
    size_t events_count, events_capacity;
    uint8_t digest[32]; /* SHA-256 over the events as u64be */
    struct mr_cell_miss misses[MR_CELL_MISSES_MAX];
    size_t misses_count;
};

struct mr_cells {
    struct mr_cell **items; /* in the passport's order */
    size_t count, capacity;
    struct mr_keymap codes;
    uint32_t from, to; /* the period */
    bool failed;       /* out of memory while building */
};

/* Borrows fold's facts for `by` and `reason`. MR_ECONFIG: no usable period. */
int mr_cells_create(struct mr_cells **ret, const struct mr_fold *fold, const struct mr_config *config,
        struct mr_error *reterr);
void mr_cells_free(struct mr_cells *cells);
const struct mr_cell *mr_cells_find(const struct mr_cells *cells, const char *code); /* NULL */

#endif
