#include "tests/crash/recorder/recorder.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Process-wide as the file calls are. */
static struct {
    pthread_once_t once;
    pthread_mutex_t lock; /* one call and its entry at a time */
    char below[PATH_MAX];
    size_t below_size;
    struct trace_head *head; /* NULL: no trace */
    bool forget_sync, forget_part;
} self = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

static void map_trace(const char *path)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);

    if (fd < 0)
        abort();
    self.head = mmap(NULL, TRACE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)syscall(SYS_close, fd);
    if (self.head == MAP_FAILED || self.head->magic != TRACE_MAGIC)
        abort();
}

static void init(void)
{
    const char *below = getenv("MR_RECORD_BELOW"), *trace = getenv("MR_RECORD"),
               *forget = getenv("MR_RECORD_FORGET");

    if (!below)
        return;
    (void)snprintf(self.below, sizeof self.below, "%s/", below);
    self.below_size = strlen(self.below);
    self.forget_sync = forget && strcmp(forget, "sync") == 0;
    self.forget_part = forget && strcmp(forget, "part") == 0;
    if (trace)
        map_trace(trace);
}

bool recorder_below(const char *path)
{
    (void)pthread_once(&self.once, init);
    return self.below_size > 0 && strncmp(path, self.below, self.below_size) == 0;
}

bool recorder_forgets_sync(void)
{
    return self.forget_sync;
}

bool recorder_forgets_part(void)
{
    return self.forget_part;
}

void recorder_die_locked(void)
{
    for (;;)
        (void)syscall(SYS_kill, getpid(), SIGKILL);
}

void recorder_die(void)
{
    recorder_lock();
    recorder_die_locked();
}

void recorder_lock(void)
{
    (void)pthread_once(&self.once, init);
    (void)pthread_mutex_lock(&self.lock);
}

/* The moment to die when the test wants it: nobody is between a call and its entry. */
void recorder_unlock(void)
{
    uint64_t kill_at = self.head ? atomic_load(&self.head->kill_at) : 0;

    if (kill_at > 0 && atomic_load(&self.head->count) >= kill_at)
        recorder_die_locked();
    (void)pthread_mutex_unlock(&self.lock);
}

/* Under the lock. */
void recorder_add(struct trace_entry *entry, const void *data)
{
    struct trace_head *head = self.head;
    size_t data_size = entry->op == TRACE_WRITE ? entry->length : 0;
    uint64_t end;

    if (!head)
        return;
    entry->size = (uint32_t)((sizeof *entry + data_size + 7) & ~(size_t)7);
    end = atomic_load(&head->end);
    if (end + entry->size > TRACE_BYTES) {
        (void)dprintf(STDERR_FILENO, "the recorder's trace is full\n");
        abort();
    }
    memcpy((uint8_t *)head + end, entry, sizeof *entry);
    if (data_size > 0)
        memcpy((uint8_t *)head + end + sizeof *entry, data, data_size);
    atomic_store(&head->end, end + entry->size);
    atomic_store(&head->count, atomic_load(&head->count) + 1);
}

bool recorder_is_armed(void)
{
    return !self.head || atomic_load(&self.head->armed) != 0;
}

uint64_t recorder_now(void)
{
    return self.head ? atomic_load(&self.head->count) : 0;
}

uint64_t recorder_inode(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

void recorder_split(const char *path, uint64_t *ret_folder, char name[static TRACE_NAME_MAX])
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    struct stat st;

    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    *ret_folder = stat(folder, &st) == 0 ? st.st_ino : 0;
    (void)snprintf(name, TRACE_NAME_MAX, "%s", slash + 1);
}

void recorder_add_name(enum trace_op op, uint64_t file, const char *path)
{
    struct trace_entry entry = {.op = op, .file = file};

    recorder_split(path, &entry.folder, entry.name);
    recorder_add(&entry, NULL);
}

void recorder_add_size(enum trace_op op, int fd, uint64_t size)
{
    recorder_add(&(struct trace_entry){.op = op, .file = recorder_inode(fd), .offset = size}, NULL);
}

__attribute__((constructor)) static void begin(void)
{
    recorder_lock();
    recorder_add(&(struct trace_entry){.op = TRACE_START}, NULL);
    recorder_unlock();
}
