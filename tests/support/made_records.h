/* Records of the log that are a function of a seed and their number: heads, leaves and slots of all kinds. */
#ifndef MR_TESTS_MADE_RECORDS_H
#define MR_TESTS_MADE_RECORDS_H

#include "store/record.h"

enum { MADE_LEAF_MAX = 4200, MADE_SLOT_MAX = 300 };

/* What a record borrows from. */
struct made_memory {
    uint8_t leaf[MADE_LEAF_MAX];
    uint8_t slots[3][MADE_SLOT_MAX];
    uint16_t subs[4];
};

uint64_t made_random(uint64_t seed, uint64_t a, uint64_t b);
struct mr_record made_record(uint64_t seed, uint64_t number, struct made_memory *memory);
struct mr_slice made_remnant(
        uint64_t number, uint8_t out[static 8]); /* instead of the leaf of an expired one */

#endif
