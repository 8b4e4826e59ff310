#include <sodium.h>

#include "store/keyring_internal.h"

/*
 * One AES-256 block under the receiver's own key: a permutation, so ids stay unique, the same person always
 * has the same pseudonym for a receiver, and the hub can turn it back without a table.
 */
static int block(
        const struct mr_keyring *keyring, const char *receiver, bool encrypt, const uint8_t *in, uint8_t *ret)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t key[MR_KEY_BYTES];
    uint8_t out[MR_PERSON_ID_BYTES];
    int size = 0;
    bool ok = false;

    (void)crypto_generichash(key, sizeof key, (const uint8_t *)receiver, strlen(receiver),
            keyring->secrets->pseudonym, MR_KEY_BYTES);
    if (ctx)
        ok = EVP_CipherInit_ex(ctx, keyring->aes, NULL, key, NULL, encrypt) == 1 &&
             EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
             EVP_CipherUpdate(ctx, out, &size, in, MR_PERSON_ID_BYTES) == 1 && size == MR_PERSON_ID_BYTES;
    EVP_CIPHER_CTX_free(ctx);
    sodium_memzero(key, sizeof key);
    if (ok)
        memcpy(ret, out, sizeof out);
    else
        memset(ret, 0, sizeof out);
    return ok ? 0 : MR_ENOMEM;
}

int mr_keyring_pseudonym(const struct mr_keyring *keyring, const char *receiver,
        const uint8_t person[static MR_PERSON_ID_BYTES], uint8_t ret[static MR_PERSON_ID_BYTES])
{
    return block(keyring, receiver, true, person, ret);
}

int mr_keyring_pseudonym_open(const struct mr_keyring *keyring, const char *receiver,
        const uint8_t pseudonym[static MR_PERSON_ID_BYTES], uint8_t ret[static MR_PERSON_ID_BYTES])
{
    return block(keyring, receiver, false, pseudonym, ret);
}
