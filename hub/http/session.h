/*
 * Who is logged in at the console: sessions in memory, known by the digest of a cookie; with the hub they
 * end. Loop thread.
 */
#ifndef MR_HUB_HTTP_SESSION_H
#define MR_HUB_HTTP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "hub/http/account.h"

enum { MR_SESSION_SECRET_BYTES = 44, MR_SESSIONS_MAX = 256, MR_SESSIONS_OF_A_NAME_MAX = 8 };

struct mr_web_session {
    uint8_t digest[32]; /* of the cookie */
    char csrf[MR_SESSION_SECRET_BYTES];
    char name[MR_ACCOUNT_NAME_MAX + 1];
    int64_t began_us, used_us; /* monotonic */
    int64_t password_us;       /* when the password was set with which it began: a new one ends it */
};

struct mr_web_sessions {
    struct mr_web_session list[MR_SESSIONS_MAX];
    size_t count;
};

/*
 * A new one. When there are too many of this name its own that was not used for the longest time ends; when
 * there are too many of all, that of the name that has the most: nobody logs the others out by logging in.
 */
const struct mr_web_session *mr_web_session_begin(struct mr_web_sessions *sessions, const char *name,
        int64_t password_us, int64_t now_us, char ret_cookie[static MR_SESSION_SECRET_BYTES]);
/* NULL: none, unused for half an hour, or twelve hours old. Valid until the next call of any of these. */
const struct mr_web_session *mr_web_session_find(
        struct mr_web_sessions *sessions, const char *cookie, int64_t now_us);
/* Is it still there? This is no use of it. */
bool mr_web_session_lives(
        const struct mr_web_sessions *sessions, const uint8_t digest[static 32], int64_t now_us);
void mr_web_session_end(struct mr_web_sessions *sessions, const struct mr_web_session *session);

/* Unused for half an hour, or twelve hours old. */
bool mr_web_session_over(const struct mr_web_session *session, int64_t now_us);

bool mr_web_session_csrf_right(const struct mr_web_session *session, const char *given); /* NULL: absent */

#endif
