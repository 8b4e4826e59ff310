/* Strings as sequences of characters (section 3.1): UTF-8, counted in code points. Pure; any thread. */
#ifndef MR_CESQL_CHARS_H
#define MR_CESQL_CHARS_H

#include <locale.h>

#include "proto/base/arena.h"
#include "proto/base/slice.h"

/* Bytes of the character at the beginning of text, which is not empty. A byte that is no UTF-8 is one. */
size_t cesql_char_size(struct mr_slice text);
size_t cesql_chars_count(struct mr_slice text);
/* Bytes of the first `count` characters, or of all. */
size_t cesql_chars_bytes(struct mr_slice text, size_t count);
/* Without leading and trailing characters of Unicode's property White_Space. */
struct mr_slice cesql_chars_trim(struct mr_slice text);
/* Each character by its simple mapping. False: no room in the arena. */
bool cesql_chars_case(
        struct mr_slice text, bool to_upper, locale_t casing, struct mr_arena *arena, struct mr_slice *ret);

/*
 * Does the whole text match the pattern of LIKE (section 3.4.3)? False: *steps, which counts down, is used up
 * before that is known; never more than text times pattern are needed.
 */
bool cesql_like(struct mr_slice text, struct mr_slice pattern, size_t *steps, bool *ret);

#endif
