#include "tests/crash/replay/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void trace_create(struct trace *trace, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct trace_head *head;

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)TRACE_BYTES), 0);
    head = mmap(NULL, TRACE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(head != MAP_FAILED);
    (void)close(fd);
    head->magic = TRACE_MAGIC;
    atomic_store(&head->end, sizeof *head);
    trace->head = head;
    trace_arm(trace, true);
}

void trace_close(struct trace *trace)
{
    if (trace->head)
        (void)munmap(trace->head, TRACE_BYTES);
    trace->head = NULL;
}

size_t trace_bytes(const struct trace *trace)
{
    return atomic_load(&trace->head->end);
}

uint64_t trace_now(const struct trace *trace)
{
    return atomic_load(&trace->head->count);
}

void trace_kill(struct trace *trace, uint64_t after)
{
    atomic_store(&trace->head->kill_at, after ? trace_now(trace) + after : 0);
}

void trace_arm(struct trace *trace, bool armed)
{
    atomic_store(&trace->head->armed, armed);
}

/* ---- what the test puts there ---- */

static void add(struct trace *trace, struct trace_entry entry, const void *data)
{
    uint64_t end = atomic_load(&trace->head->end);
    uint8_t *at = (uint8_t *)trace->head + end;

    entry.size = (uint32_t)((sizeof entry + (data ? entry.length : 0) + 7) & ~(size_t)7);
    assert_true(end + entry.size <= TRACE_BYTES);
    memcpy(at, &entry, sizeof entry);
    if (data)
        memcpy(at + sizeof entry, data, entry.length);
    atomic_store(&trace->head->end, end + entry.size);
    atomic_fetch_add(&trace->head->count, 1);
}

static uint64_t inode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void add_synced(struct trace *trace, uint64_t file)
{
    add(trace, (struct trace_entry){.op = TRACE_SYNC, .file = file, .offset = trace_now(trace)}, NULL);
}

/* Its name is durable; the folder above must be in the trace. */
static void add_name(struct trace *trace, enum trace_op op, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct trace_entry entry = {.op = op, .file = inode_of(path)};
    char above[PATH_MAX];

    (void)snprintf(above, sizeof above, "%.*s", (int)(slash - path), path);
    (void)snprintf(entry.name, sizeof entry.name, "%s", slash + 1);
    entry.folder = inode_of(above);
    add(trace, entry, NULL);
    add_synced(trace, entry.folder);
}

void trace_mkdir(struct trace *trace, const char *path)
{
    assert_int_equal(mkdir(path, 0700), 0);
    add_name(trace, TRACE_MKDIR, path);
}

void trace_put_file(struct trace *trace, const char *path, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), (ssize_t)size);
    (void)close(fd);
    add_name(trace, TRACE_CREATE, path);
    add(trace, (struct trace_entry){.op = TRACE_WRITE, .file = inode_of(path), .length = (uint32_t)size},
            data);
    add_synced(trace, inode_of(path));
}

/* ---- reading it ---- */

static const struct trace_entry *entry_at(const struct trace *trace, const uint8_t *at)
{
    const uint8_t *end = (const uint8_t *)trace->head + atomic_load(&trace->head->end);

    return at < end ? (const struct trace_entry *)at : NULL;
}

const struct trace_entry *trace_first(const struct trace *trace)
{
    return entry_at(trace, (const uint8_t *)(trace->head + 1));
}

const struct trace_entry *trace_next(const struct trace *trace, const struct trace_entry *entry)
{
    return entry_at(trace, (const uint8_t *)entry + entry->size);
}
