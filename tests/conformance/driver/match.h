/*
 * Expected against came, both ProtoJSON. Only what is expected is compared: of an object the keys that are
 * named, of an array every item and no more. A field that is false, 0, "" or [] matches one that is left out
 * (ProtoJSON leaves defaults out), and a number matches the string of it. "*": there, and not empty. "$name":
 * bound when first met, the same afterwards.
 */
#ifndef MR_TESTS_CONFORMANCE_MATCH_H
#define MR_TESTS_CONFORMANCE_MATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* bound: an object of the names. where: the path of the first difference. */
bool match(const json_t *expected, const json_t *came, json_t *bound, char *where, size_t where_size);

#endif
