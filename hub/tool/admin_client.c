#include "hub/tool/admin_client.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/base/buf.h"

enum { HELLO_TIMEOUT_MS = 3000, ARENA_BYTES = 8 * MR_FRAME_BYTES_MAX };

struct admin_client {
    void *context;
    void *socket;
    zmq_msg_t message;          /* the frame's bytes; the decoded frame may borrow */
    bool has_message;
    struct mr_arena arena;
    struct mr_arena welcome_arena;
    Marshrut__Bus__V1__Welcome *welcome;
};

int admin_client_send(struct admin_client *client, const Marshrut__Bus__V1__Frame *frame)
{
    struct mr_buf bytes = MR_BUF_INIT;
    int r = mr_frame_encode(&bytes, frame);

    if (r == 0 && zmq_send(client->socket, bytes.data, bytes.size, 0) < 0)
        r = MR_ECLOSED;
    mr_buf_wipe(&bytes);
    return r;
}

static int answer_ping(struct admin_client *client, const Marshrut__Bus__V1__Ping *ping)
{
    Marshrut__Bus__V1__Pong pong = MARSHRUT__BUS__V1__PONG__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;

    pong.id = ping->id;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PONG;
    frame.pong = &pong;
    return admin_client_send(client, &frame);
}

static int receive_message(struct admin_client *client, int timeout_ms, struct mr_error *reterr)
{
    zmq_pollitem_t item = {.socket = client->socket, .events = ZMQ_POLLIN};

    if (zmq_poll(&item, 1, timeout_ms) <= 0)
        return mr_error_set(reterr, MR_ETIMEOUT, "the hub's admin socket",
                "look at the hub's log; try again", "the hub did not answer within %d ms", timeout_ms);
    if (client->has_message)
        (void) zmq_msg_close(&client->message);
    (void) zmq_msg_init(&client->message);
    client->has_message = true;
    if (zmq_msg_recv(&client->message, client->socket, ZMQ_DONTWAIT) < 0)
        return mr_error_set(reterr, MR_ECLOSED, "the hub's admin socket", "try again", "the connection broke");
    return 0;
}

int admin_client_receive(struct admin_client *client, int timeout_ms, Marshrut__Bus__V1__Frame **ret,
        struct mr_error *reterr)
{
    for (;;) {
        Marshrut__Bus__V1__Frame *frame;
        int r = receive_message(client, timeout_ms, reterr);

        if (r < 0)
            return r;
        mr_arena_reset(&client->arena);
        r = mr_frame_decode(mr_slice(zmq_msg_data(&client->message), zmq_msg_size(&client->message)),
                &client->arena, &frame, reterr);
        if (r < 0)
            return r;
        if (frame->body_case != MARSHRUT__BUS__V1__FRAME__BODY_PING) {
            *ret = frame;
            return 0;
        }
        r = answer_ping(client, frame->ping);
        if (r < 0)
            return r;
    }
}

static int say_hello(struct admin_client *client, const char *as_system, uint64_t producer_epoch,
        struct mr_error *reterr)
{
    Marshrut__Bus__V1__Hello hello = MARSHRUT__BUS__V1__HELLO__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Frame *answer;
    struct mr_buf software = MR_BUF_INIT;
    int r;

    mr_buf_printf(&software, "marshrut/%s", MR_VERSION);
    if (as_system)
        mr_buf_printf(&software, " as=%s", as_system);
    hello.version = MR_PROTOCOL_VERSION;
    hello.version_min = MR_PROTOCOL_VERSION;
    hello.software = (char *) mr_buf_str(&software);
    hello.producer_epoch = producer_epoch;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    r = hello.software ? admin_client_send(client, &frame) : MR_ENOMEM;
    mr_buf_fini(&software);
    if (r == 0)
        r = admin_client_receive(client, HELLO_TIMEOUT_MS, &answer, reterr);
    if (r < 0)
        return r;
    if (answer->body_case == MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL)
        return mr_error_set(reterr, MR_EDENIED, answer->refusal->code, answer->refusal->cure, "%s",
                answer->refusal->reason);
    if (answer->body_case != MARSHRUT__BUS__V1__FRAME__BODY_WELCOME)
        return mr_error_set(reterr, MR_EMALFORMED, "Welcome", "use the tool of the hub's version",
                "the hub answered Hello with something else");
    /* The welcome outlives the frame: its memory becomes the client's. */
    client->welcome_arena = client->arena;
    mr_arena_init(&client->arena, ARENA_BYTES);
    client->welcome = answer->welcome;
    return 0;
}

static int connect_socket(struct admin_client *client, const char *path, struct mr_error *reterr)
{
    char endpoint[300];
    int zero = 0;

    if (access(path, W_OK) != 0)
        return mr_error_set(reterr, errno == ENOENT ? MR_ECLOSED : MR_EDENIED, path,
                errno == ENOENT ? "start the hub: marshrut -c FILE up" : "run the tool as the hub's user",
                errno == ENOENT ? "no hub is running here" : "the hub's admin socket may not be used");
    client->context = zmq_ctx_new();
    client->socket = client->context ? zmq_socket(client->context, ZMQ_DEALER) : NULL;
    if (!client->socket)
        return MR_ENOMEM;
    (void) zmq_setsockopt(client->socket, ZMQ_LINGER, &zero, sizeof zero);
    (void) snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    if (zmq_connect(client->socket, endpoint) != 0)
        return mr_error_set(reterr, MR_ECLOSED, path, "keep the path of hub.admin under 100 bytes",
                "cannot connect to the admin socket");
    return 0;
}

int admin_client_open(struct admin_client **ret, const struct mr_config *config, const char *as_system,
        uint64_t producer_epoch, struct mr_error *reterr)
{
    struct admin_client *client = calloc(1, sizeof *client);
    int r;

    if (!client)
        return MR_ENOMEM;
    mr_arena_init(&client->arena, ARENA_BYTES);
    r = connect_socket(client, config->hub.admin, reterr);
    if (r == 0)
        r = say_hello(client, as_system, producer_epoch, reterr);
    if (r < 0) {
        admin_client_close(client);
        /* A socket file without a hub behind it is what a killed hub leaves. */
        return r == MR_ETIMEOUT && reterr ? mr_error_set(reterr, MR_ECLOSED, config->hub.admin,
                "start the hub: marshrut -c FILE up", "no hub answers on the admin socket") : r;
    }
    *ret = client;
    return 0;
}

void admin_client_close(struct admin_client *client)
{
    if (!client)
        return;
    if (client->has_message)
        (void) zmq_msg_close(&client->message);
    if (client->socket)
        (void) zmq_close(client->socket);
    if (client->context)
        (void) zmq_ctx_term(client->context);
    mr_arena_fini(&client->arena);
    mr_arena_fini(&client->welcome_arena);
    free(client);
}

const Marshrut__Bus__V1__Welcome *admin_client_welcome(const struct admin_client *client)
{
    return client->welcome;
}
