/* NATS JetStream, by its text protocol: a stream in files, asynchronous publishes with an acknowledgement
 * each, a durable push consumer that acknowledges everything up to an event. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/peers/peer.h"

enum { WAIT_MS = 10000 };

/* Where answers and acknowledgements come. */
#define PRODUCER "_INBOX.p"
#define CONSUMER "_INBOX.c"

struct msg {
    char reply[256];
    const uint8_t *payload;
    size_t size;
};

/* One line that is complete; NULL: not yet. Takes it. */
static char *line_of(struct conn *conn, size_t *ret_size)
{
    char *line = (char *)conn_at(conn);
    char *end = memmem(line, conn_left(conn), "\r\n", 2);

    if (!end)
        return NULL;
    *ret_size = (size_t)(end - line) + 2;
    return line;
}

/* MSG subject sid [reply] size */
static bool parse_msg(struct conn *conn, const char *line, size_t line_size, struct msg *ret)
{
    char head[512], subject[128], sid[32], third[256], fourth[32];
    int n;

    if (line_size >= sizeof head)
        peer_die("jetstream", "a line is too long");
    memcpy(head, line, line_size);
    head[line_size - 2] = 0;
    n = sscanf(head, "MSG %127s %31s %255s %31s", subject, sid, third, fourth);
    if (n < 3)
        peer_die("jetstream", head);
    ret->size = strtoul(n == 4 ? fourth : third, NULL, 10);
    (void)snprintf(ret->reply, sizeof ret->reply, "%s", n == 4 ? third : "");
    if (conn_left(conn) < line_size + ret->size + 2)
        return false;
    ret->payload = (const uint8_t *)line + line_size;
    conn->in.at += line_size + ret->size + 2;
    return true;
}

/* The next message, if a whole one is there. Answers pings. */
static bool next_msg(struct conn *conn, struct msg *ret)
{
    size_t size;
    char *line;

    while ((line = line_of(conn, &size))) {
        if (strncmp(line, "MSG ", 4) == 0)
            return parse_msg(conn, line, size, ret);
        if (strncmp(line, "-ERR", 4) == 0)
            peer_die("jetstream", line);
        if (strncmp(line, "PING", 4) == 0)
            conn_printf(conn, "PONG\r\n");
        conn->in.at += size;
    }
    return false;
}

static void ask(struct conn *conn, const char *inbox, const char *subject, const char *json)
{
    struct msg msg;

    conn_printf(conn, "PUB %s %s %zu\r\n%s\r\n", subject, inbox, strlen(json), json);
    conn_flush(conn);
    while (!next_msg(conn, &msg))
        if (!conn_read(conn, WAIT_MS))
            peer_die("jetstream does not answer", subject);
    if (memmem(msg.payload, msg.size, "\"error\"", 7))
        peer_die("jetstream", (const char *)msg.payload);
}

static void greet(struct conn *conn, const char *inbox)
{
    conn_printf(conn,
            "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\"}\r\n"
            "SUB %s 1\r\n",
            inbox);
}

static void open_producer(struct conn *conn)
{
    greet(conn, PRODUCER);
    ask(conn, PRODUCER, "$JS.API.STREAM.CREATE.bench",
            "{\"name\":\"bench\",\"subjects\":[\"bench.e\"],\"storage\":\"file\",\"retention\":\"limits\","
            "\"num_replicas\":1}");
}

static void open_consumer(struct conn *conn)
{
    greet(conn, CONSUMER);
    conn_printf(conn, "SUB _DELIVER.c 2\r\n");
    ask(conn, CONSUMER, "$JS.API.CONSUMER.DURABLE.CREATE.bench.c",
            "{\"stream_name\":\"bench\",\"config\":{\"durable_name\":\"c\",\"deliver_subject\":\"_DELIVER."
            "c\","
            "\"deliver_policy\":\"all\",\"ack_policy\":\"all\",\"ack_wait\":60000000000,"
            "\"max_ack_pending\":65536,\"replay_policy\":\"instant\"}}");
}

static void publish(struct conn *conn, const uint8_t *payload, size_t size)
{
    conn_printf(conn, "PUB bench.e " PRODUCER " %zu\r\n", size);
    conn_put(conn, payload, size);
    conn_put(conn, "\r\n", 2);
}

static uint64_t acks(struct conn *conn)
{
    struct msg msg;
    uint64_t count = 0;

    while (next_msg(conn, &msg)) {
        if (memmem(msg.payload, msg.size, "\"error\"", 7))
            peer_die("jetstream", (const char *)msg.payload);
        count++;
    }
    return count;
}

static void take(struct conn *conn, void (*fn)(void *ctx, const uint8_t *payload, size_t size), void *ctx)
{
    struct msg msg;

    while (next_msg(conn, &msg)) {
        fn(ctx, msg.payload, msg.size);
        (void)snprintf(conn->last, sizeof conn->last, "%s", msg.reply);
        conn->untold++;
    }
}

static void ack(struct conn *conn)
{
    conn_printf(conn, "PUB %s 4\r\n+ACK\r\n", conn->last);
    conn->untold = 0;
}

const struct peer peer_jetstream = {"jetstream",
        "in the server's memory and handed to the kernel; no fsync (every 2 minutes); no encryption",
        open_producer, open_consumer, publish, acks, take, ack, NULL};
