#include "tests/support/notify_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { DEADLINE_MS = 60 * 1000 };

void notify_socket_open(struct notify_socket *notify, const char *dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", dir);
    (void)snprintf(notify->variable, sizeof notify->variable, "NOTIFY_SOCKET=%s", address.sun_path);
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(notify->fd >= 0);
    assert_int_equal(bind(notify->fd, (const struct sockaddr *)&address, sizeof address), 0);
}

void notify_socket_close(struct notify_socket *notify)
{
    (void)close(notify->fd);
}

bool notify_socket_take(struct notify_socket *notify, char *out, int out_bytes)
{
    ssize_t n = recv(notify->fd, out, (size_t)out_bytes - 1, MSG_DONTWAIT);

    out[n > 0 ? n : 0] = 0;
    return n > 0;
}

void notify_socket_until(struct notify_socket *notify, const char *message)
{
    struct pollfd poll_fd = {.fd = notify->fd, .events = POLLIN};
    char text[256];

    do {
        if (poll(&poll_fd, 1, DEADLINE_MS) != 1)
            fail_msg("no %s", message);
    } while (notify_socket_take(notify, text, sizeof text) && strcmp(text, message) != 0);
}
