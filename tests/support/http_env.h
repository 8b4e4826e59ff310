/*
 * A server and a client of proto/loop/http_client.h and http_server.h on one loop, with paths that echo, hold
 * their answer back, redirect or answer too much. For tests of either side.
 */
#ifndef MR_TESTS_HTTP_ENV_H
#define MR_TESTS_HTTP_ENV_H

#include "proto/loop/http_client.h"
#include "proto/loop/http_server.h"

enum { HTTP_ENV_WAIT_MS = 60 * 1000, BODY_MAX = 64 * 1024, HELD_MAX = 128 };

struct http_env {
    uv_loop_t loop;
    struct mr_http_server *server;
    struct mr_http_client *client;
    struct mr_http_exchange *held[HELD_MAX]; /* not answered yet */
    int held_count;
    int requests;
    size_t body_size;
    bool close_in_handler;
    uint32_t connections_max; /* of a server that is opened after; 0: its default */
    uint32_t deadline_ms;     /* of its requests, likewise; 0: HTTP_ENV_WAIT_MS */
    int open;
};

struct answer {
    struct http_env *fixture;
    int count;
    int error;
    unsigned status;
    char body[256];
    char header[64];
};

/* cmocka fixtures: loop and client; the server is opened by the test. */
int http_env_setup(void **state);
int http_env_teardown(void **state);

void open_server(struct http_env *f, const char *token);
void on_closed(void *ctx);                                   /* for what a test closes itself */
void on_reply(void *ctx, const struct mr_http_reply *reply); /* into a struct answer */
void wait_reply(struct http_env *f, struct answer *a);
/* One URL at a time. */
const char *url(struct http_env *f, const char *path);
/* Sends and waits; fails the test when nothing comes back. */
struct answer ask(
        struct http_env *f, const char *method, const char *path, const char *header, struct mr_slice body);

#endif
