/* RabbitMQ, AMQP 0-9-1: a quorum queue of one member, persistent messages with publisher confirms; a consumer
 * that acknowledges everything up to a message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "tests/bench/peers/peer.h"

enum {
    WAIT_MS = 20000,
    METHOD = 1,
    HEADER = 2,
    BODY = 3,
    FRAME_END = 0xce,
    PREFETCH = 8192,
    TAGS_MAX = 1 << 24
};
enum {
    CONNECTION = 10,
    CHANNEL = 20,
    QUEUE = 50,
    BASIC = 60,
    CONFIRM = 85,
    METHOD_ID = 100000 /* class * METHOD_ID + method */
};

struct frame {
    uint8_t type;
    const uint8_t *data;
    size_t size;
    uint32_t method; /* class * METHOD_ID + method, of a METHOD */
};

/* ---- writing ---- */

static size_t begin(struct conn *conn, uint8_t type, uint16_t channel)
{
    uint8_t head[7] = {type};

    mr_put_be16(head + 1, channel);
    conn_put(conn, head, sizeof head);
    return conn->out.size;
}

static void end(struct conn *conn, size_t began)
{
    const uint8_t mark = FRAME_END;

    mr_put_be32(conn->out.data + began - 4, (uint32_t)(conn->out.size - began));
    conn_put(conn, &mark, 1);
}

static void put8(struct conn *conn, uint8_t v)
{
    conn_put(conn, &v, 1);
}

static void put16(struct conn *conn, uint16_t v)
{
    uint8_t bytes[2];

    mr_put_be16(bytes, v);
    conn_put(conn, bytes, sizeof bytes);
}

static void put32(struct conn *conn, uint32_t v)
{
    uint8_t bytes[4];

    mr_put_be32(bytes, v);
    conn_put(conn, bytes, sizeof bytes);
}

static void put64(struct conn *conn, uint64_t v)
{
    uint8_t bytes[8];

    mr_put_be64(bytes, v);
    conn_put(conn, bytes, sizeof bytes);
}

static void put_short(struct conn *conn, const char *text)
{
    put8(conn, (uint8_t)strlen(text));
    conn_put(conn, text, strlen(text));
}

static size_t begin_method(struct conn *conn, uint16_t channel, uint16_t class, uint16_t method)
{
    size_t began = begin(conn, METHOD, channel);

    put16(conn, class);
    put16(conn, method);
    return began;
}

/* ---- reading ---- */

static bool next_frame(struct conn *conn, struct frame *ret)
{
    const uint8_t *at = conn_at(conn);
    size_t size;

    if (conn_left(conn) < 8)
        return false;
    size = mr_get_be32(at + 3);
    if (conn_left(conn) < size + 8)
        return false;
    *ret = (struct frame){.type = at[0], .data = at + 7, .size = size};
    if (at[7 + size] != FRAME_END)
        peer_die("rabbitmq", "a frame does not end");
    if (ret->type == METHOD)
        ret->method = (uint32_t)mr_get_be16(at + 7) * METHOD_ID + mr_get_be16(at + 9);
    if (ret->method == CONNECTION * METHOD_ID + 50 || ret->method == CHANNEL * METHOD_ID + 40)
        peer_die("rabbitmq closed the channel", (const char *)at + 14);
    conn->in.at += size + 8;
    return true;
}

static void expect(struct conn *conn, uint32_t class, uint32_t method)
{
    struct frame frame;

    conn_flush(conn);
    do {
        while (!next_frame(conn, &frame))
            if (!conn_read(conn, WAIT_MS))
                peer_die("rabbitmq", "does not answer");
    } while (frame.method != class * METHOD_ID + method);
}

/* ---- a channel ---- */

static void login(struct conn *conn)
{
    static const char plain[] = "\0guest\0guest";
    size_t began;

    conn_put(conn, "AMQP\0\0\x9\x1", 8);
    expect(conn, CONNECTION, 10);
    began = begin_method(conn, 0, CONNECTION, 11);
    put32(conn, 0); /* no properties */
    put_short(conn, "PLAIN");
    put32(conn, sizeof plain - 1);
    conn_put(conn, plain, sizeof plain - 1);
    put_short(conn, "en_US");
    end(conn, began);
    expect(conn, CONNECTION, 30);
    began = begin_method(conn, 0, CONNECTION, 31);
    put16(conn, 1);
    put32(conn, 131072);
    put16(conn, 0);
    end(conn, began);
    began = begin_method(conn, 0, CONNECTION, 40);
    put_short(conn, "/");
    put8(conn, 0);
    put8(conn, 0);
    end(conn, began);
    expect(conn, CONNECTION, 41);
    began = begin_method(conn, 1, CHANNEL, 10);
    put8(conn, 0);
    end(conn, began);
    expect(conn, CHANNEL, 11);
}

static void open_producer(struct conn *conn)
{
    size_t began;

    login(conn);
    began = begin_method(conn, 1, QUEUE, 10);
    put16(conn, 0);
    put_short(conn, "bench");
    put8(conn, 2); /* durable */
    put32(conn, 1 + 12 + 1 + 4 + 6);
    put_short(conn, "x-queue-type");
    put8(conn, 'S');
    put32(conn, 6);
    conn_put(conn, "quorum", 6);
    end(conn, began);
    expect(conn, QUEUE, 11);
    began = begin_method(conn, 1, CONFIRM, 10);
    put8(conn, 0);
    end(conn, began);
    expect(conn, CONFIRM, 11);
    conn->next = 1;
}

static void open_consumer(struct conn *conn)
{
    size_t began;

    login(conn);
    began = begin_method(conn, 1, BASIC, 10);
    put32(conn, 0);
    put16(conn, PREFETCH);
    put8(conn, 0);
    end(conn, began);
    expect(conn, BASIC, 11);
    began = begin_method(conn, 1, BASIC, 20);
    put16(conn, 0);
    put_short(conn, "bench");
    put_short(conn, "c");
    put8(conn, 0);
    put32(conn, 0);
    end(conn, began);
    expect(conn, BASIC, 21);
}

static void publish(struct conn *conn, const uint8_t *payload, size_t size)
{
    size_t began = begin_method(conn, 1, BASIC, 40);

    put16(conn, 0);
    put_short(conn, "");
    put_short(conn, "bench");
    put8(conn, 0);
    end(conn, began);
    began = begin(conn, HEADER, 1);
    put16(conn, BASIC);
    put16(conn, 0);
    put64(conn, size);
    put16(conn, 0x1000); /* delivery mode */
    put8(conn, 2);       /* ... persistent */
    end(conn, began);
    began = begin(conn, BODY, 1);
    conn_put(conn, payload, size);
    end(conn, began);
}

/* Confirms may come in any order, one by one or up to a tag: each counts once. */
static uint64_t confirm(struct conn *conn, uint64_t tag, bool up_to)
{
    static uint8_t confirmed[TAGS_MAX];
    uint64_t count = 0;

    if (tag >= TAGS_MAX)
        peer_die("rabbitmq", "take fewer events");
    for (uint64_t i = up_to ? conn->next : tag; i <= tag; i++) {
        count += !confirmed[i];
        confirmed[i] = 1;
    }
    if (up_to && tag >= conn->next)
        conn->next = tag + 1;
    return count;
}

static uint64_t acks(struct conn *conn)
{
    struct frame frame;
    uint64_t count = 0;

    while (next_frame(conn, &frame)) {
        if (frame.method == BASIC * METHOD_ID + 120)
            peer_die("rabbitmq", "a message was not taken");
        if (frame.method == BASIC * METHOD_ID + 80)
            count += confirm(conn, mr_get_be64(frame.data + 4), frame.data[12] & 1);
    }
    return count;
}

static void take(struct conn *conn, void (*fn)(void *ctx, const uint8_t *payload, size_t size), void *ctx)
{
    struct frame frame;

    while (next_frame(conn, &frame)) {
        if (frame.type == BODY) {
            fn(ctx, frame.data, frame.size);
            conn->untold++;
        } else if (frame.method == BASIC * METHOD_ID + 60) {
            conn->next = mr_get_be64(frame.data + 4 + 1 + frame.data[4]);
        }
    }
}

static void ack(struct conn *conn)
{
    size_t began = begin_method(conn, 1, BASIC, 80);

    put64(conn, conn->next);
    put8(conn, 1); /* and everything before */
    end(conn, began);
    conn->untold = 0;
}

const struct peer peer_rabbitmq = {"rabbitmq",
        "on disk (write-ahead log of the quorum queue, fsync for what came together); no encryption",
        open_producer, open_consumer, publish, acks, take, ack, NULL, NULL};
