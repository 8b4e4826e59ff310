#include "hub/session/zap.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"

enum {
    PART_VERSION,
    PART_REQUEST,
    PART_DOMAIN,
    PART_ADDRESS,
    PART_IDENTITY,
    PART_MECHANISM,
    PART_CREDENTIALS,
    PARTS
};

static struct mr_slice part_of(zmq_msg_t *part)
{
    return mr_slice(zmq_msg_data(part), zmq_msg_size(part));
}

const struct mr_config_system *mr_zap_admit(const struct mr_zap *zap, struct mr_slice domain,
        struct mr_slice mechanism, struct mr_slice credentials)
{
    if (!mr_slice_equal(domain, mr_slice_str(MR_ZAP_DOMAIN)) ||
            !mr_slice_equal(mechanism, mr_slice_str("CURVE")) || credentials.size != sizeof zap->keys[0].key)
        return NULL;
    for (size_t i = 0; i < zap->keys_count; i++)
        if (memcmp(zap->keys[i].key, credentials.data, credentials.size) == 0)
            return zap->keys[i].system;
    return NULL;
}

static void count(struct mr_zap *zap, const struct mr_config_system *system, struct mr_slice address)
{
    int64_t now_us = mr_clock_monotonic_us(mr_clock_system());
    char text[64] = "";

    if (system) {
        zap->admitted++;
        return;
    }
    zap->refused++;
    if (zap->quiet || (zap->logged_us != 0 && now_us - zap->logged_us < 1000 * 1000))
        return;
    zap->logged_us = now_us;
    memcpy(text, address.data, address.size < sizeof text ? address.size : sizeof text - 1);
    mr_warn("zap.refused", "address", text, "total", MR_N(zap->refused));
}

static void on_request(struct mr_zsock *zsock, zmq_msg_t *parts, int parts_count)
{
    struct mr_zap *zap = zsock->data;
    const struct mr_config_system *system = NULL;
    struct mr_slice request = {0};

    if (parts_count >= PARTS) {
        request = part_of(&parts[PART_REQUEST]);
        system = mr_zap_admit(zap, part_of(&parts[PART_DOMAIN]), part_of(&parts[PART_MECHANISM]),
                part_of(&parts[PART_CREDENTIALS]));
        count(zap, system, part_of(&parts[PART_ADDRESS]));
    }
    const struct mr_slice reply[] = {mr_slice_str("1.0"), request, mr_slice_str(system ? "200" : "400"),
            mr_slice_str(system ? "OK" : "unknown key"), mr_slice_str(system ? system->public_key : ""), {0}};

    (void)mr_zsock_send(zsock, reply, (int)MR_COUNT(reply));
}

int mr_zap_take(struct mr_zap *zap, const struct mr_config *config)
{
    struct mr_zap_key *keys = calloc(config->systems_count + 1, sizeof *keys);
    size_t count = 0;

    if (!keys)
        return MR_ENOMEM;
    for (uint32_t i = 0; i < config->systems_count; i++) {
        if (!zmq_z85_decode(keys[count].key, config->systems[i].public_key)) {
            free(keys);
            return MR_EINVAL;
        }
        keys[count++].system = &config->systems[i];
    }
    free(zap->keys);
    zap->keys = keys;
    zap->keys_count = count;
    return 0;
}

int mr_zap_open(struct mr_zap *zap, uv_loop_t *loop, void *zmq, const struct mr_config *config,
        struct mr_error *reterr)
{
    void *socket;

    *zap = (struct mr_zap){0};
    if (mr_zap_take(zap, config) < 0)
        return mr_error_set(
                reterr, MR_ECONFIG, "systems", "`marshrut keys new` makes keys", "a key is not a CURVE key");
    socket = zmq_socket(zmq, ZMQ_REP);
    if (!socket || zmq_bind(socket, "inproc://zeromq.zap.01") != 0) {
        if (socket)
            (void)zmq_close(socket);
        return mr_error_set(
                reterr, MR_ESYSTEM, "zap", "", "cannot bind the ZAP handler: %s", zmq_strerror(zmq_errno()));
    }
    return mr_zsock_open(&zap->zsock, loop, socket, 64, on_request, zap);
}

void mr_zap_close(struct mr_zap *zap)
{
    mr_zsock_close(&zap->zsock, NULL);
    free(zap->keys);
    zap->keys = NULL;
    zap->keys_count = 0;
}
