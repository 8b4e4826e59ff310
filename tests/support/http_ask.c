#include "tests/support/http_ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 120 * 1000, READ_BYTES = 64 * 1024 };

uint16_t http_ask_port(const struct spawn *spawn)
{
    char line[1024];
    const char *at;
    unsigned port = 0;
    FILE *log = fopen(spawn->log, "re");

    assert_non_null(log);
    while (fgets(line, sizeof line, log))
        if (strstr(line, "event=hub.http ") && (at = strstr(line, "port=")))
            (void)sscanf(at, "port=%u", &port);
    (void)fclose(log);
    assert_true(port > 0 && port <= UINT16_MAX);
    return (uint16_t)port;
}

int http_ask_dial_from(uint16_t port, const char *from)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in own = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(inet_pton(AF_INET, from ? from : "127.0.0.1", &own.sin_addr), 1);
    assert_int_equal(bind(fd, (const struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

int http_ask_dial(uint16_t port)
{
    return http_ask_dial_from(port, NULL);
}

static void send_all(int fd, struct mr_slice bytes)
{
    while (bytes.size > 0) {
        ssize_t n = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* it answers without having read everything */
        bytes = mr_slice(bytes.data + n, bytes.size - (size_t)n);
    }
}

static void read_all(int fd, struct mr_buf *ret)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    ssize_t n;

    do {
        uint8_t *at = mr_buf_reserve(ret, READ_BYTES);

        assert_non_null(at);
        if (poll(&poll_fd, 1, WAIT_MS) != 1)
            fail_msg("the connection is not closed");
        n = recv(fd, at, READ_BYTES, 0);
        ret->size += n > 0 ? (size_t)n : 0;
    } while (n > 0);
}

int http_ask_begin(struct http_ask *ask)
{
    struct mr_buf request = MR_BUF_INIT;
    int fd = http_ask_dial_from(ask->port, ask->from);

    mr_buf_reset(&ask->answer);
    mr_buf_printf(&request, "%s %s HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n",
            ask->method ? ask->method : "GET", ask->path);
    if (ask->token)
        mr_buf_printf(&request, "Authorization: Bearer %s\r\n", ask->token);
    if (ask->body.size > 0)
        mr_buf_printf(&request, "Content-Length: %zu\r\n", ask->body.size);
    mr_buf_printf(&request, "%s\r\n", ask->headers ? ask->headers : "");
    mr_buf_put_slice(&request, ask->body);
    assert_false(mr_buf_failed(&request));
    send_all(fd, mr_buf_slice(&request));
    mr_buf_fini(&request);
    return fd;
}

void http_ask_read(struct http_ask *ask, int fd)
{
    mr_buf_reset(&ask->answer);
    read_all(fd, &ask->answer);
    (void)close(fd);
}

int http_ask_end(struct http_ask *ask, int fd)
{
    http_ask_read(ask, fd);
    ask->status = 0;
    assert_int_equal(sscanf(mr_buf_str(&ask->answer), "HTTP/1.1 %d", &ask->status), 1);
    return ask->status;
}

int http_ask(struct http_ask *ask)
{
    return http_ask_end(ask, http_ask_begin(ask));
}

struct mr_slice http_ask_body(const struct http_ask *ask)
{
    const uint8_t *end = memmem(ask->answer.data, ask->answer.size, "\r\n\r\n", 4);

    assert_non_null(end);
    end += 4;
    return mr_slice(end, ask->answer.size - (size_t)(end - ask->answer.data));
}

const char *http_ask_header(const struct http_ask *ask, const char *name, char *ret, size_t size)
{
    const char *head = (const char *)ask->answer.data;
    const char *end = (const char *)http_ask_body(ask).data - 2;
    size_t length = strlen(name);

    ret[0] = '\0';
    for (const char *line = head; line < end;) {
        const char *stop = strstr(line, "\r\n");

        if (strncasecmp(line, name, length) == 0 && line[length] == ':')
            (void)snprintf(ret, size, "%.*s", (int)(stop - line - (ptrdiff_t)length - 2), line + length + 2);
        line = stop + 2;
    }
    return ret;
}

void http_ask_fini(struct http_ask *ask)
{
    mr_buf_fini(&ask->answer);
}
