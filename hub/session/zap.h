/*
 * Who may connect: answers ZeroMQ's authentication requests (RFC 27, ZAP 1.0) from the configuration. A key
 * that is not configured gets 400, and then the connection never becomes one. Loop thread; opened before any
 * listener is bound.
 */
#ifndef MR_HUB_SESSION_ZAP_H
#define MR_HUB_SESSION_ZAP_H

#include "proto/config/config.h"
#include "proto/loop/zsock.h"

#define MR_ZAP_DOMAIN "marshrut"
enum {
    MR_ZMQ_ZAP_ENFORCE_DOMAIN = 93
}; /* draft option of 4.3.4, accepted by number: without it no handler = open */

struct mr_zap_key {
    uint8_t key[32];
    const struct mr_config_system *system;
};

struct mr_zap {
    struct mr_zsock zsock;
    struct mr_zap_key *keys;
    size_t keys_count;
    uint64_t admitted;
    uint64_t refused;
    bool quiet;        /* the self-test's stranger is no news */
    int64_t logged_us; /* a stranger may not fill the journal: one line a second */
};

int mr_zap_open(struct mr_zap *zap, uv_loop_t *loop, void *zmq, const struct mr_config *config,
        struct mr_error *reterr);
void mr_zap_close(struct mr_zap *zap);
/* Other keys from now on. Connections that are there stay: their frames carry the key that they came with,
 * and the gateway looks it up for each (mr_config_system_of_key()). 0, MR_ENOMEM, MR_EINVAL: nothing changed.
 */
int mr_zap_take(struct mr_zap *zap, const struct mr_config *config);

/* The answer to one request: pure, for tests. NULL: refused. */
const struct mr_config_system *mr_zap_admit(const struct mr_zap *zap, struct mr_slice domain,
        struct mr_slice mechanism, struct mr_slice credentials);

#endif
