/* One HTTP request to a port of this machine, over a connection of its own, as bytes: for tests of a server.
 */
#ifndef MR_TESTS_HTTP_ASK_H
#define MR_TESTS_HTTP_ASK_H

#include <stdint.h>

#include "proto/base/buf.h"
#include "tests/support/spawn.h"

struct http_ask {
    uint16_t port;
    const char *from;   /* address of this machine that it is sent from: "127.0.0.2"; NULL: 127.0.0.1 */
    const char *method; /* NULL: GET */
    const char *path;
    const char *token;   /* bearer; NULL: none */
    const char *headers; /* more lines, each with its CRLF; NULL: none */
    struct mr_slice body;

    /* what came back */
    int status;
    struct mr_buf answer; /* as received */
};

/* The port that the hub picked for hub.http_listen, as it has logged it last. */
uint16_t http_ask_port(const struct spawn *spawn);

/* Sends and reads to the end; fails the test when nothing comes back. Returns the status. */
int http_ask(struct http_ask *ask);
/* The same in two steps, for an answer that takes its time: the connection, and the rest. */
int http_ask_begin(struct http_ask *ask);
int http_ask_end(struct http_ask *ask, int fd);
/* Of these: a connection that says nothing yet; and what comes on one until it is closed, whatever it is. */
int http_ask_dial(uint16_t port);
int http_ask_dial_from(uint16_t port, const char *from); /* an address as above */
void http_ask_read(struct http_ask *ask, int fd);
/* The body of the answer; within `answer`. */
struct mr_slice http_ask_body(const struct http_ask *ask);
/* The value of a header of the answer into ret (cut to size); "" when it has none. */
const char *http_ask_header(const struct http_ask *ask, const char *name, char *ret, size_t size);
void http_ask_fini(struct http_ask *ask);

#endif
