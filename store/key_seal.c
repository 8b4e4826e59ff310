#include <sodium.h>

#include "store/keyring_internal.h"
#include "store/random.h"
#include "store/xchacha.h"

/* nonce[24] | AEAD(dek, plain); AAD = tag || key_id || the caller's aad. The tag keeps rows and slots apart.
 */
static const char TAG[] = "hub-seal-v1";

enum { HEAD_BYTES = sizeof TAG + MR_KEY_ID_BYTES, AAD_MAX = HEAD_BYTES + MR_SEAL_AAD_MAX };

/* Bytes, or 0 when the caller's part is too long. */
static size_t seal_aad(const struct mr_slot_key *key, struct mr_slice aad, uint8_t ret[static AAD_MAX])
{
    if (aad.size > MR_SEAL_AAD_MAX)
        return 0;
    memcpy(ret, TAG, sizeof TAG);
    memcpy(ret + sizeof TAG, key->id, MR_KEY_ID_BYTES);
    if (aad.size > 0)
        memcpy(ret + HEAD_BYTES, aad.data, aad.size);
    return HEAD_BYTES + aad.size;
}

int mr_keyring_seal(
        const struct mr_slot_key *key, struct mr_slice aad, struct mr_slice plain, struct mr_buf *out)
{
    return mr_keyring_seal_from(NULL, key, aad, plain, out);
}

int mr_keyring_seal_from(struct mr_random *random, const struct mr_slot_key *key, struct mr_slice aad,
        struct mr_slice plain, struct mr_buf *out)
{
    uint8_t bound[AAD_MAX];
    size_t bound_size = seal_aad(key, aad, bound);
    uint8_t *at;

    if (bound_size == 0)
        return MR_EINVAL;
    at = mr_buf_reserve(out, MR_NONCE_BYTES + plain.size + MR_AEAD_TAG_BYTES);
    if (!at)
        return MR_ENOMEM;
    if (random)
        mr_random_take(random, at, MR_NONCE_BYTES);
    else
        randombytes_buf(at, MR_NONCE_BYTES);
    mr_xchacha_seal(at + MR_NONCE_BYTES, plain, mr_slice(bound, bound_size), at, key->dek);
    out->size += MR_NONCE_BYTES + plain.size + MR_AEAD_TAG_BYTES;
    return 0;
}

int mr_keyring_unseal(
        const struct mr_slot_key *key, struct mr_slice aad, struct mr_slice sealed, struct mr_buf *out)
{
    uint8_t bound[AAD_MAX];
    size_t bound_size = seal_aad(key, aad, bound);
    size_t size;
    uint8_t *at;

    if (bound_size == 0)
        return MR_EINVAL;
    if (sealed.size < MR_NONCE_BYTES + MR_AEAD_TAG_BYTES)
        return MR_ECORRUPT;
    size = sealed.size - MR_NONCE_BYTES;
    at = mr_buf_reserve(out, size);
    if (!at)
        return MR_ENOMEM;
    if (!mr_xchacha_open(at, mr_slice(sealed.data + MR_NONCE_BYTES, size), mr_slice(bound, bound_size),
                sealed.data, key->dek))
        return MR_ECORRUPT;
    out->size += size - MR_AEAD_TAG_BYTES;
    return 0;
}
