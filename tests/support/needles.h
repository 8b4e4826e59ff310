/*
 * Everything that would give a person away, looked for in all files of a folder at once: each text in UTF-8,
 * cp1251 and UTF-16, in hex, in base64 at any place in its groups of three, and as unsalted MD5, SHA-1,
 * SHA-256 and BLAKE2b, these raw, in hex and in base64.
 */
#ifndef MR_TESTS_NEEDLES_H
#define MR_TESTS_NEEDLES_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/slice.h"

struct needles;

struct needles *needles_new(void);
void needles_free(struct needles *needles);
/* what: for the message ("СНИЛС of 3"). text: UTF-8, from 4 bytes. */
void needles_text(struct needles *needles, const char *what, const char *text);
/* Bytes, and the text of their lower-case hex with all that is made of a text. */
void needles_bytes(struct needles *needles, const char *what, struct mr_slice bytes);

/*
 * Fails the test naming file, needle and form; names of files are looked at too. skip: paths that contain one
 * of these are passed over. Returns how many bytes were looked at.
 */
size_t needles_search(
        const struct needles *needles, const char *dir, const char *const *skip, size_t skip_count);
/* The other way round: is the first form of this needle anywhere? So that a search which finds nothing has
 * looked. */
bool needles_found(const struct needles *needles, const char *what, const char *dir);

#endif
