/*
 * Who speaks in a conformance case: a client that takes commands as JSON objects and answers each with one.
 * The C client does it in this process, the Node.js client as a process of its own, a line a command
 * (tests/conformance/README.md). Answers are new references; a failing command ends the test.
 */
#ifndef MR_TESTS_CONFORMANCE_SPEAKER_H
#define MR_TESTS_CONFORMANCE_SPEAKER_H

#include <jansson.h>

struct speaker {
    const char *name;
    json_t *(*call)(struct speaker *speaker, const json_t *command);
    void (*close)(struct speaker *speaker); /* frees it */
};

struct speaker *speaker_c_open(void);
/* NULL: the packages are not installed (tests/conformance/install.sh), or there is no node. */
struct speaker *speaker_node_open(void);

#endif
