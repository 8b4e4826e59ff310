/* What differs between two passports, cell by cell; each is a document as mr_passport_json gives in full, or
 * as a version was stored. */
#ifndef MR_HUB_PROJECT_PASSPORT_DIFF_H
#define MR_HUB_PROJECT_PASSPORT_DIFF_H

#include <jansson.h>

/*
 * A list in the order of `to`, then of what is only in `from`: cell, section, title, unit, change ("changed",
 * "added", "removed"), from and to (value, state, rule_version, events; null where there is none). A cell
 * counts as changed when its value, its state or the version of its rule did. NULL: out of memory.
 */
json_t *mr_passport_diff(const json_t *from, const json_t *to);

#endif
