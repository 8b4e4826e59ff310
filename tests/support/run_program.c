#include "tests/support/run_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK_NAME "MR_TEST_MARK"

static int memory_file(const char *name, const char *text)
{
    int fd = memfd_create(name, MFD_CLOEXEC);

    assert_true(fd >= 0);
    if (text)
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void exec_program(const struct run_program *run, const char *const argv[], const int fds[static 3])
{
    char path[PATH_MAX];

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)snprintf(path, sizeof path, "%s/%s", MR_BIN_DIR, argv[0]);
    if (run->mark)
        (void)setenv(MARK_NAME, run->mark, 1);
    if (dup2(fds[0], STDIN_FILENO) >= 0 && dup2(fds[1], STDOUT_FILENO) >= 0 &&
            dup2(fds[2], STDERR_FILENO) >= 0)
        (void)execv(path, (char *const *)argv);
    _exit(127);
}

static void read_back(int fd, struct mr_buf *out)
{
    off_t size = lseek(fd, 0, SEEK_END);
    uint8_t *room = mr_buf_reserve(out, (size_t)size + 1);

    assert_non_null(room);
    assert_int_equal(pread(fd, room, (size_t)size, 0), size);
    out->size += (size_t)size;
}

/* False: it did not end in time, and was killed. */
static bool wait_end(pid_t pid, int seconds, int *ret_status)
{
    int fd = pidfd_open(pid, 0);
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    int r;

    assert_true(fd >= 0);
    do
        r = poll(&ended, 1, seconds * 1000);
    while (r < 0 && errno == EINTR);
    (void)close(fd);
    if (r == 0)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, ret_status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return r > 0;
}

void run_program(struct run_program *run, const char *const argv[])
{
    int fds[3] = {memory_file("in", run->input), memory_file("out", NULL), memory_file("err", NULL)};
    int seconds = run->seconds_max ? run->seconds_max : RUN_PROGRAM_SECONDS;
    pid_t pid = fork();
    int status;
    bool ended;

    assert_true(pid >= 0);
    if (pid == 0)
        exec_program(run, argv, fds);
    ended = wait_end(pid, seconds, &status);
    mr_buf_reset(&run->out);
    mr_buf_reset(&run->err);
    read_back(fds[1], &run->out);
    read_back(fds[2], &run->err);
    for (size_t i = 0; i < 3; i++)
        (void)close(fds[i]);
    if (!ended) {
        print_error("%s\n%s\n", run_program_out(run), run_program_err(run));
        fail_msg("%s did not end within %d s", argv[0], seconds);
    }
    run->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void run_program_fini(struct run_program *run)
{
    mr_buf_fini(&run->out);
    mr_buf_fini(&run->err);
}

const char *run_program_out(struct run_program *run)
{
    const char *text = mr_buf_str(&run->out);

    return text ? text : "";
}

const char *run_program_err(struct run_program *run)
{
    const char *text = mr_buf_str(&run->err);

    return text ? text : "";
}

/* The environment that a process was started with; a zombie has none. */
static bool is_marked(const char *pid, const char *mark)
{
    static char environment[256 * 1024];
    char path[64], want[256];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof path, "/proc/%.20s/environ", pid);
    (void)snprintf(want, sizeof want, "%s=%s", MARK_NAME, mark);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = read(fd, environment, sizeof environment);
    (void)close(fd);
    return n > 0 && memmem(environment, (size_t)n, want, strlen(want) + 1) != NULL;
}

int run_program_marked(const char *mark)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    int count = 0;

    assert_non_null(processes);
    while ((entry = readdir(processes)) != NULL)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            count += is_marked(entry->d_name, mark);
    (void)closedir(processes);
    return count;
}
