/* The conformance cases, spoken by the Node.js client, which knows the document and none of this code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/conformance/driver/suite.h"

enum { SKIPPED = 77 }; /* ctest shows it as skipped, not as passed */

int main(void)
{
    struct speaker *speaker = speaker_node_open();

    if (speaker)
        return suite_run(speaker);
    (void)fputs("conformance: the Node.js client is not installed: tests/conformance/install.sh\n", stderr);
    return SKIPPED;
}
