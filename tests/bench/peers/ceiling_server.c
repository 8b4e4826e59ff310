/* Takes messages of events, appends each event to a table, commits what has come together (LMDB's fdatasync),
 * then says so to the producer and sends the same messages to the consumer. */
#include "tests/bench/peers/ceiling.h"

#include <errno.h>
#include <lmdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/bench/peers/peer.h"

enum { COMMIT_MAX = 512 };

static const size_t map_bytes = (size_t)64 << 30;

void ceiling_check(bool good, const char *what)
{
    if (!good)
        peer_die(what, zmq_strerror(zmq_errno()));
}

void *ceiling_socket(void *zmq)
{
    void *socket = zmq_socket(zmq, ZMQ_DEALER);
    const int none = 0; /* the window is the limit */

    ceiling_check(socket && zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none) == 0 &&
                          zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none) == 0,
            "socket");
    return socket;
}

bool ceiling_receive(void *socket, zmq_msg_t *message, long timeout_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    ceiling_check(zmq_msg_init(message) == 0, "message");
    if (zmq_msg_recv(message, socket, ZMQ_DONTWAIT) >= 0)
        return true;
    ceiling_check(errno == EAGAIN || errno == EINTR, "receive");
    return timeout_ms > 0 && zmq_poll(&item, 1, timeout_ms) > 0 &&
           zmq_msg_recv(message, socket, ZMQ_DONTWAIT) >= 0;
}

static void check_lmdb(int r)
{
    if (r != 0)
        peer_die("lmdb", mdb_strerror(r));
}

struct server {
    void *producer, *consumer;
    MDB_env *env;
    MDB_dbi rows, cursor;
    uint64_t events, stored, told; /* told: so many the consumer says that it has */
    size_t size;
    zmq_msg_t batch[COMMIT_MAX]; /* of one commit */
};

static void open_end(void *zmq, void **socket, char *endpoint)
{
    size_t size = CEILING_ENDPOINT_MAX;

    *socket = ceiling_socket(zmq);
    ceiling_check(zmq_bind(*socket, "tcp://127.0.0.1:*") == 0, "bind");
    ceiling_check(zmq_getsockopt(*socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "endpoint");
}

static void open_store(struct server *server, const char *dir)
{
    MDB_txn *txn;

    check_lmdb(mdb_env_create(&server->env));
    check_lmdb(mdb_env_set_mapsize(server->env, map_bytes));
    check_lmdb(mdb_env_set_maxdbs(server->env, 2));
    check_lmdb(mdb_env_open(server->env, dir, 0, 0600));
    check_lmdb(mdb_txn_begin(server->env, NULL, 0, &txn));
    check_lmdb(mdb_dbi_open(txn, "rows", MDB_CREATE | MDB_INTEGERKEY, &server->rows));
    check_lmdb(mdb_dbi_open(txn, "cursor", MDB_CREATE, &server->cursor));
    check_lmdb(mdb_txn_commit(txn));
}

static void append(struct server *server, MDB_txn *txn, zmq_msg_t *message)
{
    const uint8_t *at = zmq_msg_data(message);

    for (size_t left = zmq_msg_size(message); left >= server->size; left -= server->size) {
        MDB_val key = {sizeof server->stored, &server->stored};
        MDB_val value = {server->size, (void *)at};

        check_lmdb(mdb_put(txn, server->rows, &key, &value, MDB_APPEND));
        server->stored++;
        at += server->size;
    }
}

/* What the consumer has said goes with the commit of some events. */
static void take_told(struct server *server, MDB_txn *txn, long timeout_ms)
{
    uint8_t name = 0;
    MDB_val key = {sizeof name, &name}, value = {sizeof server->told, &server->told};
    zmq_msg_t message;
    bool any = false;

    while (ceiling_receive(server->consumer, &message, timeout_ms)) {
        ceiling_check(zmq_msg_size(&message) == sizeof server->told, "the consumer's word");
        memcpy(&server->told, zmq_msg_data(&message), sizeof server->told);
        (void)zmq_msg_close(&message);
        any = true;
        timeout_ms = 0;
    }
    if (any && txn)
        check_lmdb(mdb_put(txn, server->cursor, &key, &value, 0));
}

static void commit(struct server *server, size_t count)
{
    MDB_txn *txn;

    check_lmdb(mdb_txn_begin(server->env, NULL, 0, &txn));
    for (size_t i = 0; i < count; i++)
        append(server, txn, &server->batch[i]);
    take_told(server, txn, 0);
    check_lmdb(mdb_txn_commit(txn));
    ceiling_check(zmq_send(server->producer, &server->stored, sizeof server->stored, 0) >= 0, "send");
    for (size_t i = 0; i < count; i++)
        ceiling_check(zmq_msg_send(&server->batch[i], server->consumer, 0) >= 0, "send");
}

_Noreturn void ceiling_serve(const char *dir, uint64_t events, size_t size, int fd)
{
    static struct server the_server;
    struct server *server = &the_server;
    void *zmq = zmq_ctx_new();
    struct ceiling_ends ends = {0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* not longer than the load */
    server->events = events;
    server->size = size;
    open_end(zmq, &server->producer, ends.producer);
    open_end(zmq, &server->consumer, ends.consumer);
    open_store(server, dir);
    ceiling_check(write(fd, &ends, sizeof ends) == sizeof ends, "pipe");
    while (server->stored < server->events) {
        size_t count = 0;

        while (count < COMMIT_MAX &&
                ceiling_receive(server->producer, &server->batch[count], count ? 0 : CEILING_WAIT_MS))
            count++;
        if (count > 0)
            commit(server, count);
    }
    while (server->told < server->events)
        take_told(server, NULL, CEILING_WAIT_MS);
    mdb_env_close(server->env);
    _exit(0);
}
