/* Redis Streams: XADD in a pipeline, appendfsync always; a group that reads and acknowledges. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/peers/peer.h"

enum { WAIT_MS = 10000, COUNT = 512, IDS_MAX = 8192, ID_BYTES = 48 };

/* ids of what is not acknowledged yet; one consumer a process */
static char ids[IDS_MAX][ID_BYTES];

struct reply {
    char type;
    long long number;     /* of : and the length of * */
    const uint8_t *bytes; /* of $ and + */
    size_t size;
};

/* One element at *at: false when it is not whole. Arrays: only their head. */
static bool element(const uint8_t **at, const uint8_t *end, struct reply *ret)
{
    const uint8_t *line_end = memmem(*at, (size_t)(end - *at), "\r\n", 2);

    if (!line_end)
        return false;
    ret->type = (char)(*at)[0];
    ret->number = strtoll((const char *)*at + 1, NULL, 10);
    ret->bytes = *at + 1;
    ret->size = (size_t)(line_end - *at) - 1;
    if (ret->type == '-')
        peer_die("redis", (const char *)*at);
    *at = line_end + 2;
    if (ret->type != '$' || ret->number < 0)
        return true;
    if (end - *at < ret->number + 2)
        return false;
    ret->bytes = *at;
    ret->size = (size_t)ret->number;
    *at += ret->number + 2;
    return true;
}

/* Behind one whole reply; NULL when it is not whole. */
static const uint8_t *whole(const uint8_t *at, const uint8_t *end)
{
    long long left = 1;
    struct reply reply;

    for (; left > 0; left--) {
        if (!element(&at, end, &reply))
            return NULL;
        if (reply.type == '*' && reply.number > 0)
            left += reply.number;
    }
    return at;
}

static void ask(struct conn *conn, const char *command)
{
    const uint8_t *end;

    conn_printf(conn, "%s\r\n", command);
    conn_flush(conn);
    while (!(end = whole(conn_at(conn), conn->in.data + conn->in.size)))
        if (!conn_read(conn, WAIT_MS))
            peer_die("redis does not answer", command);
    conn->in.at = (size_t)(end - conn->in.data);
}

static void open_producer(struct conn *conn)
{
    ask(conn, "CONFIG SET appendfsync always");
    ask(conn, "XGROUP CREATE bench g $ MKSTREAM");
}

static void open_consumer(struct conn *conn)
{
    ask(conn, "PING");
}

static void publish(struct conn *conn, const uint8_t *payload, size_t size)
{
    conn_printf(conn, "*5\r\n$4\r\nXADD\r\n$5\r\nbench\r\n$1\r\n*\r\n$1\r\ne\r\n$%zu\r\n", size);
    conn_put(conn, payload, size);
    conn_put(conn, "\r\n", 2);
}

static uint64_t acks(struct conn *conn)
{
    const uint8_t *end = conn->in.data + conn->in.size;
    const uint8_t *at = conn_at(conn);
    struct reply reply;
    uint64_t count = 0;

    while (at < end && element(&at, end, &reply)) {
        conn->in.at = (size_t)(at - conn->in.data);
        count++;
    }
    return count;
}

/* The answer of XREADGROUP: [[stream, [[id, [field, value]] ...]]]. */
static void take_entries(struct conn *conn, const uint8_t *at, const uint8_t *end,
        void (*fn)(void *, const uint8_t *, size_t), void *ctx)
{
    struct reply head, reply;
    long long entries;

    if (!element(&at, end, &head) || head.type != '*' || head.number <= 0)
        return; /* nothing in time; or the count of XACK */
    (void)element(&at, end, &reply);
    (void)element(&at, end, &reply);
    (void)element(&at, end, &reply);
    for (entries = reply.number; entries > 0; entries--) {
        struct reply id, value;

        (void)element(&at, end, &reply);
        (void)element(&at, end, &id);
        (void)element(&at, end, &reply);
        (void)element(&at, end, &reply);
        if (!element(&at, end, &value) || conn->untold == IDS_MAX)
            peer_die("redis", "an entry is not as it should be");
        (void)snprintf(ids[conn->untold++], ID_BYTES, "%.*s", (int)id.size, (const char *)id.bytes);
        fn(ctx, value.bytes, value.size);
    }
}

static void take(struct conn *conn, void (*fn)(void *ctx, const uint8_t *payload, size_t size), void *ctx)
{
    const uint8_t *end;

    while (conn_left(conn) > 0 && (end = whole(conn_at(conn), conn->in.data + conn->in.size))) {
        conn->asked = conn->asked && *conn_at(conn) == ':';
        take_entries(conn, conn_at(conn), end, fn, ctx);
        conn->in.at = (size_t)(end - conn->in.data);
    }
}

static void ack(struct conn *conn)
{
    conn_printf(conn, "*%zu\r\n$4\r\nXACK\r\n$5\r\nbench\r\n$1\r\ng\r\n", conn->untold + 3);
    for (size_t i = 0; i < conn->untold; i++)
        conn_printf(conn, "$%zu\r\n%s\r\n", strlen(ids[i]), ids[i]);
    conn->untold = 0;
}

static void want(struct conn *conn)
{
    if (conn->asked)
        return;
    conn_printf(conn, "XREADGROUP GROUP g c COUNT %d BLOCK 1000 STREAMS bench >\r\n", COUNT);
    conn->asked = true;
}

const struct peer peer_redis = {"redis",
        "on disk (appendfsync always: one fsync for what came together); no encryption", open_producer,
        open_consumer, publish, acks, take, ack, want, NULL};
