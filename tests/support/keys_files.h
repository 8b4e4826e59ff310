/* The files of a keyring, looked at from outside: copies of them, and bytes in them. */
#ifndef MR_TESTS_KEYS_FILES_H
#define MR_TESTS_KEYS_FILES_H

#include <stddef.h>

/* Copies data.mdb of the folder `from` into the new folder `to`, as it lies there. Not while it is open here.
 */
void keys_files_copy(const char *from, const char *to);
/* How often the bytes occur in the regular files of the folder. */
size_t keys_files_count(const char *dir, const void *bytes, size_t size);

#endif
