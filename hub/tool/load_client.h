/*
 * One session of `marshrut bench` with a hub: a DEALER socket with CURVE, Hello, frames. One thread. Answers
 * pings by itself. Errors: MR_ECLOSED refused or said goodbye to; MR_ETIMEOUT the hub is silent.
 */
#ifndef MR_HUB_TOOL_LOAD_CLIENT_H
#define MR_HUB_TOOL_LOAD_CLIENT_H

#include <zmq.h>

#include "proto/config/config.h"
#include "proto/wire/frame.h"

enum { LOAD_SILENCE_MS = 60 * 1000 };

struct load_client {
    const char *system;
    void *socket;
    zmq_msg_t message; /* received last */
    bool has_message;
    bool in_session;
    bool ticks;
    int tick_fd;           /* a timer, when it ticks */
    int waits_ms;          /* so long, at most, in a receive; -1: it has not waited yet */
    struct mr_arena arena; /* of the frame decoded last */
    uint64_t heard_ms;
};

/* Connects as a system of the configuration whose key is KEYS/SYSTEM.key. */
int load_client_open(struct load_client *client, void *zmq, const struct mr_config *config,
        const char *endpoint, const char *keys, const char *system, struct mr_error *reterr);
void load_client_close(struct load_client *client);

int load_client_hello(
        struct load_client *client, uint64_t epoch, Marshrut__Bus__V1__Limits *ret, struct mr_error *reterr);
int load_client_send(struct load_client *client, const Marshrut__Bus__V1__Frame *frame);
/* One that the caller has written already; it takes the message in any case. */
int load_client_send_message(struct load_client *client, zmq_msg_t *message);
/* From now on a wait ends at the next tick of the load too: each period from its start on. MR_ESYSTEM. */
int load_client_tick(struct load_client *client, int64_t start_us, int64_t period_us);
/*
 * Waits so long for a frame: 1 with its bytes, which live until the next call, and its body's number in
 * *body; 0 when none came. Pings are answered, a Refusal or a Goodbye is MR_ECLOSED.
 */
int load_client_receive(struct load_client *client, long timeout_ms, struct mr_slice *ret, uint32_t *body,
        struct mr_error *reterr);
/* Decodes what was received; the frame lives until the next call. */
int load_client_decode(struct load_client *client, struct mr_slice bytes, Marshrut__Bus__V1__Frame **ret,
        struct mr_error *reterr);

#endif
