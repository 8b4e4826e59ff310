/* Numbers that look random and follow from a seed (xorshift64), so that what a run did can be done again. */
#ifndef MR_TESTS_CHANCE_H
#define MR_TESTS_CHANCE_H

#include <stdint.h>

struct chance {
    uint64_t state; /* never 0 */
};

/* 0 to below - 1. */
static inline unsigned chance_below(struct chance *chance, unsigned below)
{
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 7;
    chance->state ^= chance->state << 17;
    return (unsigned)(chance->state % below);
}

#endif
