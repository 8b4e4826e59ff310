/*
 * The load of `marshrut bench` on other brokers: one producer and one consumer, a connection and a thread
 * each, the same window, batches and size, each broker spoken to in its own protocol. For figures beside
 * ours; not a client to use. README.md says what is compared with what.
 */
#ifndef MR_TESTS_PEER_H
#define MR_TESTS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t at; /* so much of it is consumed */
};

/* A connection with its buffers. Everything that fails ends the program and says so. */
struct conn {
    int fd;
    struct bytes in, out;
    bool early;     /* something was read while writing and is not looked at yet */
    uint64_t next;  /* the driver's: number of the next confirm and the like */
    char last[256]; /* the driver's: what to acknowledge with */
    size_t untold;  /* events taken since the last acknowledgement */
    bool asked;     /* the driver's: a request is under way */
};

struct peer {
    const char *name;
    const char *durability; /* what an acknowledgement of a publish means there */
    /* Makes what is needed on an empty broker, and begins. */
    void (*open_producer)(struct conn *conn);
    void (*open_consumer)(struct conn *conn);
    void (*publish)(struct conn *conn, const uint8_t *payload, size_t size);
    /* Reads what is complete in conn->in: how many events are acknowledged since the last call. */
    uint64_t (*acks)(struct conn *conn);
    /* Reads what is complete: calls fn for each event. */
    void (*take)(struct conn *conn, void (*fn)(void *ctx, const uint8_t *payload, size_t size), void *ctx);
    void (*ack)(struct conn *conn);  /* all that is untold */
    void (*want)(struct conn *conn); /* NULL: events come by themselves */
    /* Behind the load: the broker has all acknowledgements, or the program ends. NULL: it is not asked. */
    void (*settle)(struct conn *conn);
};

extern const struct peer peer_jetstream, peer_jetstream_pull, peer_redis, peer_rabbitmq;

_Noreturn void peer_die(const char *what, const char *detail);

void conn_open(struct conn *conn, int port);
void conn_put(struct conn *conn, const void *data, size_t size);
void conn_printf(struct conn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));
void conn_flush(struct conn *conn);                /* blocks until all of it is written */
bool conn_read(struct conn *conn, int timeout_ms); /* what is there, or waits; false: nothing came */
/* Unconsumed input. */
static inline const uint8_t *conn_at(const struct conn *conn)
{
    return conn->in.data + conn->in.at;
}
static inline size_t conn_left(const struct conn *conn)
{
    return conn->in.size - conn->in.at;
}

#endif
