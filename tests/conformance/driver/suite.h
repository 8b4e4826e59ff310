/* All cases of cases.json with one speaker, each a cmocka test under its name. */
#ifndef MR_TESTS_CONFORMANCE_SUITE_H
#define MR_TESTS_CONFORMANCE_SUITE_H

#include "tests/conformance/driver/speaker.h"

/* Closes the speaker. Number of failed cases. MR_CASE in the environment: only that one. */
int suite_run(struct speaker *speaker);

#endif
