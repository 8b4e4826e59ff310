/*
 * One mail over SMTP, on libuv's pool: libcurl waits for a server's last word without a loop, however its
 * other interfaces are used. A mail that is dropped ends within some seconds. Loop thread only.
 */
#ifndef MR_LOOP_MAIL_H
#define MR_LOOP_MAIL_H

#include <stdint.h>
#include <uv.h>

struct mr_mail {
    const char *server; /* smtp:// or smtps:// */
    const char *user;   /* NULL: no login; with one TLS is asked for, else used when the server has it */
    const char *password;
    const char *from;
    char *const *to;
    uint32_t to_count;
    const char *subject; /* one line of ASCII */
    const char *text;    /* lines end with \n */
    int64_t at_us;       /* its date */
    uint32_t timeout_ms; /* for everything from the name's look-up to the last word */
};

struct mr_letter;

/*
 * Copies what it needs. done exactly once, never from inside of this call, unless it is dropped before: 0,
 * MR_ETIMEOUT, MR_EDENIED (certificate, login), MR_ECLOSED ... MR_ENOMEM.
 */
int mr_mail_send(struct mr_letter **ret, uv_loop_t *loop, const struct mr_mail *mail,
        void (*done)(void *ctx, int error), void *ctx);
void mr_mail_drop(struct mr_letter *letter); /* the loop runs to its end after it */

#endif
