/*
 * The passport as a document. Canonical JSON (keys sorted, no spaces, whole numbers and texts only) is what
 * "byte for byte" means (decision 29): it is stored when a version is submitted, its SHA-256 stands in the
 * event.
 */
#ifndef MR_HUB_PROJECT_PASSPORT_H
#define MR_HUB_PROJECT_PASSPORT_H

#include <jansson.h>

#include "hub/house.h"
#include "hub/project/cells.h"

struct mr_passport {
    struct mr_fact_set facts;
    struct mr_fold *fold;
    struct mr_cells *cells;
    const struct mr_config *config;
    uint32_t version;              /* 0: a draft */
    struct mr_passport_kept *kept; /* what it is borrowed of; NULL: all of it is its own */
};

/* From the house, as of a log number (0: the head), until it is ended at the cost of all others when the
 * house keeps one (kept.h); or from facts that are there already (taken over, also on failure). */
int mr_passport_open(
        struct mr_passport *ret, const struct mr_house *house, uint64_t as_of, struct mr_error *reterr);
int mr_passport_of_facts(struct mr_passport *ret, struct mr_fact_set *facts, const struct mr_config *config,
        struct mr_error *reterr);
void mr_passport_fini(struct mr_passport *passport); /* wipes */

/* Id of the campaign that is open, else the configured form. */
const char *mr_passport_campaign(const struct mr_passport *passport);

/* full: every property of a cell; else those for a screen, flat, with what stands beside it. NULL: out of
 * memory. */
json_t *mr_passport_json(const struct mr_passport *passport, bool full);
json_t *mr_cell_json(const struct mr_cell *cell, bool full);
/* Adds to a cell's JSON what is no part of the document: its `tag`, and where it was copied to the cabinet.
 */
void mr_cell_json_beside(json_t *json, const struct mr_cell *cell);
enum { MR_PASSPORT_SECTIONS = 8 };
const char *mr_section_title(int section);

/* Log number of the last value that a person gave; 0: nobody did. */
uint64_t mr_passport_said(const struct mr_passport *passport);

/* "said-4711": who sets the cell again says with it what they have seen. */
enum { MR_CELL_TAG_MAX = 32 };
void mr_cell_tag(
        const struct mr_cell *cell, char ret[static MR_CELL_TAG_MAX]); /* cell NULL: nothing was said */

/* Appends the canonical JSON and gives its SHA-256. */
int mr_passport_canonical(
        const struct mr_passport *passport, struct mr_buf *out, uint8_t ret_digest[static 32]);

/* Makes a stored version again and compares. "equal", or what differs, in ret. */
struct mr_passport_difference {
    bool equal;
    int64_t erased; /* persons erased since */
    bool rules;     /* made by other versions of rules */
    size_t cells;   /* cells whose value differs */
};
int mr_passport_compare(const struct mr_house *house, struct mr_slice stored,
        struct mr_passport_difference *ret, struct mr_error *reterr);

#endif
