#include "adapters/sdk/outbox_internal.h"

#include <sodium.h>

#include "proto/base/bytes.h"

enum {
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    HEAD = 4 + NONCE,
    BOUND = 16
};

uint32_t mr_outbox_sealed_day(struct mr_slice sealed)
{
    return sealed.size >= HEAD + TAG ? mr_get_be32(sealed.data) : 0;
}

static void bind_to(uint64_t epoch, uint64_t sequence, uint8_t out[static BOUND])
{
    mr_put_be64(out, epoch);
    mr_put_be64(out + 8, sequence);
}

int mr_outbox_seal(struct mr_outbox *outbox, uint32_t day, uint64_t epoch, uint64_t sequence,
        struct mr_slice event, struct mr_slice ref, struct mr_buf *out)
{
    const uint8_t *key;
    uint8_t bound[BOUND], nonce[NONCE];
    struct mr_buf plain = MR_BUF_INIT;
    unsigned long long sealed_size;
    uint8_t *room;
    int r = mr_outbox_keys_get(&outbox->keys, day, true, &key);

    if (r < 0)
        return r;
    mr_buf_put_u8(&plain, (uint8_t)ref.size);
    mr_buf_put_slice(&plain, ref);
    mr_buf_put_slice(&plain, event);
    bind_to(epoch, sequence, bound);
    randombytes_buf(nonce, sizeof nonce);
    mr_buf_put_be32(out, day);
    mr_buf_put(out, nonce, sizeof nonce);
    room = mr_buf_reserve(out, plain.size + TAG);
    if (room && !mr_buf_failed(&plain)) {
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
                room, &sealed_size, plain.data, plain.size, bound, sizeof bound, NULL, nonce, key);
        out->size += (size_t)sealed_size;
    } else {
        r = MR_ENOMEM;
    }
    mr_buf_wipe(&plain);
    return r;
}

int mr_outbox_unseal(struct mr_outbox *outbox, uint64_t epoch, uint64_t sequence, struct mr_slice sealed,
        struct mr_buf *plain, struct mr_slice *ret_event, struct mr_slice *ret_ref)
{
    const uint8_t *key;
    uint8_t bound[BOUND];
    unsigned long long size;
    uint32_t day = mr_outbox_sealed_day(sealed);
    uint8_t *room;
    int r;

    mr_buf_reset(plain);
    if (day == 0)
        return MR_ECORRUPT;
    r = mr_outbox_keys_get(&outbox->keys, day, false, &key);
    if (r < 0)
        return r == MR_ENOTFOUND ? MR_EDESTROYED : r;
    room = mr_buf_reserve(plain, sealed.size - HEAD);
    if (!room)
        return MR_ENOMEM;
    bind_to(epoch, sequence, bound);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(room, &size, NULL, sealed.data + HEAD, sealed.size - HEAD,
                bound, sizeof bound, sealed.data + 4, key) != 0 ||
            size < 1 || size < 1u + room[0])
        return MR_ECORRUPT;
    plain->size = (size_t)size;
    *ret_ref = mr_slice(room + 1, room[0]);
    *ret_event = mr_slice(room + 1 + room[0], (size_t)size - 1 - room[0]);
    return 0;
}
