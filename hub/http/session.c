#include "hub/http/session.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const int64_t idle_us = 30LL * 60 * 1000000, whole_us = 12LL * 3600 * 1000000;

static void make_secret(char ret[static MR_SESSION_SECRET_BYTES])
{
    uint8_t secret[32];

    randombytes_buf(secret, sizeof secret);
    (void)sodium_bin2base64(
            ret, MR_SESSION_SECRET_BYTES, secret, sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
}

static size_t count_of(const struct mr_web_sessions *sessions, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < sessions->count; i++)
        count += strcmp(sessions->list[i].name, name) == 0;
    return count;
}

static void end_those_over(struct mr_web_sessions *sessions, int64_t now_us)
{
    for (size_t i = sessions->count; i > 0; i--)
        if (mr_web_session_over(&sessions->list[i - 1], now_us))
            mr_web_session_end(sessions, &sessions->list[i - 1]);
}

static const struct mr_web_session *oldest_of(const struct mr_web_sessions *sessions, const char *name)
{
    const struct mr_web_session *oldest = NULL;

    for (size_t i = 0; i < sessions->count; i++) {
        const struct mr_web_session *session = &sessions->list[i];

        if (strcmp(session->name, name) == 0 && (!oldest || session->used_us < oldest->used_us))
            oldest = session;
    }
    return oldest;
}

/* Of the name that has the most; of names that have as many, the one that was not used the longest. */
static const struct mr_web_session *oldest_of_the_most(const struct mr_web_sessions *sessions)
{
    const struct mr_web_session *found = NULL;
    size_t most = 0;

    for (size_t i = 0; i < sessions->count; i++) {
        const struct mr_web_session *session = &sessions->list[i];
        size_t count = count_of(sessions, session->name);

        if (count > most || (count == most && session->used_us < found->used_us)) {
            found = session;
            most = count;
        }
    }
    return found;
}

static struct mr_web_session *place(struct mr_web_sessions *sessions, const char *name, int64_t now_us)
{
    end_those_over(sessions, now_us);
    if (count_of(sessions, name) >= MR_SESSIONS_OF_A_NAME_MAX)
        mr_web_session_end(sessions, oldest_of(sessions, name));
    else if (sessions->count == MR_SESSIONS_MAX)
        mr_web_session_end(sessions, oldest_of_the_most(sessions));
    return &sessions->list[sessions->count++];
}

const struct mr_web_session *mr_web_session_begin(struct mr_web_sessions *sessions, const char *name,
        int64_t password_us, int64_t now_us, char ret_cookie[static MR_SESSION_SECRET_BYTES])
{
    struct mr_web_session *session = place(sessions, name, now_us);

    *session = (struct mr_web_session){.began_us = now_us, .used_us = now_us, .password_us = password_us};
    make_secret(ret_cookie);
    make_secret(session->csrf);
    (void)crypto_hash_sha256(session->digest, (const uint8_t *)ret_cookie, strlen(ret_cookie));
    (void)snprintf(session->name, sizeof session->name, "%s", name);
    return session;
}

bool mr_web_session_over(const struct mr_web_session *session, int64_t now_us)
{
    return now_us - session->used_us >= idle_us || now_us - session->began_us >= whole_us;
}

const struct mr_web_session *mr_web_session_find(
        struct mr_web_sessions *sessions, const char *cookie, int64_t now_us)
{
    uint8_t digest[crypto_hash_sha256_BYTES];

    (void)crypto_hash_sha256(digest, (const uint8_t *)cookie, strlen(cookie));
    for (size_t i = 0; i < sessions->count; i++) {
        struct mr_web_session *session = &sessions->list[i];

        if (sodium_memcmp(session->digest, digest, sizeof digest) != 0)
            continue;
        if (mr_web_session_over(session, now_us)) {
            mr_web_session_end(sessions, session);
            return NULL;
        }
        session->used_us = now_us;
        return session;
    }
    return NULL;
}

bool mr_web_session_lives(
        const struct mr_web_sessions *sessions, const uint8_t digest[static 32], int64_t now_us)
{
    for (size_t i = 0; i < sessions->count; i++)
        if (sodium_memcmp(sessions->list[i].digest, digest, sizeof sessions->list[i].digest) == 0)
            return !mr_web_session_over(&sessions->list[i], now_us);
    return false;
}

void mr_web_session_end(struct mr_web_sessions *sessions, const struct mr_web_session *session)
{
    size_t at = (size_t)(session - sessions->list);

    sessions->list[at] = sessions->list[--sessions->count];
    sodium_memzero(&sessions->list[sessions->count], sizeof sessions->list[0]);
}

bool mr_web_session_csrf_right(const struct mr_web_session *session, const char *given)
{
    return given && strlen(given) == strlen(session->csrf) &&
           sodium_memcmp(given, session->csrf, strlen(given)) == 0;
}
