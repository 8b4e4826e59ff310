/* The conformance cases, spoken by the C client. MR_CASE=name runs one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/conformance/driver/suite.h"

int main(void)
{
    return suite_run(speaker_c_open());
}
