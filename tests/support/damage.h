/* Bits of closed files flipped, as a failing disk would. All assert with cmocka; twice is as before. */
#ifndef MR_TESTS_DAMAGE_H
#define MR_TESTS_DAMAGE_H

#include <sys/types.h>

void damage_at(const char *file, off_t offset);
/* A bit of the first place in the file that has the text. */
void damage_text(const char *file, const char *text);

#endif
