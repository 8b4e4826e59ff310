/* Turns a loop until something is true; fails the test with `what` after a deadline. No sleeping. */
#ifndef MR_TESTS_TURNS_H
#define MR_TESTS_TURNS_H

#include <stdbool.h>
#include <uv.h>

enum { TURNS_DEADLINE_MS = 120 * 1000 };

void turns_until(uv_loop_t *loop, const char *what, bool (*fn)(void *ctx), void *ctx);
/* Until every handle has closed; closes the loop. */
void turns_end(uv_loop_t *loop);

#endif
