/*
 * Ways to tell people: a command, a webhook, mail. Each has a queue of its own, sends one thing at a time,
 * tries again with back-off and gives up after some attempts; a full queue loses its oldest. A way that is
 * dead or slow costs that much and nothing else. What is told are conditions, configured names and numbers:
 * nothing of an event. Neither URL nor secrets are logged. Loop thread only.
 */
#ifndef MR_LOOP_ALERT_SENDER_H
#define MR_LOOP_ALERT_SENDER_H

#include <stdint.h>
#include <uv.h>

#include "proto/base/err.h"

enum { MR_ALERT_QUEUE_MAX = 64, MR_ALERT_ATTEMPTS_MAX = 10 };

/* Texts are ASCII, of one line. */
struct mr_alert {
    const char *condition; /* "disk-low" */
    const char *subject;   /* a configured name; "" */
    const char *state;     /* "firing", "lasting", "resolved" */
    const char *what;
    const char *cure;
    int64_t since_us; /* wall clock */
    int64_t at_us;
};

struct mr_alert_sender;

/* Borrowed until close, secrets until open returns. */
struct mr_alert_sender_options {
    uv_loop_t *loop;
    const char *from;       /* who tells: the hub's source */
    char *const *command;   /* absolute path, then arguments */
    uint32_t command_count; /* 0: none */
    const char *webhook;    /* NULL: none */
    const char *webhook_token;
    const char *mail_server; /* NULL: none */
    const char *mail_from;
    char *const *mail_to;
    uint32_t mail_to_count;
    const char *mail_user;
    const char *mail_password;
    uint32_t timeout_ms;     /* of one attempt */
    uint32_t retry_first_ms; /* default 1000 */
};
int mr_alert_sender_open(
        struct mr_alert_sender **ret, const struct mr_alert_sender_options *options, struct mr_error *reterr);
void mr_alert_send(struct mr_alert_sender *sender, const struct mr_alert *alert);
/* What waits is lost. Memory goes when the loop has let go of everything. NULL is fine. */
void mr_alert_sender_close(struct mr_alert_sender *sender);

#endif
