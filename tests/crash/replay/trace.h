/*
 * The trace that tests/crash/recorder/ writes: what a process did to the files below a folder, in order.
 * One shared file of fixed size: a head, then entries one after the other. Several processes, one after the
 * other, may add to one trace. Read it while nobody writes, but for trace_now().
 */
#ifndef MR_TESTS_TRACE_H
#define MR_TESTS_TRACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRACE_NAME_MAX = 256 };
#define TRACE_BYTES ((size_t)1 << 30) /* of the sparse file */
#define TRACE_MAGIC UINT64_C(0x6d722d7472616365)

enum trace_op {
    TRACE_START = 1, /* a process began */
    TRACE_CREATE,    /* name in folder is now this new, empty file */
    TRACE_MKDIR,     /* the same of a folder */
    TRACE_RENAME,    /* name in folder became name2 in folder2; file is what has the name */
    TRACE_LINK,      /* name in folder is now also this file's, which has another one */
    TRACE_UNLINK,    /* name is gone from folder (files and folders) */
    TRACE_WRITE,     /* data at offset */
    TRACE_TRUNCATE,  /* the file is `offset` bytes long */
    TRACE_EXTEND,    /* ... at least (fallocate) */
    TRACE_SYNC,      /* fsync or fdatasync returned 0: it covers entries before number `offset` */
    TRACE_SYNC_LOST, /* it failed: what it should have covered is on the disk or not, for good */
    TRACE_SYNC_PART, /* a write through an O_DSYNC descriptor returned: it covers [offset, offset + length) */
};

struct trace_head {
    uint64_t magic;
    _Atomic uint64_t count;   /* entries, all whole */
    _Atomic uint64_t end;     /* bytes used, this head counted */
    _Atomic uint64_t armed;   /* calls that MR_RECORD_FAIL is for are counted only while it is not 0 */
    _Atomic uint64_t kill_at; /* with so many entries the process is to kill itself; 0: never */
};

struct trace_entry {
    uint32_t size; /* with data and padding: a multiple of 8 */
    uint32_t op;
    uint64_t file; /* inode number; may be given again after the file is gone */
    uint64_t folder, folder2;
    uint64_t offset;
    uint32_t length; /* of data; of the part for TRACE_SYNC_PART */
    uint32_t padding;
    char name[TRACE_NAME_MAX], name2[TRACE_NAME_MAX];
    uint8_t data[];
};

struct trace {
    struct trace_head *head;
};

/* Makes the file for a recorder (MR_RECORD), and maps it. Fails the test. */
void trace_create(struct trace *trace, const char *path);
void trace_close(struct trace *trace);
size_t trace_bytes(const struct trace *trace); /* of TRACE_BYTES; without room a recording process aborts */
uint64_t trace_now(const struct trace *trace); /* entries so far; while a process records, too */

/* A folder below the recorded one, as if a process had made it and its name durable. While nobody records. */
void trace_mkdir(struct trace *trace, const char *path);
/* The same with a file. */
void trace_put_file(struct trace *trace, const char *path, const void *data, size_t size);

/* The recording process kills itself (SIGKILL) between two file calls, `after` entries from now; 0: not. */
void trace_kill(struct trace *trace, uint64_t after);

/* Failures begin to count, or do not (at first they do). */
void trace_arm(struct trace *trace, bool armed);

/* The first entry, and the one after; NULL at the end. */
const struct trace_entry *trace_first(const struct trace *trace);
const struct trace_entry *trace_next(const struct trace *trace, const struct trace_entry *entry);

#endif
