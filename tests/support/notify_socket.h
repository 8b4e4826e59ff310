/* The service manager's end of sd_notify(): a datagram socket in a folder. Fails the test when it cannot. */
#ifndef MR_TESTS_NOTIFY_SOCKET_H
#define MR_TESTS_NOTIFY_SOCKET_H

#include <stdbool.h>

struct notify_socket {
    int fd;
    char variable[160]; /* "NOTIFY_SOCKET=path" */
};

void notify_socket_open(struct notify_socket *socket, const char *dir);
void notify_socket_close(struct notify_socket *socket);
/* Takes one message that is already there: "READY=1". False: none. */
bool notify_socket_take(struct notify_socket *socket, char *out, int out_bytes);
/* Waits until exactly this message comes, and takes all before it. Fails the test after a minute. */
void notify_socket_until(struct notify_socket *socket, const char *message);

#endif
