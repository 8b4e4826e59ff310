/* NATS JetStream, by its text protocol: a stream in files, asynchronous publishes with an acknowledgement
 * each. Two durable consumers: one is pushed to and acknowledges everything up to an event; the other pulls
 * batches and acknowledges each event. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/peers/figures.h"
#include "tests/bench/peers/peer.h"

enum { WAIT_MS = 10000, BATCH = 256, PULLS = 4 };

/* Where answers and acknowledgements come. */
#define PRODUCER "_INBOX.p"
#define CONSUMER "_INBOX.c"

#define DURABILITY                                                                                           \
    "in the server's memory and handed to the kernel; no fsync (every 2 minutes); no encryption"

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

static struct msg ask(struct conn *conn, const char *inbox, const char *subject, const char *json)
{
    struct msg msg;

    conn_printf(conn, "PUB %s %s %zu\r\n%s\r\n", subject, inbox, strlen(json), json);
    conn_flush(conn);
    while (!next_msg(conn, &msg))
        if (!conn_read(conn, WAIT_MS))
            peer_die("jetstream does not answer", subject);
    if (memmem(msg.payload, msg.size, "\"error\"", 7))
        peer_die("jetstream", (const char *)msg.payload);
    return msg;
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
    (void)ask(conn, PRODUCER, "$JS.API.STREAM.CREATE.bench",
            "{\"name\":\"bench\",\"subjects\":[\"bench.e\"],\"storage\":\"file\",\"retention\":\"limits\","
            "\"num_replicas\":1}");
}

/* how: what the two consumers do not share. */
static void make_consumer(struct conn *conn, const char *how)
{
    char json[512];

    (void)snprintf(json, sizeof json,
            "{\"stream_name\":\"bench\",\"config\":{\"durable_name\":\"c\",%s,\"deliver_policy\":\"all\","
            "\"ack_wait\":60000000000,\"max_ack_pending\":65536,\"replay_policy\":\"instant\"}}",
            how);
    (void)ask(conn, CONSUMER, "$JS.API.CONSUMER.DURABLE.CREATE.bench.c", json);
}

static void open_push(struct conn *conn)
{
    greet(conn, CONSUMER);
    conn_printf(conn, "SUB _DELIVER.c 2\r\n");
    make_consumer(conn, "\"deliver_subject\":\"_DELIVER.c\",\"ack_policy\":\"all\"");
}

static void open_pull(struct conn *conn)
{
    greet(conn, CONSUMER);
    make_consumer(conn, "\"ack_policy\":\"explicit\"");
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

/* Acknowledges each one; what is written goes out together, before the next reading. */
static void take_each(
        struct conn *conn, void (*fn)(void *ctx, const uint8_t *payload, size_t size), void *ctx)
{
    struct msg msg;

    while (next_msg(conn, &msg)) {
        fn(ctx, msg.payload, msg.size);
        conn_printf(conn, "PUB %s 4\r\n+ACK\r\n", msg.reply);
        conn->next--;
    }
}

/* conn->next: events that are asked for and have not come. A pull does not expire. */
static void want(struct conn *conn)
{
    char json[32];
    int size = snprintf(json, sizeof json, "{\"batch\":%d}", BATCH);

    for (; conn->next <= (PULLS - 1) * BATCH; conn->next += BATCH)
        conn_printf(conn, "PUB $JS.API.CONSUMER.MSG.NEXT.bench.c " CONSUMER " %d\r\n%s\r\n", size, json);
}

static void settle(struct conn *conn)
{
    int64_t until_us = figures_now_us() + WAIT_MS * 1000LL;
    struct msg info;

    do {
        if (figures_now_us() > until_us)
            peer_die("jetstream", "events are delivered and stay unacknowledged");
        info = ask(conn, CONSUMER, "$JS.API.CONSUMER.INFO.bench.c", "");
    } while (!memmem(info.payload, info.size, "\"num_ack_pending\":0,", 20));
}

const struct peer peer_jetstream = {
        "jetstream", DURABILITY, open_producer, open_push, publish, acks, take, ack, NULL, settle};
const struct peer peer_jetstream_pull = {
        "jetstream-pull", DURABILITY, open_producer, open_pull, publish, acks, take_each, NULL, want, settle};
