#include "tests/support/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void terminal_open(
        struct terminal *terminal, const char *term, int lines, int columns, const char *const argv[])
{
    struct winsize size = {.ws_row = (unsigned short)lines, .ws_col = (unsigned short)columns};
    int slave;
    char path[256];

    *terminal = (struct terminal){.fd = -1};
    assert_int_equal(openpty(&terminal->fd, &slave, NULL, NULL, &size), 0);
    (void)fcntl(terminal->fd, F_SETFD, FD_CLOEXEC);
    (void)snprintf(path, sizeof path, "%s/%s", MR_BIN_DIR, argv[0]);
    terminal->pid = fork();
    assert_true(terminal->pid >= 0);
    if (terminal->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setenv("TERM", term, 1);
        if (login_tty(slave) == 0)
            (void)execv(path, (char *const *)argv);
        _exit(127);
    }
    /* the other side stays open here too: what was set on it can still be seen when the program has ended */
    (void)fcntl(slave, F_SETFD, FD_CLOEXEC);
    terminal->slave = slave;
}

/* What there is within so long. false: nothing came. */
static bool read_some(struct terminal *terminal, int timeout_ms)
{
    struct pollfd ready = {.fd = terminal->fd, .events = POLLIN};
    uint8_t *room;
    ssize_t size;

    if (poll(&ready, 1, timeout_ms) != 1)
        return false;
    room = mr_buf_reserve(&terminal->drawn, 4096);
    assert_non_null(room);
    size = read(terminal->fd, room, 4096);
    if (size > 0)
        terminal->drawn.size += (size_t)size;
    return size > 0;
}

bool terminal_has(struct terminal *terminal, const char *text)
{
    return memmem(terminal->drawn.data, terminal->drawn.size, text, strlen(text)) != NULL;
}

void terminal_expect(struct terminal *terminal, const char *text)
{
    int64_t until = now_ms() + TERMINAL_DEADLINE_MS;

    while (terminal->drawn.size == 0 || !terminal_has(terminal, text)) {
        if (now_ms() > until)
            fail_msg("not drawn: \"%s\" in:\n%s", text, mr_buf_str(&terminal->drawn));
        (void)read_some(terminal, 100);
    }
}

void terminal_forget(struct terminal *terminal)
{
    while (read_some(terminal, 0))
        ;
    mr_buf_reset(&terminal->drawn);
}

void terminal_keys(struct terminal *terminal, const char *keys)
{
    assert_int_equal(write(terminal->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

void terminal_resize(struct terminal *terminal, int lines, int columns)
{
    struct winsize size = {.ws_row = (unsigned short)lines, .ws_col = (unsigned short)columns};

    terminal_forget(terminal);
    assert_int_equal(ioctl(terminal->fd, TIOCSWINSZ, &size), 0);
}

int terminal_wait(struct terminal *terminal)
{
    int64_t until = now_ms() + TERMINAL_DEADLINE_MS;
    int status;
    pid_t pid;

    while ((pid = waitpid(terminal->pid, &status, WNOHANG)) == 0) {
        if (now_ms() > until)
            fail_msg("it does not end; drawn:\n%s", mr_buf_str(&terminal->drawn));
        (void)read_some(terminal, 20);
    }
    assert_int_equal(pid, terminal->pid);
    terminal->pid = 0;
    while (read_some(terminal, 0))
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool terminal_is_cooked(const struct terminal *terminal)
{
    struct termios mode;

    assert_int_equal(tcgetattr(terminal->slave, &mode), 0);
    return (mode.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG);
}

void terminal_close(struct terminal *terminal)
{
    if (terminal->pid > 0) {
        (void)kill(terminal->pid, SIGKILL);
        (void)waitpid(terminal->pid, NULL, 0);
    }
    (void)close(terminal->fd);
    (void)close(terminal->slave);
    mr_buf_fini(&terminal->drawn);
}
