/*
 * What is refused by the head of a request alone: it is too large, or two programs would read it in two ways.
 * A proxy and this server must not disagree where a request ends (RFC 9112, 6.3), nor this server and its
 * libraries where a text does. What is no HTTP at all the library refuses before, in words of its own.
 */
#include <string.h>
#include <strings.h>

#include "proto/base/list.h"
#include "proto/loop/http_internal.h"

struct screen {
    int lengths, encodings, hosts;
    bool odd_length, odd_encoding, odd_query, odd_line;
};

static bool is_whole_number(const char *text, size_t size)
{
    size_t digits = 0;

    while (digits < size && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    return size > 0 && digits == size;
}

/*
 * libmicrohttpd 0.9 ends a text at the first NUL, leaves a CR alone in it, ends a line at a LF alone, joins
 * what is folded, and takes a name with blanks behind it. It leaves names and values where they were read:
 * between them is a colon and blanks, and behind a value the two NULs that it has put over CR LF. What is
 * folded lies elsewhere. Later versions (0.9.77) refuse such lines themselves, and may lay them out
 * otherwise.
 */
static bool is_plain_line(const char *name, size_t name_size, const char *value)
{
    const char *at = name + name_size + 1;

    if (MHD_VERSION >= 0x00097700)
        return true;
    if (name_size == 0 || strcspn(name, " \t\r\n") != name_size)
        return false;
    for (; at < value && (*at == ' ' || *at == '\t'); at++)
        ;
    return at == value && !value[strcspn(value, "\r\n")] && !value[strlen(value) + 1];
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size,
        const char *value, size_t value_size)
{
    struct screen *screen = cls;

    (void)kind;
    screen->odd_line |= !value || !is_plain_line(name, name_size, value);
    value = value ? value : "";
    if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        screen->lengths++;
        screen->odd_length |= !is_whole_number(value, value_size);
    } else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        screen->encodings++;
        screen->odd_encoding |= strcasecmp(value, "chunked") != 0;
    } else if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
        screen->hosts++;
    }
    return MHD_YES;
}

static enum MHD_Result on_argument(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size,
        const char *value, size_t value_size)
{
    struct screen *screen = cls;

    (void)kind;
    screen->odd_query |= strlen(name) != name_size || (value && strlen(value) != value_size);
    return MHD_YES;
}

#define TWO_WAYS      "it can be read in more than one way"
#define TWO_WAYS_CURE "send it once, as RFC 9112 has it, and without NUL"

static const struct mr_http_odd odds[] = {
        {MHD_HTTP_BAD_REQUEST, MR_EMALFORMED, MHD_HTTP_HEADER_CONTENT_LENGTH, TWO_WAYS, TWO_WAYS_CURE},
        {MHD_HTTP_BAD_REQUEST, MR_EMALFORMED, MHD_HTTP_HEADER_TRANSFER_ENCODING, TWO_WAYS, TWO_WAYS_CURE},
        {MHD_HTTP_BAD_REQUEST, MR_EMALFORMED, MHD_HTTP_HEADER_HOST, TWO_WAYS, TWO_WAYS_CURE},
        {MHD_HTTP_BAD_REQUEST, MR_EMALFORMED, "path", TWO_WAYS, TWO_WAYS_CURE},
        {MHD_HTTP_BAD_REQUEST, MR_EMALFORMED, "headers", TWO_WAYS, TWO_WAYS_CURE},
        {MHD_HTTP_BAD_REQUEST, MR_EMALFORMED, MHD_HTTP_HEADER_HOST, "it is missing",
                "send it with every request of HTTP/1.1"},
        {MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, MR_ETOOBIG, "headers",
                "address and headers are larger than 32 KiB together",
                "send fewer of them; what belongs into a body is asked by POST"},
};

const struct mr_http_odd *mr_http_screen(
        struct MHD_Connection *mhd, const struct connection *connection, const char *version)
{
    struct screen screen = {0};
    size_t head = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;

    (void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, on_header, &screen);
    (void)MHD_get_connection_values_n(mhd, MHD_GET_ARGUMENT_KIND, on_argument, &screen);
    const bool found[MR_COUNT(odds)] = {screen.lengths > 1 || screen.odd_length,
            screen.encodings > 1 || screen.odd_encoding || (screen.encodings && screen.lengths),
            screen.hosts > 1, connection->odd_uri || screen.odd_query || version != connection->uri_end + 1,
            screen.odd_line, screen.hosts == 0 && strcasecmp(version, MHD_HTTP_VERSION_1_1) == 0,
            head > MR_HTTP_HEAD_BYTES_MAX};

    for (size_t i = 0; i < MR_COUNT(found); i++)
        if (found[i])
            return &odds[i];
    return NULL;
}

/* What is decoded later ends at a NUL for all who read it. With a blank in it others would end it there. */
void *mr_http_look_at_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct connection *connection =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    (void)cls;
    if (connection) {
        connection->odd_uri = strstr(uri, "%00") || strpbrk(uri, " \t\r\n");
        connection->uri_end =
                uri + strlen(uri); /* the version is next, with a space between: or there was a NUL */
    }
    return NULL; /* nobody has begun yet */
}
