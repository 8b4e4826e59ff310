#include "proto/loop/http_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128, HOST_BYTES = 64 };

/* getaddrinfo() takes "" and numbers beyond 65535 too. */
static bool port_ok(const char *text)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);

    return *text >= '0' && *text <= '9' && *end == '\0' && port <= UINT16_MAX;
}

static int resolve(const char *address, struct addrinfo **ret)
{
    struct addrinfo hints = {
            .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    const char *colon = strrchr(address, ':');
    const char *from = address;
    size_t size = colon ? (size_t)(colon - address) : 0;
    char host[HOST_BYTES];

    if (size >= 2 && from[0] == '[' && from[size - 1] == ']') {
        from++;
        size -= 2;
    }
    if (!colon || size == 0 || size >= sizeof host || !port_ok(colon + 1))
        return MR_ECONFIG;
    memcpy(host, from, size);
    host[size] = '\0';
    return getaddrinfo(host, colon + 1, &hints, ret) == 0 ? 0 : MR_ECONFIG;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage storage = {0};
    socklen_t size = sizeof storage;

    if (getsockname(fd, (struct sockaddr *)&storage, &size) != 0)
        return 0;
    if (storage.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&storage)->sin6_port);
    return ntohs(((struct sockaddr_in *)&storage)->sin_port);
}

static int bind_to(const struct addrinfo *info, const char *address, int *ret_fd, struct mr_error *reterr)
{
    int one = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int code;

    if (fd < 0)
        return mr_error_set(reterr, mr_err_from_errno(errno), address, "", "no socket: %s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        *ret_fd = fd;
        return 0;
    }
    code = errno == EADDRINUSE ? MR_EEXISTS : mr_err_from_errno(errno);
    (void)mr_error_set(reterr, code, address, "choose another port, or stop the program that listens there",
            "cannot listen: %s", strerror(errno));
    (void)close(fd);
    return code;
}

int mr_http_listen(const char *address, int *ret_fd, uint16_t *ret_port, struct mr_error *reterr)
{
    struct addrinfo *info = NULL;
    int r = resolve(address, &info);

    if (r < 0)
        return mr_error_set(reterr, r, address, "write it as 127.0.0.1:7411 or [::1]:7411",
                "not an address to listen on");
    r = bind_to(info, address, ret_fd, reterr);
    freeaddrinfo(info);
    if (r == 0)
        *ret_port = port_of(*ret_fd);
    return r;
}
