/* Which of many names was meant: for cures of errors. Any thread; nothing is allocated. */
#ifndef MR_BASE_NEAREST_H
#define MR_BASE_NEAREST_H

#include <stddef.h>

enum { MR_NEAREST_TEXT_MAX = 128 };

/* The fewest letters to put in, take out or change that make one of the other; SIZE_MAX when either is longer
 * than MR_NEAREST_TEXT_MAX. */
size_t mr_text_distance(const char *a, const char *b);

#endif
