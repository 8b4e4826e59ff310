/*
 * Is a JSON value of the shape that a schema of docs/openapi.json says? The keywords that the document uses:
 * $ref into it, type, properties, required, additionalProperties false, items, enum, const.
 */
#ifndef MR_TESTS_SHAPE_H
#define MR_TESTS_SHAPE_H

#include <jansson.h>

/* Fails the test with the place of the first difference; an unknown keyword is one too. */
void shape_assert(const json_t *document, const json_t *schema, const json_t *value, const char *where);

#endif
