/*
 * A library to preload (LD_PRELOAD) into the real hub: it stands between the program and the system's file
 * calls, keeps a trace of what happens below one folder, and makes chosen calls fail. By environment:
 *
 *   MR_RECORD_BELOW=DIR          the folder; nothing else is looked at
 *   MR_RECORD=FILE               the trace (tests/crash/replay/trace.h); absent: none is kept
 *   MR_RECORD_FORGET=sync|part   a mutant: the marks of fsync and fdatasync, or of O_DSYNC writes, are left
 * out MR_RECORD_FAIL=call:end:n:times:errno from the n-th such call on a path that ends so (counted from 1),
 * `times` of them fail: EIO, ENOSPC, KILL (SIGKILL before the call), or LOST (SIGKILL after it, before its
 * mark: the bytes are written, not yet durable). Calls: write, meta (through O_DSYNC), sync, syncdir, rename,
 * open
 *   MR_RECORD_DAYS=N             the wall clock is so many days ahead (clock.c)
 *
 * Every call goes to the kernel directly, so nothing here depends on what else is preloaded. Calls that
 * change something are one at a time, each with its entry: the trace is what the kernel knows, also when the
 * process is killed, which is done here, between two calls (trace_kill). Not for programs under
 * ThreadSanitizer, which has to see the calls.
 */
#ifndef MR_TESTS_RECORDER_H
#define MR_TESTS_RECORDER_H

#include <stdbool.h>

#include "tests/crash/replay/trace.h"

/* ---- what is asked for (failing.c) ---- */

enum { KILL_BEFORE = -1, KILL_AFTER = -2, FAIL_AFTER = -3 };

/* 0: it may go on; an errno: it fails; KILL_AFTER: die once it is done; FAIL_AFTER: EIO then. */
int recorder_failure(const char *call, const char *path);

/* ---- the trace (entries.c); a call that changes something stands between lock and unlock ---- */

bool recorder_below(const char *path);
bool recorder_forgets_sync(void);
bool recorder_forgets_part(void);

/* SIGKILL, when nobody is between a call and its entry. */
_Noreturn void recorder_die(void); /* not under the lock */
_Noreturn void recorder_die_locked(void);
void recorder_lock(void);
void recorder_unlock(void);
void recorder_add(struct trace_entry *entry, const void *data);
void recorder_add_name(enum trace_op op, uint64_t file, const char *path);
void recorder_add_size(enum trace_op op, int fd, uint64_t size);
bool recorder_is_armed(void); /* failures count */
uint64_t recorder_now(void);
uint64_t recorder_inode(int fd);
/* Folder and last name of a path. */
void recorder_split(const char *path, uint64_t *ret_folder, char name[static TRACE_NAME_MAX]);

#endif
