/* Letters that look alike, spaces and dashes that are not what they seem: for cells and for names of columns.
 */
#ifndef MR_SDK_NORMALISE_H
#define MR_SDK_NORMALISE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * For comparing: lower case, ё as е, Latin look-alikes as Cyrillic, letters and digits only. A text that does
 * not fit is cut. Returns out.
 */
char *mr_fold(const char *text, char *out, size_t out_size);
bool mr_fold_equal(const char *a, const char *b);

#endif
