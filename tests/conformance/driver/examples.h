/*
 * The examples of docs/protocol.md: tests/conformance/examples.json has the frames, tests/golden/protocol
 * their bytes with the meaning of each. A speaker must make exactly these bytes of the frame and the frame of
 * the bytes, and the page must show them as the files have them.
 */
#ifndef MR_TESTS_CONFORMANCE_EXAMPLES_H
#define MR_TESTS_CONFORMANCE_EXAMPLES_H

#include "tests/conformance/driver/speaker.h"

void examples_run(struct speaker *speaker);

#endif
