/* The last chapter of the demo: a teacher demands to be forgotten, and the proofs hold. */
#ifndef MR_TESTS_DEMO_FORGET_H
#define MR_TESTS_DEMO_FORGET_H

#include "tests/demo/journey.h"

/* Asked for by one officer, approved by another; tells it on stdout. 0, or negative after saying what failed.
 */
int forget_somebody(struct journey *journey, struct mr_error *reterr);

#endif
