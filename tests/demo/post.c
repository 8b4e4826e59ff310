#include "tests/demo/post.h"

#include <curl/curl.h>
#include <stdio.h>
#include <time.h>

#include "proto/base/err.h"

enum { TRIES = 300, PAUSE_MS = 200, TIMEOUT_MS = 5000 };

static size_t read_away(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * count;
}

static struct curl_slist *headers_of(const struct post_request *request)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");

    if (request->token) {
        char line[200];

        (void)snprintf(line, sizeof line, "Authorization: Bearer %s", request->token);
        headers = curl_slist_append(headers, line);
    }
    if (request->header)
        headers = curl_slist_append(headers, request->header);
    return headers;
}

/* HTTP status, or 0 when nothing came back. */
static long try_once(CURL *curl)
{
    long status = 0;

    if (curl_easy_perform(curl) != CURLE_OK)
        return 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static int outcome(long status)
{
    if (status >= 200 && status < 300)
        return 0;
    if (status >= 400 && status < 500 && status != 408 && status != 425 && status != 429)
        return MR_EINVAL;
    return MR_EAGAIN;
}

static int try_until(CURL *curl, const struct post_request *request)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

    for (int i = 0; i < TRIES; i++) {
        long status = try_once(curl);
        int r = outcome(status);

        if (r == MR_EINVAL)
            (void)fprintf(stderr, "POST %s: status %ld\n", request->path, status);
        if (r != MR_EAGAIN)
            return r;
        (void)clock_nanosleep(
                CLOCK_MONOTONIC, 0, &pause, NULL); /* the adapter is away; its back-off is ours */
        r = request->tick ? request->tick(request->tick_ctx) : 0;
        if (r < 0)
            return r;
    }
    return MR_ETIMEOUT;
}

int post_until_taken(const struct post_request *request)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = headers_of(request);
    char url[200];
    int r = MR_ENOMEM;

    if (curl && headers) {
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", request->port, request->path);
        (void)curl_easy_setopt(curl, CURLOPT_URL, url);
        (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)request->body.data);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body.size);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, read_away);
        (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
        r = try_until(curl, request);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return r;
}
