#include "tests/crash/replay/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
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
