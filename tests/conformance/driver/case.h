/*
 * Runs one case of tests/conformance/cases.json with a hub of its own: steps in order, each one an object
 * with one verb (README.md there has them). Fails the test with the case, the step and the difference.
 */
#ifndef MR_TESTS_CONFORMANCE_CASE_H
#define MR_TESTS_CONFORMANCE_CASE_H

#include "tests/conformance/driver/speaker.h"

/* All cases; the caller decrefs. Their names are unique, and each rule is an anchor of docs/protocol.md. */
json_t *cases_load(void);
void case_run(const json_t *one, struct speaker *speaker);

#endif
