/*
 * When LMDB or the kernel finds that a file of ours cannot be what it was (an assertion of LMDB; SIGBUS or
 * SIGSEGV within a mapped data.mdb: cut off, or a sector that cannot be read), the process says one line with
 * the file and ends with exit code 76, at once and without a core: nothing more is acknowledged.
 */
#ifndef MR_STORE_KV_FATAL_H
#define MR_STORE_KV_FATAL_H

/* For main(): takes the signals; any other fault of theirs is what it was before. Once a process. */
void mr_kv_fatal_install(void);

#endif
