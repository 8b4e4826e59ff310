#include "tests/support/clock_ahead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "adapters/sdk/file.h"

#define NAME "clock"

void clock_ahead_init(struct clock_ahead *clock, struct spawn *spawn)
{
    (void)snprintf(clock->variable, sizeof clock->variable, "MR_CLOCK_AHEAD=%s/" NAME, spawn->dir);
    clock->environment[0] = clock->variable;
    clock->environment[1] = NULL;
    spawn->environment = clock->environment;
    clock_ahead_set(spawn, 0);
}

void clock_ahead_set(const struct spawn *spawn, unsigned seconds)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%u", seconds);
    assert_int_equal(mr_file_write(spawn->dir, NAME, mr_slice_str(text), 0600), 0);
}
