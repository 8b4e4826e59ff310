/*
 * Is a personal value in some bytes, in any form that it would leak in: UTF-8, cp1251, UTF-16, hex of these
 * (upper and lower case), and a СНИЛС with and without its dashes.
 */
#ifndef MR_TESTS_BYTES_SEARCH_H
#define MR_TESTS_BYTES_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/slice.h"

/* The name of the form that it was found in, or NULL. text: UTF-8. */
const char *bytes_search(struct mr_slice bytes, const char *text);
/* The same for bytes as they are, and their hex. */
const char *bytes_search_raw(struct mr_slice bytes, struct mr_slice what);
/* "11223344595" to "112-233-445 95", in a static buffer. */
const char *bytes_snils_dashed(const char *snils);

/* Searches every regular file below the folder; fails the test, naming file and form, when it is found.
 * Returns how many bytes were looked at. */
size_t bytes_search_folder(const char *dir, const char *text);
/* The same but the other way round: is it in any of them? */
bool bytes_folder_has(const char *dir, const char *text);

#endif
