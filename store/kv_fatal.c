#include "store/kv_fatal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "store/kv_internal.h"

enum { EXIT_DAMAGED = 76, MAPS_BYTES = 4096 };

static void say(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

static void end(const char *what, const char *file)
{
    say("level=error event=store.damaged what=\"");
    say(what);
    say("\" where=\"");
    say(file);
    say("\" cure=\"look at the disk and the kernel's log; marshrut scrub; restore from a backup\"\n");
    _exit(EXIT_DAMAGED);
}

void mr_kv_on_assert(MDB_env *env, const char *message)
{
    const char *path = "";

    (void)mdb_env_get_path(env, &path);
    say(message);
    say("\n");
    end("an assertion of the storage library failed", path);
}

/* ---- signals: only what is safe in a handler ---- */

static uintptr_t hex(const char **at)
{
    uintptr_t value = 0;

    for (;; ++*at) {
        char c = **at;

        if (c >= '0' && c <= '9')
            value = value << 4 | (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uintptr_t)(c - 'a' + 10);
        else
            return value;
    }
}

/* "from-to rwxp offset dev inode   /path": is it a data.mdb with the address in it? Returns the path. */
static const char *is_ours(const char *line, uintptr_t address)
{
    static const char name[] = "/data.mdb";
    const char *at = line, *path = strchr(line, '/');
    uintptr_t from = hex(&at), to;
    size_t size = path ? strlen(path) : 0;

    if (*at != '-' || size < sizeof name)
        return NULL;
    at++;
    to = hex(&at);
    if (address < from || address >= to || strcmp(path + size - (sizeof name - 1), name) != 0)
        return NULL;
    return path;
}

/* Ends the process when the address lies in a store's map. */
static void look_up(uintptr_t address)
{
    static char text[MAPS_BYTES];
    size_t have = 0;
    ssize_t n;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

    while (fd >= 0 && (n = read(fd, text + have, sizeof text - 1 - have)) > 0) {
        char *line = text, *newline;

        have += (size_t)n;
        text[have] = '\0';
        for (; (newline = strchr(line, '\n')) != NULL; line = newline + 1) {
            const char *path;

            *newline = '\0';
            if ((path = is_ours(line, address)) != NULL)
                end("a page of the file cannot be read", path);
        }
        have -= (size_t)(line - text);
        memmove(text, line, have);
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    look_up((uintptr_t)info->si_addr);
    (void)signal(number, SIG_DFL); /* not ours: it happens again, as it would have */
}

void mr_kv_fatal_install(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGBUS, &action, NULL);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which report it themselves */
    (void)sigaction(SIGSEGV, &action, NULL);
#endif
}
