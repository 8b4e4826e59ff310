/* Deficits of two made-up persons, published by copmkp over the bus, under the numbers that they got. */
#ifndef MR_TESTS_DEFICITS_H
#define MR_TESTS_DEFICITS_H

#include "tests/support/bus_client.h"

#define DEFICITS_A "11223344595"
#define DEFICITS_B "08765430300"

enum { DEFICITS_MAX = 64 };

struct deficits {
    uint64_t numbers[DEFICITS_MAX]; /* of the events d-0, d-1 ..., in the order they were published */
    size_t count;
};

/* One event a letter, of person A or B, on a connection of its own; all are stored. */
void deficits_publish(struct deficits *deficits, const struct spawn *spawn, const char *persons);
/* Exactly these come next, by their place in `numbers` ('0' ...), in this order, in Delivers that are
 * `released` or not. */
void deficits_expect(
        const struct deficits *deficits, struct bus_client *receiver, const char *places, bool released);

#endif
