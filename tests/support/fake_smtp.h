/* A mail server for tests, on a loop: takes mails and keeps them as text; or accepts and never says a word.
 * Loop thread only. */
#ifndef MR_TESTS_FAKE_SMTP_H
#define MR_TESTS_FAKE_SMTP_H

#include <stdbool.h>
#include <uv.h>

#include "proto/base/buf.h"

struct fake_smtp {
    uv_tcp_t listener;
    uv_loop_t *loop;
    bool silent;
    int port;
    int connections;
    int mails;
    struct mr_buf mail; /* of all of them: envelope lines ("MAIL FROM:<…>"), then the text */
    int open;           /* handles */
};

/* Fails the test when it cannot listen. */
void fake_smtp_open(struct fake_smtp *smtp, uv_loop_t *loop, bool silent);
/* Turns the loop until everything is closed. */
void fake_smtp_close(struct fake_smtp *smtp);

#endif
