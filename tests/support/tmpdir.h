/* A temporary folder of one test, under TMPDIR or /tmp. Aborts the test program when the system refuses. */
#ifndef MR_TESTS_TMPDIR_H
#define MR_TESTS_TMPDIR_H

char *mr_tmpdir_new(void);      /* its path; give it to mr_tmpdir_free */
void mr_tmpdir_free(char *dir); /* removes the folder with all that is in it. NULL is fine */
/* "dir/name" in a static buffer of the calling thread: valid until the eighth next call. */
const char *mr_tmpdir_path(const char *dir, const char *name);

#endif
