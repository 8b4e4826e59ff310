#include "adapters/portal/feed_place.h"

#include <string.h>

#include "proto/base/err.h"

enum { PLACE_BYTES_MAX = 1024 };

static bool unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c);
}

static void put_escaped(struct mr_buf *out, const char *text)
{
    for (; *text; text++) {
        if (unreserved((unsigned char)*text))
            mr_buf_put_u8(out, (uint8_t)*text);
        else
            mr_buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}

int mr_feed_place_url(const char *poll_url, const char *place, struct mr_buf *out)
{
    if (*place == 'u') {
        mr_buf_put_str(out, place + 1);
        return 0;
    }
    if (*place != 'c' && *place != '\0')
        return MR_EINVAL;
    mr_buf_put_str(out, poll_url);
    if (*place == 'c') {
        mr_buf_put_str(out, strchr(poll_url, '?') ? "&cursor=" : "?cursor=");
        put_escaped(out, place + 1);
    }
    return 0;
}

/* Length of "scheme://host:port". */
static size_t origin_size(const char *url)
{
    const char *host = strstr(url, "://");

    return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : 0;
}

/* The target of rel="next" among comma-separated links (RFC 8288). */
static const char *next_target(const char *link, size_t *ret_size)
{
    for (const char *open = strchr(link, '<'); open; open = strchr(open + 1, '<')) {
        const char *close = strchr(open, '>');
        size_t parameters = close ? strcspn(close, ",<") : 0;
        const char *rel = close ? strstr(close, "rel=") : NULL;

        if (!close)
            return NULL;
        if (rel && rel < close + parameters &&
                (strncmp(rel + 4, "\"next\"", 6) == 0 || strncmp(rel + 4, "next", 4) == 0)) {
            *ret_size = (size_t)(close - open - 1);
            return open + 1;
        }
    }
    return NULL;
}

static bool printable(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
            return false;
    return size > 0 && size < PLACE_BYTES_MAX;
}

static int place_of_link(const char *poll_url, const char *target, size_t size, struct mr_buf *out)
{
    size_t origin = origin_size(poll_url);
    bool relative = size > 0 && target[0] == '/' && (size < 2 || target[1] != '/');

    if (!printable(target, size))
        return MR_EINVAL;
    if (!relative && (size < origin || strncmp(target, poll_url, origin) != 0 ||
                             (size > origin && !strchr("/?#", target[origin]))))
        return MR_EINVAL;
    mr_buf_put_u8(out, 'u');
    if (relative)
        mr_buf_put(out, poll_url, origin);
    mr_buf_put(out, target, size);
    return 0;
}

int mr_feed_place_next(const char *poll_url, const char *cursor, const char *link, struct mr_buf *out)
{
    size_t size = 0;
    const char *target;

    if (cursor) {
        if (!printable(cursor, strlen(cursor)))
            return MR_EINVAL;
        mr_buf_put_u8(out, 'c');
        mr_buf_put_str(out, cursor);
        return 0;
    }
    target = link ? next_target(link, &size) : NULL;
    return target ? place_of_link(poll_url, target, size, out) : 1;
}
